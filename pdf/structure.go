package pdf

import "github.com/handslag/handslag/fault"

// The logical structure (ISO 32000-2 14.7) of pages that are appended goes with
// them. Their elements become further children of the document's structure tree
// root, behind those it has; nothing of the document's own structure changes.
// A document without structure gets a root that knows the appended pages only,
// and no /MarkInfo, which would claim that all of it is tagged.

// elementKeys are the entries of a structure element that are copied: all that
// says something of the content it is for. An element of ours has no name, class
// or attached object that the document would have to know.
var elementKeys = map[Name]bool{
	"Type": true, "S": true, "P": true, "Pg": true, "K": true, "Lang": true, "Alt": true, "A": true,
}

// roles are the standard structure types (14.8.4) that appended elements have.
var roles = map[Name]bool{
	"Document": true, "Sect": true, "H1": true, "H2": true, "H3": true, "P": true, "Span": true, "Figure": true,
	"L": true, "LI": true, "Lbl": true, "LBody": true, "Table": true, "TR": true, "TH": true, "TD": true,
}

// grafted is a page on its way into the document.
type grafted struct {
	ref    Ref
	dict   Dict
	owners map[int64]Ref // of marked content, by its identifier
}

// structure copies the structure of the source for the pages that were copied,
// by their numbers there. A structure with roles or classes of its own stays
// behind, and a document whose structure cannot be extended is left as it is: the
// pages are then without tags, which is no reason not to deliver a contract.
func (g *grafting) structure(pages map[uint32]*grafted, inOrder []*grafted) error {
	cat, err := g.src.catalog()
	if err != nil {
		return err
	}
	from, err := g.src.dict(cat["StructTreeRoot"])
	if err != nil || from == nil || from["RoleMap"] != nil || from["ClassMap"] != nil {
		return err
	}
	to, err := g.u.structureTree()
	if err != nil || to == nil {
		return err
	}
	tops, err := g.src.kids(from["K"])
	if err != nil {
		return err
	}
	var added []Object
	for _, o := range tops {
		ref, err := g.element(o, to.ref, pages, 0)
		if err != nil {
			return err
		}
		added = append(added, ref)
	}
	return to.grow(added, inOrder)
}

// kids are what an entry /K lists: nothing, one thing, or an array (14.7.2).
func (f *File) kids(k Object) (Array, error) {
	o, err := f.resolve(k)
	if err != nil || o == nil {
		return nil, err
	}
	if a, ok := o.(Array); ok {
		return a, nil
	}
	return Array{k}, nil
}

// element copies an element and all below it.
func (g *grafting) element(o Object, parent Ref, pages map[uint32]*grafted, depth int) (Ref, error) {
	if depth > g.src.limits.MaxDepth {
		return Ref{}, tooComplex("structure nested too deep")
	}
	d, err := g.src.dict(o)
	if err != nil {
		return Ref{}, err
	}
	if d == nil || !roles[d.name("S")] {
		return Ref{}, damaged("a page to append has a structure that is not understood")
	}
	self := g.u.reserve()
	out := Dict{"Type": Name("StructElem"), "P": parent}
	var home *grafted
	if pg, ok := d["Pg"].(Ref); ok {
		if home = pages[pg.Num]; home == nil {
			return Ref{}, damaged("its structure speaks of a page that it does not have")
		}
		out["Pg"] = home.ref
	}
	for k, v := range d {
		if k == "P" || k == "Pg" || k == "K" || k == "Type" || !elementKeys[k] {
			continue
		}
		if err := g.entry(out, k, v); err != nil {
			return Ref{}, err
		}
	}
	list, err := g.src.kids(d["K"])
	if err != nil {
		return Ref{}, err
	}
	kids := Array{}
	for _, o := range list {
		kid, err := g.kid(o, self, home, pages, depth)
		if err != nil {
			return Ref{}, err
		}
		kids = append(kids, kid)
	}
	out["K"] = kids
	g.u.put(self, out)
	return self, nil
}

// kid copies what an element lists: marked content of its page or of another
// one, or an element.
func (g *grafting) kid(o Object, self Ref, home *grafted, pages map[uint32]*grafted, depth int) (Object, error) {
	mark, marked := o.(Integer)
	page := home
	var kid Object = mark
	if !marked {
		d, err := g.src.dict(o)
		if err != nil {
			return nil, err
		}
		if d.name("Type") != "MCR" {
			return g.element(o, self, pages, depth+1)
		}
		pg, _ := d["Pg"].(Ref)
		page = pages[pg.Num]
		if mark, marked = d["MCID"].(Integer); !marked {
			page = nil
		}
		if page != nil {
			kid = Dict{"Type": Name("MCR"), "Pg": page.ref, "MCID": mark}
		}
	}
	if page == nil || mark < 0 {
		return nil, damaged("its structure marks content that it does not have")
	}
	if _, taken := page.owners[int64(mark)]; taken {
		return nil, damaged("its structure marks the same content twice")
	}
	page.owners[int64(mark)] = self
	return kid, nil
}

// structureTree is the document's structure tree root while it is extended.
type structureTree struct {
	u     *update
	ref   Ref
	root  Dict  // nil for a root that the document does not have yet
	elder Array // the children it has
	next  int64 // the first key that is free
}

// structureTree finds where structure may be added; nil where the document's own
// is not as it should be.
func (u *update) structureTree() (*structureTree, error) {
	t, err := u.soundStructure()
	if _, ok := fault.As(err); ok {
		return nil, nil //nolint:nilnil // documented: no place for structure
	}
	return t, err
}

func (u *update) soundStructure() (*structureTree, error) {
	cat, err := u.file.catalog()
	if err != nil {
		return nil, err
	}
	used, err := u.file.greatestKey()
	if err != nil {
		return nil, err
	}
	t := &structureTree{u: u, next: used + 1}
	if cat["StructTreeRoot"] == nil {
		t.ref = u.reserve()
		return t, nil
	}
	ref, ok := cat["StructTreeRoot"].(Ref)
	if !ok {
		return nil, damaged("its structure is not an object of its own")
	}
	o, err := u.file.load(ref)
	if err != nil {
		return nil, err
	}
	d, ok := o.(Dict)
	if !ok || d.name("Type") != "StructTreeRoot" {
		return nil, damaged("its structure tree is not one")
	}
	tree, err := u.file.dict(d["ParentTree"])
	if err != nil {
		return nil, err
	}
	last, sound, err := u.file.lastKey(tree, 0)
	if err == nil && !sound {
		err = damaged("its structure's tree of parents is not one")
	}
	if err != nil {
		return nil, err
	}
	if n, ok, err := u.file.integer(d["ParentTreeNextKey"]); err != nil {
		return nil, err
	} else if ok {
		t.next = max(t.next, n)
	}
	if t.next = max(t.next, last+1); t.next > maxKey {
		return nil, damaged("its structure tree is not one")
	}
	t.ref, t.root = ref, d
	t.elder, err = u.file.kids(d["K"])
	return t, err
}

// grow adds elements to the root and the pages' marked content to its tree of
// parents.
func (t *structureTree) grow(elements []Object, pages []*grafted) error {
	var nums Array
	for _, p := range pages {
		if len(p.owners) == 0 {
			continue
		}
		owners := Array{}
		for mark := range int64(len(p.owners)) {
			owner, ok := p.owners[mark]
			if !ok {
				return damaged("its structure marks content with gaps")
			}
			owners = append(owners, owner)
		}
		p.dict["StructParents"], p.dict["Tabs"] = Integer(t.next), Name("S")
		nums = append(nums, Integer(t.next), t.u.add(owners))
		t.next++
	}
	if len(nums) == 0 {
		return nil
	}
	if t.root == nil {
		t.u.put(t.ref, Dict{
			"Type": Name("StructTreeRoot"), "K": Array(elements), "ParentTree": t.u.add(Dict{"Nums": nums}),
			"ParentTreeNextKey": Integer(t.next),
		})
		return t.u.edit(t.u.file.trailer["Root"].(Ref), func(cat Dict) error {
			cat["StructTreeRoot"] = t.ref
			return nil
		})
	}
	return t.u.edit(t.ref, func(root Dict) error {
		root["ParentTreeNextKey"] = Integer(t.next)
		if err := t.adopt(root, elements); err != nil {
			return err
		}
		return t.extend(root, nums)
	})
}

// adopt puts elements behind the children of the root.
func (t *structureTree) adopt(root Dict, elements []Object) error {
	if o, err := t.u.file.resolve(root["K"]); err != nil {
		return err
	} else if _, list := o.(Array); !list {
		root["K"] = append(append(Array{}, t.elder...), elements...)
		return nil
	}
	_, err := t.u.push(root, "K", elements...)
	return err
}

// extend puts keys behind the last one of the tree of parents: into its root, or
// into a node of their own beside the ones that the root has.
func (t *structureTree) extend(root Dict, nums Array) error {
	tree, err := t.u.dict(root["ParentTree"])
	if err != nil {
		return err
	}
	if tree == nil {
		root["ParentTree"] = t.u.add(Dict{"Nums": nums})
		return nil
	}
	tree = tree.clone()
	first, last := nums[0], nums[len(nums)-2]
	kids, err := t.u.array(tree["Kids"])
	if err != nil {
		return err
	}
	if len(kids) > 0 {
		_, err = t.u.push(tree, "Kids", t.u.add(Dict{"Limits": Array{first, last}, "Nums": nums}))
	} else {
		_, err = t.u.push(tree, "Nums", nums...)
	}
	if err != nil {
		return err
	}
	if limits, err := t.u.array(tree["Limits"]); err != nil {
		return err
	} else if len(limits) == 2 { // the root of a tree has none, by the letter
		tree["Limits"] = Array{limits[0], last}
	}
	if ref, ok := root["ParentTree"].(Ref); ok {
		t.u.put(ref, tree)
	} else {
		root["ParentTree"] = tree
	}
	return nil
}
