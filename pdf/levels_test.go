package pdf_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// opaque is a key that shows nothing but what crypto.Signer asks for, as one in a
// machine of its own.
type opaque struct{ key crypto.Signer }

func (o opaque) Public() crypto.PublicKey { return o.key.Public() }
func (o opaque) Sign(r io.Reader, d []byte, opts crypto.SignerOpts) ([]byte, error) {
	return o.key.Sign(r, d, opts)
}

func lasting(t testing.TB, w *pdftest.World, level pdf.Level) pdf.SealOptions {
	o := options(w)
	o.Level, o.Known, o.Revocation = level, []*x509.Certificate{w.Root.Cert}, &pdftest.Status{T: t, World: w}
	return o
}

// sealWith seals and says what came of it.
func sealWith(t testing.TB, b []byte, o pdf.SealOptions) []byte {
	tail, err := pdf.Seal(context.Background(), revision(b), o)
	require.NoError(t, err)
	return append(bytes.Clone(b), tail...)
}

func TestSealEveryLevelWithEveryKey(t *testing.T) {
	rsa := pdftest.RSA(t, 2048)
	forms := pdftest.Pages(2).Forms()
	for name, c := range map[string]struct {
		key crypto.Signer
		pss bool
	}{
		"rsa": {rsa, false}, "pss": {rsa, true}, "p256": {pdftest.P256(t), false}, "p384": {pdftest.ECDSA(t, elliptic.P384()), false},
		"p521": {pdftest.ECDSA(t, elliptic.P521()), false}, "ed25519": {pdftest.Ed25519(t), false},
	} {
		w := pdftest.NewNamedWorld(t, c.key)
		for _, level := range []pdf.Level{pdf.LevelB, pdf.LevelT, pdf.LevelLT, pdf.LevelLTA} {
			for form, in := range forms {
				t.Run(name+"/"+string(level)+"/"+form, func(t *testing.T) {
					o := lasting(t, w, level)
					o.PSS, o.Key = c.pss, opaque{c.key}
					out := sealWith(t, in, o)
					sound(t, w, out, level)
					again := sealWith(t, out, o)
					sound(t, w, again, level)
				})
			}
		}
	}
}

// sound holds a sealed document to its level as our own verifier sees it.
func sound(t testing.TB, w *pdftest.World, b []byte, level pdf.Level) *pdf.Verification {
	v := verify(t, w, b)
	lasts := level == pdf.LevelLT || level == pdf.LevelLTA
	for _, s := range v.Signatures {
		if s.Kind == pdf.KindSignature {
			require.Equal(t, level, s.Level)
		} else if s.Indication != pdf.TotalPassed { // what would prove the newest can only come after it
			require.Equal(t, pdf.TryLater, s.SubIndication, s.Reason)
			require.True(t, s.CoversWholeFile)
			continue
		}
		if !lasts { // the certificates name where their status can be learnt, and nothing tells it
			require.Equal(t, pdf.TryLater, s.SubIndication, s.Reason)
			continue
		}
		require.Equal(t, pdf.TotalPassed, s.Indication, s.Reason)
	}
	return v
}

func TestSealNeverLowersItsLevel(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	in := pdftest.Pages(1).Table()
	down := fault.New(fault.Unavailable, "revocation_unavailable", "Down.")
	stamps := fault.New(fault.Unavailable, "tsa_unavailable", "Down.")
	unnamed := w.Issue(t, w.Seal.Key, "Unnamed", nil)
	for name, c := range map[string]struct {
		change func(*pdf.SealOptions)
		code   string
		kind   fault.Kind
	}{
		"no such level":        {func(o *pdf.SealOptions) { o.Level = "B-X" }, "seal_level", fault.Internal},
		"no timestamper":       {func(o *pdf.SealOptions) { o.Timestamper = nil }, "seal_level", fault.Internal},
		"no source":            {func(o *pdf.SealOptions) { o.Revocation = nil }, "seal_level", fault.Internal},
		"stamper down":         {func(o *pdf.SealOptions) { o.Timestamper = downStamper{stamps} }, "tsa_unavailable", fault.Unavailable},
		"source down":          {func(o *pdf.SealOptions) { o.Revocation = &pdftest.Status{Err: down} }, "revocation_unavailable", fault.Unavailable},
		"chain without root":   {func(o *pdf.SealOptions) { o.Known = nil }, "seal_chain_incomplete", fault.Internal},
		"status named nowhere": {func(o *pdf.SealOptions) { o.Chain = unnamed.Chain() }, "seal_status_unnamed", fault.Internal},
		"seal revoked": {func(o *pdf.SealOptions) {
			o.Revocation = &pdftest.Status{T: t, World: w, Revoked: []*x509.Certificate{w.Seal.Cert}}
		}, "certificate_revoked", fault.Internal},
		"stamper revoked": {func(o *pdf.SealOptions) {
			o.Revocation = &pdftest.Status{T: t, World: w, List: true, Revoked: []*x509.Certificate{w.Stamp.Cert}}
		}, "certificate_revoked", fault.Internal},
		"proofs of another": {func(o *pdf.SealOptions) {
			o.Revocation = &pdftest.Status{T: t, World: pdftest.NewNamedWorld(t, w.Seal.Key)}
		}, "seal_status_unproven", fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			o := lasting(t, w, pdf.LevelLTA)
			c.change(&o)
			tail, err := pdf.Seal(context.Background(), revision(in), o)
			require.Equal(t, c.code, fault.CodeOf(err), "%v", err)
			require.Equal(t, c.kind, fault.KindOf(err))
			require.Nil(t, tail)
		})
	}
}

type downStamper struct{ err error }

func (f downStamper) Timestamp(context.Context, []byte) ([]byte, error) { return nil, f.err }

func TestShortLivedCertificateNeedsNoProof(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	w.Seal = w.Issue(t, w.Seal.Key, "Short", func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{0, 4, 0, 194121, 2, 1}, Value: asn1.NullBytes}}
	})
	sound(t, w, sealWith(t, pdftest.Pages(1).Table(), lasting(t, w, pdf.LevelLTA)), pdf.LevelLTA)
}

func TestRespondersAreKeptAndAsked(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	responder := w.Responder(t, func(c *x509.Certificate) {
		c.ExtraExtensions, c.CRLDistributionPoints = nil, []string{"http://crl.test/all.crl"}
	})
	o := lasting(t, w, pdf.LevelLT)
	asked := &askedFor{Status: pdftest.Status{T: t, World: w, By: responder}}
	o.Revocation = asked
	_, err := pdf.Seal(context.Background(), revision(pdftest.Pages(1).Table()), o)
	// The responder would have to vouch for itself.
	require.Equal(t, "seal_status_unproven", fault.CodeOf(err))
}

type askedFor struct{ pdftest.Status }

func TestStoreKeepsEachProofOnce(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	o := lasting(t, w, pdf.LevelLTA)
	o.Revocation = &pdftest.Status{T: t, World: w, List: true}
	once := sealWith(t, pdftest.Pages(1).ObjStm(), o)
	require.Equal(t, map[string]int{"Certs": 3, "CRLs": 2}, stored(t, once))
}

func TestRenew(t *testing.T) {
	for form, in := range pdftest.Pages(2).Forms() {
		t.Run(form, func(t *testing.T) {
			w := pdftest.NewNamedWorld(t, pdftest.P256(t))
			o := lasting(t, w, pdf.LevelLTA)
			out := sealWith(t, in, o)
			first := w.Stamp
			w.Stamp = w.Stamper(t, "Second TSA", func(c *x509.Certificate) { c.OCSPServer = []string{"http://ocsp.test/"} })
			r := pdf.RenewOptions{Timestamper: w, Revocation: o.Revocation, Known: o.Known}
			for range 2 {
				tail, err := pdf.Renew(context.Background(), revision(out), r)
				require.NoError(t, err)
				out = append(out, tail...)
				sound(t, w, out, pdf.LevelLTA)
			}
			require.NotEqual(t, first, w.Stamp)
			require.Equal(t, 4, stored(t, out)["Certs"])
		})
	}
}

func TestRenewRefuses(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	r := pdf.RenewOptions{Timestamper: w, Revocation: &pdftest.Status{T: t, World: w}, Known: []*x509.Certificate{w.Root.Cert}}
	in := pdftest.Pages(1).Table()
	archived := sealWith(t, in, lasting(t, w, pdf.LevelLTA))
	tampered := bytes.Clone(archived)
	tampered[bytes.Index(tampered, []byte("BT"))] ^= 0x20
	for name, b := range map[string][]byte{
		"unsigned": in, "B-T": sealWith(t, in, lasting(t, w, pdf.LevelT)), "B-LT": sealWith(t, in, lasting(t, w, pdf.LevelLT)),
		"sealed again": sealWith(t, archived, lasting(t, w, pdf.LevelT)), "tampered": tampered,
	} {
		t.Run(name, func(t *testing.T) {
			tail, err := pdf.Renew(context.Background(), revision(b), r)
			require.Equal(t, "pdf_not_archived", fault.CodeOf(err), "%v", err)
			require.Nil(t, tail)
		})
	}
	_, err := pdf.Renew(context.Background(), revision(archived), pdf.RenewOptions{})
	require.Equal(t, "seal_level", fault.CodeOf(err))
}

func stored(t testing.TB, b []byte) map[string]int {
	f, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Limits{})
	require.NoError(t, err)
	all, err := f.Stored()
	require.NoError(t, err)
	return all
}
