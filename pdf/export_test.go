package pdf

import (
	"bytes"
	"io"
	"reflect"
)

// Tail writes an update of any objects in the writer's own layout: what somebody
// who has this package and the key, and no scruples, could append.
func Tail(rev Revision, objects map[int]string) ([]byte, error) {
	f, err := openForUpdate(rev, Limits{})
	if err != nil {
		return nil, err
	}
	u := newUpdate(f)
	for num, body := range objects {
		e, _ := f.entry(uint32(num))
		u.objects[uint32(num)] = written{gen: e.gen, body: []byte(body)}
		u.next = max(u.next, uint32(num)+1)
	}
	tail, _, err := u.tail()
	return tail, err
}

// Numbers lists the objects in use.
func (f *File) Numbers() []uint32 {
	var nums []uint32
	for _, p := range f.places() {
		nums = append(nums, p.num)
	}
	return nums
}

// Grammar reads one object in both ways, with and without building it, and says
// where each stopped and whether the census would have had it built.
func Grammar(b []byte) (builtEnd, passedEnd int64, telling bool, built, passed error) {
	limits := Limits{}.withDefaults()
	l := newBytesLexer(b, limits)
	_, built = l.object()
	c := &census{file: &File{limits: limits, work: newWork()}}
	p := newBytesLexer(b, limits)
	k, passed := p.token()
	if passed == nil {
		passed = c.value(p, k, 0)
	}
	return l.pos, p.pos, c.object.telling, built, passed
}

// Print builds an object and writes it again.
func Print(b []byte) (string, error) {
	o, err := newBytesLexer(b, Limits{}.withDefaults()).object()
	if err != nil {
		return "", err
	}
	return string(appendObject(nil, o)), nil
}

// Body writes an object as it is, streams aside.
func (f *File) Body(num uint32) (string, bool) {
	e, _ := f.entry(num)
	o, err := f.load(Ref{num, e.gen})
	if _, ok := o.(*Stream); ok || err != nil {
		return "", false
	}
	return string(appendObject(nil, o)), true
}

// ShowsTheSame is a second opinion on two states of a document: the pages of the
// one are the first pages of the other, each with what it draws and inherits, and
// no stream has another place.
func ShowsTheSame(before, after *File) bool {
	type page struct {
		ref   Ref
		dict  Dict
		above inherited
	}
	pages := func(f *File) (all []page, err error) {
		err = f.walkPages(func(r Ref, d Dict, above inherited) (bool, error) {
			d = d.clone()
			delete(d, "Annots")
			all = append(all, page{r, d, above})
			return true, nil
		})
		return all, err
	}
	old, err := pages(before)
	if err != nil {
		return true // not a document that anybody was shown
	}
	now, err := pages(after)
	if err != nil || len(now) < len(old) || !reflect.DeepEqual(old, now[:len(old)]) {
		return false
	}
	for _, p := range before.places() {
		o, err := before.load(Ref{p.num, p.e.gen})
		if _, ok := o.(*Stream); !ok || err != nil {
			continue
		}
		if e, used := after.entry(p.num); !used || e != p.e {
			return false
		}
	}
	return true
}

// Stored counts what the lists of the document security store hold.
func (f *File) Stored() (map[string]int, error) {
	cat, err := f.catalog()
	if err != nil {
		return nil, err
	}
	dss, err := f.dict(cat["DSS"])
	if err != nil {
		return nil, err
	}
	all := map[string]int{}
	for key := range dss {
		if items, err := f.items(dss, key); err == nil {
			all[string(key)] = len(items)
		}
	}
	return all, nil
}

// Unpack decodes a stream by the entries of its dictionary.
func Unpack(dict string, raw []byte) ([]byte, error) {
	limits := Limits{}.withDefaults()
	o, err := newBytesLexer([]byte("<<"+dict+">>"), limits).object()
	if err != nil {
		return nil, err
	}
	f := &File{limits: limits, work: newWork()}
	return f.readStreamBytes(&Stream{Dict: o.(Dict), raw: io.NewSectionReader(bytes.NewReader(raw), 0, int64(len(raw)))}, limits.MaxStreamBytes)
}
