package pdf_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
	"github.com/handslag/handslag/pdf/revocation"
)

// Whatever is done to a document, in whatever order: the result starts with what
// it was made from, and every signature that was made still passes.
func TestSequencesKeepEverySignature(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	named := func(c *x509.Certificate) { c.OCSPServer = []string{"http://ocsp.test/"} }
	seals := []*pdftest.Identity{w.Seal}
	for _, key := range []crypto.Signer{
		pdftest.RSA(t, 2048), pdftest.ECDSA(t, elliptic.P384()), pdftest.ECDSA(t, elliptic.P521()), pdftest.Ed25519(t),
	} {
		seals = append(seals, w.Issue(t, key, "Seal", named))
	}
	stamps := []*pdftest.Identity{w.Stamp, w.Stamper(t, "Second TSA", named)}
	source := &pdftest.Status{T: t, World: w}
	known := []*x509.Certificate{w.Root.Cert}
	believed := trust(w)
	believed.Proofs.Add(revocation.Proof{CRL: w.CRL(t, nil)})

	rapid.Check(t, func(t *rapid.T) {
		forms := pdftest.Pages(rapid.IntRange(1, 3).Draw(t, "pages")).Forms()
		form := rapid.SampledFrom([]string{"table", "stream", "hybrid", "linearized"}).Draw(t, "form")
		out := forms[form]
		state := pdf.NewHashState(rapid.SampledFrom([][]crypto.Hash{nil, {crypto.SHA384}, {crypto.SHA384, crypto.SHA512}}).Draw(t, "kept")...)
		state.Write(out)
		signed, archived := 0, false
		for range rapid.IntRange(1, 4).Draw(t, "steps") {
			rev := pdf.Revision{Source: bytes.NewReader(out), Size: int64(len(out)), Hash: state}
			timestamper := &turning{world: w, by: []*pdftest.Identity{rapid.SampledFrom(stamps).Draw(t, "stamp")}}
			var tail []byte
			var err error
			switch step := rapid.SampledFrom([]string{"append", "seal", "seal", "renew"}).Draw(t, "step"); {
			case step == "append" && signed == 0:
				tail, err = pdf.Append(rev, additions(w))
			case step == "renew" && archived:
				tail, err = pdf.Renew(context.Background(), rev, pdf.RenewOptions{Timestamper: timestamper, Revocation: source, Known: known})
			default:
				id := rapid.SampledFrom(seals).Draw(t, "seal")
				level := rapid.SampledFrom([]pdf.Level{pdf.LevelB, pdf.LevelT, pdf.LevelLT, pdf.LevelLTA}).Draw(t, "level")
				tail, err = pdf.Seal(context.Background(), rev, pdf.SealOptions{
					Key: id.Key, Chain: id.Chain(), PSS: rapid.Bool().Draw(t, "pss"), Time: w.Now, Level: level,
					Timestamper: timestamper, Revocation: source, Known: known,
				})
				signed, archived = signed+1, level == pdf.LevelLTA
			}
			require.NoError(t, err)
			state.Write(tail)
			out = append(bytes.Clone(out), tail...)
		}
		v, err := pdf.Verify(context.Background(), bytes.NewReader(out), int64(len(out)), believed)
		require.NoError(t, err)
		signatures := 0
		for _, s := range v.Signatures {
			require.Equal(t, pdf.TotalPassed, s.Indication, "%+v", s)
			if s.Kind == pdf.KindSignature {
				signatures++
			}
		}
		require.Equal(t, signed, signatures)
		require.True(t, bytes.HasPrefix(out, forms[form]))
	})
}
