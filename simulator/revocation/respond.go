package revocation

import (
	"bytes"
	"crypto"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/handslag/handslag/simulator/pki"
)

// answer makes an OCSPResponse to what was sent.
func (s *Service) answer(authority pki.AuthorityName, sent []byte) ([]byte, error) {
	switch {
	case s.fault(Malformed, OCSP):
		return []byte("not an OCSP response"), nil
	case s.fault(TryLater, OCSP):
		return failure(tryLater), nil
	}
	r, ok := parseRequest(sent)
	if !ok {
		return failure(malformedRequest), nil
	}
	issuer, _ := s.o.PKI.Authority(authority)
	a := answer{nonce: r.nonce}
	a.at, a.until = s.times(OCSP, s.o.OCSPLife)
	for _, q := range r.questions {
		if !q.about(issuer) {
			return failure(unauthorized), nil
		}
		a.singles = append(a.singles, s.status(authority, q, a.at))
	}
	if s.fault(OtherCertificate, OCSP) {
		a.singles = a.singles[:1]
		a.singles[0].certID = r.questions[0].another()
	}
	if s.o.NoNonce {
		a.nonce = nil
	}
	if s.fault(WrongNonce, OCSP) {
		a.nonce = []byte("another request's nonce")
	}
	a.spoilt = s.fault(WrongSignature, OCSP)
	var err error
	if a.by, a.carried, err = s.responder(authority, issuer, a.at); err != nil {
		return failure(internalError), nil //nolint:nilerr // the protocol's own way to say so
	}
	// Both ways to name the responder occur in the world.
	a.byName, a.keyHashBits = !a.carried, keyBits(a.by.Certificate)
	return a.encode(s.o.Entropy)
}

// responder returns who signs, and whether the answer carries the certificate.
func (s *Service) responder(authority pki.AuthorityName, issuer pki.Identity, at time.Time) (pki.Identity, bool, error) {
	if s.fault(WrongResponder, OCSP) {
		id, err := s.o.PKI.Impostor(authority, at)
		return id, true, err
	}
	if s.o.Direct {
		return issuer, false, nil
	}
	id, err := s.o.PKI.StatusResponder(authority, at)
	return id, true, err
}

// about reports whether a CertID names an issuer.
func (q question) about(issuer pki.Identity) bool {
	sum := func(b []byte) []byte {
		h := q.hash.New()
		h.Write(b)
		return h.Sum(nil)
	}
	return bytes.Equal(q.nameHash, sum(issuer.Certificate.RawSubject)) && bytes.Equal(q.keyHash, sum(keyBits(issuer.Certificate)))
}

func (s *Service) status(authority pki.AuthorityName, q question, at time.Time) single {
	r, known := s.o.PKI.Record(authority, q.serial)
	if s.fault(Unknown, OCSP) {
		known = false
	}
	out := single{certID: q.raw, known: known}
	if !r.RevokedAt.IsZero() && !r.RevokedAt.After(at) {
		out.revoked = &r
	}
	return out
}

// another is the CertID with the next serial number.
func (q question) another() []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			oid := oidSHA1
			if q.hash == crypto.SHA256 {
				oid = oidSHA256
			}
			b.AddASN1ObjectIdentifier(oid)
			b.AddASN1NULL()
		})
		b.AddASN1OctetString(q.nameHash)
		b.AddASN1OctetString(q.keyHash)
		b.AddASN1BigInt(new(big.Int).Add(q.serial, big.NewInt(1)))
	})
	return b.BytesOrPanic()
}
