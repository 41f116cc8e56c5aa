package idkollen

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever is sent is refused in IDkollen's words, or is an order for BankID.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"text":"Jag skriver under.","digest":"ab","ssn":"191212121212"}`, `{"intent":"x","callInitiator":"USER","ssn":"191212121212"}`,
		`{"text":"x","callbackUrl":"https://a.example.com/x","orgNumber":"559000-0948","ipAddress":"8.8.8.8"}`, `{`, `null`, `{} {}`,
	} {
		f.Add([]byte(seed), uint8(1), true)
	}
	a := Account{ID: "one", CompanySignatory: true, CallbackHosts: []string{"a.example.com"}}
	f.Fuzz(func(t *testing.T, sent []byte, at uint8, asIs bool) {
		endpoint := starts[int(at)%len(starts)]
		q, err := parse(endpoint, a, sent)
		if err == nil {
			_, err = q.atBankID(endpoint, asIs)
		}
		if err != nil {
			r, ok := errors.AsType[*refusal](err)
			require.True(t, ok)
			require.Equal(t, 400, r.status)
		}
	})
}
