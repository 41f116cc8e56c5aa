package providers_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// No value of the contract prints what it holds of a person, whatever the verb.
func TestValuesPrintNothingPrivate(t *testing.T) {
	person, err := signing.ParsePersonalNumber("191212121212")
	require.NoError(t, err)
	const secret = "hemligt"
	for _, v := range []any{
		providers.StartRequest{
			Attempt: "att_1", Signer: person, VisibleText: secret, Manifest: []byte(secret), ReturnURL: secret,
			EndUser: providers.EndUser{IP: netip.MustParseAddr("192.0.2.99"), Web: &providers.WebDevice{UserAgent: secret}},
		},
		providers.Order{Ref: "ref", AutoStartToken: secret, QRToken: secret, QRSecret: secret, RelayedQR: secret, RedirectURL: secret},
		providers.Answer{Raw: []byte(secret + " 191212121212"), Hint: "userSign", RelayedQR: secret},
		providers.Expectation{Order: "ref", Signer: person, VisibleText: secret, Manifest: []byte(secret)},
		providers.Result{SignerName: secret, Proofs: map[string][]byte{"signature.xml": []byte(secret + " 191212121212")}},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			printed := fmt.Sprintf(verb, v)
			for _, private := range []string{secret, fmt.Sprintf("%x", secret), "191212121212", "192.0.2.99"} {
				require.NotContains(t, printed, private, "%s of %T", verb, v)
			}
		}
	}
	require.Equal(t, "{Answer terminal=false hint=userSign}", fmt.Sprint(providers.Answer{Hint: "userSign"}))
}
