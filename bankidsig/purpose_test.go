package bankidsig_test

import (
	"crypto/x509"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/bankidsig"
)

const (
	signatureUse      = x509.KeyUsageContentCommitment
	identificationUse = x509.KeyUsageDigitalSignature
)

// Each of the two is told from the other by what the person did and by the
// certificate that they did it with, whatever else is right about it.
func TestPurpose(t *testing.T) {
	w := newWorld(t)
	for name, tc := range map[string]struct {
		function string
		usage    x509.KeyUsage
		mode     bankidsig.Mode
		want     bankidsig.Reason
		purpose  string
	}{
		"a signature":                {"Signing", signatureUse, bankidsig.Mode{}, "", "match"},
		"a signature, strictly":      {"Signing", signatureUse, bankidsig.Mode{Strict: true}, "", "match"},
		"an identification":          {"Identification", identificationUse, bankidsig.Mode{Identification: true}, "", "match"},
		"a certificate for both":     {"Signing", signatureUse | identificationUse, bankidsig.Mode{Strict: true}, "", "match"},
		"a certificate for both, id": {"Identification", signatureUse | identificationUse, bankidsig.Mode{Identification: true}, "", "match"},

		"an identification as a signature":           {"Identification", identificationUse, bankidsig.Mode{}, bankidsig.NotASignature, ""},
		"one with the signing certificate":           {"Identification", signatureUse, bankidsig.Mode{}, bankidsig.NotASignature, ""},
		"a signature as an identification":           {"Signing", signatureUse, bankidsig.Mode{Identification: true}, bankidsig.NotAnIdentification, ""},
		"one with the identification certificate":    {"Signing", identificationUse, bankidsig.Mode{Identification: true}, bankidsig.NotAnIdentification, ""},
		"something new as a signature":               {"Payment", signatureUse, bankidsig.Mode{}, bankidsig.NotASignature, ""},
		"something new as an identification":         {"Payment", identificationUse, bankidsig.Mode{Identification: true}, bankidsig.NotAnIdentification, ""},
		"in another case as a signature":             {"signing", signatureUse, bankidsig.Mode{}, bankidsig.NotASignature, ""},
		"in another case as an identification":       {"identification", identificationUse, bankidsig.Mode{Identification: true}, bankidsig.NotAnIdentification, ""},
		"identified with the signing certificate":    {"Identification", signatureUse, bankidsig.Mode{Identification: true}, bankidsig.BadCertificate, ""},
		"signed with the other certificate":          {"Signing", identificationUse, bankidsig.Mode{}, "", "mismatch"},
		"signed with the other one, judged strictly": {"Signing", identificationUse, bankidsig.Mode{Strict: true}, bankidsig.BadCertificate, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := person()
			c.KeyUsage = tc.usage
			d := w.draft()
			d.certificates[0] = issue(t, &w.customer, w.leaf.key, c)
			require.Contains(t, d.data, "<funcId>Signing</funcId>")
			d.data = strings.Replace(d.data, "<funcId>Signing<", "<funcId>"+tc.function+"<", 1)
			changed := *w
			changed.leaf = d.certificates[0]
			in := changed.input(t, d, nil)
			in.Mode = tc.mode
			report, err := bankidsig.Verify(in, w.trust())
			require.Equal(t, tc.want, bankidsig.ReasonOf(err), "%v", err)
			if tc.want != "" {
				require.Nil(t, report)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.function, report.Function)
			require.Equal(t, tc.purpose, report.Checks["certificate_purpose"])
		})
	}
}

// An identification changed into a signature by whoever carries it is no signature.
func TestRelabelledIdentification(t *testing.T) {
	w := newWorld(t)
	d := w.draft()
	d.data = strings.Replace(d.data, "<funcId>Signing<", "<funcId>Identification<", 1)
	d.after = func(xml string) string { return strings.Replace(xml, "<funcId>Identification<", "<funcId>Signing<", 1) }
	_, err := bankidsig.Verify(w.input(t, d, nil), w.trust())
	require.Equal(t, bankidsig.BadDigest, bankidsig.ReasonOf(err), "%v", err)
}
