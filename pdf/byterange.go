package pdf

import (
	"encoding/hex"

	"github.com/handslag/handslag/fault"
)

// signedRange is what a signature covers: [0,gapStart) and [gapEnd,end).
type signedRange struct {
	gapStart, gapEnd, end int64
	contents              []byte
}

func badRange(why string) error {
	return fault.New(fault.Invalid, "pdf_byte_range", "The signature does not say soundly what it covers: %s.", why)
}

// byteRange reads /ByteRange and /Contents and holds one to the other: four
// integers, from 0, in order, inside the file, and between them one hexadecimal
// string that is this dictionary's /Contents and nothing else. Anything looser
// admits signature wrapping (content moved into the gap).
func (f *File) byteRange(s signatureField) (signedRange, error) {
	var r signedRange
	list, ok := s.value["ByteRange"].(Array)
	if !ok || len(list) != 4 {
		return r, badRange("its byte range is not four numbers")
	}
	var n [4]int64
	for i := range n {
		v, ok := list[i].(Integer)
		if !ok || v < 0 || int64(v) > f.size {
			return r, badRange("its byte range is outside the file")
		}
		n[i] = int64(v)
	}
	r.gapStart, r.gapEnd, r.end = n[1], n[2], n[2]+n[3]
	if n[0] != 0 || r.gapStart <= 0 || r.gapEnd <= r.gapStart+2 || n[3] <= 0 || r.end > f.size {
		return r, badRange("its byte range is out of order")
	}
	const maxContents = 4 << 20
	if r.gapEnd-r.gapStart > maxContents {
		return r, badRange("the gap is too large")
	}
	if !f.spans(s.valueRef, r.gapStart, r.gapEnd) {
		return r, badRange("the gap is not inside the signature's own object")
	}
	gap := make([]byte, r.gapEnd-r.gapStart)
	if err := readFull(f.src, gap, r.gapStart); err != nil {
		return r, err
	}
	return r, r.readContents(gap, s.value["Contents"])
}

// spans reports whether the object's own bytes reach around [from,to).
func (f *File) spans(ref Ref, from, to int64) bool {
	e, ok := f.entry(ref.Num)
	if !ok || e.kind != entryAt || e.offset >= from {
		return false
	}
	l := newLexer(f.blocks, e.offset, f.size, f.limits)
	l.integer()
	l.integer()
	if !l.keyword("obj") {
		return false
	}
	_, err := l.object()
	return err == nil && l.pos > to
}

func (r *signedRange) readContents(gap []byte, said Object) error {
	if gap[0] != '<' || gap[len(gap)-1] != '>' {
		return badRange("the gap is not the signature")
	}
	digits := gap[1 : len(gap)-1]
	der := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(der, digits); err != nil {
		return badRange("the gap holds more than the signature")
	}
	if s, ok := said.(String); !ok || string(der) != string(s) {
		return badRange("the gap is not this signature")
	}
	r.contents = der
	return nil
}
