package pdf

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"io"

	"github.com/handslag/handslag/fault"
)

// unpack returns the decoded bytes of a stream, bounded by the limits. Only the
// filters are known that structure may use: those for any kind of data, and their
// predictors. Pictures and fonts are never unpacked.
func (f *File) unpack(s *Stream) (io.Reader, error) {
	filters, params, err := f.filters(s.Dict)
	if err != nil {
		return nil, err
	}
	var r io.Reader = bufio.NewReader(io.NewSectionReader(s.raw, 0, s.raw.Size()))
	for i, name := range filters {
		var z io.Reader
		if name == "FlateDecode" || name == "Fl" {
			if z, err = zlib.NewReader(r); err != nil {
				return nil, unpackError("stream", err)
			}
		} else if z = decoder(name, r, params[i]); z == nil {
			return nil, unsupported("a packing of structure that only pictures have")
		}
		r = &bounded{r: z, file: f, raw: s.raw.Size()}
		if r, err = predictor(r, params[i]); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (f *File) filters(d Dict) ([]Name, []Dict, error) {
	o, err := f.resolve(d["Filter"])
	if err != nil || o == nil {
		return nil, nil, err
	}
	p, err := f.resolve(d["DecodeParms"])
	if err != nil {
		return nil, nil, err
	}
	list, ok := o.(Array)
	parms, _ := p.(Array)
	if !ok {
		list, parms = Array{o}, Array{p}
	}
	if len(list) > 4 {
		return nil, nil, bomb() // filters in filters in filters
	}
	names, dicts := make([]Name, len(list)), make([]Dict, len(list))
	for i := range list {
		n, err := f.resolve(list[i])
		if err != nil {
			return nil, nil, err
		}
		if names[i], ok = n.(Name); !ok {
			return nil, nil, damaged("a stream's filter is not a name")
		}
		if i < len(parms) {
			if dicts[i], err = f.dict(parms[i]); err != nil {
				return nil, nil, err
			}
		}
	}
	return names, dicts, nil
}

// bounded counts unpacked bytes against the stream's and the file's limit. A
// stream that is unpacked again counts again: a file could otherwise make its
// reader go back and forth between two large ones.
type bounded struct {
	r    io.Reader
	file *File
	raw  int64 // bytes of the stream as it is packed
	out  int64 // bytes so far
}

// smallStream is what a stream may unpack to from however few bytes.
const smallStream = 1 << 20

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.out += int64(n)
	w, limits := b.file.work, &b.file.limits
	if w.spent += int64(n); w.spent > limits.MaxDecodedBytes {
		w.over = bomb()
		return 0, w.over
	}
	if b.out > limits.MaxStreamBytes || b.out > smallStream && b.out/int64(limits.MaxRatio) > b.raw {
		return 0, bomb()
	}
	if late := b.file.worked(0); late != nil {
		return 0, late
	}
	return n, err
}

// unpackError keeps a fault from below and names everything else as damage.
func unpackError(what string, err error) error {
	if _, ok := fault.As(err); ok {
		return err
	}
	e := damaged("a %s cannot be unpacked", what)
	if f, ok := fault.As(e); ok {
		return f.Because(err)
	}
	return e
}

func predictor(r io.Reader, d Dict) (io.Reader, error) {
	get := func(k Name, otherwise int) int {
		if n, ok := d[k].(Integer); ok && n >= 0 && n < 1<<20 {
			return int(n)
		}
		return otherwise
	}
	switch p := get("Predictor", 1); {
	case p == 1:
		return r, nil
	case p == 2 && get("BitsPerComponent", 8) == 8:
		unit, columns := get("Colors", 1), get("Columns", 1)
		if row := unit * columns; row > 0 && row <= 1<<20 {
			return &chunks{next: (&tiffRows{r: r, unit: unit, row: make([]byte, row)}).next}, nil
		}
		return nil, unsupported("a predictor with impossible columns")
	case p >= 10 && p <= 15:
		bits := get("Colors", 1) * get("BitsPerComponent", 8)
		row := (bits*get("Columns", 1) + 7) / 8
		if row <= 0 || row > 1<<20 {
			return nil, unsupported("a predictor with impossible columns")
		}
		return &pngRows{r: r, unit: max(1, bits/8), row: make([]byte, row), above: make([]byte, row)}, nil
	}
	return nil, unsupported("a predictor that structure has no use for")
}

// pngRows undoes the PNG filters (ISO 32000-2 7.4.4.4; PNG specification 9).
type pngRows struct {
	r          io.Reader
	unit       int
	row, above []byte
	ready      []byte
}

func (p *pngRows) Read(b []byte) (int, error) {
	if len(p.ready) == 0 {
		if err := p.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, p.ready)
	p.ready = p.ready[n:]
	return n, nil
}

func (p *pngRows) next() error {
	var kind [1]byte
	if _, err := io.ReadFull(p.r, kind[:]); err != nil {
		return err
	}
	p.row, p.above = p.above, p.row
	if _, err := io.ReadFull(p.r, p.row); err != nil {
		return err
	}
	for i := range p.row {
		var left, up, corner byte
		up = p.above[i]
		if i >= p.unit {
			left, corner = p.row[i-p.unit], p.above[i-p.unit]
		}
		switch kind[0] {
		case 0:
		case 1:
			p.row[i] += left
		case 2:
			p.row[i] += up
		case 3:
			p.row[i] += byte((int(left) + int(up)) / 2)
		case 4:
			p.row[i] += paeth(left, up, corner)
		default:
			return damaged("a predictor row is of an unknown kind")
		}
	}
	p.ready = p.row
	return nil
}

func paeth(a, b, c byte) byte {
	p := int(a) + int(b) - int(c)
	da, db, dc := abs(p-int(a)), abs(p-int(b)), abs(p-int(c))
	switch {
	case da <= db && da <= dc:
		return a
	case db <= dc:
		return b
	}
	return c
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// readStreamBytes unpacks a whole stream, at most maximum bytes.
func (f *File) readStreamBytes(s *Stream, maximum int64) ([]byte, error) {
	r, err := f.unpack(s)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, maximum+1))
	if err != nil {
		return nil, unpackError("stream", err)
	}
	if int64(len(b)) > maximum {
		return nil, bomb()
	}
	return b, nil
}

// objectStreams keeps the last unpacked object streams; neighbours are usually
// wanted together.
type objectStreams struct {
	list  []*objectStream // newest last
	bytes int
}

type objectStream struct {
	num     uint32
	offset  int64 // of its object
	file    *File // the only one it is for; nil when no other object had a part in it
	data    []byte
	numbers []uint32
	offsets []int
}

const heldObjectStreamBytes = 32 << 20

func (f *File) fromObjectStream(num uint32, e xrefEntry) (Object, error) {
	os, at, err := f.inObjectStream(num, e)
	if err != nil {
		return nil, err
	}
	l := newBytesLexer(os.data, f.limits)
	l.pos, l.names = at, f.blocks.names
	o, err := l.object()
	if err != nil {
		return nil, err
	}
	if _, isRef := o.(Ref); isRef {
		return nil, onlyReference(num)
	}
	return o, f.worked(l.pos - at)
}

func onlyReference(num uint32) error {
	return damaged("object %d is nothing but a reference", num)
}

// inObjectStream finds where in which object stream an object begins.
func (f *File) inObjectStream(num uint32, e xrefEntry) (*objectStream, int64, error) {
	os, err := f.objectStream(e.stream())
	if err != nil {
		return nil, 0, err
	}
	i := int(e.index)
	if i >= len(os.numbers) || os.numbers[i] != num {
		return nil, 0, ambiguous("object %d is not where its table says", num)
	}
	return os, int64(os.offsets[i]), nil
}

func (f *File) objectStream(num uint32) (*objectStream, error) {
	if f.recent != nil && f.recent.num == num {
		return f.recent, nil
	}
	// 7.5.7: an object stream is never itself in an object stream.
	e, ok := f.entry(num)
	if !ok || e.kind != entryAt {
		return nil, damaged("object stream %d is missing", num)
	}
	o, err := f.load(Ref{num, e.gen})
	if err != nil {
		return nil, err
	}
	s, ok := o.(*Stream)
	if !ok || s.Dict.name("Type") != "ObjStm" {
		return nil, damaged("object %d is no object stream", num)
	}
	held := &f.work.streams
	for _, os := range held.list {
		if os.num == num && os.offset == e.offset && (os.file == nil || os.file == f) {
			f.recent = os
			return os, nil
		}
	}
	data, err := f.readStreamBytes(s, f.limits.MaxStreamBytes)
	if err != nil {
		return nil, err
	}
	os, err := f.indexObjectStream(num, s.Dict, data)
	if err != nil {
		return nil, err
	}
	if os.offset = e.offset; !s.alone() {
		os.file = f
	}
	f.recent = os
	held.bytes += len(data)
	held.list = append(held.list, os)
	for held.bytes > heldObjectStreamBytes && len(held.list) > 1 {
		held.bytes -= len(held.list[0].data)
		held.list = held.list[1:]
	}
	return os, nil
}

func (f *File) indexObjectStream(num uint32, d Dict, data []byte) (*objectStream, error) {
	count, ok1, err := f.integer(d["N"])
	if err != nil {
		return nil, err
	}
	first, ok2, err := f.integer(d["First"])
	if err != nil {
		return nil, err
	}
	if !ok1 || !ok2 || count < 0 || count > int64(f.limits.MaxObjects) || first < 0 || first > int64(len(data)) {
		return nil, damaged("object stream %d has impossible counts", num)
	}
	os := &objectStream{num: num, data: data}
	l := newBytesLexer(bytes.Clone(data[:first]), f.limits)
	for range count {
		n, ok1 := l.integer()
		off, ok2 := l.integer()
		if !ok1 || !ok2 || n > 1<<31 || first+off > int64(len(data)) {
			return nil, damaged("object stream %d has a broken index", num)
		}
		os.numbers = append(os.numbers, uint32(n))
		os.offsets = append(os.offsets, int(first+off))
	}
	return os, nil
}
