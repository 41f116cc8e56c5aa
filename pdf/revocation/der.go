package revocation

import (
	"crypto"
	_ "crypto/sha1" //nolint:gosec // names issuers and keys (RFC 6960 4.1.1); it binds nothing
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var errMalformed = errors.New("revocation: not well formed")

func explicit(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

// bits reads a BIT STRING of whole octets.
func bits(in *cryptobyte.String) ([]byte, bool) {
	var b []byte
	return b, in.ReadASN1BitStringAsBytes(&b)
}

// instant reads a Time of either form (RFC 5280 5.1.2.4).
func instant(in *cryptobyte.String, t *time.Time) bool {
	if in.PeekASN1Tag(cbasn1.UTCTime) {
		return in.ReadASN1UTCTime(t)
	}
	return in.ReadASN1GeneralizedTime(t)
}

type extension struct {
	id       asn1.ObjectIdentifier
	critical bool
	value    cryptobyte.String
}

// extensions reads an Extensions sequence; the same one twice is refused, since
// two readers could heed different ones.
func extensions(in *cryptobyte.String) ([]extension, bool) {
	var list cryptobyte.String
	if !in.ReadASN1(&list, cbasn1.SEQUENCE) {
		return nil, false
	}
	var out []extension
	for !list.Empty() {
		var e extension
		var one cryptobyte.String
		if !list.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&e.id) ||
			one.PeekASN1Tag(cbasn1.BOOLEAN) && !one.ReadASN1Boolean(&e.critical) ||
			!one.ReadASN1(&e.value, cbasn1.OCTET_STRING) || !one.Empty() || len(out) >= maxExtensions {
			return nil, false
		}
		for _, other := range out {
			if other.id.Equal(e.id) {
				return nil, false
			}
		}
		out = append(out, e)
	}
	return out, true
}

const maxExtensions = 32

// signatureAlgorithm knows those that a proof may be signed with, parameters
// included. SHA-1 is not among them: a collision would let somebody else choose
// what the issuer says.
func signatureAlgorithm(in cryptobyte.String) x509.SignatureAlgorithm {
	var body cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !body.ReadASN1ObjectIdentifier(&oid) {
		return x509.UnknownSignatureAlgorithm
	}
	none, null := "", "\x05\x00"
	for _, known := range []struct {
		algorithm  x509.SignatureAlgorithm
		oid        asn1.ObjectIdentifier
		parameters string
	}{
		{x509.SHA256WithRSA, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, null},
		{x509.SHA384WithRSA, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}, null},
		{x509.SHA512WithRSA, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}, null},
		{x509.ECDSAWithSHA256, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}, none},
		{x509.ECDSAWithSHA384, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}, none},
		{x509.ECDSAWithSHA512, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}, none},
		{x509.PureEd25519, asn1.ObjectIdentifier{1, 3, 101, 112}, none},
		{x509.SHA256WithRSAPSS, oidPSS(), pssParameters(1, crypto.SHA256)},
		{x509.SHA384WithRSAPSS, oidPSS(), pssParameters(2, crypto.SHA384)},
		{x509.SHA512WithRSAPSS, oidPSS(), pssParameters(3, crypto.SHA512)},
	} {
		// RFC 4055 5: parameters of RSA are NULL, and absent ones are to be accepted.
		if oid.Equal(known.oid) && (string(body) == known.parameters || len(body) == 0 && known.parameters == null) {
			return known.algorithm
		}
	}
	return x509.UnknownSignatureAlgorithm
}

func oidPSS() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10} }

// pssParameters are the one form that issuers use: one digest for all, a salt of
// its length (RFC 8017 A.2.3). number is the digest's, below the NIST hash arc.
func pssParameters(number int, h crypto.Hash) string {
	var b cryptobyte.Builder
	digest := func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, number})
			b.AddASN1NULL()
		})
	}
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(explicit(0), digest)
		b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8})
				digest(b)
			})
		})
		b.AddASN1(explicit(2), func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(h.Size())) })
	})
	return string(b.BytesOrPanic())
}

// signed is what OCSP responses and revocation lists have in common.
type signed struct {
	tbs       []byte
	algorithm cryptobyte.String
	signature []byte
}

func (s signed) by(c *x509.Certificate) bool {
	a := signatureAlgorithm(s.algorithm)
	return a != x509.UnknownSignatureAlgorithm && c.CheckSignature(a, s.tbs, s.signature) == nil
}
