package cms

import (
	"bytes"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

const (
	maxNesting   = 32
	indefinite   = -1
	constructed  = 0x20
	octetString  = 0x04
	longestBytes = 4 // of a length: no signature has 4 GiB
)

// distinguished brings BER into the form of DER, as far as lengths and strings in
// pieces go (X.690 8.1.3.6, 8.7.3). What is DER already comes back as it is, so
// that nothing that was signed is written anew. Elements that the DER form orders
// or leaves out stay as they are: the reader refuses what it does not expect.
func distinguished(b []byte) ([]byte, error) {
	in := cryptobyte.String(b)
	var whole cryptobyte.String
	if in.ReadASN1Element(&whole, cbasn1.SEQUENCE) && !nestedBER(whole, 0) {
		return b, nil
	}
	out, rest, ok := transcode(nil, b, 0)
	if !ok {
		return nil, malformed("neither DER nor BER")
	}
	return append(out, rest...), nil
}

// nestedBER looks for lengths that DER does not know, where the frame of a
// SignedData may have them: nothing in a primitive element is looked at.
func nestedBER(b []byte, depth int) bool {
	for len(b) > 0 && depth < maxNesting {
		h, ok := readHeader(b)
		if !ok {
			return false // the reader will say what is wrong with it
		}
		if h.length == indefinite || h.tag == octetString|constructed {
			return true
		}
		if b[0]&constructed != 0 && nestedBER(b[h.size:h.size+h.length], depth+1) {
			return true
		}
		b = b[h.size+h.length:]
	}
	return false
}

// header is the tag and length of an element.
type header struct {
	tag    byte
	size   int
	length int // or indefinite
}

func readHeader(b []byte) (header, bool) {
	if len(b) < 2 || b[0]&0x1f == 0x1f { // no structure read here has a tag above 30
		return header{}, false
	}
	h := header{tag: b[0], size: 2}
	switch n := int(b[1] & 0x7f); {
	case b[1] < 0x80:
		h.length = n
	case n == 0:
		h.length = indefinite
		return h, b[0]&constructed != 0
	case n > longestBytes || len(b) < 2+n:
		return h, false
	default:
		for _, c := range b[2 : 2+n] {
			h.length = h.length<<8 | int(c)
		}
		h.size += n
	}
	return h, h.length <= len(b)-h.size
}

// transcode appends the first element of b in DER and returns what follows it.
func transcode(to, b []byte, depth int) (out, rest []byte, ok bool) {
	h, ok := readHeader(b)
	if !ok || depth > maxNesting {
		return nil, nil, false
	}
	if h.length != indefinite && h.tag&constructed == 0 {
		return appendElement(to, h.tag, b[h.size:h.size+h.length]), b[h.size+h.length:], true
	}
	body := b[h.size:]
	if h.length != indefinite {
		body, rest = body[:h.length], body[h.length:]
	}
	var content []byte
	for len(body) > 0 || h.length == indefinite {
		if h.length == indefinite && bytes.HasPrefix(body, []byte{0, 0}) {
			rest = body[2:]
			break
		}
		if content, body, ok = transcode(content, body, depth+1); !ok {
			return nil, nil, false
		}
	}
	tag := h.tag
	if tag == octetString|constructed {
		if content, ok = joinPieces(content); !ok {
			return nil, nil, false
		}
		tag = octetString
	}
	return appendElement(to, tag, content), rest, true
}

// joinPieces puts an octet string together that was written in pieces.
func joinPieces(pieces []byte) ([]byte, bool) {
	in, whole := cryptobyte.String(pieces), []byte{}
	for !in.Empty() {
		var piece cryptobyte.String
		if !in.ReadASN1(&piece, cbasn1.OCTET_STRING) {
			return nil, false
		}
		whole = append(whole, piece...)
	}
	return whole, true
}

func appendElement(to []byte, tag byte, content []byte) []byte {
	to = append(to, tag)
	n := len(content)
	if n < 0x80 {
		return append(append(to, byte(n)), content...)
	}
	var length []byte
	for ; n > 0; n >>= 8 {
		length = append(length, byte(n))
	}
	slices.Reverse(length)
	to = append(to, 0x80|byte(len(length)))
	return append(append(to, length...), content...)
}

// sortedSet orders the elements of a SET OF as DER has them.
func sortedSet(set []byte) ([]byte, bool) {
	in := cryptobyte.String(set)
	var body cryptobyte.String
	if !in.ReadASN1(&body, cbasn1.SET) {
		return nil, false
	}
	var elements [][]byte
	for !body.Empty() {
		var one cryptobyte.String
		var tag cbasn1.Tag
		if !body.ReadAnyASN1Element(&one, &tag) {
			return nil, false
		}
		elements = append(elements, one)
	}
	slices.SortFunc(elements, bytes.Compare)
	return appendElement(nil, set[0], slices.Concat(elements...)), true
}
