package tsa

import (
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// PKIFailureInfo bits, RFC 3161 2.4.2.
const (
	badAlg              = 0
	badRequest          = 2
	badDataFormat       = 5
	unacceptedPolicy    = 15
	unacceptedExtension = 16
	systemFailure       = 25
)

// rejection is a response without a token.
type rejection struct {
	bit  int
	text string
}

// encode writes a TimeStampResp with status rejection (2).
func (r *rejection) encode() ([]byte, error) {
	bits := make([]byte, r.bit/8+1)
	bits[r.bit/8] = 0x80 >> (r.bit % 8)
	// DER: a named bit list ends at its last one bit (X.690 11.2.2).
	info, err := asn1.Marshal(asn1.BitString{Bytes: bits, BitLength: r.bit + 1})
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(2)
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(r.text)) })
			})
			b.AddBytes(info)
		})
	})
	return b.Bytes()
}

// query is a TimeStampReq that can be granted.
type query struct {
	algorithm []byte // AlgorithmIdentifier as sent, which the token repeats
	digest    []byte
	nonce     []byte // INTEGER as sent, or nil
	certReq   bool
}

// policy is the one policy of the authority, under the arc for examples
// (Rec. ITU-T X.660, 2.999).
var policy = asn1.ObjectIdentifier{2, 999, 3161, 1}

// parseQuery reads TimeStampReq, RFC 3161 2.4.1. Trailing and unknown parts are
// refused.
func parseQuery(der []byte) (query, *rejection) {
	malformed := &rejection{badDataFormat, "not a TimeStampReq"}
	var q query
	input := cryptobyte.String(der)
	var req, imprint, algorithm, digest cryptobyte.String
	var version int
	if !input.ReadASN1(&req, cbasn1.SEQUENCE) || !input.Empty() || !req.ReadASN1Integer(&version) {
		return q, malformed
	}
	if version != 1 {
		return q, &rejection{badRequest, "only version 1"}
	}
	if !req.ReadASN1(&imprint, cbasn1.SEQUENCE) || !imprint.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) ||
		!imprint.ReadASN1(&digest, cbasn1.OCTET_STRING) || !imprint.Empty() {
		return q, malformed
	}
	q.algorithm, q.digest = algorithm, append([]byte(nil), digest...)
	if refusal := checkImprint(algorithm, len(digest)); refusal != nil {
		return q, refusal
	}
	refusal := readOptions(&q, req)
	return q, refusal
}

func checkImprint(algorithm cryptobyte.String, length int) *rejection {
	var inner, parameters cryptobyte.String
	var oid asn1.ObjectIdentifier
	var tag cbasn1.Tag
	if !algorithm.ReadASN1(&inner, cbasn1.SEQUENCE) || !inner.ReadASN1ObjectIdentifier(&oid) {
		return &rejection{badDataFormat, "not an algorithm"}
	}
	if !inner.Empty() && (!inner.ReadAnyASN1(&parameters, &tag) || tag != cbasn1.NULL || !inner.Empty()) {
		return &rejection{badAlg, "the algorithm has parameters"}
	}
	// SHA-1 and older are refused (ETSI EN 319 422 5.1.2 asks for algorithms of
	// ETSI TS 119 312).
	sizes := map[string]int{"2.16.840.1.101.3.4.2.1": 32, "2.16.840.1.101.3.4.2.2": 48, "2.16.840.1.101.3.4.2.3": 64}
	size, ok := sizes[oid.String()]
	if !ok {
		return &rejection{badAlg, "only SHA-256, SHA-384 and SHA-512"}
	}
	if size != length {
		return &rejection{badDataFormat, "the digest has the wrong length"}
	}
	return nil
}

func readOptions(q *query, req cryptobyte.String) *rejection {
	malformed := &rejection{badDataFormat, "not a TimeStampReq"}
	var wanted asn1.ObjectIdentifier
	if req.PeekASN1Tag(cbasn1.OBJECT_IDENTIFIER) {
		if !req.ReadASN1ObjectIdentifier(&wanted) {
			return malformed
		}
		if !wanted.Equal(policy) {
			return &rejection{unacceptedPolicy, "another policy"}
		}
	}
	if req.PeekASN1Tag(cbasn1.INTEGER) {
		var nonce cryptobyte.String
		if !req.ReadASN1Element(&nonce, cbasn1.INTEGER) {
			return malformed
		}
		q.nonce = nonce
	}
	if req.PeekASN1Tag(cbasn1.BOOLEAN) && !req.ReadASN1Boolean(&q.certReq) {
		return malformed
	}
	if req.PeekASN1Tag(cbasn1.Tag(0).ContextSpecific().Constructed()) {
		return &rejection{unacceptedExtension, "no extensions"}
	}
	if !req.Empty() {
		return malformed
	}
	return nil
}
