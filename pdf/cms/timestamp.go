package cms

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/handslag/handslag/fault"
)

// Token is a timestamp token (RFC 3161 2.4.2) whose signature holds. Trust in
// its signer is a question of its own: [Token.Chain].
type Token struct {
	Time   time.Time
	Nonce  *big.Int // nil when there is none
	Signer *x509.Certificate

	signed *Signed
	hash   crypto.Hash
}

// VerifyToken checks a timestamp token over message: its form, its imprint, its
// signature, and that its signer's certificate is for timestamps alone (2.3).
func VerifyToken(der, message []byte) (*Token, error) {
	return VerifyTokenWith(der, message, nil)
}

// VerifyTokenWith is [VerifyToken] with further certificates, in which the
// authority's own is looked for when the token does not carry it.
func VerifyTokenWith(der, message []byte, further [][]byte) (*Token, error) {
	s, err := Parse(der)
	if err != nil {
		return nil, err
	}
	return s.verifyToken(further, func(h crypto.Hash) []byte {
		d := h.New()
		d.Write(message)
		return d.Sum(nil)
	})
}

// Imprint reads which digest algorithm a token is about, before anything else of
// it is known to be sound.
func (s *Signed) Imprint() (crypto.Hash, error) {
	t := &Token{signed: s}
	_, err := t.readInfo(s.Content)
	return t.hash, err
}

// VerifyTokenImprint is [VerifyTokenWith] for a parsed token over a message that
// is known by its digest, under [Signed.Imprint].
func (s *Signed) VerifyTokenImprint(digest []byte, further [][]byte) (*Token, error) {
	return s.verifyToken(further, func(crypto.Hash) []byte { return digest })
}

// VerifyTokenDigest is [VerifyToken] for a message known by its SHA-256.
func VerifyTokenDigest(der, digest []byte) (*Token, error) {
	s, err := Parse(der)
	if err != nil {
		return nil, err
	}
	return s.verifyToken(nil, func(h crypto.Hash) []byte {
		if h != crypto.SHA256 {
			return nil
		}
		return digest
	})
}

func (s *Signed) verifyToken(further [][]byte, imprint func(crypto.Hash) []byte) (*Token, error) {
	t := &Token{signed: s}
	said, err := t.readInfo(s.Content)
	if err != nil {
		return nil, err
	}
	if want := imprint(t.hash); want == nil || !bytes.Equal(said, want) {
		return nil, fault.New(fault.Invalid, CodeImprint, "The timestamp is over something else.")
	}
	d := s.digest.New()
	d.Write(s.Content)
	if t.Signer, err = s.verifyWith(further, oidTSTInfo, d.Sum(nil)); err != nil {
		return nil, err
	}
	if !stampsOnly(t.Signer) {
		return nil, fault.New(fault.Invalid, CodeNotStamper, "The timestamp's signer is not certified for timestamps.")
	}
	return t, nil
}

// stampsOnly: RFC 3161 2.3 asks for one extended key usage, timeStamping, and
// for it to be critical.
func stampsOnly(c *x509.Certificate) bool {
	if len(c.ExtKeyUsage) != 1 || c.ExtKeyUsage[0] != x509.ExtKeyUsageTimeStamping || len(c.UnknownExtKeyUsage) != 0 {
		return false
	}
	for _, e := range c.Extensions {
		if e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 37}) {
			return e.Critical
		}
	}
	return false
}

// readInfo parses TSTInfo and returns the imprint.
func (t *Token) readInfo(content []byte) ([]byte, error) {
	in := cryptobyte.String(content)
	var info, imprint, hashed cryptobyte.String
	var version int
	var policy asn1.ObjectIdentifier
	if !in.ReadASN1(&info, cbasn1.SEQUENCE) || !in.Empty() || !info.ReadASN1Integer(&version) || version != 1 ||
		!info.ReadASN1ObjectIdentifier(&policy) || !info.ReadASN1(&imprint, cbasn1.SEQUENCE) {
		return nil, malformed("no timestamp")
	}
	alg, ok := readAlgorithm(&imprint)
	if !ok || !imprint.ReadASN1(&hashed, cbasn1.OCTET_STRING) || !imprint.Empty() {
		return nil, malformed("timestamp imprint")
	}
	if t.hash, ok = digestByOID(alg.oid); !ok {
		return nil, weak("timestamp digest")
	}
	serial := new(big.Int)
	var when cryptobyte.String
	if !info.ReadASN1Integer(serial) || !info.ReadASN1(&when, cbasn1.GeneralizedTime) {
		return nil, malformed("timestamp time")
	}
	var err error
	// 2.4.2: seconds required, fraction optional, always Z. Go accepts a fraction
	// after the seconds of the layout.
	if t.Time, err = time.Parse("20060102150405Z", string(when)); err != nil {
		return nil, malformed("timestamp time")
	}
	if !info.SkipOptionalASN1(cbasn1.SEQUENCE) || !info.SkipOptionalASN1(cbasn1.BOOLEAN) {
		return nil, malformed("timestamp accuracy")
	}
	if info.PeekASN1Tag(cbasn1.INTEGER) {
		t.Nonce = new(big.Int)
		if !info.ReadASN1Integer(t.Nonce) {
			return nil, malformed("timestamp nonce")
		}
	}
	if !info.SkipOptionalASN1(explicit(0)) || !info.SkipOptionalASN1(explicit(1)) || !info.Empty() {
		return nil, malformed("timestamp")
	}
	return hashed, nil
}

// Certificates are those that the token carries, raw.
func (t *Token) Certificates() [][]byte { return t.signed.Certificates }

// Revocation is what the token carries about the status of certificates.
func (t *Token) Revocation() (ocsp, crls [][]byte) { return t.signed.Revocation() }

// Chain checks that roots vouch for the timestamp's signer at the time it gives,
// over certificates that it carries or further ones.
func (t *Token) Chain(roots *x509.CertPool, further ...*x509.Certificate) error {
	_, err := t.signed.Chain(t.Signer, roots, t.Time, x509.ExtKeyUsageTimeStamping, further...)
	return err
}
