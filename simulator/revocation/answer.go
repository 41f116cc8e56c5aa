package revocation

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha1" //nolint:gosec // KeyHash is SHA-1 (RFC 6960 4.2.1)
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"io"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/handslag/handslag/simulator/pki"
)

var (
	oidBasic           = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
	oidSHA256WithRSA   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidECDSAWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
)

// single is what is said about one certificate.
type single struct {
	certID  []byte
	known   bool
	revoked *pki.Record
}

// answer is a BasicOCSPResponse before it is signed.
type answer struct {
	by          pki.Identity
	carried     bool // the responder's certificate goes with the answer
	singles     []single
	at          time.Time // producedAt and thisUpdate
	until       time.Time // nextUpdate
	nonce       []byte
	spoilt      bool // by a wrong signature
	byName      bool // the responder by name, not by key
	keyHashBits []byte
}

// failure is an OCSPResponse without an answer: an ENUMERATED alone.
func failure(s responseStatus) []byte { return []byte{0x30, 0x03, 0x0a, 0x01, byte(s)} }

func (a answer) encode(entropy io.Reader) ([]byte, error) {
	data, err := a.data()
	if err != nil {
		return nil, fmt.Errorf("encode OCSP answer: %w", err)
	}
	digest := sha256.Sum256(data)
	signature, err := a.by.Key.Sign(entropy, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign OCSP answer: %w", err)
	}
	if a.spoilt {
		signature[len(signature)-1] ^= 0x01
	}
	var basic cryptobyte.Builder
	basic.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(data)
		addSignatureAlgorithm(b, a.by.Key)
		b.AddASN1BitString(signature)
		if a.carried {
			b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(a.by.Certificate.Raw) })
			})
		}
	})
	inner, err := basic.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encode OCSP answer: %w", err)
	}
	var whole cryptobyte.Builder
	whole.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(0) // successful
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oidBasic)
				b.AddASN1OctetString(inner)
			})
		})
	})
	return whole.Bytes()
}

// data is ResponseData, RFC 6960 4.2.1.
func (a answer) data() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if a.byName {
			b.AddASN1(explicit(1), func(b *cryptobyte.Builder) { b.AddBytes(a.by.Certificate.RawSubject) })
		} else {
			sum := sha1.Sum(a.keyHashBits) //nolint:gosec // see the import
			b.AddASN1(explicit(2), func(b *cryptobyte.Builder) { b.AddASN1OctetString(sum[:]) })
		}
		b.AddASN1GeneralizedTime(a.at)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, s := range a.singles {
				a.addSingle(b, s)
			}
		})
		if a.nonce != nil {
			b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1ObjectIdentifier(oidNonce)
						b.AddASN1(cbasn1.OCTET_STRING, func(b *cryptobyte.Builder) { b.AddASN1OctetString(a.nonce) })
					})
				})
			})
		}
	})
	return b.Bytes()
}

func (a answer) addSingle(b *cryptobyte.Builder, s single) {
	implicit := func(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific() }
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(s.certID)
		switch {
		case !s.known:
			b.AddASN1(implicit(2), func(*cryptobyte.Builder) {})
		case s.revoked != nil:
			b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
				b.AddASN1GeneralizedTime(s.revoked.RevokedAt)
				if s.revoked.Reason != pki.Unspecified { // RFC 5280 5.3.1: unspecified is left out
					b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(s.revoked.Reason)) })
				}
			})
		default:
			b.AddASN1(implicit(0), func(*cryptobyte.Builder) {})
		}
		b.AddASN1GeneralizedTime(a.at)
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(a.until) })
	})
}

func addSignatureAlgorithm(b *cryptobyte.Builder, key crypto.Signer) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if _, ok := key.(*ecdsa.PrivateKey); ok {
			b.AddASN1ObjectIdentifier(oidECDSAWithSHA256) // no parameters, RFC 5758 3.2
			return
		}
		b.AddASN1ObjectIdentifier(oidSHA256WithRSA)
		b.AddASN1NULL()
	})
}

// keyBits is what KeyHash and issuerKeyHash are taken of: the subject's key
// without tag, length and number of unused bits.
func keyBits(c *x509.Certificate) []byte {
	var spki struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	_, _ = asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &spki) // x509 has read it already
	return spki.Key.Bytes
}

// list makes a full CRL (RFC 5280 5) of what an authority has revoked. A
// certificate leaves it when it has run out, and is not on one of an earlier day.
func (s *Service) list(name pki.AuthorityName, issuer pki.Identity, at, until time.Time) ([]byte, error) {
	var entries []x509.RevocationListEntry
	for _, r := range s.o.PKI.Revoked(name) {
		if r.NotAfter.Before(at) || r.RevokedAt.After(at) {
			continue
		}
		entries = append(entries, x509.RevocationListEntry{
			SerialNumber: r.Serial, RevocationTime: r.RevokedAt, ReasonCode: int(r.Reason),
		})
	}
	der, err := x509.CreateRevocationList(s.o.Entropy, &x509.RevocationList{
		RevokedCertificateEntries: entries, Number: s.number(at), ThisUpdate: at, NextUpdate: until,
	}, issuer.Certificate, issuer.Key)
	if err != nil {
		return nil, fmt.Errorf("make CRL: %w", err)
	}
	return der, nil
}

// number is the CRL number, which only grows (RFC 5280 5.2.3), also over a
// restart: the seconds since 1970, or one more than the last.
func (s *Service) number(at time.Time) *big.Int {
	for {
		last := s.last.Load()
		next := max(last+1, at.Unix())
		if s.last.CompareAndSwap(last, next) {
			return big.NewInt(next)
		}
	}
}
