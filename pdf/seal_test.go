package pdf_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/elliptic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

func revision(b []byte) pdf.Revision {
	h := &pdf.HashState{}
	h.Write(b)
	return pdf.Revision{Source: bytes.NewReader(b), Size: int64(len(b)), Hash: h}
}

func options(w *pdftest.World) pdf.SealOptions {
	return pdf.SealOptions{Key: w.Seal.Key, Chain: w.Seal.Chain(), Time: w.Now, Reason: "Sealed", Name: "Bolaget Åäö AB", Timestamper: w}
}

func seal(t testing.TB, w *pdftest.World, b []byte) []byte {
	tail, err := pdf.Seal(context.Background(), revision(b), options(w))
	require.NoError(t, err)
	return append(bytes.Clone(b), tail...)
}

func verify(t testing.TB, w *pdftest.World, b []byte) *pdf.Verification {
	v, err := pdf.Verify(context.Background(), bytes.NewReader(b), int64(len(b)), trust(w))
	require.NoError(t, err)
	return v
}

func trust(w *pdftest.World) pdf.Trust {
	return pdf.Trust{Seal: w.Pool(), Timestamp: w.Pool(), Now: w.Now}
}

func additions(w *pdftest.World) pdf.Additions {
	pages := pdftest.Tagged(2)
	pages.Objects[50] = "<</Type /StructTreeRoot /K 51 0 R>>" // without roles of its own
	return pdf.Additions{
		Pages: pages.Table(), Time: w.Now,
		Files: []pdf.Attachment{
			{Name: "signatur-Å.xml", Description: "BankID signature", MIMEType: "application/xml", Relationship: "Data", Data: []byte("<x/>")},
			{Name: "manifest.json", MIMEType: "application/json", Relationship: "Data", Data: []byte("{}")},
		},
	}
}

func TestAppendAndSealEveryForm(t *testing.T) {
	keys := map[string]crypto.Signer{"p256": pdftest.P256(t), "p384": pdftest.ECDSA(t, elliptic.P384()), "rsa": pdftest.RSA(t, 2048)}
	for name, key := range keys {
		w := pdftest.NewWorld(t, key)
		for form, in := range pdftest.Pages(3).Forms() {
			t.Run(name+"/"+form, func(t *testing.T) {
				rev := revision(in)
				pages, err := pdf.Append(rev, additions(w))
				require.NoError(t, err)
				tail, err := pdf.Seal(context.Background(), rev.Extend(pages), options(w))
				require.NoError(t, err)
				out := bytes.Join([][]byte{in, pages, tail}, nil)

				v := verify(t, w, out)
				require.Equal(t, pdf.TotalPassed, v.Indication, "%+v", v)
				require.Equal(t, 5, v.Pages)
				require.Len(t, v.Signatures, 1)
				s := v.Signatures[0]
				require.Equal(t, pdf.LevelT, s.Level)
				require.Equal(t, w.Now, s.Timestamp)
				require.True(t, s.CoversWholeFile)
				require.Equal(t, w.Seal.Cert.Raw, s.Signer.Raw)

				twice := seal(t, w, out)
				v = verify(t, w, twice)
				require.Equal(t, pdf.TotalPassed, v.Indication, "%+v", v)
				require.Len(t, v.Signatures, 2)
				require.False(t, v.Signatures[0].CoversWholeFile)
			})
		}
	}
}
