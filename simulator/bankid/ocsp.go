package bankid

import (
	"crypto/sha1" //nolint:gosec // CertID and nonce binding are SHA-1 in BankID's responses
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/handslag/handslag/simulator/pki"
)

var (
	oidOCSPBasic     = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
	oidOCSPNonce     = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}
	oidSHA1          = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidSHA256WithRSA = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
)

// status is what the OCSP response says about one certificate.
type status struct {
	certificate *x509.Certificate
	revoked     bool
	at          time.Time
	nonce       []byte
}

// boundNonce is BankID's nonce: 32 bytes of which the first 20 are the SHA-1 of
// the signature exactly as the collect answer spells it in base64.
func boundNonce(entropy io.Reader, signature string) ([]byte, error) {
	digest := sha1.Sum([]byte(signature)) //nolint:gosec // see the import
	nonce := make([]byte, 32)
	copy(nonce, digest[:])
	if _, err := io.ReadFull(entropy, nonce[len(digest):]); err != nil {
		return nil, fmt.Errorf("draw nonce: %w", err)
	}
	return nonce, nil
}

// respond makes an OCSP response of BankID's shape (RFC 6960 4.2.1): one single
// response, no nextUpdate, responder by name, and a nonce extension that is
// critical and holds raw bytes where RFC 8954 would wrap them in an OCTET
// STRING.
func respond(entropy io.Reader, world *pki.PKI, s status) ([]byte, error) {
	responder, err := world.Responder()
	if err != nil {
		return nil, err
	}
	issuerName, issuerKey, err := world.IssuerHashes()
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	addResponseData(&b, responder.Certificate.RawSubject, issuerName, issuerKey, s)
	data, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encode OCSP response data: %w", err)
	}
	signature, err := signBytes(entropy, responder.Key, data, false)
	if err != nil {
		return nil, err
	}
	var basic cryptobyte.Builder
	basic.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(data)
		addAlgorithm(b, oidSHA256WithRSA)
		b.AddASN1BitString(signature)
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(responder.Certificate.Raw) })
		})
	})
	inner, err := basic.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encode OCSP response: %w", err)
	}
	var whole cryptobyte.Builder
	whole.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(0) // successful
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oidOCSPBasic)
				b.AddASN1OctetString(inner)
			})
		})
	})
	return whole.Bytes()
}

func explicit(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

func addAlgorithm(b *cryptobyte.Builder, oid asn1.ObjectIdentifier) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		b.AddASN1NULL()
	})
}

func addResponseData(b *cryptobyte.Builder, responder, issuerName, issuerKey []byte, s status) {
	at := s.at.UTC().Truncate(time.Second)
	nameHash, keyHash := sha1.Sum(issuerName), sha1.Sum(issuerKey) //nolint:gosec // see the import
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(explicit(1), func(b *cryptobyte.Builder) { b.AddBytes(responder) }) // byName
		b.AddASN1GeneralizedTime(at)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					addAlgorithm(b, oidSHA1)
					b.AddASN1OctetString(nameHash[:])
					b.AddASN1OctetString(keyHash[:])
					b.AddASN1BigInt(s.certificate.SerialNumber)
				})
				if s.revoked {
					b.AddASN1(explicit(1), func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(at.Add(-time.Hour)) })
				} else {
					b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(*cryptobyte.Builder) {})
				}
				b.AddASN1GeneralizedTime(at)
			})
		})
		b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(oidOCSPNonce)
					b.AddASN1Boolean(true)
					b.AddASN1OctetString(s.nonce)
				})
			})
		})
	})
}
