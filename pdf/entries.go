package pdf

import (
	"cmp"
	"iter"
	"slices"
)

// entries are the objects that one cross-reference section lists, by ascending
// number. A million of them must fit in little memory, so they are a slice of 24
// bytes each and no map.
type entries struct {
	list  []place
	mixed bool // not in order yet
}

// place is where a version of an object is.
type place struct {
	num uint32
	e   xrefEntry
}

func (s *entries) grow(n int64) { s.list = slices.Grow(s.list, int(n)) }

func (s *entries) add(num uint32, e xrefEntry) {
	if n := len(s.list); n > 0 && s.list[n-1].num >= num {
		s.mixed = true
	}
	s.list = append(s.list, place{num, e})
}

// settle sorts what was added and returns a number that was added twice, unless
// both entries say the same.
func (s *entries) settle() (num uint32, twice bool) {
	if !s.mixed {
		return 0, false
	}
	slices.SortFunc(s.list, func(a, b place) int { return cmp.Compare(a.num, b.num) })
	s.mixed = false
	s.list = slices.Compact(s.list)
	for i := 1; i < len(s.list); i++ {
		if s.list[i].num == s.list[i-1].num {
			return s.list[i].num, true
		}
	}
	return 0, false
}

// get finds an entry. Most sections list consecutive numbers, so it looks there
// before it searches.
func (s *entries) get(num uint32) (xrefEntry, bool) {
	if len(s.list) == 0 || num < s.list[0].num {
		return xrefEntry{}, false
	}
	if i := int64(num) - int64(s.list[0].num); i < int64(len(s.list)) && s.list[i].num == num {
		return s.list[i].e, true
	}
	i, ok := s.find(num)
	if !ok {
		return xrefEntry{}, false
	}
	return s.list[i].e, true
}

func (s *entries) find(num uint32) (int, bool) {
	return slices.BinarySearchFunc(s.list, num, func(x place, num uint32) int { return cmp.Compare(x.num, num) })
}

func (s *entries) len() int { return len(s.list) }

// all yields the entries by ascending number.
func (s *entries) all() iter.Seq2[uint32, xrefEntry] {
	return func(yield func(uint32, xrefEntry) bool) {
		for _, x := range s.list {
			if !yield(x.num, x.e) {
				return
			}
		}
	}
}

func (s *entries) equal(o *entries) bool { return slices.Equal(s.list, o.list) }

// fold adds the entries of a hybrid's hidden section: those that s lists as free
// or not at all (ISO 32000-2 7.5.8.4).
func (s *entries) fold(hidden *entries) {
	var more []place
	for _, x := range hidden.list {
		if i, ok := s.find(x.num); !ok {
			more = append(more, x)
		} else if s.list[i].e.kind == entryFree {
			s.list[i].e = x.e
		}
	}
	s.list = append(s.list, more...)
	slices.SortFunc(s.list, func(a, b place) int { return cmp.Compare(a.num, b.num) })
}

// newest lists the objects in use by number, each in its newest version, and the
// numbers of those that have an older one too.
func (f *File) newest() (used []place, replaced []uint32) {
	type version struct {
		place
		section int // the newest is 0
	}
	n := 0
	for _, s := range f.sections {
		n += s.entries.len()
	}
	all := make([]version, 0, n)
	for i, s := range f.sections {
		for num, e := range s.entries.all() {
			all = append(all, version{place{num, e}, i})
		}
	}
	if len(f.sections) > 1 {
		slices.SortFunc(all, func(a, b version) int {
			return cmp.Or(cmp.Compare(a.num, b.num), cmp.Compare(a.section, b.section))
		})
	}
	used = make([]place, 0, n)
	for i, v := range all {
		known := i > 0 && all[i-1].num == v.num
		switch last := len(used) - 1; {
		case !known && v.e.kind != entryFree:
			used = append(used, v.place)
		case known && v.e.kind != entryFree && last >= 0 && used[last].num == v.num && used[last].e != v.e:
			if k := len(replaced); k == 0 || replaced[k-1] != v.num {
				replaced = append(replaced, v.num)
			}
		}
	}
	return used, replaced
}

// places lists the objects in use in the order of the file.
func (f *File) places() []place {
	places, _ := f.newest()
	slices.SortFunc(places, inFile)
	return places
}

// eachObject visits every object in use, in the order of the file.
func (f *File) eachObject(visit func(num uint32, o Object) error) error {
	for _, p := range f.places() {
		o, err := f.load(Ref{p.num, p.e.gen})
		if err != nil {
			return err
		}
		if err := visit(p.num, o); err != nil {
			return err
		}
	}
	return nil
}
