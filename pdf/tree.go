package pdf

// pageTree walks the pages in order. It visits each node once and each kid in
// place, so that a page listed twice, or a tree in a circle, is found out.
type pageTree struct {
	file    *File
	seen    map[uint32]bool
	pages   int
	visit   func(Ref, Dict, inherited) (more bool, err error)
	stopped bool

	leaf       func(Ref) bool // when set, the leaves that it knows are counted and not visited
	miscounted bool           // a node's /Count is not the number of pages under it
}

// inherited holds the page attributes that come from the nodes above (ISO
// 32000-2 7.7.3.4).
type inherited map[Name]Object

var inheritable = [...]Name{"Resources", "MediaBox", "CropBox", "Rotate"}

// walkPages calls visit for every page until it answers false.
func (f *File) walkPages(visit func(Ref, Dict, inherited) (bool, error)) error {
	return f.tree(visit).walk()
}

func (f *File) tree(visit func(Ref, Dict, inherited) (bool, error)) *pageTree {
	return &pageTree{file: f, seen: map[uint32]bool{}, visit: visit}
}

func (t *pageTree) walk() error {
	cat, err := t.file.catalog()
	if err != nil {
		return err
	}
	root, ok := cat["Pages"].(Ref)
	if !ok {
		return damaged("its page tree is not an indirect object")
	}
	return t.node(root, inherited{}, 0)
}

func (t *pageTree) node(ref Ref, above inherited, depth int) error {
	if t.seen[ref.Num] {
		return loop("page tree")
	}
	if depth > t.file.limits.MaxDepth {
		return tooComplex("page tree nested too deep")
	}
	t.seen[ref.Num] = true
	if t.leaf != nil && t.leaf(ref) {
		return t.page()
	}
	o, err := t.file.load(ref)
	if err != nil {
		return err
	}
	d, ok := o.(Dict)
	if !ok {
		return damaged("a page is missing")
	}
	own := inherited{}
	for _, k := range inheritable {
		if v, ok := d[k]; ok {
			own[k] = v
		} else if v, ok := above[k]; ok {
			own[k] = v
		}
	}
	switch d.name("Type") {
	case "Page":
		if err := t.page(); err != nil {
			return err
		}
		more, err := t.visit(ref, d, own)
		t.stopped = !more
		return err
	case "Pages":
		before := t.pages
		if err := t.kids(d, own, depth); err != nil {
			return err
		}
		count, _, err := t.file.integer(d["Count"])
		t.miscounted = t.miscounted || count != int64(t.pages-before)
		return err
	}
	return damaged("its page tree holds something that is no page")
}

func (t *pageTree) page() error {
	t.pages++
	if t.pages > t.file.limits.MaxPages {
		return tooComplex("too many pages")
	}
	return nil
}

func (t *pageTree) kids(d Dict, own inherited, depth int) error {
	kids, err := t.file.array(d["Kids"])
	if err != nil {
		return err
	}
	for _, k := range kids {
		ref, ok := k.(Ref)
		if !ok {
			return damaged("a page is not an indirect object")
		}
		if err := t.node(ref, own, depth+1); err != nil || t.stopped {
			return err
		}
	}
	return nil
}

func (f *File) firstPage() (ref Ref, page Dict, err error) {
	err = f.walkPages(func(r Ref, d Dict, _ inherited) (bool, error) {
		ref, page = r, d
		return false, nil
	})
	if err == nil && page == nil {
		err = damaged("it has no pages")
	}
	return ref, page, err
}

// countPages counts the pages that are there, whatever /Count claims.
func (f *File) countPages() (int, error) {
	n := 0
	err := f.walkPages(func(Ref, Dict, inherited) (bool, error) {
		n++
		return true, nil
	})
	return n, err
}
