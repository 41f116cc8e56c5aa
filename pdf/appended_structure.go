package pdf

// structure: the logical structure grows by elements for the added pages, and in
// nothing else. What a document means to somebody who hears it must not change
// any more than what it shows: an element of ours speaks of an added page, never
// of one that was signed.
func (a *addition) structure(pages Array) (string, error) {
	const changed = "The structure of the document was changed (/StructTreeRoot)."
	before, after, err := a.catalogues()
	if err != nil {
		return "", err
	}
	g := &structureGrowth{addition: a, pages: map[uint32]*taggedPage{}, keys: map[int64]*taggedPage{}}
	if sound, err := g.tagged(pages); err != nil || !sound {
		return "A page was added that is not one of ours.", err
	}
	if len(g.keys) == 0 {
		if !sameObject(before["StructTreeRoot"], after["StructTreeRoot"]) {
			return changed, nil
		}
		return "", nil // an object that was changed all the same, nobody allows
	}
	for _, step := range []func(before, after Object) (bool, error){g.root, g.elements, g.parents, g.tied} {
		if sound, err := step(before["StructTreeRoot"], after["StructTreeRoot"]); err != nil || !sound {
			return changed, err
		}
	}
	for key := range g.keys {
		a.preparation.parents[key] = true
	}
	return "", nil
}

// structureGrowth compares two states of the structure.
type structureGrowth struct {
	*addition
	pages   map[uint32]*taggedPage
	keys    map[int64]*taggedPage
	ref     Ref
	was, is Dict // the root
}

// taggedPage is an added page with structure.
type taggedPage struct {
	key    int64
	owners map[int64]Ref // of its marked content, as the elements say
	listed bool          // in the tree of parents, with the same owners
}

// tagged finds the added pages that take part in the structure.
func (g *structureGrowth) tagged(pages Array) (bool, error) {
	for _, o := range pages {
		d, err := g.now.dict(o)
		if err != nil {
			return false, err
		}
		key, has := d["StructParents"]
		if !has {
			continue
		}
		n, ok := key.(Integer)
		if !ok || n < 0 || g.keys[int64(n)] != nil {
			return false, nil
		}
		p := &taggedPage{key: int64(n), owners: map[int64]Ref{}}
		g.pages[o.(Ref).Num], g.keys[p.key] = p, p // addedPage has seen that it is a reference
	}
	return true, nil
}

// root: the same object, or a new one where there was none, of which only what
// lists the elements differs.
func (g *structureGrowth) root(before, after Object) (bool, error) {
	ref, ok := after.(Ref)
	if !ok {
		return false, nil
	}
	g.ref = ref
	if before == nil {
		d, fresh, err := g.fresher(after)
		g.is = d
		return fresh && sameBut(d, Dict{"Type": Name("StructTreeRoot")}, "K", "ParentTree", "ParentTreeNextKey"), err
	}
	var err error
	if g.was, g.is, err = g.pair(before, after); err != nil {
		return false, err
	}
	return g.was.name("Type") == "StructTreeRoot" && g.holds(before, after, structureRoot) &&
		sameBut(g.was, g.is, "K", "ParentTree", "ParentTreeNextKey"), nil
}

// elements: behind the children that the root had come new ones.
func (g *structureGrowth) elements(_, _ Object) (bool, error) {
	was, err := g.then.kids(g.was["K"])
	if err != nil {
		return false, err
	}
	is, err := g.now.array(g.is["K"])
	if err != nil {
		return false, err
	}
	added, ok := grown(was, is)
	if !ok || len(added) == 0 {
		return false, nil
	}
	if _, direct := g.is["K"].(Array); !direct && !g.holds(g.was["K"], g.is["K"], use{key: "K"}) {
		return false, nil
	}
	for _, o := range added {
		if sound, err := g.element(o, g.ref, 0); err != nil || !sound {
			return false, err
		}
	}
	return true, nil
}

// element: a new one under its parent, of a standard role, for content of added
// pages.
func (g *structureGrowth) element(o Object, parent Ref, depth int) (bool, error) {
	if depth > g.now.limits.MaxDepth {
		return false, tooComplex("structure nested too deep")
	}
	d, ok, err := g.fresher(o)
	if err != nil || !ok || d.name("Type") != "StructElem" || !roles[d.name("S")] || !sameObject(d["P"], parent) {
		return false, err
	}
	for k, v := range d {
		if !elementKeys[k] || k != "P" && k != "Pg" && k != "K" && len(references(nil, v)) > 0 {
			return false, nil
		}
	}
	var home *taggedPage
	if pg, has := d["Pg"]; has {
		ref, _ := pg.(Ref)
		if home = g.pages[ref.Num]; home == nil || ref.Gen != 0 {
			return false, nil
		}
	}
	kids, ok := d["K"].(Array)
	if !ok {
		return false, nil
	}
	for _, k := range kids {
		if sound, err := g.kid(k, o.(Ref), home, depth); err != nil || !sound {
			return false, err
		}
	}
	return true, nil
}

// kid: marked content that has no other owner, or an element.
func (g *structureGrowth) kid(o Object, self Ref, home *taggedPage, depth int) (bool, error) {
	page := home
	mark, marked := o.(Integer)
	if d, ok := o.(Dict); ok {
		if mark, marked = d["MCID"].(Integer); len(d) != 3 || d.name("Type") != "MCR" {
			return false, nil
		}
		ref, _ := d["Pg"].(Ref)
		if page = g.pages[ref.Num]; ref.Gen != 0 {
			return false, nil
		}
	} else if !marked {
		return g.element(o, self, depth+1)
	}
	if !marked || page == nil || mark < 0 {
		return false, nil
	}
	if _, taken := page.owners[int64(mark)]; taken {
		return false, nil
	}
	page.owners[int64(mark)] = self
	return true, nil
}

// parents: the tree of parents grows behind its last key, in its root or by a
// node beside those that its root has.
func (g *structureGrowth) parents(_, _ Object) (bool, error) {
	was, is, err := g.pair(g.was["ParentTree"], g.is["ParentTree"])
	if err != nil {
		return false, err
	}
	if was == nil {
		d, fresh, err := g.fresher(g.is["ParentTree"])
		if err != nil || !fresh || !sameBut(d, Dict{}, "Nums") {
			return false, err
		}
		return g.numbers(d["Nums"], -1)
	}
	last, sound, err := g.then.lastKey(was, 0)
	if err != nil || !sound || !g.holds(g.was["ParentTree"], g.is["ParentTree"], use{key: "ParentTree"}) || !sameBut(was, is, "Nums", "Kids", "Limits") {
		return false, err
	}
	if ok, err := g.widened(was, is); err != nil || !ok {
		return false, err
	}
	kids, err := g.then.array(was["Kids"])
	if err != nil {
		return false, err
	}
	if len(kids) == 0 {
		nums, ok, err := g.grew(was, is, "Nums")
		if err != nil || !ok || !sameObject(was["Kids"], is["Kids"]) {
			return false, err
		}
		return g.numbers(nums, last)
	}
	added, ok, err := g.grew(was, is, "Kids")
	if err != nil || !ok || len(added) != 1 || !sameObject(was["Nums"], is["Nums"]) {
		return false, err
	}
	node, fresh, err := g.fresher(added[0])
	if err != nil || !fresh || !sameBut(node, Dict{}, "Nums", "Limits") {
		return false, err
	}
	nums, ok := node["Nums"].(Array)
	if !ok || len(nums) < 2 || !sameObject(node["Limits"], Array{nums[0], nums[len(nums)-2]}) {
		return false, nil
	}
	return g.numbers(nums, last)
}

// widened: limits of the tree's root, which should have none, reach the last key.
func (g *structureGrowth) widened(was, is Dict) (bool, error) {
	before, err := g.then.array(was["Limits"])
	if err != nil {
		return false, err
	}
	if len(before) != 2 {
		return sameObject(was["Limits"], is["Limits"]), nil
	}
	last := int64(-1)
	for key := range g.keys {
		last = max(last, key)
	}
	return sameObject(is["Limits"], Array{before[0], Integer(last)}), nil
}

// numbers: ascending keys of the added pages, each with the elements that own the
// page's marked content.
func (g *structureGrowth) numbers(o Object, last int64) (bool, error) {
	nums, ok := o.(Array)
	if !ok || len(nums)%2 != 0 {
		return false, nil
	}
	for ; len(nums) > 0; nums = nums[2:] {
		key, ok := nums[0].(Integer)
		page := g.keys[int64(key)]
		if !ok || int64(key) <= last || page == nil {
			return false, nil
		}
		last = int64(key)
		v, err := g.freshObject(nums[1])
		if err != nil {
			return false, err
		}
		owners, ok := v.(Array)
		if !ok || len(owners) != len(page.owners) {
			return false, nil
		}
		for mark, owner := range owners {
			if said, ok := page.owners[int64(mark)]; !ok || owner != Object(said) {
				return false, nil
			}
		}
		page.listed = true
	}
	return true, nil
}

// tied: every page that has a key is found under it, and the next key is one that
// no page has.
func (g *structureGrowth) tied(_, _ Object) (bool, error) {
	last := int64(-1)
	for key, p := range g.keys {
		if !p.listed {
			return false, nil
		}
		last = max(last, key)
	}
	return g.is["ParentTreeNextKey"] == Integer(last+1), nil
}
