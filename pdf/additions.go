package pdf

import (
	"slices"

	"github.com/handslag/handslag/fault"
)

// extendedCatalog: an update of Append touches these entries only.
func (a *addition) extendedCatalog() (string, error) {
	return a.catalog("AF", "Names", "StructTreeRoot")
}

// catalogues are the catalog before and after.
func (a *addition) catalogues() (before, after Dict, err error) {
	if before, err = a.then.catalog(); err != nil {
		return nil, nil, err
	}
	after, err = a.now.catalog()
	return before, after, err
}

// pair resolves an entry in the document before and after.
func (a *addition) pair(before, after Object) (was, is Dict, err error) {
	if was, err = a.then.dict(before); err != nil {
		return nil, nil, err
	}
	is, err = a.now.dict(after)
	return was, is, err
}

// grew returns what the array at an entry has beyond what it had; not ok when it
// changed otherwise. The array may be an object of its own that serves no other
// purpose.
func (a *addition) grew(before, after Dict, key Name) (added Array, ok bool, err error) {
	was, err := a.then.array(before[key])
	if err != nil {
		return nil, false, err
	}
	is, err := a.now.array(after[key])
	if err != nil {
		return nil, false, err
	}
	added, ok = grown(was, is)
	return added, ok && a.holds(before[key], after[key], use{key: key}), nil
}

// holds allows the object that holds something which may grow, when it is the
// one that held it before. How it may be referred to is noted for the end.
func (a *addition) holds(before, after Object, at use) bool {
	ref, ok := after.(Ref)
	if !ok {
		return true // inside what was compared already
	}
	if !sameObject(before, after) {
		return false
	}
	if !a.changed[ref.Num] {
		return true
	}
	only, held := a.preparation.holders[ref.Num]
	a.preparation.holders[ref.Num] = at
	a.allowed[ref.Num] = true
	return !held || only == at
}

// tree: the root of the page tree grows at its end by new pages. All other nodes
// and pages are objects that nothing allows to change.
func (a *addition) tree() (string, error) {
	cat, _, err := a.catalogues()
	if err != nil {
		return "", err
	}
	root, ok := cat["Pages"].(Ref)
	if !ok {
		return "", damaged("its page tree is not an indirect object")
	}
	before, after, err := a.pair(root, root)
	if err != nil {
		return "", err
	}
	if key, differs := difference(before, after, "Kids", "Count"); differs {
		return "The root of the page tree was changed" + key + ".", nil
	}
	added, ok, err := a.grew(before, after, "Kids")
	if err != nil {
		return "", err
	}
	if !ok {
		return "Pages were removed, replaced or put before the end.", nil
	}
	was, _, err := a.then.integer(before["Count"])
	if err != nil {
		return "", err
	}
	if is, direct := after["Count"].(Integer); !sameObject(before["Count"], after["Count"]) && !direct || direct && int64(is) != was+int64(len(added)) {
		return "The page tree does not count the pages that were added.", nil
	}
	if a.changed[root.Num] {
		a.allowed[root.Num] = true
	}
	for _, o := range added {
		if sound, err := a.addedPage(o, root); err != nil || !sound {
			return "A page was added that is not one of ours.", err
		}
	}
	return a.structure(added)
}

// addedPage: a page of only those entries that make up how it looks, all of new
// objects, and its place in the structure.
func (a *addition) addedPage(o Object, root Ref) (bool, error) {
	d, ok, err := a.fresher(o)
	if err != nil || !ok || d.name("Type") != "Page" || !sameObject(d["Parent"], root) {
		return false, err
	}
	for k, v := range d {
		switch {
		case k == "Type" || k == "Parent" || k == "StructParents":
			continue
		case k == "Tabs" && v == Name("S"):
			continue
		case !slices.Contains(pageKeys[:], k) && !slices.Contains(inheritable[:], k):
			return false, nil
		}
		if own, err := a.own(v); err != nil || !own {
			return false, err
		}
	}
	return true, nil
}

// fresher takes a reference to a dictionary that this revision adds, once.
func (a *addition) fresher(o Object) (Dict, bool, error) {
	v, err := a.freshObject(o)
	d, ok := v.(Dict)
	return d, ok && err == nil, err
}

// freshObject loads an object that this revision adds, once; nil for any other.
func (a *addition) freshObject(o Object) (Object, error) {
	ref, ok := o.(Ref)
	if !ok || ref.Gen != 0 || a.exists(ref) || !a.changed[ref.Num] || a.allowed[ref.Num] {
		return nil, nil
	}
	a.allowed[ref.Num] = true
	return a.now.load(ref)
}

// own allows what an added object consists of: objects of the same revision that
// neither act nor fetch. One that led back into the document, or to nothing,
// would depend on more than was added.
func (a *addition) own(o Object) (bool, error) {
	queue := []Object{o}
	for len(queue) > 0 {
		next := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if ref, ok := next.(Ref); ok {
			if ref.Gen != 0 || a.exists(ref) || !a.changed[ref.Num] {
				return false, nil
			}
			if a.allowed[ref.Num] {
				continue
			}
			a.allowed[ref.Num] = true
			v, err := a.now.load(ref)
			if err != nil {
				return false, err
			}
			next = v
		}
		if err := a.now.harmless(next); err != nil {
			if _, ok := fault.As(err); ok {
				err = nil // it is known to be a PDF; this one acts or fetches
			}
			return false, err
		}
		queue = references(queue, next)
	}
	return true, nil
}

// references appends the references in an object, as deep as it was parsed.
func references(to []Object, o Object) []Object {
	switch v := o.(type) {
	case Ref:
		return append(to, v)
	case Array:
		for _, e := range v {
			to = references(to, e)
		}
	case Dict:
		for _, e := range v {
			to = references(to, e)
		}
	case *Stream:
		return references(to, v.Dict)
	}
	return to
}
