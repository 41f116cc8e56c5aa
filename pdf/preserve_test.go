package pdf_test

import (
	"bytes"
	"crypto/x509"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

func preserving(t testing.TB, w *pdftest.World) pdf.PreserveOptions {
	return pdf.PreserveOptions{
		Timestamper: w, Revocation: &pdftest.Status{T: t, World: w}, Known: []*x509.Certificate{w.Root.Cert}, Now: w.Now,
	}
}

// A signature of somebody else's, which brought no proofs along, can be checked
// with nothing but the file and the anchors, also when its certificate has ended.
func TestPreserve(t *testing.T) {
	for _, level := range []pdf.Level{pdf.LevelB, pdf.LevelT, pdf.LevelLT} {
		t.Run(string(level), func(t *testing.T) {
			w := pdftest.NewNamedWorld(t, pdftest.P256(t))
			brief := w.Issue(t, pdftest.P256(t), "Kari", func(c *x509.Certificate) {
				c.NotAfter = w.Now.Add(10 * time.Minute)
				c.CRLDistributionPoints = []string{"http://status.invalid/crl"}
			})
			o := lasting(t, w, level)
			o.Key, o.Chain = brief.Key, brief.Chain()
			in := pdftest.Pages(2).Table()
			signed := sealWith(t, in, o)
			tail, err := pdf.Preserve(t.Context(), revision(signed), preserving(t, w))
			require.NoError(t, err)
			b := append(bytes.Clone(signed), tail...)
			require.NoError(t, pdf.CheckSigned(bytes.NewReader(b), int64(len(b)), int64(len(in)), pdf.Limits{}), "nothing but what may follow a signature")
			believed := trust(w)
			believed.Now = w.Now.Add(time.Hour)
			v, err := pdf.Verify(t.Context(), bytes.NewReader(b), int64(len(b)), believed)
			require.NoError(t, err)
			require.Equal(t, pdf.TotalPassed, v.Indication, "%s: %s", v.SubIndication, v.Signatures[0].Reason)
			require.False(t, v.Signatures[0].Timestamp.IsZero())
			if level != pdf.LevelLT {
				v, err = pdf.Verify(t.Context(), bytes.NewReader(signed), int64(len(signed)), believed)
				require.NoError(t, err)
				require.Equal(t, pdf.Indeterminate, v.Indication, "which it would not have been")
			}
		})
	}
}

// A revocation takes nothing from what a timestamp proves to be older, and all
// from what nothing proves.
func TestPreserveWhatWasRevoked(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	in := pdftest.Pages(1).Table()
	o := preserving(t, w)
	o.Revocation = &pdftest.Status{T: t, World: w, Revoked: []*x509.Certificate{w.Seal.Cert}} // an hour ago
	later := func(level pdf.Level) pdf.SealOptions {
		o := lasting(t, w, level)
		o.Time = w.Now
		return o
	}
	for _, level := range []pdf.Level{pdf.LevelB, pdf.LevelT} {
		_, err := pdf.Preserve(t.Context(), revision(sealWith(t, in, later(level))), o)
		require.Equal(t, "certificate_revoked", fault.CodeOf(err), "%s: it was signed after that", level)
	}
	signed := sealWith(t, in, later(pdf.LevelT))
	w.Now = w.Now.Add(2 * time.Hour) // so that it was revoked an hour after the timestamp
	o.Now = w.Now
	tail, err := pdf.Preserve(t.Context(), revision(signed), o)
	require.NoError(t, err)
	b := append(bytes.Clone(signed), tail...)
	v, err := pdf.Verify(t.Context(), bytes.NewReader(b), int64(len(b)), trust(w))
	require.NoError(t, err)
	require.Equal(t, pdf.TotalPassed, v.Indication, v.SubIndication)
}

// Signatures of the first bytes are left as they are, and so is a document that a
// signature has closed.
func TestPreserveLeavesOut(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	stranger := pdftest.NewNamedWorld(t, pdftest.P256(t))
	before := sealWith(t, pdftest.Pages(1).Table(), lasting(t, stranger, pdf.LevelB))
	signed := sealWith(t, before, lasting(t, w, pdf.LevelB))
	o := preserving(t, w)
	_, err := pdf.Preserve(t.Context(), revision(signed), o)
	require.Equal(t, "seal_chain_incomplete", fault.CodeOf(err))
	o.After = int64(len(before))
	_, err = pdf.Preserve(t.Context(), revision(signed), o)
	require.NoError(t, err)
}
