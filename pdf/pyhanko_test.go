package pdf_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// What another program signed passes here, with the key types that it has and
// our own seal does not, and goes on passing under a seal of ours.
func TestSignaturesByPyHanko(t *testing.T) {
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for _, name := range []string{"ed25519", "rsa-pss", "p384"} {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("testdata", "pyhanko-"+name+".pdf"))
			require.NoError(t, err)
			cert, err := os.ReadFile(filepath.Join("testdata", "pyhanko-"+name+".pem"))
			require.NoError(t, err)
			roots := x509.NewCertPool()
			require.True(t, roots.AppendCertsFromPEM(cert))
			judge := func(b []byte) *pdf.Verification {
				v, err := pdf.Verify(context.Background(), bytes.NewReader(b), int64(len(b)), pdf.Trust{Seal: roots, Now: now})
				require.NoError(t, err)
				return v
			}
			v := judge(b)
			require.Equal(t, pdf.TotalPassed, v.Indication, v.Signatures[0].Reason)

			w := pdftest.NewWorld(t, pdftest.P256(t))
			v = judge(seal(t, w, b))
			require.Equal(t, pdf.TotalPassed, v.Signatures[0].Indication, v.Signatures[0].Reason)
			require.Equal(t, pdf.Indeterminate, v.Signatures[1].Indication, "our root was not given")

			changed := bytes.Replace(b, []byte("Page 1"), []byte("Page 2"), 1)
			require.Equal(t, pdf.HashFailure, judge(changed).SubIndication)
		})
	}
}
