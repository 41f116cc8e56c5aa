package pdf

// files: the catalog's associated files grow at their end by new specifications,
// and the tree of embedded files by a name for each.
func (a *addition) files() (string, error) {
	before, after, err := a.catalogues()
	if err != nil {
		return "", err
	}
	specs, ok, err := a.grew(before, after, "AF")
	if err != nil {
		return "", err
	}
	if !ok {
		return "Associated files were removed, replaced or moved.", nil
	}
	for _, o := range specs {
		if sound, err := a.addedFile(o); err != nil || !sound {
			return "A file was added that is not one of ours.", err
		}
	}
	g := &nameGrowth{addition: a, seen: map[uint32]bool{}, names: map[String]bool{}}
	if reason, err := g.judge(before, after); reason != "" || err != nil {
		return reason, err
	}
	named := map[Ref]bool{}
	for _, o := range g.specs {
		if ref, ok := o.(Ref); ok {
			named[ref] = true
		}
	}
	// The files are distinct references, addedFile has seen to it: as many names,
	// and one for each, leave none for anything else.
	const other = "The names of embedded files are not those of the files that were added."
	if len(g.specs) != len(specs) {
		return other, nil
	}
	for _, o := range specs {
		if ref, ok := o.(Ref); !ok || !named[ref] {
			return other, nil
		}
	}
	return "", nil
}

var (
	specKeys = map[Name]bool{"Type": true, "F": true, "UF": true, "Desc": true, "AFRelationship": true, "EF": true}
	fileKeys = map[Name]bool{"Type": true, "Subtype": true, "Params": true, "Filter": true, "Length": true}
)

// addedFile: a file specification with one embedded file, both new.
func (a *addition) addedFile(o Object) (bool, error) {
	d, ok, err := a.fresher(o)
	if err != nil || !ok || d.name("Type") != "Filespec" {
		return false, err
	}
	for k := range d {
		if !specKeys[k] {
			return false, nil
		}
	}
	ef, _ := d["EF"].(Dict)
	ref, ok := ef["F"].(Ref)
	if !ok || len(ef) != 2 || !sameObject(ef["UF"], ref) {
		return false, nil
	}
	if own, err := a.own(d); err != nil || !own {
		return false, err
	}
	v, err := a.now.load(ref)
	if err != nil {
		return false, err
	}
	s, ok := v.(*Stream)
	if !ok || s.Dict.name("Type") != "EmbeddedFile" {
		return false, nil
	}
	for k := range s.Dict {
		if !fileKeys[k] {
			return false, nil
		}
	}
	return true, nil
}

// nameGrowth compares two states of the tree of embedded files (7.9.6).
type nameGrowth struct {
	*addition
	seen  map[uint32]bool
	names map[String]bool // that were added
	specs Array           // what they name
}

const namesChanged = "The names of the document were changed (/Names)."

func (g *nameGrowth) judge(before, after Dict) (string, error) {
	was, is, err := g.pair(before["Names"], after["Names"])
	if err != nil {
		return "", err
	}
	if !g.holds(before["Names"], after["Names"], use{key: "Names"}) || !sameBut(was, is, "EmbeddedFiles") {
		return namesChanged, nil
	}
	old, now, err := g.pair(was["EmbeddedFiles"], is["EmbeddedFiles"])
	if err != nil {
		return "", err
	}
	if !g.holds(was["EmbeddedFiles"], is["EmbeddedFiles"], use{key: "EmbeddedFiles"}) {
		return namesChanged, nil
	}
	_, ok, err := g.node(old, now, 0)
	if err != nil || !ok {
		return namesChanged, err
	}
	if taken, err := g.taken(old, 0); err != nil || taken {
		return "A file was added under the name of another one.", err
	}
	return "", nil
}

// span is the least and greatest name that was added in a part of the tree.
type span struct {
	lo, hi String
	any    bool
}

func (s span) with(o span) span {
	switch {
	case !s.any:
		return o
	case !o.any:
		return s
	}
	return span{min(s.lo, o.lo), max(s.hi, o.hi), true}
}

// node: the same kids, names that grew, limits as wide as the names need.
func (g *nameGrowth) node(was, is Dict, depth int) (span, bool, error) {
	if depth > g.now.limits.MaxDepth {
		return span{}, false, loop("name tree")
	}
	if !sameBut(was, is, "Names", "Kids", "Limits") {
		return span{}, false, nil
	}
	kidsWere, err := g.then.array(was["Kids"])
	if err != nil {
		return span{}, false, err
	}
	kids, err := g.now.array(is["Kids"])
	if err != nil || len(kids) != len(kidsWere) {
		return span{}, false, err
	}
	added, ok, err := g.leaf(was, is)
	if err != nil || !ok || added.any && len(kids) > 0 {
		return span{}, false, err
	}
	for i := range kids {
		below, ok, err := g.kid(kidsWere[i], kids[i], depth)
		if err != nil || !ok {
			return span{}, false, err
		}
		added = added.with(below)
	}
	if lo, hi, limited := limitsOf(was); limited && added.any {
		return added, sameObject(is["Limits"], Array{min(lo, added.lo), max(hi, added.hi)}), nil
	}
	return added, sameObject(was["Limits"], is["Limits"]), nil
}

func (g *nameGrowth) kid(was, is Object, depth int) (span, bool, error) {
	ref, indirect := is.(Ref)
	if _, before := was.(Ref); before != indirect || !g.holds(was, is, use{"Kids", true}) {
		return span{}, false, nil
	}
	if indirect {
		if g.seen[ref.Num] {
			return span{}, false, loop("name tree")
		}
		g.seen[ref.Num] = true
	}
	old, now, err := g.pair(was, is)
	if err != nil {
		return span{}, false, err
	}
	return g.node(old, now, depth+1)
}

// leaf: every name that was there is there in the same order, and what is
// between them is new.
func (g *nameGrowth) leaf(before, after Dict) (span, bool, error) {
	was, err := g.then.array(before["Names"])
	if err != nil {
		return span{}, false, err
	}
	is, err := g.now.array(after["Names"])
	if err != nil {
		return span{}, false, err
	}
	var added span
	for len(is) > len(was) {
		if len(was) > 1 && sameObject(was[:2], is[:2]) {
			was, is = was[2:], is[2:]
			continue
		}
		if len(is) < 2 {
			return added, false, nil
		}
		name, ok := is[0].(String)
		if !ok || g.names[name] {
			return added, false, nil
		}
		if len(was) > 1 {
			if next, ok := was[0].(String); ok && next <= name {
				return added, false, nil
			}
		}
		g.names[name], g.specs = true, append(g.specs, is[1])
		added = added.with(span{name, name, true})
		is = is[2:]
	}
	return added, len(is) == len(was) && (len(was) == 0 || sameObject(was, is)), nil
}

// taken reports whether the tree had one of the added names. That it is a tree,
// node has seen.
func (g *nameGrowth) taken(node Dict, depth int) (bool, error) {
	if depth > g.then.limits.MaxDepth {
		return false, loop("name tree")
	}
	names, err := g.then.array(node["Names"])
	if err != nil {
		return false, err
	}
	for i := 0; i < len(names); i += 2 {
		if s, ok := names[i].(String); ok && g.names[s] {
			return true, nil
		}
	}
	kids, err := g.then.array(node["Kids"])
	if err != nil {
		return false, err
	}
	for _, k := range kids {
		d, err := g.then.dict(k)
		if err != nil {
			return false, err
		}
		if found, err := g.taken(d, depth+1); found || err != nil {
			return found, err
		}
	}
	return false, nil
}
