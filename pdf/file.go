package pdf

import (
	"bytes"
	"io"
	"slices"
)

// Limits bound the work that a file can cause. A zero field takes its default.
type Limits struct {
	MaxDepth        int   // nesting of objects, trees and references; 100
	MaxObjects      int   // entries of all cross-reference sections together; 1,000,000
	MaxRevisions    int   // cross-reference sections; 256
	MaxPages        int   // 50,000
	MaxSignatures   int   // 64
	MaxStreamBytes  int64 // one unpacked stream; 64 MiB
	MaxRatio        int   // of one unpacked stream to what it is packed as, from 1 MiB on; 200
	MaxDecodedBytes int64 // all unpacked streams together; 512 MiB
	MaxParsedBytes  int64 // structure read, again and again where need be; 1 GiB
	// Expired, when set, is asked now and then; once it answers true the work ends
	// with the fault pdf_too_complex. The bounds above count work and not time, so
	// that the same file has the same answer everywhere; this one is for a caller
	// who has to answer somebody.
	Expired func() bool
}

func (l Limits) withDefaults() Limits {
	return Limits{
		MaxDepth:        orInt(l.MaxDepth, 100),
		MaxObjects:      orInt(l.MaxObjects, 1_000_000),
		MaxRevisions:    orInt(l.MaxRevisions, 256),
		MaxPages:        orInt(l.MaxPages, 50_000),
		MaxSignatures:   orInt(l.MaxSignatures, 64),
		MaxStreamBytes:  orInt(l.MaxStreamBytes, 64<<20),
		MaxRatio:        orInt(l.MaxRatio, 200),
		MaxDecodedBytes: orInt(l.MaxDecodedBytes, 512<<20),
		MaxParsedBytes:  orInt(l.MaxParsedBytes, 1<<30),
		Expired:         l.Expired,
	}
}

func orInt[T int | int64](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// File is an open PDF. It is not safe for concurrent use.
type File struct {
	src      io.ReaderAt
	size     int64
	limits   Limits
	blocks   *blocks
	sections []*section // newest first
	trailer  Dict       // of the newest section
	end      int64      // just after the final %%EOF and its end of line
	version  string     // of the header
	start    int64      // the value of the final startxref, as written
	avoided  uint32     // new objects have no number below it

	cache   map[uint32]Object
	loading map[uint32]bool    // objects being read, against /Length and object-stream loops
	kept    map[int64]*section // read before, of the same source; nil for none
	recent  *objectStream      // last used
	formed  *formFields        // once it was walked
	work    *work
}

// Open reads the structure of a PDF: header, every cross-reference section and
// the catalog. It refuses, with a fault, what is encrypted, cut off, circular or
// too large; it never repairs. The source must not change while the File is used.
func Open(ra io.ReaderAt, size int64, limits Limits) (*File, error) {
	f := &File{
		src: ra, size: size, limits: limits.withDefaults(), work: newWork(),
		blocks: &blocks{src: ra, size: size, names: names{}},
		cache:  map[uint32]Object{}, loading: map[uint32]bool{},
	}
	return f.open()
}

func (f *File) open() (*File, error) {
	if err := f.readHeader(); err != nil {
		return nil, err
	}
	if err := f.readEnd(); err != nil {
		return nil, err
	}
	if err := f.readSections(); err != nil {
		return nil, err
	}
	if _, err := f.catalog(); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *File) readHeader() error {
	head := make([]byte, min(1024, f.size))
	if err := readFull(f.src, head, 0); err != nil {
		return err
	}
	switch at := bytes.Index(head, []byte("%PDF-")); {
	case at < 0:
		return notPDF()
	case at > 0:
		// Offsets count from the header for some readers, from byte 0 for others.
		return leadingData()
	}
	if len(head) < 8 || !isDigit(head[5]) || head[6] != '.' || !isDigit(head[7]) {
		return notPDF()
	}
	f.version = string(head[5:8])
	return nil
}

// tailWindow is how far from the end readers look for startxref (ISO 32000-2
// Annex H note: implementations search the last 1024 bytes).
const tailWindow = 1024

func (f *File) readEnd() error {
	n := min(tailWindow, f.size)
	tail := make([]byte, n)
	if err := readFull(f.src, tail, f.size-n); err != nil {
		return err
	}
	at := bytes.LastIndex(tail, []byte("startxref"))
	if at < 0 {
		return truncated()
	}
	eof := bytes.Index(tail[at:], []byte("%%EOF"))
	if eof < 0 {
		return truncated()
	}
	l := newBytesLexer(tail[at+len("startxref"):at+eof], f.limits)
	start, ok := l.integer()
	l.skipSpace()
	if !ok || l.pos != l.end {
		return damaged("the position of the cross-reference table is not a number")
	}
	f.start = start
	end := at + eof + len("%%EOF")
	if end < len(tail) && tail[end] == '\r' {
		end++
	}
	if end < len(tail) && tail[end] == '\n' {
		end++
	}
	f.end = f.size - n + int64(end)
	return nil
}

// trailing reports whether bytes other than white space follow the last %%EOF.
func (f *File) trailing() (bool, error) {
	rest := make([]byte, f.size-f.end) // less than tailWindow
	if err := readFull(f.src, rest, f.end); err != nil {
		return false, err
	}
	rest = bytes.ReplaceAll(rest, []byte("%%EOF"), nil) // an end that is said twice
	return slices.ContainsFunc(rest, func(c byte) bool { return !isSpace(c) }), nil
}

func readFull(ra io.ReaderAt, b []byte, off int64) error {
	n, err := ra.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		return truncated()
	}
	return err
}

func (f *File) catalog() (Dict, error) {
	root, ok := f.trailer["Root"].(Ref)
	if !ok {
		return nil, damaged("it has no catalog")
	}
	d, err := f.dict(root)
	if err != nil {
		return nil, err
	}
	if d == nil || d["Pages"] == nil {
		return nil, damaged("its catalog lists no pages")
	}
	return d, nil
}

// entry finds where the newest version of an object is.
func (f *File) entry(num uint32) (xrefEntry, bool) {
	for _, s := range f.sections {
		if e, ok := s.entries.get(num); ok {
			return e, e.kind != entryFree
		}
	}
	return xrefEntry{}, false
}

const cacheObjects = 8192

// load returns an object by number; nil for one that does not exist, which is
// what ISO 32000-2 7.3.10 makes of a dangling reference.
func (f *File) load(ref Ref) (Object, error) {
	e, ok := f.entry(ref.Num)
	if !ok || e.gen != ref.Gen {
		return nil, nil
	}
	if o, ok := f.cache[ref.Num]; ok {
		return o, nil
	}
	if f.loading[ref.Num] {
		return nil, loop("an object needs itself to be read")
	}
	f.loading[ref.Num] = true
	defer delete(f.loading, ref.Num)

	var o Object
	var err error
	if e.kind == entryInStream {
		o, err = f.fromObjectStream(ref.Num, e)
	} else {
		o, _, err = f.readIndirect(e.offset, &ref)
	}
	if err != nil {
		return nil, err
	}
	if len(f.cache) >= cacheObjects {
		clear(f.cache)
	}
	f.cache[ref.Num] = o
	return o, nil
}

// resolve follows references until it meets something else.
func (f *File) resolve(o Object) (Object, error) {
	for range f.limits.MaxDepth {
		ref, ok := o.(Ref)
		if !ok {
			return o, nil
		}
		next, err := f.load(ref)
		if err != nil {
			return nil, err
		}
		o = next
	}
	return nil, loop("references lead to references")
}

// dict resolves o to a dictionary; nil when it is null or absent.
func (f *File) dict(o Object) (Dict, error) {
	v, err := f.resolve(o)
	if err != nil || v == nil {
		return nil, err
	}
	switch d := v.(type) {
	case Dict:
		return d, nil
	case *Stream:
		return d.Dict, nil
	}
	return nil, damaged("a dictionary was expected")
}

// array resolves o to an array; nil when it is null or absent.
func (f *File) array(o Object) (Array, error) {
	v, err := f.resolve(o)
	if err != nil || v == nil {
		return nil, err
	}
	a, ok := v.(Array)
	if !ok {
		return nil, damaged("an array was expected")
	}
	return a, nil
}

// integer resolves o to an integer; false when it is anything else.
func (f *File) integer(o Object) (int64, bool, error) {
	v, err := f.resolve(o)
	n, ok := v.(Integer)
	return int64(n), ok, err
}

// readIndirect reads "n g obj … endobj" at off. With want it insists that the
// object there is the one looked for, since readers that trust the object's own
// header and readers that trust the table would see different documents.
func (f *File) readIndirect(off int64, want *Ref) (Object, Ref, error) {
	if off < 0 || off >= f.size {
		return nil, Ref{}, truncated()
	}
	return f.indirect(newLexer(f.blocks, off, f.size, f.limits), want)
}

// indirect reads the object that the lexer is at and leaves the lexer after it.
func (f *File) indirect(l *lexer, want *Ref) (Object, Ref, error) {
	begin := l.pos
	ref, err := l.header(want)
	if err != nil {
		return nil, Ref{}, err
	}
	o, err := l.object()
	if err != nil {
		return nil, Ref{}, err
	}
	if err := f.worked(l.pos - begin); err != nil {
		return nil, Ref{}, err
	}
	if d, ok := o.(Dict); ok && l.keyword("stream") {
		from, n, err := f.extent(l, d["Length"])
		if err != nil {
			return nil, Ref{}, err
		}
		o = &Stream{Dict: d, raw: io.NewSectionReader(f.src, from, n)}
	}
	return o, ref, l.closing()
}

// header reads "n g obj". With want it insists that the object there is the one
// looked for, since readers that trust the object's own header and readers that
// trust the table would see different documents.
func (l *lexer) header(want *Ref) (Ref, error) {
	off := l.pos
	num, ok1 := l.integer()
	gen, ok2 := l.integer()
	if !ok1 || !ok2 || !l.keyword("obj") {
		return Ref{}, l.fail("no object where one should be")
	}
	ref := Ref{uint32(num), uint16(gen)}
	if int64(ref.Num) != num || int64(ref.Gen) != gen || want != nil && ref != *want {
		return Ref{}, ambiguous("the object at byte %d is not the one its table names", off)
	}
	return ref, nil
}

func (l *lexer) closing() error {
	if !l.keyword("endobj") {
		return l.fail("object not closed")
	}
	return nil
}

// extent finds where a stream begins and how long it is, and leaves the lexer
// after it. A /Length that lies would let two readers see two streams, so it must
// lead to "endstream" exactly, but for white space.
func (f *File) extent(l *lexer, length Object) (begin, n int64, err error) {
	if c, _ := l.peek(); c == '\r' {
		l.pos++
	}
	if c, _ := l.peek(); c == '\n' {
		l.pos++
	}
	begin = l.pos
	n, ok, err := f.integer(length)
	if err != nil {
		return 0, 0, err
	}
	if !ok || n < 0 {
		return 0, 0, damaged("a stream near byte %d has no length", begin)
	}
	if n > f.size-begin {
		return 0, 0, truncated()
	}
	l.pos = begin + n
	const padding = 16 // a line end, and the few more that some writers put
	for range padding {
		if c, ok := l.peek(); !ok || !isSpace(c) {
			break
		}
		l.pos++
	}
	const word = "endstream"
	if string(l.regular(len(word))) != word {
		return 0, 0, l.fail("a stream is longer or shorter than it says")
	}
	return begin, n, nil
}
