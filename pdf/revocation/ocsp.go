package revocation

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	oidBasicResponse = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
	oidArchiveCutoff = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 6}
	oidReason        = asn1.ObjectIdentifier{2, 5, 29, 21}
)

const (
	maxOCSP          = 256 << 10 // answers are 1 to 8 KB
	maxSingles       = 1024
	maxResponderSize = 16 // certificates in a response
)

// response is a BasicOCSPResponse (RFC 6960 4.2.1).
type response struct {
	signed
	raw          []byte
	byName       []byte // the responder: its raw name
	byKey        []byte // or the SHA-1 of its key
	producedAt   time.Time
	singles      []single
	certificates [][]byte
	carried      []*x509.Certificate // of them, those for answering, once wanted
	unknown      bool                // has a critical extension that is not understood
}

type single struct {
	hash       crypto.Hash
	issuerName []byte
	issuerKey  []byte
	serial     *big.Int
	statement
}

// statement is what one proof says about one certificate.
type statement struct {
	status     Status
	revokedAt  time.Time
	reason     int
	thisUpdate time.Time
	nextUpdate time.Time // zero when there is none
	keptSince  time.Time // certificates that ended since then are still in the books
}

// parseOCSP reads an OCSPResponse that was successful.
func parseOCSP(der []byte) (*response, error) {
	in := cryptobyte.String(der)
	var outer, bytesOf, typed, octets, basic cryptobyte.String
	var status int
	var kind asn1.ObjectIdentifier
	if len(der) > maxOCSP || !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !in.Empty() ||
		!outer.ReadASN1Enum(&status) || status != 0 ||
		!outer.ReadASN1(&bytesOf, explicit(0)) || !outer.Empty() ||
		!bytesOf.ReadASN1(&typed, cbasn1.SEQUENCE) || !bytesOf.Empty() ||
		!typed.ReadASN1ObjectIdentifier(&kind) || !kind.Equal(oidBasicResponse) ||
		!typed.ReadASN1(&octets, cbasn1.OCTET_STRING) || !typed.Empty() ||
		!octets.ReadASN1(&basic, cbasn1.SEQUENCE) || !octets.Empty() {
		return nil, errMalformed
	}
	r := &response{raw: der}
	var tbs, algorithm cryptobyte.String
	var ok bool
	if !basic.ReadASN1Element(&tbs, cbasn1.SEQUENCE) || !basic.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) {
		return nil, errMalformed
	}
	r.tbs, r.algorithm = tbs, algorithm
	if r.signature, ok = bits(&basic); !ok || !r.readCertificates(&basic) || !basic.Empty() || !r.readData(tbs) {
		return nil, errMalformed
	}
	return r, nil
}

func (r *response) readCertificates(in *cryptobyte.String) bool {
	var wrapped, list cryptobyte.String
	var present bool
	if !in.ReadOptionalASN1(&wrapped, &present, explicit(0)) {
		return false
	}
	if !present {
		return true
	}
	if !wrapped.ReadASN1(&list, cbasn1.SEQUENCE) || !wrapped.Empty() {
		return false
	}
	for !list.Empty() {
		var one cryptobyte.String
		if !list.ReadASN1Element(&one, cbasn1.SEQUENCE) || len(r.certificates) >= maxResponderSize {
			return false
		}
		r.certificates = append(r.certificates, one)
	}
	return true
}

// candidates are the certificates in the response that are for answering.
func (r *response) candidates() []*x509.Certificate {
	if r.carried == nil {
		r.carried = []*x509.Certificate{}
		for _, der := range r.certificates {
			if one, err := x509.ParseCertificate(der); err == nil && appointed(one) {
				r.carried = append(r.carried, one)
			}
		}
	}
	return r.carried
}

// readData reads ResponseData.
func (r *response) readData(tbs cryptobyte.String) bool {
	var data, version, id, list cryptobyte.String
	var present bool
	if !tbs.ReadASN1(&data, cbasn1.SEQUENCE) || !data.ReadOptionalASN1(&version, &present, explicit(0)) {
		return false
	}
	if present { // v1 is the default and the only one
		var v int
		if !version.ReadASN1Integer(&v) || v != 0 || !version.Empty() {
			return false
		}
	}
	switch {
	case data.PeekASN1Tag(explicit(1)):
		var name cryptobyte.String
		if !data.ReadASN1(&id, explicit(1)) || !id.ReadASN1Element(&name, cbasn1.SEQUENCE) || !id.Empty() {
			return false
		}
		r.byName = name
	default:
		var key cryptobyte.String
		if !data.ReadASN1(&id, explicit(2)) || !id.ReadASN1(&key, cbasn1.OCTET_STRING) || !id.Empty() {
			return false
		}
		r.byKey = key
	}
	if !data.ReadASN1GeneralizedTime(&r.producedAt) || !data.ReadASN1(&list, cbasn1.SEQUENCE) {
		return false
	}
	for !list.Empty() {
		var one cryptobyte.String
		if !list.ReadASN1(&one, cbasn1.SEQUENCE) || len(r.singles) >= maxSingles || !r.readSingle(one) {
			return false
		}
	}
	_, ok := r.readExtensions(&data)
	return ok && data.Empty()
}

// readExtensions reads an optional [1] Extensions. Those of OCSP that change
// what an answer means are never critical; a critical one is therefore unknown.
func (r *response) readExtensions(in *cryptobyte.String) ([]extension, bool) {
	var wrapped cryptobyte.String
	var present bool
	if !in.ReadOptionalASN1(&wrapped, &present, explicit(1)) {
		return nil, false
	}
	if !present {
		return nil, true
	}
	all, ok := extensions(&wrapped)
	for _, e := range all {
		r.unknown = r.unknown || e.critical
	}
	return all, ok && wrapped.Empty()
}

func (r *response) readSingle(in cryptobyte.String) bool {
	var id, algorithm, name, key cryptobyte.String
	var oid asn1.ObjectIdentifier
	s := single{serial: new(big.Int)}
	if !in.ReadASN1(&id, cbasn1.SEQUENCE) || !id.ReadASN1(&algorithm, cbasn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&oid) ||
		!id.ReadASN1(&name, cbasn1.OCTET_STRING) || !id.ReadASN1(&key, cbasn1.OCTET_STRING) ||
		!id.ReadASN1Integer(s.serial) || !id.Empty() {
		return false
	}
	s.hash, s.issuerName, s.issuerKey = certIDHash(oid), name, key
	if !s.readStatus(&in) || !in.ReadASN1GeneralizedTime(&s.thisUpdate) {
		return false
	}
	var next cryptobyte.String
	var present bool
	if !in.ReadOptionalASN1(&next, &present, explicit(0)) ||
		present && (!next.ReadASN1GeneralizedTime(&s.nextUpdate) || !next.Empty()) {
		return false
	}
	all, ok := r.readExtensions(&in)
	for _, e := range all {
		if e.id.Equal(oidArchiveCutoff) && (!e.value.ReadASN1GeneralizedTime(&s.keptSince) || !e.value.Empty()) {
			return false
		}
	}
	r.singles = append(r.singles, s)
	return ok && in.Empty()
}

// certIDHash knows the digests that name an issuer; 0 matches no certificate.
// SHA-1 only labels here, what binds is the signature.
func certIDHash(oid asn1.ObjectIdentifier) crypto.Hash {
	for h, known := range map[crypto.Hash]asn1.ObjectIdentifier{
		crypto.SHA1:   {1, 3, 14, 3, 2, 26},
		crypto.SHA256: {2, 16, 840, 1, 101, 3, 4, 2, 1},
		crypto.SHA384: {2, 16, 840, 1, 101, 3, 4, 2, 2},
		crypto.SHA512: {2, 16, 840, 1, 101, 3, 4, 2, 3},
	} {
		if oid.Equal(known) {
			return h
		}
	}
	return 0
}

// readStatus reads CertStatus, a choice of three.
func (s *single) readStatus(in *cryptobyte.String) bool {
	var body cryptobyte.String
	switch {
	case in.PeekASN1Tag(cbasn1.Tag(0).ContextSpecific()):
		s.status = Good
		return in.ReadASN1(&body, cbasn1.Tag(0).ContextSpecific()) && body.Empty()
	case in.PeekASN1Tag(explicit(1)):
		s.status = Revoked
		var wrapped cryptobyte.String
		var present bool
		if !in.ReadASN1(&body, explicit(1)) || !body.ReadASN1GeneralizedTime(&s.revokedAt) ||
			!body.ReadOptionalASN1(&wrapped, &present, explicit(0)) || !body.Empty() {
			return false
		}
		return !present || wrapped.ReadASN1Enum(&s.reason) && wrapped.Empty()
	}
	s.status = Unknown
	return in.ReadASN1(&body, cbasn1.Tag(2).ContextSpecific()) && body.Empty()
}

// about reports whether the response is about a certificate (RFC 6960 4.1.1:
// digests of the issuer's name and key, and the serial number).
func (s *single) about(c, issuer *x509.Certificate) bool {
	if s.hash == 0 || s.serial.Cmp(c.SerialNumber) != 0 {
		return false
	}
	key := publicKeyBits(issuer)
	return key != nil && bytes.Equal(s.issuerName, digest(s.hash, issuer.RawSubject)) && bytes.Equal(s.issuerKey, digest(s.hash, key))
}

func digest(h crypto.Hash, b []byte) []byte {
	d := h.New()
	d.Write(b)
	return d.Sum(nil)
}

// publicKeyBits is the key without algorithm, tag and length, as CertID and
// ResponderID hash it.
func publicKeyBits(c *x509.Certificate) []byte {
	in := cryptobyte.String(c.RawSubjectPublicKeyInfo)
	var info cryptobyte.String
	if !in.ReadASN1(&info, cbasn1.SEQUENCE) || !info.SkipASN1(cbasn1.SEQUENCE) {
		return nil
	}
	key, _ := bits(&info)
	return key
}

// names reports whether the response says that c signed it.
func (r *response) names(c *x509.Certificate) bool {
	if r.byName != nil {
		return bytes.Equal(r.byName, c.RawSubject)
	}
	return bytes.Equal(r.byKey, digest(crypto.SHA1, publicKeyBits(c)))
}
