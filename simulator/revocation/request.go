package revocation

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	oidNonce  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}
	oidSHA1   = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidSHA256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
)

// responseStatus is OCSPResponseStatus, RFC 6960 4.2.1.
type responseStatus int

const (
	malformedRequest responseStatus = 1
	internalError    responseStatus = 2
	tryLater         responseStatus = 3
	unauthorized     responseStatus = 6
)

// question is one CertID, RFC 6960 4.1.1.
type question struct {
	raw               []byte // as sent, which the answer repeats
	hash              crypto.Hash
	nameHash, keyHash []byte
	serial            *big.Int
}

type request struct {
	questions []question
	nonce     []byte // without its OCTET STRING; nil: none
}

const (
	maxQuestions = 16
	maxNonce     = 32 // RFC 8954 2.1
)

func explicit(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

// parseRequest reads an OCSPRequest. Anything that RFC 6960 does not write is
// refused: a client that is wrong shall learn it here.
func parseRequest(der []byte) (*request, bool) {
	in := cryptobyte.String(der)
	var outer, tbs, list cryptobyte.String
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1(&tbs, cbasn1.SEQUENCE) ||
		!outer.SkipOptionalASN1(explicit(0)) || !outer.Empty() { // a signature is not asked for, and not checked
		return nil, false
	}
	// version is v1, the default, which DER leaves out.
	if !tbs.SkipOptionalASN1(explicit(1)) || !tbs.ReadASN1(&list, cbasn1.SEQUENCE) || list.Empty() {
		return nil, false
	}
	r := &request{}
	for !list.Empty() {
		var one cryptobyte.String
		if len(r.questions) == maxQuestions || !list.ReadASN1(&one, cbasn1.SEQUENCE) {
			return nil, false
		}
		q, ok := parseCertID(&one)
		if !ok || !one.SkipOptionalASN1(explicit(0)) || !one.Empty() {
			return nil, false
		}
		r.questions = append(r.questions, q)
	}
	if tbs.Empty() {
		return r, true
	}
	return r, r.parseExtensions(&tbs)
}

func parseCertID(in *cryptobyte.String) (question, bool) {
	var q question
	var element, id, algorithm cryptobyte.String
	var oid asn1.ObjectIdentifier
	q.serial = new(big.Int)
	if !in.ReadASN1Element(&element, cbasn1.SEQUENCE) {
		return q, false
	}
	q.raw = bytes.Clone(element)
	if !element.ReadASN1(&id, cbasn1.SEQUENCE) || !id.ReadASN1(&algorithm, cbasn1.SEQUENCE) ||
		!algorithm.ReadASN1ObjectIdentifier(&oid) {
		return q, false
	}
	var null cryptobyte.String
	if !algorithm.Empty() && (!algorithm.ReadASN1(&null, cbasn1.NULL) || !null.Empty() || !algorithm.Empty()) {
		return q, false
	}
	switch {
	case oid.Equal(oidSHA1):
		q.hash = crypto.SHA1
	case oid.Equal(oidSHA256):
		q.hash = crypto.SHA256
	default:
		return q, false
	}
	var name, key cryptobyte.String
	if !id.ReadASN1(&name, cbasn1.OCTET_STRING) || !id.ReadASN1(&key, cbasn1.OCTET_STRING) || !id.ReadASN1Integer(q.serial) ||
		!id.Empty() || len(name) != q.hash.Size() || len(key) != q.hash.Size() {
		return q, false
	}
	q.nameHash, q.keyHash = bytes.Clone(name), bytes.Clone(key)
	return q, true
}

// parseExtensions reads requestExtensions. One that is critical and unknown
// cannot be ignored (RFC 5280 4.2).
func (r *request) parseExtensions(tbs *cryptobyte.String) bool {
	var wrapped, list cryptobyte.String
	if !tbs.ReadASN1(&wrapped, explicit(2)) || !tbs.Empty() || !wrapped.ReadASN1(&list, cbasn1.SEQUENCE) || !wrapped.Empty() || list.Empty() {
		return false
	}
	for !list.Empty() {
		var one, value cryptobyte.String
		var oid asn1.ObjectIdentifier
		var critical bool
		if !list.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&oid) {
			return false
		}
		if one.PeekASN1Tag(cbasn1.BOOLEAN) && (!one.ReadASN1Boolean(&critical) || !critical) {
			return false
		}
		if !one.ReadASN1(&value, cbasn1.OCTET_STRING) || !one.Empty() {
			return false
		}
		if !oid.Equal(oidNonce) {
			if critical {
				return false
			}
			continue
		}
		var nonce cryptobyte.String
		if r.nonce != nil || !value.ReadASN1(&nonce, cbasn1.OCTET_STRING) || !value.Empty() || len(nonce) == 0 || len(nonce) > maxNonce {
			return false
		}
		r.nonce = bytes.Clone(nonce)
	}
	return true
}
