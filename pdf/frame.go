package pdf

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
)

// frame holds the bytes of a later revision to the one layout that the writer
// gives them and returns where they end: the objects that the section lists, one
// after the other, then the section, then the end. What no table lists, a reader
// that repairs files could find all the same; and an entry that points elsewhere
// could show another object than the one that was appended.
func (f *File) frame(then *File, fresh uint32, s *section) (end int64, reason string, err error) {
	const odd = "What follows the upload is not laid out as additions are."
	if s.form != then.appendForm() {
		return 0, "A revision of another form was added.", nil
	}
	if reason, err := then.soundTrailer(s, fresh); reason != "" || err != nil {
		return 0, reason, err
	}
	places := make([]place, 0, s.entries.len())
	for num, e := range s.entries.all() {
		switch {
		case num == 0 || e.kind == entryFree:
			return 0, "An object of the document was freed.", nil
		case e.kind == entryInStream:
			return 0, "Objects were added or replaced inside an object stream.", nil
		}
		places = append(places, place{num, e})
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.e.offset, b.e.offset) })
	pos, own := then.size, place{}
	for _, p := range places {
		if s.form == XRefStream && p.e.offset == s.offset {
			own = p // at the end; that it is the last shows in the gap
			continue
		}
		if pos, err = f.framed(p, pos); err != nil || pos == 0 {
			return 0, odd, err
		}
	}
	ok, err := f.adjoins(pos, s.offset)
	if err != nil || !ok {
		return 0, odd, err
	}
	var opening []byte
	if s.form == XRefStream {
		opening = fmt.Appendf(nil, "%d 0 obj\n", own.num)
	} else {
		opening = table(places, s.trailer)
	}
	if ok, err = f.holds(s.offset, opening); err != nil || !ok {
		return 0, odd, err
	}
	closing := fmt.Appendf(nil, "\nstartxref\n%d\n%%%%EOF\n", s.offset)
	if ok, err = f.holds(s.end, closing); err != nil || !ok {
		return 0, odd, err
	}
	return s.end + int64(len(closing)), "", nil
}

// table renders the section that lists the places as the writer does: some
// readers find entries by counting bytes, not words.
func table(places []place, trailer Dict) []byte {
	nums := make([]uint32, len(places))
	entries := make(map[uint32]xrefEntry, len(places))
	for i, p := range places {
		nums[i], entries[p.num] = p.num, p.e
	}
	slices.Sort(nums)
	return appendSection(nil, nums, entries, trailer)
}

// appendForm is the form that a section after the newest one has.
func (f *File) appendForm() XRefForm {
	if f.sections[0].form == XRefStream {
		return XRefStream
	}
	return XRefTable
}

// framed reads the object of a place, which must begin at pos or a line end
// later, and returns where it ends; 0 when it does not.
func (f *File) framed(p place, pos int64) (int64, error) {
	if ok, err := f.adjoins(pos, p.e.offset); err != nil || !ok {
		return 0, err
	}
	if ok, err := f.holds(p.e.offset, fmt.Appendf(nil, "%d %d obj\n", p.num, p.e.gen)); err != nil || !ok {
		return 0, err
	}
	l := newLexer(f.blocks, p.e.offset, f.size, f.limits)
	o, _, err := f.indirect(l, &Ref{p.num, p.e.gen})
	if s, ok := o.(*Stream); ok && err == nil {
		if _, direct := s.Dict["Length"].(Integer); !direct {
			return 0, nil // its extent could be changed from elsewhere
		}
	}
	return l.pos, err
}

// adjoins: at most a line end lies between.
func (f *File) adjoins(from, to int64) (bool, error) {
	switch to - from {
	case 0:
		return true, nil
	case 1:
		return f.holds(from, []byte{'\n'})
	}
	return false, nil
}

func (f *File) holds(at int64, want []byte) (bool, error) {
	if at < 0 || at+int64(len(want)) > f.size {
		return false, nil
	}
	got := make([]byte, len(want))
	if err := readFull(f.src, got, at); err != nil {
		return false, err
	}
	return bytes.Equal(got, want), nil
}

// trailerKeys are all that the writer puts into a trailer, and with the rest
// into a cross-reference stream.
var (
	trailerKeys = map[Name]bool{"Root": true, "Prev": true, "Size": true, "Info": true, "ID": true}
	streamKeys  = map[Name]bool{"Type": true, "W": true, "Index": true, "Filter": true, "Length": true}
)

// soundTrailer: the later section has the same catalog and information as f, the
// first identifier is kept (14.4), and /Size has grown past every number.
func (f *File) soundTrailer(s *section, fresh uint32) (string, error) {
	const odd = "A revision was added whose trailer is not ours."
	for k := range s.trailer {
		if !trailerKeys[k] && (s.form != XRefStream || !streamKeys[k]) {
			return odd, nil
		}
	}
	if !sameObject(s.trailer["Root"], f.trailer["Root"]) {
		return "The document's catalog was exchanged for another one.", nil
	}
	if !sameObject(s.trailer["Info"], f.trailer["Info"]) {
		return "The document's information was exchanged.", nil
	}
	size, ok := s.trailer["Size"].(Integer)
	if !ok || int64(size) < int64(fresh) || size > math.MaxUint32 {
		return odd, nil
	}
	for num := range s.entries.all() {
		if int64(num) >= int64(size) {
			return odd, nil
		}
	}
	id, ok := s.trailer["ID"].(Array)
	if !ok || len(id) != 2 {
		return odd, nil
	}
	was, err := f.array(f.trailer["ID"])
	if err != nil {
		return "", err
	}
	for i, o := range id {
		if _, ok := o.(String); !ok {
			return odd, nil
		}
		if len(was) == 2 && i == 0 {
			if first, ok := was[0].(String); ok && o != first {
				return odd, nil
			}
		}
	}
	return "", nil
}
