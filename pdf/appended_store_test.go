package pdf_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// What makes a seal last is an addition of ours; the same by other hands is not.
func TestWhatLastsPasses(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	for shape, d := range shapes() {
		for form, in := range d.Forms() {
			t.Run(shape+"/"+form, func(t *testing.T) {
				b := bytes.Clone(in)
				for _, level := range []pdf.Level{pdf.LevelB, pdf.LevelLT, pdf.LevelLTA} {
					b = sealWith(t, b, lasting(t, w, level))
					require.NoError(t, checkAppended(b, len(in)), level)
				}
				r := pdf.RenewOptions{Timestamper: w, Revocation: &pdftest.Status{T: t, World: w}, Known: []*x509.Certificate{w.Root.Cert}}
				tail, err := pdf.Renew(context.Background(), revision(b), r)
				require.NoError(t, err)
				b = append(b, tail...)
				require.NoError(t, checkAppended(b, len(in)))
				require.NoError(t, pdf.CheckSigned(bytes.NewReader(b), int64(len(b)), int64(len(in)), pdf.Limits{}))
			})
		}
	}
}

func TestStoresOfOthersAreRefused(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	in := pdftest.Pages(1).Table()
	sealed := sealWith(t, in, lasting(t, w, pdf.LevelT))
	catalog := written(t, sealed, 1)
	store := func(entry string) string { return catalog[:len(catalog)-2] + entry + ">>" }
	der := pdftest.Flate("", string(w.Root.Cert.Raw))
	for name, objects := range map[string]map[int]string{
		"text":            {1: store("/DSS 80 0 R"), 80: "<</Type /DSS /Certs [81 0 R]>>", 81: pdftest.Stream("", "BT (x) Tj ET")},
		"old text":        {1: store("/DSS 80 0 R"), 80: "<</Type /DSS /Certs [6 0 R]>>"},
		"other key":       {1: store("/DSS 80 0 R"), 80: "<</Type /DSS /Certs [81 0 R] /Page 82 0 R>>", 81: der, 82: "<<>>"},
		"lower version":   {1: store("/DSS 80 0 R /Version /1.4"), 80: "<</Type /DSS /Certs [81 0 R]>>", 81: der},
		"other extension": {1: store("/DSS 80 0 R /Extensions <</ADBE <</BaseVersion /1.7 /ExtensionLevel 8>>>>"), 80: "<</Type /DSS /Certs [81 0 R]>>", 81: der},
		"and a language":  {1: store("/DSS 80 0 R /Marked true"), 80: "<</Type /DSS /Certs [81 0 R]>>", 81: der},
	} {
		t.Run(name, func(t *testing.T) {
			tail, err := pdf.Tail(revision(sealed), objects)
			require.NoError(t, err)
			require.Equal(t, pdf.CodeAppendedChange, fault.CodeOf(checkAppended(append(bytes.Clone(sealed), tail...), len(in))))
		})
	}
	tail, err := pdf.Tail(revision(sealed), map[int]string{1: store("/DSS 80 0 R"), 80: "<</Type /DSS /Certs [81 0 R]>>", 81: der})
	require.NoError(t, err)
	require.NoError(t, checkAppended(append(bytes.Clone(sealed), tail...), len(in)), "the same as ours")
}

func written(t testing.TB, b []byte, num uint32) string {
	f, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Limits{})
	require.NoError(t, err)
	s, ok := f.Body(num)
	require.True(t, ok)
	return s
}
