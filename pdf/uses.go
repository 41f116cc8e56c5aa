package pdf

const (
	// maxUses bounds what is remembered of one object; one that is used more often
	// has no single use.
	maxUses = 32
	// maxAllUses bounds what is remembered of all, in memory and in time: honest
	// revisions define or replace a few objects.
	maxAllUses = 1 << 20
)

// reference is one place that refers to an object: the object that it stands in,
// 0 for a trailer, and the key there.
type reference struct {
	from uint32
	use
}

// uses are the references to those objects that later revisions define or
// replace. An object that is replaced in one role must not have another one, and
// one that is new must not have been waited for: content that was prepared to
// show only after signing (hide and replace).
type uses struct {
	watched map[uint32]bool
	of      map[uint32]map[reference]bool
	all     int
}

func newUses() *uses {
	return &uses{watched: map[uint32]bool{}, of: map[uint32]map[reference]bool{}}
}

// scan notes every reference of a document.
func (u *uses) scan(f *File) error {
	for _, s := range f.sections {
		u.walk(s.trailer, reference{})
	}
	return f.eachObject(func(num uint32, o Object) error {
		u.object(num, o)
		return u.bounded(f)
	})
}

func (u *uses) bounded(f *File) error {
	if u.all > maxAllUses {
		f.work.over = tooComplex("too much of it was replaced")
		return f.work.over
	}
	return nil
}

// add notes those of the objects that the newest revision of f lists.
func (u *uses) add(f *File) error {
	u.walk(f.sections[0].trailer, reference{})
	for num, e := range f.sections[0].entries.all() {
		if e.kind == entryFree {
			continue
		}
		o, err := f.load(Ref{num, e.gen})
		if err != nil {
			return err
		}
		u.object(num, o)
	}
	return u.bounded(f)
}

// object: a cross-reference stream is a trailer too.
func (u *uses) object(num uint32, o Object) {
	if x, ok := o.(*Stream); ok && x.Dict.name("Type") == "XRef" {
		num = 0
	}
	u.walk(o, reference{from: num})
}

// walk goes no deeper than the parser did.
func (u *uses) walk(o Object, at reference) {
	switch v := o.(type) {
	case Ref:
		if !u.watched[v.Num] {
			return
		}
		all := u.of[v.Num]
		if all == nil {
			all = map[reference]bool{}
			u.of[v.Num] = all
		}
		if len(all) <= maxUses && !all[at] {
			all[at] = true
			u.all++
		}
	case *Stream:
		u.walk(v.Dict, at)
	case Dict:
		for k, e := range v {
			u.walk(e, reference{at.from, use{key: k}})
		}
	case Array:
		for _, e := range v {
			u.walk(e, reference{at.from, use{at.key, true}})
		}
	}
}

// only reports whether every reference to an object is such a one.
func (u *uses) only(num uint32, fits func(reference) bool) bool {
	all := u.of[num]
	if len(all) > maxUses {
		return false
	}
	for at := range all {
		if !fits(at) {
			return false
		}
	}
	return true
}
