package pdf

// work is what reading a source has cost and what is kept of it, over all the
// states in which it is read: else whoever writes many revisions would multiply
// every limit.
type work struct {
	streams objectStreams
	spent   int64            // bytes unpacked so far
	parsed  int64            // bytes of structure read so far
	turns   int              // pieces of work so far, to ask for the time now and then
	known   int              // cross-reference entries so far
	over    error            // why no more is done
	stored  map[int64][]byte // entries of the security store, by the places of their objects
}

func newWork() *work { return &work{stored: map[int64][]byte{}} }

// forget lets go of objects that are at hand; they can be read again.
func (f *File) forget() { f.cache, f.recent = map[uint32]Object{}, nil }

// inherit takes over what the state before has at hand and this one leaves alone.
func (f *File) inherit(before *File) {
	for num, o := range before.cache {
		if _, listed := f.sections[0].entries.get(num); !listed {
			f.cache[num] = o
		}
	}
}

// prefix opens the first size bytes by themselves, with what is known of the
// whole as far as it lies within them.
func (f *File) prefix(size int64) (*File, error) {
	p := &File{
		src: f.src, size: size, limits: f.limits, work: f.work,
		blocks: &blocks{src: f.src, size: size, names: f.blocks.names},
		cache:  map[uint32]Object{}, loading: map[uint32]bool{}, kept: map[int64]*section{},
	}
	for _, s := range f.sections {
		if s.reach > 0 && s.reach <= size {
			p.kept[s.said] = s
		}
	}
	return p.open()
}

// upTo is the document as it was with its i newest sections not there yet. The
// caller has seen that its bytes up to end are such a document.
func (f *File) upTo(i int, end int64) *File {
	return &File{
		src: f.src, size: end, end: end, limits: f.limits, version: f.version,
		blocks: f.blocks, sections: f.sections[i:], trailer: f.sections[i].trailer, start: f.sections[i].offset,
		cache: map[uint32]Object{}, loading: map[uint32]bool{}, work: f.work,
	}
}

// worked counts what was read against the limits.
func (f *File) worked(n int64) error {
	w := f.work
	if w.parsed += n; w.parsed > f.limits.MaxParsedBytes {
		w.over = tooComplex("too much has to be read again")
	}
	const pieces = 256
	if w.turns++; w.turns%pieces == 0 && f.limits.Expired != nil && f.limits.Expired() {
		w.over = tooComplex("it takes too long to read")
	}
	return w.over
}
