package pdf_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
	"github.com/handslag/handslag/pdf/revocation"
)

// The authorities here do what real ones do, and what is allowed.

// asking counts the questions that go to a source.
type asking struct {
	pdf.RevocationSource
	asked atomic.Int32
}

func (a *asking) Revocation(ctx context.Context, c, issuer *x509.Certificate) (revocation.Proof, error) {
	a.asked.Add(1)
	return a.RevocationSource.Revocation(ctx, c, issuer)
}

func passes(t *testing.T, w *pdftest.World, b []byte, level pdf.Level) {
	v, err := pdf.Verify(context.Background(), bytes.NewReader(b), int64(len(b)), pdf.Trust{Seal: w.Pool(), Timestamp: w.Pool(), Now: w.Now})
	require.NoError(t, err)
	require.Equal(t, pdf.TotalPassed, v.Indication, "%+v", v)
	require.Equal(t, level, v.Signatures[0].Level)
}

func authority(c *x509.Certificate) { c.IsCA = true }

// One key of an authority has several certificates; only one of them leads to a
// root that is known, and it need not be the first.
func TestSealUnderCrossCertificates(t *testing.T) {
	key := pdftest.P256(t)
	w := pdftest.NewNamedWorld(t, key)
	other := pdftest.NewNamedWorld(t, pdftest.P256(t))
	middleKey := pdftest.P256(t)
	named := func(c *x509.Certificate) {
		c.IsCA = true
		c.OCSPServer = []string{"http://ocsp.test/"}
	}
	stranger := w.IssueUnder(t, other.Issue(t, pdftest.P256(t), "Another Root", authority), middleKey, "Middle", named)
	cross := w.Issue(t, middleKey, "Middle", named)
	seal := w.IssueUnder(t, cross, key, "Seal", func(c *x509.Certificate) { c.OCSPServer = []string{"http://ocsp.test/"} })
	for name, middle := range map[string][]*x509.Certificate{
		"the one that leads nowhere first": {stranger.Cert, cross.Cert}, "last": {cross.Cert, stranger.Cert},
	} {
		t.Run(name, func(t *testing.T) {
			o := lasting(t, w, pdf.LevelLTA)
			o.Chain = append([]*x509.Certificate{seal.Cert}, middle...)
			o.Revocation = &pdftest.Status{T: t, World: w, Issuers: []*pdftest.Identity{cross, stranger}}
			passes(t, w, sealWith(t, pdftest.Pages(1).Table(), o), pdf.LevelLTA)
		})
	}
}

// Nobody is asked in vain, and nothing is still being asked when it has failed.
func TestSealAsksNobodyWhenAStatusIsNamedNowhere(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	w.Stamp = w.Stamper(t, "Silent TSA", nil)
	o := lasting(t, w, pdf.LevelLTA)
	source := &asking{RevocationSource: o.Revocation}
	o.Revocation = source
	_, err := pdf.Seal(context.Background(), revision(pdftest.Pages(1).Table()), o)
	require.Equal(t, "seal_status_unnamed", fault.CodeOf(err))
	time.Sleep(20 * time.Millisecond) // for questions that go on behind its back
	require.Zero(t, source.asked.Load())
}

// No proof of status makes up for a certificate that was not valid when the
// timestamp says that it was used.
func TestSealWithACertificateOutOfItsTime(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	for name, change := range map[string]func(*x509.Certificate){
		"run out":   func(c *x509.Certificate) { c.NotAfter = w.Now.Add(-time.Hour) },
		"not begun": func(c *x509.Certificate) { c.NotBefore = w.Now.Add(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			o := lasting(t, w, pdf.LevelLT)
			o.Chain = w.Issue(t, w.Seal.Key, "Seal", func(c *x509.Certificate) {
				c.OCSPServer = []string{"http://ocsp.test/"}
				change(c)
			}).Chain()
			_, err := pdf.Seal(context.Background(), revision(pdftest.Pages(1).Table()), o)
			require.Equal(t, "seal_certificate_time", fault.CodeOf(err), "%v", err)
		})
	}
}

// What an issuer vouches for in a responder it does not vouch for in a signer.
func TestSealByACertificateThatNeedsNoCheckAsAResponder(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	o := lasting(t, w, pdf.LevelLTA)
	o.Chain = w.Issue(t, w.Seal.Key, "Seal", func(c *x509.Certificate) {
		c.OCSPServer = []string{"http://ocsp.test/"}
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, Value: asn1.NullBytes}}
	}).Chain()
	passes(t, w, sealWith(t, pdftest.Pages(1).Table(), o), pdf.LevelLTA)
}

// units is a timestamp authority of several machines, each with a key of its own.
type units struct {
	world *pdftest.World
	all   []*pdftest.Identity
	next  int
}

func (u *units) Timestamp(_ context.Context, digest []byte) ([]byte, error) {
	u.next++
	return u.world.Token(u.all[(u.next-1)%len(u.all)], digest, nil)
}

func TestSealWithAnAuthorityOfManyUnits(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	u := &units{world: w}
	for range 6 {
		u.all = append(u.all, w.Stamper(t, "Unit", func(c *x509.Certificate) { c.OCSPServer = []string{"http://ocsp.test/"} }))
	}
	o := lasting(t, w, pdf.LevelLTA)
	o.Timestamper = u
	passes(t, w, sealWith(t, pdftest.Pages(1).Table(), o), pdf.LevelLTA)
}

// A national authority's list has hundreds of thousands of entries; it goes into
// the document as it is, and again with each renewal.
func TestSealWithALargeList(t *testing.T) {
	if testing.Short() {
		t.Skip("signs lists of 14 MB")
	}
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	source := &largeList{t: t, w: w, entries: 400_000}
	o := lasting(t, w, pdf.LevelLTA)
	o.Revocation = source
	began := time.Now()
	b := sealWith(t, pdftest.Pages(1).ObjStm(), o)
	t.Logf("sealed in %v, %d bytes of list, %d of file", time.Since(began), len(source.der), len(b))
	passes(t, w, b, pdf.LevelLTA)
	for range 3 {
		w.Now = w.Now.Add(time.Minute)
		source.der = nil
		began = time.Now()
		tail, err := pdf.Renew(context.Background(), revision(b), pdf.RenewOptions{Timestamper: w, Revocation: source, Known: o.Known})
		require.NoError(t, err)
		t.Logf("renewed in %v", time.Since(began))
		b = append(b, tail...)
		began = time.Now()
		passes(t, w, b, pdf.LevelLTA)
		t.Logf("verified in %v", time.Since(began))
	}
}

type largeList struct {
	t       *testing.T
	w       *pdftest.World
	entries int
	der     []byte
	mu      sync.Mutex
}

func (l *largeList) Revocation(context.Context, *x509.Certificate, *x509.Certificate) (revocation.Proof, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.der == nil {
		l.der = l.w.CRL(l.t, func(r *x509.RevocationList) {
			for i := range l.entries {
				r.RevokedCertificateEntries = append(r.RevokedCertificateEntries, x509.RevocationListEntry{
					SerialNumber: new(big.Int).SetUint64(uint64(i)*0x9e3779b97f4a7c15 | 1<<63), RevocationTime: l.w.Now.Add(-time.Hour),
				})
			}
		})
	}
	return revocation.Proof{CRL: l.der}, nil
}
