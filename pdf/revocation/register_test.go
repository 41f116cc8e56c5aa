package revocation_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ocsp"

	"github.com/handslag/handslag/pdf/internal/pdftest"
	"github.com/handslag/handslag/pdf/revocation"
)

type world struct {
	*pdftest.World
	leaf      *x509.Certificate
	responder *pdftest.Identity
}

func newWorld(t testing.TB) *world {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	leaf := w.Issue(t, pdftest.P256(t), "Leaf", func(c *x509.Certificate) {
		c.NotAfter = w.Now.AddDate(1, 0, 0)
		c.OCSPServer, c.CRLDistributionPoints = []string{"http://ocsp.test/"}, []string{"http://crl.test/a"}
	})
	return &world{w, leaf.Cert, w.Responder(t, nil)}
}

func (w *world) ask(at, now time.Time, p revocation.Proofs) revocation.Answer {
	return revocation.NewRegister(p).Status(revocation.Question{Certificate: w.leaf, Issuer: w.Root.Cert, At: at, Now: now})
}

func generalized(t time.Time) []byte {
	der, err := asn1.MarshalWithParams(t, "generalized")
	if err != nil {
		panic(err)
	}
	return der
}

func critical(oid ...int) pkix.Extension {
	return pkix.Extension{Id: oid, Critical: true, Value: asn1.NullBytes}
}

func TestOCSPSays(t *testing.T) {
	w := newWorld(t)
	stranger := pdftest.NewWorld(t, pdftest.P256(t))
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		change func(*pdftest.Response)
		by     *pdftest.Identity
		at     time.Duration
		now    time.Duration
		want   revocation.Status
		why    string
	}{
		"by the issuer":         {want: revocation.Good, by: w.Root},
		"by the issuer's key":   {want: revocation.Good, by: w.Root, change: func(r *pdftest.Response) { r.ByKey = true }},
		"by a responder":        {want: revocation.Good},
		"by a responder's key":  {want: revocation.Good, change: func(r *pdftest.Response) { r.ByKey = true }},
		"SHA-256 names":         {want: revocation.Good, change: func(r *pdftest.Response) { r.Singles[0].Hash = crypto.SHA256 }},
		"current, half an hour": {want: revocation.Good, at: time.Minute * 30},
		"made afterwards":       {want: revocation.Good, at: -day},
		"stale":                 {want: revocation.Unknown, at: 2 * time.Hour, now: 3 * time.Hour, why: "another time"},
		"no next update, late":  {want: revocation.Unknown, at: time.Hour, now: time.Hour, why: "another time", change: func(r *pdftest.Response) { r.Singles[0].NextUpdate = time.Time{} }},
		"no next update, skew":  {want: revocation.Good, at: 30 * time.Second, change: func(r *pdftest.Response) { r.Singles[0].NextUpdate = time.Time{} }},
		"from the future":       {want: revocation.Unknown, at: -day, now: -day, why: "later than can be believed"},
		"produced in future":    {want: revocation.Unknown, why: "later than can be believed", change: func(r *pdftest.Response) { r.ProducedAt = w.Now.Add(day) }},
		"unknown to it":         {want: revocation.Unknown, why: "does not know", change: func(r *pdftest.Response) { r.Singles[0].Unknown = true }},
		"revoked":               {want: revocation.Revoked, change: func(r *pdftest.Response) { r.Singles[0].RevokedAt = w.Now.Add(-day) }},
		"revoked, and stale":    {want: revocation.Revoked, at: 2 * day, now: 3 * day, change: func(r *pdftest.Response) { r.Singles[0].RevokedAt = w.Now.Add(-day) }},
		"about another":         {want: revocation.Unknown, why: "no proof", change: func(r *pdftest.Response) { r.Singles[0].About = w.Seal.Cert }},
		"second of two": {want: revocation.Good, change: func(r *pdftest.Response) {
			other := r.Singles[0]
			other.About, other.RevokedAt = w.Seal.Cert, w.Now
			r.Singles = append([]pdftest.Single{other}, r.Singles...)
		}},
		"critical extension": {want: revocation.Unknown, why: "not understood", change: func(r *pdftest.Response) { r.Extensions = []pkix.Extension{critical(1, 2, 3)} }},
		"critical single":    {want: revocation.Unknown, why: "not understood", change: func(r *pdftest.Response) { r.Singles[0].Extensions = []pkix.Extension{critical(1, 2, 3)} }},
		"expired, forgotten": {want: revocation.Unknown, at: -day, now: 10 * 365 * day, why: "another time", change: func(r *pdftest.Response) {
			r.Singles[0].ThisUpdate = w.leaf.NotAfter.Add(time.Hour)
			r.Singles[0].NextUpdate = w.leaf.NotAfter.Add(day)
		}},
		"expired, in archive": {want: revocation.Good, at: -day, now: 10 * 365 * day, change: func(r *pdftest.Response) {
			r.Singles[0].ThisUpdate = w.leaf.NotAfter.Add(time.Hour)
			r.Singles[0].Extensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 6}, Value: generalized(w.Now)}}
		}},
		"by the certificate itself":                 {by: &pdftest.Identity{Key: w.Seal.Key, Cert: w.Seal.Cert}, want: revocation.Unknown, why: "not signed by whom"},
		"by a responder of someone else":            {by: stranger.Responder(t, nil), want: revocation.Unknown, why: "not signed by whom"},
		"by one not appointed":                      {by: w.Seal, want: revocation.Unknown, why: "not signed by whom"},
		"by an expired responder":                   {want: revocation.Unknown, why: "not signed by whom", by: w.Responder(t, func(c *x509.Certificate) { c.NotAfter = w.Now.Add(-day) })},
		"by one without nocheck, that says nowhere": {want: revocation.Good, by: w.Responder(t, func(c *x509.Certificate) { c.ExtraExtensions = nil })},
		"by one without nocheck, unproven": {want: revocation.Unknown, why: "still appointed", by: w.Responder(t, func(c *x509.Certificate) {
			c.ExtraExtensions, c.OCSPServer = nil, []string{"http://ocsp.test/"}
		})},
	} {
		t.Run(name, func(t *testing.T) {
			by := c.by
			if by == nil {
				by = w.responder
			}
			der := w.OCSP(t, w.leaf, by, c.change)
			a := w.ask(w.Now.Add(c.at), w.Now.Add(c.now), revocation.Proofs{OCSP: [][]byte{[]byte("junk"), nil, der}})
			require.Equal(t, c.want, a.Status, a.Why)
			require.Contains(t, a.Why, c.why)
			require.True(t, revocation.IsOCSP(der))
			if a.Status != revocation.Unknown {
				require.Equal(t, revocation.OCSP, a.Used.Kind)
				require.Equal(t, by.Cert.Raw, a.Used.Responder.Raw)
				require.Equal(t, der, a.Used.Raw)
			}
		})
	}
}

func TestResponderProvenByListOrOutside(t *testing.T) {
	w := newWorld(t)
	named := w.Responder(t, func(c *x509.Certificate) {
		c.ExtraExtensions, c.CRLDistributionPoints = nil, []string{"http://crl.test/a"}
	})
	bare := w.OCSP(t, w.leaf, named, func(r *pdftest.Response) { r.Bare = true })
	p := revocation.Proofs{OCSP: [][]byte{bare}, CRLs: [][]byte{w.CRL(t, nil, named.Cert)}}
	// The list alone answers for the leaf; the responder is nobody.
	require.Equal(t, revocation.CRL, w.ask(w.Now, w.Now, p).Used.Kind)

	p.CRLs = [][]byte{w.CRL(t, func(l *x509.RevocationList) { l.ThisUpdate = w.Now.Add(-time.Minute) })}
	p.Certificates = [][]byte{named.Cert.Raw}
	a := w.ask(w.Now, w.Now, p)
	require.Equal(t, revocation.OCSP, a.Used.Kind, "the newer proof decides")
	require.Equal(t, named.Cert.Raw, a.Used.Responder.Raw)
}

func TestTamperedOCSPSaysNothing(t *testing.T) {
	w := newWorld(t)
	der := w.OCSP(t, w.leaf, w.responder, nil)
	for i := range der {
		bad := bytes.Clone(der)
		bad[i] ^= 1
		if a := w.ask(w.Now, w.Now, revocation.Proofs{OCSP: [][]byte{bad}}); a.Status != revocation.Unknown {
			// What is not signed are the certificates, and those are signed themselves.
			t.Fatalf("byte %d of %d is not bound", i, len(der))
		}
	}
}

func TestCRLSays(t *testing.T) {
	w := newWorld(t)
	day := 24 * time.Hour
	point := func(body ...byte) func(*x509.RevocationList) {
		return func(l *x509.RevocationList) {
			value := append([]byte{0x30, byte(len(body))}, body...)
			l.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: value}}
		}
	}
	uri := func(s string) []byte {
		b := append([]byte{0x86, byte(len(s))}, s...)
		b = append([]byte{0xa0, byte(len(b))}, b...)
		return append([]byte{0xa0, byte(len(b))}, b...)
	}
	entry := func(e ...pkix.Extension) func(*x509.RevocationList) {
		return func(l *x509.RevocationList) {
			l.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: big.NewInt(99), RevocationTime: w.Now, ExtraExtensions: e}}
		}
	}
	for name, c := range map[string]struct {
		change  func(*x509.RevocationList)
		revoked []*x509.Certificate
		at, now time.Duration
		want    revocation.Status
		why     string
	}{
		"empty":                {want: revocation.Good},
		"others":               {want: revocation.Good, revoked: []*x509.Certificate{w.Seal.Cert, w.Stamp.Cert}},
		"this one":             {want: revocation.Revoked, revoked: []*x509.Certificate{w.Seal.Cert, w.leaf}},
		"made afterwards":      {want: revocation.Good, at: -day},
		"stale":                {want: revocation.Unknown, at: day, now: day, why: "another time"},
		"future":               {want: revocation.Unknown, at: -day, now: -day, why: "later"},
		"this point":           {want: revocation.Good, change: point(uri("http://crl.test/a")...)},
		"another point":        {want: revocation.Unknown, change: point(uri("http://crl.test/b")...), why: "not about"},
		"users":                {want: revocation.Good, change: point(0x81, 1, 0xff)},
		"authorities":          {want: revocation.Unknown, change: point(0x82, 1, 0xff), why: "not about"},
		"some reasons":         {want: revocation.Unknown, change: point(0x83, 2, 1, 2), why: "not about"},
		"indirect":             {want: revocation.Unknown, change: point(0x84, 1, 0xff), why: "not about"},
		"attributes":           {want: revocation.Unknown, change: point(0x85, 1, 0xff), why: "not about"},
		"broken point":         {want: revocation.Unknown, change: point(0x86, 1, 0xff), why: "no proof"},
		"delta":                {want: revocation.Unknown, why: "not understood", change: func(l *x509.RevocationList) { l.ExtraExtensions = []pkix.Extension{critical(2, 5, 29, 27)} }},
		"entry not understood": {want: revocation.Unknown, why: "not understood", change: entry(critical(2, 5, 29, 29))},
		"entry with remark":    {want: revocation.Good, change: entry(pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 24}, Value: generalized(w.Now)})},
		"expired, forgotten": {want: revocation.Unknown, now: 10 * 365 * day, why: "another time", change: func(l *x509.RevocationList) {
			l.ThisUpdate = w.leaf.NotAfter.Add(time.Second)
			l.NextUpdate = l.ThisUpdate.Add(day)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			der := w.CRL(t, c.change, c.revoked...)
			a := w.ask(w.Now.Add(c.at), w.Now.Add(c.now), revocation.Proofs{CRLs: [][]byte{der}})
			require.Equal(t, c.want, a.Status, a.Why)
			require.Contains(t, a.Why, c.why)
			if a.Status == revocation.Revoked {
				require.Equal(t, w.Now.Add(-time.Hour), a.RevokedAt)
				require.Equal(t, 1, a.Reason)
			}
		})
	}
}

func TestExpiredCertificatesOnList(t *testing.T) {
	w := newWorld(t)
	w.leaf = w.Issue(t, pdftest.P256(t), "Short", func(c *x509.Certificate) { c.NotAfter = w.Now.Add(-time.Hour) }).Cert
	kept := w.CRL(t, func(l *x509.RevocationList) {
		l.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 60}, Value: generalized(w.Now.AddDate(-1, 0, 0))}}
	})
	at := w.Now.Add(-2 * time.Hour)
	require.Equal(t, revocation.Good, w.ask(at, w.Now, revocation.Proofs{CRLs: [][]byte{kept}}).Status)
	require.Equal(t, revocation.Unknown, w.ask(at, w.Now, revocation.Proofs{CRLs: [][]byte{w.CRL(t, nil)}}).Status)
}

func TestRevocationStandsAgainstNewerPraise(t *testing.T) {
	w := newWorld(t)
	at := func(d time.Duration, reason int) []byte {
		return w.OCSP(t, w.leaf, w.responder, func(r *pdftest.Response) {
			r.ProducedAt, r.Singles[0].ThisUpdate = w.Now.Add(d), w.Now.Add(d)
			if reason >= 0 {
				r.Singles[0].RevokedAt, r.Singles[0].Reason = w.Now.Add(d), reason
			}
		})
	}
	good := at(0, -1)
	require.Equal(t, revocation.Revoked, w.ask(w.Now, w.Now, revocation.Proofs{OCSP: [][]byte{at(-time.Hour, 1), good}}).Status)
	require.Equal(t, revocation.Good, w.ask(w.Now, w.Now, revocation.Proofs{OCSP: [][]byte{at(-time.Hour, revocation.CertificateHold), good}}).Status)
	a := w.ask(w.Now, w.Now, revocation.Proofs{OCSP: [][]byte{good, at(-time.Hour, 1), at(-2*time.Hour, 4)}})
	require.Equal(t, w.Now.Add(-2*time.Hour), a.RevokedAt, "the earliest counts")
}

func TestOtherIssuerIsNoQuestion(t *testing.T) {
	w := newWorld(t)
	a := revocation.NewRegister(revocation.Proofs{}).Status(revocation.Question{Certificate: w.leaf, Issuer: w.Seal.Cert, At: w.Now})
	require.Equal(t, revocation.Unknown, a.Status)
}

// The library of the Go project reads what the tests are made of.
func TestTestsSpeakOCSP(t *testing.T) {
	w := newWorld(t)
	r, err := ocsp.ParseResponseForCert(w.OCSP(t, w.leaf, w.responder, nil), w.leaf, w.Root.Cert)
	require.NoError(t, err)
	require.Equal(t, ocsp.Good, r.Status)
}

func TestCertificatesThatNeedNoProof(t *testing.T) {
	w := newWorld(t)
	short := w.Issue(t, pdftest.P256(t), "Short", func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{0, 4, 0, 194121, 2, 1}, Value: asn1.NullBytes}}
	})
	require.True(t, revocation.ShortLived(short.Cert))
	require.False(t, revocation.ShortLived(w.leaf))
	require.True(t, revocation.Named(w.leaf))
	require.False(t, revocation.Named(short.Cert))
	require.True(t, revocation.NoCheck(w.responder.Cert))
}

func FuzzOCSP(f *testing.F) {
	w := newWorld(f)
	f.Add(w.OCSP(f, w.leaf, w.responder, nil))
	f.Add(w.OCSP(f, w.leaf, w.Root, func(r *pdftest.Response) {
		r.ByKey, r.Singles[0].RevokedAt, r.Extensions = true, w.Now, []pkix.Extension{critical(1, 2)}
	}))
	f.Fuzz(func(t *testing.T, der []byte) {
		a := w.ask(w.Now, w.Now, revocation.Proofs{OCSP: [][]byte{der}})
		require.Equal(t, a.Status == revocation.Unknown, a.Used == nil)
		if a.Used != nil {
			require.True(t, revocation.IsOCSP(der))
		}
	})
}

func FuzzCRL(f *testing.F) {
	w := newWorld(f)
	f.Add(w.CRL(f, nil, w.leaf, w.Seal.Cert))
	f.Add(w.CRL(f, func(l *x509.RevocationList) {
		l.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: []byte{0x30, 3, 0x81, 1, 0xff}}}
	}))
	f.Fuzz(func(t *testing.T, der []byte) {
		a := w.ask(w.Now, w.Now, revocation.Proofs{CRLs: [][]byte{der}})
		require.Equal(t, a.Status == revocation.Unknown, a.Used == nil)
	})
}

// RFC 4055 5: the parameters of an RSA signature are NULL, and absent ones are to
// be accepted; some issuers leave them out.
func TestListSignedByRSAWithoutParameters(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	ca := w.Issue(t, pdftest.RSA(t, 2048), "RSA CA", func(c *x509.Certificate) { c.IsCA = true })
	about := w.IssueUnder(t, ca, pdftest.P256(t), "Signer", nil)
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: w.Now, NextUpdate: w.Now.Add(time.Hour),
	}, ca.Cert, ca.Key)
	require.NoError(t, err)
	with, without := []byte("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00"), []byte("\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b")
	var list struct{ TBS, Algorithm, Signature asn1.RawValue }
	_, err = asn1.Unmarshal(der, &list)
	require.NoError(t, err)
	tbs, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: bytes.Replace(list.TBS.Bytes, with, without, 1)})
	require.NoError(t, err)
	digest := sha256.Sum256(tbs)
	signature, err := ca.Key.Sign(rand.Reader, digest[:], crypto.SHA256)
	require.NoError(t, err)
	bare, err := asn1.Marshal(struct {
		TBS, Algorithm asn1.RawValue
		Signature      asn1.BitString
	}{asn1.RawValue{FullBytes: tbs}, asn1.RawValue{FullBytes: without}, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
	require.NoError(t, err)
	for _, der := range [][]byte{der, bare} {
		r := revocation.NewRegister(revocation.Proofs{CRLs: [][]byte{der}})
		a := r.Status(revocation.Question{Certificate: about.Cert, Issuer: ca.Cert, At: w.Now})
		require.Equal(t, revocation.Good, a.Status, a.Why)
	}
}
