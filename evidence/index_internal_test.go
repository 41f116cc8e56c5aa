package evidence

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzIndex: an index is read or refused, and what is read holds only what may
// be printed.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"version":"handslag-evidence-1","collection":"col_00000000000000000000000001","document":"doc_00000000000000000000000001",` +
		`"upload":{"revision":0,"length":1,"sha256":"0000000000000000000000000000000000000000000000000000000000000000"},"signatures":[],"audit":{"seq":0,"head":"0000000000000000000000000000000000000000000000000000000000000000"}}`))
	f.Add([]byte(`{"version":"handslag-evidence-1","collection":"\u001b[2J"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := parseIndex(b)
		if err != nil {
			return
		}
		require.NoError(t, x.check())
		require.Regexp(t, `^col_[0-9a-z]{26}$`, string(x.Collection))
		require.Regexp(t, `^doc_[0-9a-z]{26}$`, string(x.Document))
	})
}
