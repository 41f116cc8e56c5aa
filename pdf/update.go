package pdf

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/handslag/handslag/fault"
)

// update collects the objects of one incremental update (ISO 32000-2 7.5.6) and
// renders its tail. It holds only objects that are new or had to change: even an
// identical rewrite makes some validators call a document modified.
type update struct {
	file    *File
	next    uint32
	objects map[uint32]written
}

type written struct {
	gen    uint16
	object Object // nil for streams and signature values, which nothing edits again
	body   []byte
}

func newUpdate(f *File) *update {
	return &update{file: f, objects: map[uint32]written{}, next: f.fresh()}
}

// fresh is the first number that no revision uses, frees or counts as its own.
// A document that was checked refers to none from there on; in others [File.avoid]
// finds them.
func (f *File) fresh() uint32 {
	next := max(1, f.avoided)
	for _, s := range f.sections {
		if n, ok := s.trailer["Size"].(Integer); ok && n > 0 && n < 1<<31 {
			next = max(next, uint32(n))
		}
		for num := range s.entries.all() {
			next = max(next, num+1)
		}
	}
	return next
}

// avoid makes fresh numbers begin past every one that the document refers to. What
// it names and does not have is nothing, and must not become an object of ours. An
// object that cannot be read refers to nothing.
func (f *File) avoid() error {
	highest := uint32(0)
	see := func(o Object) {
		for _, r := range references(nil, o) {
			highest = max(highest, r.(Ref).Num)
		}
	}
	for _, s := range f.sections {
		see(s.trailer)
	}
	for _, p := range f.places() {
		o, err := f.load(Ref{p.num, p.e.gen})
		if _, unreadable := fault.As(err); err != nil && !unreadable {
			return err
		}
		see(o)
	}
	const greatest = 8_388_607 // annex C.2
	if highest >= max(f.fresh(), greatest) {
		return ambiguous("it refers to an object that only a later revision could define")
	}
	f.avoided = highest + 1
	return nil
}

// reserve takes a fresh object number.
func (u *update) reserve() Ref {
	r := Ref{Num: u.next}
	u.next++
	return r
}

// put leaves an object alone that would be written as it is.
func (u *update) put(ref Ref, o Object) {
	if _, again := u.objects[ref.Num]; !again {
		if old, err := u.file.load(ref); err == nil && old != nil && sameObject(old, o) {
			return
		}
	}
	u.objects[ref.Num] = written{ref.Gen, o, appendObject(nil, o)}
}

func (u *update) add(o Object) Ref {
	r := u.reserve()
	u.put(r, o)
	return r
}

// putStream writes a stream of bytes that are already packed as d says.
func (u *update) putStream(ref Ref, d Dict, raw []byte) {
	d = d.clone()
	d["Length"] = Integer(len(raw))
	body := append(appendDict(nil, d), "\nstream\n"...)
	body = append(body, raw...)
	u.objects[ref.Num] = written{gen: ref.Gen, body: append(body, "\nendstream"...)}
}

// current resolves o to its newest version, this update's own first.
func (u *update) current(o Object) (Object, error) {
	for range u.file.limits.MaxDepth {
		ref, ok := o.(Ref)
		if !ok {
			return o, nil
		}
		if w, ok := u.objects[ref.Num]; ok {
			o = w.object
			continue
		}
		next, err := u.file.load(ref)
		if err != nil {
			return nil, err
		}
		o = next
	}
	return nil, loop("references lead to references")
}

func (u *update) dict(o Object) (Dict, error) {
	v, err := u.current(o)
	if err != nil || v == nil {
		return nil, err
	}
	d, ok := v.(Dict)
	if !ok {
		return nil, damaged("a dictionary was expected")
	}
	return d, nil
}

func (u *update) array(o Object) (Array, error) {
	v, err := u.current(o)
	if err != nil || v == nil {
		return nil, err
	}
	a, ok := v.(Array)
	if !ok {
		return nil, damaged("an array was expected")
	}
	return a, nil
}

// edit changes one dictionary object; change gets a copy.
func (u *update) edit(ref Ref, change func(Dict) error) error {
	d, err := u.dict(ref)
	if err != nil {
		return err
	}
	if d == nil {
		return damaged("an object that has to be extended is missing")
	}
	d = d.clone()
	if err := change(d); err != nil {
		return err
	}
	u.put(ref, d)
	return nil
}

// push adds items to the array at key of holder, which the caller owns and
// writes. An array of its own is rewritten instead of the holder, the smaller
// change; push then reports that the holder stays as it is.
func (u *update) push(holder Dict, key Name, items ...Object) (holderChanged bool, err error) {
	a, err := u.array(holder[key])
	if err != nil {
		return false, err
	}
	grown := append(slices.Clone(a), items...)
	if ref, ok := holder[key].(Ref); ok && a != nil {
		u.put(ref, grown)
		return false, nil
	}
	holder[key] = grown
	return true, nil
}

// addFlate packs data and adds it as a stream.
func (u *update) addFlate(d Dict, data []byte) Ref {
	d = d.clone()
	d["Filter"] = Name("FlateDecode")
	ref := u.reserve()
	u.putStream(ref, d, deflate(data))
	return ref
}

func deflate(data []byte) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write(data) // to memory: cannot fail
	_ = z.Close()
	return b.Bytes()
}

// tail renders the update. It returns where each object's body begins in it.
func (u *update) tail() ([]byte, map[uint32]int, error) {
	var b []byte
	if eol, err := u.file.endsInLineEnd(); err != nil {
		return nil, nil, err
	} else if !eol {
		b = append(b, '\n')
	}
	nums := make([]uint32, 0, len(u.objects))
	for n := range u.objects {
		nums = append(nums, n)
	}
	slices.Sort(nums)
	headers, bodies := map[uint32]int64{}, map[uint32]int{}
	for _, n := range nums {
		headers[n] = u.file.size + int64(len(b))
		b = fmt.Appendf(b, "%d %d obj\n", n, u.objects[n].gen)
		bodies[n] = len(b)
		b = append(b, u.objects[n].body...)
		b = append(b, "\nendobj\n"...)
	}
	at := u.file.size + int64(len(b))
	// Annex note to 7.5.8.4 and the PDF TWG (pdf-issues 523): never change from
	// one form to the other; viewers call the earlier signature damaged.
	if u.file.sections[0].form == XRefStream {
		b = u.appendXRefStream(b, nums, headers, at)
	} else {
		b = u.appendTable(b, nums, headers)
	}
	return fmt.Appendf(b, "startxref\n%d\n%%%%EOF\n", at), bodies, nil
}

func (f *File) endsInLineEnd() (bool, error) {
	var last [1]byte
	err := readFull(f.src, last[:], f.size-1)
	return last[0] == '\n' || last[0] == '\r', err
}

func (u *update) trailer(body []byte) Dict {
	old := u.file.trailer
	d := Dict{"Root": old["Root"], "Prev": Integer(u.file.start), "Size": Integer(u.next)}
	if info, ok := old["Info"]; ok {
		d["Info"] = info
	}
	// 14.4: the first identifier stays, the second changes with each update.
	// It derives from the content, so that making a tail again gives the same.
	sum := sha256.Sum256(body)
	fresh := String(sum[:16])
	first := fresh
	if id, err := u.file.array(old["ID"]); err == nil && len(id) == 2 {
		if s, ok := id[0].(String); ok {
			first = s
		}
	}
	d["ID"] = Array{first, fresh}
	return d
}

// runs splits sorted numbers into consecutive subsections.
func runs(nums []uint32) [][]uint32 {
	var out [][]uint32
	for i, n := range nums {
		if i == 0 || nums[i-1]+1 != n {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], n)
	}
	return out
}

func (u *update) appendTable(b []byte, nums []uint32, at map[uint32]int64) []byte {
	entries := make(map[uint32]xrefEntry, len(nums))
	for _, n := range nums {
		entries[n] = xrefEntry{kind: entryAt, offset: at[n], gen: u.objects[n].gen}
	}
	return append(appendSection(b, nums, entries, u.trailer(b)), '\n')
}

// appendSection writes a cross-reference table with its trailer.
func appendSection(b []byte, nums []uint32, entries map[uint32]xrefEntry, trailer Dict) []byte {
	b = append(b, "xref\n"...)
	for _, run := range runs(nums) {
		b = fmt.Appendf(b, "%d %d\n", run[0], len(run))
		for _, n := range run {
			b = fmt.Appendf(b, "%010d %05d n \n", entries[n].offset, entries[n].gen)
		}
	}
	return appendDict(append(b, "trailer\n"...), trailer)
}

func (u *update) appendXRefStream(b []byte, nums []uint32, at map[uint32]int64, self int64) []byte {
	own := u.reserve() // the stream lists itself (7.5.8.2)
	nums, at[own.Num] = append(nums, own.Num), self
	d := u.trailer(b)
	d["Type"] = Name("XRef")
	d["W"] = Array{Integer(1), Integer(8), Integer(2)}
	var index Array
	var rows []byte
	for _, run := range runs(nums) {
		index = append(index, Integer(run[0]), Integer(len(run)))
		for _, n := range run {
			rows = append(rows, 1)
			for shift := 56; shift >= 0; shift -= 8 {
				rows = append(rows, byte(at[n]>>shift))
			}
			gen := u.objects[n].gen
			rows = append(rows, byte(gen>>8), byte(gen))
		}
	}
	d["Index"], d["Filter"] = index, Name("FlateDecode")
	u.putStream(own, d, deflate(rows))
	b = fmt.Appendf(b, "%d 0 obj\n", own.Num)
	b = append(b, u.objects[own.Num].body...)
	return append(b, "\nendobj\n"...)
}

// reread opens what the update makes and compares every object in it with what
// was meant, so that a defect of ours ends here and not in a sealed document.
func (u *update) reread(rev Revision, tail []byte) (*File, error) {
	broken := fault.New(fault.Internal, "pdf_update", "The extended document did not read back as it was written.")
	next := rev.Extend(tail)
	f, err := Open(next.Source, next.Size, u.file.limits)
	if err != nil {
		return nil, broken.Because(err)
	}
	newest := f.sections[0]
	if newest.entries.len() != len(u.objects) || newest.offset < rev.Size {
		return nil, broken
	}
	for num, w := range u.objects {
		if e := newest.at(num); e.kind != entryAt || e.gen != w.gen {
			return nil, broken
		}
		if _, err := f.load(Ref{num, w.gen}); err != nil {
			return nil, broken.Because(err)
		}
	}
	return f, nil
}
