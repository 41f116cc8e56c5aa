package pdftest

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/handslag/handslag/pdf/revocation"
)

// Responder is a certificate that the root appoints to answer for it.
func (w *World) Responder(t testing.TB, change func(*x509.Certificate)) *Identity {
	return w.issue(t, w.Root, P256(t), "Test Responder", func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, Value: asn1.NullBytes}}
		if change != nil {
			change(c)
		}
	})
}

// Single is what a response says of one certificate.
type Single struct {
	About                  *x509.Certificate
	Hash                   crypto.Hash // of the CertID
	Unknown                bool
	RevokedAt              time.Time // zero: good
	Reason                 int
	ThisUpdate, NextUpdate time.Time
	Extensions             []pkix.Extension
}

// Response is an OCSP response of the root.
type Response struct {
	By         *Identity
	Issuer     *x509.Certificate // of those it is about; the root's unless changed
	ByKey      bool              // names its responder by key rather than by name
	Bare       bool              // leaves the responder's certificate out
	ProducedAt time.Time
	Singles    []Single
	Extensions []pkix.Extension
}

// OCSP answers that a certificate of the root is good as of the world's time,
// for an hour; change makes it say something else.
func (w *World) OCSP(t testing.TB, about *x509.Certificate, by *Identity, change func(*Response)) []byte {
	r := &Response{By: by, Issuer: w.Root.Cert, ProducedAt: w.Now, Singles: []Single{{
		About: about, Hash: crypto.SHA1, ThisUpdate: w.Now, NextUpdate: w.Now.Add(time.Hour),
	}}}
	if change != nil {
		change(r)
	}
	tbs := build(t, cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { r.data(b, r.Issuer) })
	digest := crypto.SHA256.New()
	digest.Write(tbs)
	signature, err := r.By.Key.Sign(rand.Reader, digest.Sum(nil), crypto.SHA256)
	require.NoError(t, err)
	basic := build(t, cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2})
		})
		b.AddASN1BitString(signature)
		if !r.By.Cert.Equal(r.Issuer) && !r.Bare {
			b.AddASN1(context0, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(r.By.Cert.Raw) })
			})
		}
	})
	return build(t, cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(0)
		b.AddASN1(context0, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1})
				b.AddASN1OctetString(basic)
			})
		})
	})
}

const (
	context0 = cbasn1.Tag(0 | 0xa0)
	context1 = cbasn1.Tag(1 | 0xa0)
	context2 = cbasn1.Tag(2 | 0xa0)
)

func build(t testing.TB, tag cbasn1.Tag, f cryptobyte.BuilderContinuation) []byte {
	var b cryptobyte.Builder
	b.AddASN1(tag, f)
	der, err := b.Bytes()
	require.NoError(t, err)
	return der
}

func (r *Response) data(b *cryptobyte.Builder, issuer *x509.Certificate) {
	if r.ByKey {
		key := sha1.Sum(keyBits(r.By.Cert))
		b.AddASN1(context2, func(b *cryptobyte.Builder) { b.AddASN1OctetString(key[:]) })
	} else {
		b.AddASN1(context1, func(b *cryptobyte.Builder) { b.AddBytes(r.By.Cert.RawSubject) })
	}
	b.AddASN1GeneralizedTime(r.ProducedAt)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, s := range r.Singles {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { s.write(b, issuer) })
		}
	})
	addExtensions(b, r.Extensions)
}

func (s Single) write(b *cryptobyte.Builder, issuer *x509.Certificate) {
	oid := asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	if s.Hash == crypto.SHA256 {
		oid = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	}
	hash := func(in []byte) []byte { h := s.Hash.New(); h.Write(in); return h.Sum(nil) }
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oid); b.AddASN1NULL() })
		b.AddASN1OctetString(hash(issuer.RawSubject))
		b.AddASN1OctetString(hash(keyBits(issuer)))
		b.AddASN1BigInt(s.About.SerialNumber)
	})
	switch {
	case s.Unknown:
		b.AddASN1(cbasn1.Tag(2).ContextSpecific(), func(*cryptobyte.Builder) {})
	case s.RevokedAt.IsZero():
		b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(*cryptobyte.Builder) {})
	default:
		b.AddASN1(context1, func(b *cryptobyte.Builder) {
			b.AddASN1GeneralizedTime(s.RevokedAt)
			b.AddASN1(context0, func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(s.Reason)) })
		})
	}
	b.AddASN1GeneralizedTime(s.ThisUpdate)
	if !s.NextUpdate.IsZero() {
		b.AddASN1(context0, func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(s.NextUpdate) })
	}
	addExtensions(b, s.Extensions)
}

func addExtensions(b *cryptobyte.Builder, all []pkix.Extension) {
	if len(all) == 0 {
		return
	}
	b.AddASN1(context1, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, e := range all {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(e.Id)
					if e.Critical {
						b.AddASN1Boolean(true)
					}
					b.AddASN1OctetString(e.Value)
				})
			}
		})
	})
}

func keyBits(c *x509.Certificate) []byte {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	_, _ = asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &info)
	return info.Key.Bytes
}

// CRL is the root's list of revoked certificates as of the world's time, for an
// hour; change makes it another.
func (w *World) CRL(t testing.TB, change func(*x509.RevocationList), revoked ...*x509.Certificate) []byte {
	l := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: w.Now, NextUpdate: w.Now.Add(time.Hour)}
	for _, c := range revoked {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: c.SerialNumber, RevocationTime: w.Now.Add(-time.Hour), ReasonCode: 1,
		})
	}
	if change != nil {
		change(l)
	}
	der, err := x509.CreateRevocationList(rand.Reader, l, w.Root.Cert, w.Root.Key)
	require.NoError(t, err)
	return der
}

// Status tells the status of the root's certificates as the world has it, by the
// root's own OCSP responses, or its list. It is safe for concurrent use.
type Status struct {
	T       testing.TB
	World   *World
	By      *Identity           // nil: the issuer itself
	Issuers []*Identity         // beside the root
	List    bool                // answers with a list
	Revoked []*x509.Certificate // an hour ago
	Err     error               // what it answers instead
}

// Revocation makes it a source of proofs.
func (s *Status) Revocation(_ context.Context, c, issuer *x509.Certificate) (revocation.Proof, error) {
	if s.Err != nil {
		return revocation.Proof{}, s.Err
	}
	if s.List {
		return revocation.Proof{CRL: s.World.CRL(s.T, nil, s.Revoked...)}, nil
	}
	by := s.By
	for _, one := range append(s.Issuers, s.World.Root) {
		if by == nil && one.Cert.Equal(issuer) {
			by = one
		}
	}
	if by == nil { // not ours to answer, and nobody will believe it
		by = s.World.Root
	}
	p := revocation.Proof{OCSP: s.World.OCSP(s.T, c, by, func(r *Response) {
		r.Issuer = issuer
		if slices.ContainsFunc(s.Revoked, c.Equal) {
			r.Singles[0].RevokedAt, r.Singles[0].Reason = s.World.Now.Add(-time.Hour), 1
		}
	})}
	if s.By != nil {
		p.Certificates = [][]byte{by.Cert.Raw}
	}
	return p, nil
}
