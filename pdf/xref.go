package pdf

import (
	"fmt"
	"io"
)

// section is one cross-reference section: what one revision adds, changes and
// frees. A hybrid's hidden stream is folded into the table it belongs to.
type section struct {
	said    int64 // where it is said to be: offset, or white space before it
	offset  int64
	end     int64 // after its trailer or, of a stream, its object
	reach   int64 // all that it was read from lies before; 0 when other objects had a part in it
	form    XRefForm
	trailer Dict
	entries entries
	subs    int // subsections
}

// XRefForm is how a section is written (ISO 32000-2 7.5.4, 7.5.8).
type XRefForm string

// The forms of a cross-reference section.
const (
	XRefTable  XRefForm = "table"
	XRefStream XRefForm = "stream"
	XRefHybrid XRefForm = "hybrid"
)

type entryKind uint8

const (
	entryFree entryKind = iota
	entryAt
	entryInStream
)

// entryBytes is what an entry counts as work, whatever its form.
const entryBytes = 20

// xrefEntry is 16 bytes, since there may be a million.
type xrefEntry struct {
	offset int64  // entryAt: of the object; entryInStream: the object stream's number
	index  uint32 // entryInStream: which of its objects
	gen    uint16
	kind   entryKind
}

func (e xrefEntry) stream() uint32 { return uint32(e.offset) }

// at is the entry of a number, the zero one when the section does not list it.
func (s *section) at(num uint32) xrefEntry {
	e, _ := s.entries.get(num)
	return e
}

func (f *File) readSections() error {
	seen := map[int64]bool{}
	for at := f.start; ; {
		if seen[at] {
			return loop("cross-reference sections")
		}
		if len(f.sections) >= f.limits.MaxRevisions {
			return tooComplex("too many revisions")
		}
		seen[at] = true
		s := f.kept[at]
		if s == nil {
			var err error
			if s, err = f.readSection(at); err != nil {
				return err
			}
			s.said = at
		}
		if s.trailer["Encrypt"] != nil {
			return encrypted()
		}
		f.sections = append(f.sections, s)
		prev := s.trailer["Prev"]
		n, ok := prev.(Integer)
		if prev != nil && !ok || n < 0 {
			return damaged("a revision does not say where the one before it is")
		}
		if n == 0 { // absent, or 0, which some writers put for "none"
			break
		}
		at = int64(n)
	}
	f.trailer = f.sections[0].trailer
	return nil
}

func (f *File) readSection(at int64) (*section, error) {
	if at < 0 || at >= f.size {
		return nil, truncated()
	}
	l := newLexer(f.blocks, at, f.size, f.limits)
	l.skipSpace() // some writers point at the line end before the keyword
	if !l.keyword("xref") {
		return f.readXRefStream(l.pos)
	}
	s := &section{offset: at, form: XRefTable}
	if err := f.readTable(l, s); err != nil {
		return nil, err
	}
	o, err := l.object()
	if err != nil {
		return nil, fmt.Errorf("read trailer at %d: %w", at, err)
	}
	d, ok := o.(Dict)
	if !ok {
		return nil, damaged("a trailer is not a dictionary")
	}
	s.trailer, s.end, s.reach = d, l.pos, l.pos
	if err := s.settle(); err != nil {
		return nil, err
	}
	if x, ok := d["XRefStm"].(Integer); ok {
		return s, f.foldHybrid(s, int64(x))
	}
	return s, nil
}

// foldHybrid adds the objects of /XRefStm: those the table lists as free or not
// at all (ISO 32000-2 7.5.8.4).
func (f *File) foldHybrid(s *section, at int64) error {
	hidden, err := f.readXRefStream(at)
	if err != nil {
		return err
	}
	s.form = XRefHybrid
	if s.reach = max(s.reach, hidden.reach); hidden.reach == 0 {
		s.reach = 0
	}
	s.entries.fold(&hidden.entries)
	return nil
}

func (f *File) add(s *section, num int64, e xrefEntry) error {
	if num < 0 || num > 1<<31 {
		return damaged("an object number is out of range")
	}
	f.work.known++
	if f.work.known > f.limits.MaxObjects {
		f.work.over = tooComplex("too many objects")
		return f.work.over
	}
	s.entries.add(uint32(num), e)
	return f.worked(entryBytes)
}

func (f *File) readTable(l *lexer, s *section) error {
	for !l.keyword("trailer") {
		first, ok1 := l.integer()
		count, ok2 := l.integer()
		if !ok1 || !ok2 {
			return l.fail("cross-reference table not understood")
		}
		s.subs++
		const shortest = 18 // bytes of an entry: what the file has no room for is not believed
		s.entries.grow(min(count, (f.size-l.pos)/shortest, int64(f.limits.MaxObjects)))
		for i := range count {
			off, ok1 := l.integer()
			gen, ok2 := l.integer()
			l.skipSpace()
			kind := string(l.regular(1))
			// Some writers count the generation of free entries past its end.
			if !ok1 || !ok2 || kind != "f" && (kind != "n" || gen > 65535) {
				return l.fail("cross-reference entry not understood")
			}
			e := xrefEntry{gen: uint16(gen)}
			if kind == "n" && off > 0 {
				e.kind, e.offset = entryAt, off
			}
			if err := f.add(s, first+i, e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *File) readXRefStream(at int64) (*section, error) {
	l := newLexer(f.blocks, at, f.size, f.limits)
	o, _, err := f.indirect(l, nil)
	if err != nil {
		return nil, fmt.Errorf("read cross-reference stream at %d: %w", at, err)
	}
	st, ok := o.(*Stream)
	if !ok || st.Dict.name("Type") != "XRef" {
		return nil, damaged("there is no cross-reference section at byte %d", at)
	}
	s := &section{offset: at, end: l.pos, form: XRefStream, trailer: st.Dict}
	if st.alone() {
		s.reach = l.pos
	}
	widths, err := fieldWidths(st.Dict)
	if err != nil {
		return nil, err
	}
	size, _ := st.Dict["Size"].(Integer)
	index := Array{Integer(0), size}
	if a, ok := st.Dict["Index"].(Array); ok {
		index = a
	}
	if len(index)%2 != 0 {
		return nil, damaged("the index of a cross-reference stream is not in pairs")
	}
	// The reader asks for as many bytes as the index needs and no more: a bomb
	// behind it is never unpacked.
	var row [24]byte
	r, err := f.unpack(st)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(index); i += 2 {
		first, ok1 := index[i].(Integer)
		count, ok2 := index[i+1].(Integer)
		if !ok1 || !ok2 || count < 0 {
			return nil, damaged("the index of a cross-reference stream is not understood")
		}
		s.subs++
		for n := range int64(count) {
			e, err := readEntry(r, widths, row[:])
			if err != nil {
				return nil, err
			}
			if err := f.add(s, int64(first)+n, e); err != nil {
				return nil, err
			}
		}
	}
	return s, s.settle()
}

func (s *section) settle() error {
	if num, twice := s.entries.settle(); twice {
		return ambiguous("one revision lists object %d twice", num)
	}
	return nil
}

func fieldWidths(d Dict) ([3]int, error) {
	var w [3]int
	a, _ := d["W"].(Array)
	if len(a) < 3 {
		return w, damaged("a cross-reference stream has no field widths")
	}
	for i := range w {
		n, ok := a[i].(Integer)
		if !ok || n < 0 || n > 8 {
			return w, damaged("a cross-reference stream has impossible field widths")
		}
		w[i] = int(n)
	}
	if w[0]+w[1]+w[2] == 0 {
		return w, damaged("a cross-reference stream has impossible field widths")
	}
	return w, nil
}

func readEntry(r io.Reader, w [3]int, row []byte) (xrefEntry, error) {
	b := row[:w[0]+w[1]+w[2]]
	if _, err := io.ReadFull(r, b); err != nil {
		return xrefEntry{}, unpackError("cross-reference stream", err)
	}
	field := func(n int) (v uint64) {
		for range n {
			v = v<<8 | uint64(b[0])
			b = b[1:]
		}
		return v
	}
	kind := uint64(1) // the default when the first width is 0 (7.5.8.3)
	if w[0] > 0 {
		kind = field(w[0])
	}
	second, third := field(w[1]), field(w[2])
	switch {
	case kind == 0:
		return xrefEntry{gen: uint16(third)}, nil
	case kind == 1 && second < 1<<62 && third <= 65535:
		return xrefEntry{kind: entryAt, offset: int64(second), gen: uint16(third)}, nil
	case kind == 2 && second < 1<<31 && third < 1<<31:
		return xrefEntry{kind: entryInStream, offset: int64(second), index: uint32(third)}, nil
	}
	return xrefEntry{}, damaged("a cross-reference entry is of an unknown kind")
}
