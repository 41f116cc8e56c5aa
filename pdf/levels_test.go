package pdf_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"io"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
	"github.com/handslag/handslag/pdf/revocation"
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

// sound holds a sealed document to its level as our own verifier sees it. Below
// B-LT the status of certificates is in no document.
func sound(t testing.TB, w *pdftest.World, b []byte, level pdf.Level) *pdf.Verification {
	believed := trust(w)
	if level == pdf.LevelB || level == pdf.LevelT {
		believed.Proofs.Add(revocation.Proof{CRL: w.CRL(t, nil)})
	}
	v, err := pdf.Verify(context.Background(), bytes.NewReader(b), int64(len(b)), believed)
	require.NoError(t, err)
	for i, s := range v.Signatures {
		require.Equal(t, pdf.TotalPassed, s.Indication, "%d: %+v", i, s)
		if s.Kind == pdf.KindSignature {
			require.Equal(t, level, s.Level, "%d: %+v", i, s)
		}
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

// sources answers for each certificate in its own way.
type sources func(*x509.Certificate) pdf.RevocationSource

func (s sources) Revocation(ctx context.Context, c, issuer *x509.Certificate) (revocation.Proof, error) {
	return s(c).Revocation(ctx, c, issuer)
}

func TestRespondersAreKeptAndAsked(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	responder := w.Responder(t, func(c *x509.Certificate) {
		c.ExtraExtensions, c.CRLDistributionPoints = nil, []string{"http://crl.test/all.crl"}
	})
	in := pdftest.Pages(1).Table()
	itself := &pdftest.Status{T: t, World: w, By: responder}
	o := lasting(t, w, pdf.LevelLT)
	o.Revocation = itself
	_, err := pdf.Seal(context.Background(), revision(in), o)
	require.Equal(t, "seal_status_unproven", fault.CodeOf(err), "it would have to vouch for itself")

	o.Revocation = sources(func(c *x509.Certificate) pdf.RevocationSource {
		if c.Equal(responder.Cert) {
			return &pdftest.Status{T: t, World: w, List: true}
		}
		return itself
	})
	out := sealWith(t, in, o)
	require.Equal(t, map[string]int{"Certs": 4, "OCSPs": 2, "CRLs": 1}, stored(t, out))
	sound(t, w, out, pdf.LevelLT)
}

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

// turning is a timestamper that another authority stands in for after so many
// questions.
type turning struct {
	world   *pdftest.World
	by      []*pdftest.Identity
	counted int
}

func (s *turning) Timestamp(_ context.Context, digest []byte) ([]byte, error) {
	by := s.by[min(s.counted, len(s.by)-1)]
	s.counted++
	return s.world.Token(by, digest, nil)
}

func TestArchiveProvesWhoeverStampedIt(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	other := w.Stamper(t, "Second TSA", func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"http://crl.test/all.crl"} })
	o := lasting(t, w, pdf.LevelLTA)
	stamps := &turning{world: w, by: []*pdftest.Identity{w.Stamp, other}}
	o.Timestamper = stamps
	out := sealWith(t, pdftest.Pages(1).Table(), o)
	sound(t, w, out, pdf.LevelLTA)
	require.Equal(t, 3, stamps.counted, "one for the signature, one that came from somebody new, one over the proofs of that")
	v := verify(t, w, out)
	require.Len(t, v.Signatures, 2, "what was stamped first is not there")
}

func TestStoreProvesEveryChain(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	between := w.Issue(t, pdftest.P256(t), "Issuing CA", func(c *x509.Certificate) {
		c.IsCA, c.CRLDistributionPoints = true, []string{"http://crl.test/all.crl"}
	})
	w.Seal = w.IssueUnder(t, between, w.Seal.Key, "Seal", func(c *x509.Certificate) { c.OCSPServer = []string{"http://ocsp.test/"} })
	o := lasting(t, w, pdf.LevelLT)
	o.Revocation = &pdftest.Status{T: t, World: w, Issuers: []*pdftest.Identity{between}}
	for form, in := range pdftest.Pages(1).Forms() {
		out := sealWith(t, in, o)
		require.Equal(t, map[string]int{"Certs": 4, "OCSPs": 3}, stored(t, out), form)
		sound(t, w, out, pdf.LevelLT)
	}
}

func TestHoleGrowsWithTheToken(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	large := &largeStamper{World: w, padding: 9 << 10}
	o := lasting(t, w, pdf.LevelLTA)
	o.Timestamper = large
	sound(t, w, sealWith(t, pdftest.Pages(1).Table(), o), pdf.LevelLTA)
	require.Equal(t, 4, large.asked, "twice each: too small, then right")

	large.asked, large.growing = 0, true
	_, err := pdf.Seal(context.Background(), revision(pdftest.Pages(1).Table()), o)
	require.Equal(t, "seal_too_large", fault.CodeOf(err))
	require.Equal(t, 4, large.asked)
}

// largeStamper carries certificates along until its tokens are large.
type largeStamper struct {
	*pdftest.World
	padding int
	growing bool
	asked   int
}

func (s *largeStamper) Timestamp(_ context.Context, digest []byte) ([]byte, error) {
	s.asked++
	if s.growing {
		s.padding += 4 << 10
	}
	by := *s.Stamp
	for n := 0; n < s.padding; n += len(s.Root.Cert.Raw) {
		by.CA = append(by.CA, s.Root.Cert)
	}
	return s.Token(&by, digest, nil)
}

// What a document of somebody else refers to and does not have, does not come to
// life by what keeps it.
func TestRenewDefinesNothingThatWasWaitedFor(t *testing.T) {
	d := pdftest.Pages(1)
	last := slices.Max(slices.Collect(maps.Keys(d.Objects)))
	for name, c := range map[string]struct {
		ahead int // of the last object
		fails bool
	}{
		"beside the seal": {ahead: 12}, "far away": {ahead: 4000}, "nowhere": {ahead: 9_000_000, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := pdftest.NewNamedWorld(t, pdftest.P256(t))
			o := lasting(t, w, pdf.LevelLTA)
			d := pdftest.Pages(1)
			d.Objects[last+1] = fmt.Sprintf("<</Waiting [%d 0 R]>>", last+1+c.ahead)
			out := sealWith(t, d.Table(), o)
			r := pdf.RenewOptions{Timestamper: w, Revocation: o.Revocation, Known: o.Known}
			w.Stamp = w.Stamper(t, "Second TSA", func(c *x509.Certificate) { c.OCSPServer = []string{"http://ocsp.test/"} })
			tail, err := pdf.Renew(context.Background(), revision(out), r)
			if c.fails {
				require.Equal(t, "pdf_ambiguous", fault.CodeOf(err), "%v", err)
				return
			}
			require.NoError(t, err)
			defined := bytes.Contains(tail, fmt.Appendf(nil, "\n%d 0 obj", last+1+c.ahead))
			require.False(t, defined)
			sound(t, w, append(out, tail...), pdf.LevelLTA)
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
