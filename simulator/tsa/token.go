package tsa

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/asn1"
	"fmt"
	"io"
	"math/big"
	"sort"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	oidSignedData      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidTSTInfo         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidContentType     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	oidSigningCertV2   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidSHA256          = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA256WithRSA   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidECDSAWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
)

func contextConstructed(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

// granted wraps a token in a TimeStampResp with status granted (0).
func granted(token []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(0) })
		b.AddBytes(token)
	})
	return b.Bytes()
}

// info encodes TSTInfo, RFC 3161 2.4.2.
func (a *Authority) info(q query, at time.Time) ([]byte, error) {
	serial := make([]byte, 20)
	if _, err := io.ReadFull(a.entropy, serial); err != nil {
		return nil, fmt.Errorf("draw serial number: %w", err)
	}
	serial[0] &= 0x7f
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1ObjectIdentifier(policy)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(q.algorithm)
			b.AddASN1OctetString(q.digest)
		})
		b.AddASN1BigInt(new(big.Int).SetBytes(serial))
		b.AddASN1GeneralizedTime(at)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(1) }) // accuracy: one second
		b.AddBytes(q.nonce)
	})
	return b.Bytes()
}

// attribute encodes one CMS attribute with a single value.
func attribute(oid asn1.ObjectIdentifier, value func(*cryptobyte.Builder)) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		b.AddASN1(cbasn1.SET, value)
	})
	return b.Bytes()
}

// signedAttributes returns the attributes in DER order, without the SET around
// them: they are hashed with the SET's own tag and sent with [0] (RFC 5652 5.4).
func (a *Authority) signedAttributes(info []byte, at time.Time) ([]byte, error) {
	digest := sha256.Sum256(info)
	certificate := sha256.Sum256(a.identity.Certificate.Raw)
	values := []struct {
		oid   asn1.ObjectIdentifier
		value func(*cryptobyte.Builder)
	}{
		{oidContentType, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidTSTInfo) }},
		{oidSigningTime, func(b *cryptobyte.Builder) { b.AddASN1UTCTime(at) }},
		{oidMessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(digest[:]) }},
		// SigningCertificateV2 with one ESSCertIDv2; SHA-256 is its default and
		// so left out (RFC 5035 4).
		{oidSigningCertV2, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1OctetString(certificate[:])
						b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
							b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
								b.AddASN1(contextConstructed(4), func(b *cryptobyte.Builder) { b.AddBytes(a.identity.Certificate.RawIssuer) })
							})
							b.AddASN1BigInt(a.identity.Certificate.SerialNumber)
						})
					})
				})
			})
		}},
	}
	var encoded [][]byte
	for _, v := range values {
		der, err := attribute(v.oid, v.value)
		if err != nil {
			return nil, fmt.Errorf("encode attribute: %w", err)
		}
		encoded = append(encoded, der)
	}
	sort.Slice(encoded, func(i, j int) bool { return bytes.Compare(encoded[i], encoded[j]) < 0 })
	return bytes.Join(encoded, nil), nil
}

// token makes the CMS SignedData of a timestamp (RFC 3161 2.4.2).
func (a *Authority) token(q query) ([]byte, error) {
	at := a.clock().UTC().Truncate(time.Second)
	info, err := a.info(q, at)
	if err != nil {
		return nil, err
	}
	attributes, err := a.signedAttributes(info, at)
	if err != nil {
		return nil, err
	}
	var set cryptobyte.Builder
	set.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(attributes) })
	signed, err := set.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encode attributes: %w", err)
	}
	digest := sha256.Sum256(signed)
	signature, err := a.identity.Key.Sign(a.entropy, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign token: %w", err)
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidSignedData)
		b.AddASN1(contextConstructed(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(3) // the content is not id-data (RFC 5652 5.1)
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { addAlgorithm(b, oidSHA256) })
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(oidTSTInfo)
					b.AddASN1(contextConstructed(0), func(b *cryptobyte.Builder) { b.AddASN1OctetString(info) })
				})
				if q.certReq {
					b.AddASN1(contextConstructed(0), func(b *cryptobyte.Builder) { b.AddBytes(a.identity.Certificate.Raw) })
				}
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { a.addSignerInfo(b, attributes, signature) })
			})
		})
	})
	return b.Bytes()
}

func (a *Authority) addSignerInfo(b *cryptobyte.Builder, attributes, signature []byte) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1) // by issuer and serial number
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(a.identity.Certificate.RawIssuer)
			b.AddASN1BigInt(a.identity.Certificate.SerialNumber)
		})
		addAlgorithm(b, oidSHA256)
		b.AddASN1(contextConstructed(0), func(b *cryptobyte.Builder) { b.AddBytes(attributes) })
		if _, ok := a.identity.Key.Public().(*ecdsa.PublicKey); ok {
			// RFC 5758 3.2: without parameters.
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidECDSAWithSHA256) })
		} else {
			addAlgorithm(b, oidSHA256WithRSA)
		}
		b.AddASN1OctetString(signature)
	})
}

func addAlgorithm(b *cryptobyte.Builder, oid asn1.ObjectIdentifier) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		b.AddASN1NULL()
	})
}
