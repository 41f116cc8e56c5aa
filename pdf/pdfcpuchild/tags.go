package pdfcpuchild

import (
	"bytes"
	"fmt"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// element is one of the logical structure (ISO 32000-1 14.7.2): what the page is
// for somebody who hears it. Its role is a standard one (14.8.4), so that no
// document needs to be told what it means.
type element struct {
	role string
	lang string
	alt  string
	box  []float64 // of a figure
	kids []kid
}

// kid is an element, or content of a page that carries a mark.
type kid struct {
	element *element
	page    int
	mark    int
}

func (e *element) child(role string) *element {
	c := &element{role: role}
	e.kids = append(e.kids, kid{element: c})
	return c
}

// leaf is one page while it is written.
type leaf struct {
	bytes.Buffer
	owners []*element // of the marked content, by mark
}

// tagged has draw set the content of a new element of the parent.
func (s *sheet) tagged(parent *element, role string, draw func(e *element)) {
	outer := s.owner
	s.unmark()
	e := parent.child(role)
	s.owner = e
	draw(e)
	s.unmark()
	s.owner = outer
}

// mark begins marked content of the current element, unless it has begun.
func (s *sheet) mark() {
	if s.marked {
		return
	}
	p := s.page()
	number := len(p.owners)
	p.owners = append(p.owners, s.owner)
	s.owner.kids = append(s.owner.kids, kid{page: len(s.pages) - 1, mark: number})
	fmt.Fprintf(p, "/%s <</MCID %d>> BDC\n", s.owner.role, number)
	s.marked = true
}

func (s *sheet) unmark() {
	if s.marked {
		s.page().WriteString("EMC\n")
		s.marked = false
	}
}

// adorn draws what is there for the eye only, an artifact in the words of 14.8.2.2.
func (s *sheet) adorn(p *leaf, draw func()) {
	s.unmark()
	p.WriteString("/Artifact BMC\n")
	draw()
	p.WriteString("EMC\n")
}

// structure writes the tree of elements for the pages and returns its root.
func structure(xref *model.XRefTable, top *element, pages []*leaf, refs []types.IndirectRef) (*types.IndirectRef, error) {
	root := types.Dict{"Type": types.Name("StructTreeRoot")}
	rootRef, err := xref.IndRefForNewObject(root)
	if err != nil {
		return nil, err
	}
	placed := map[*element]types.IndirectRef{}
	topRef, err := place(xref, top, *rootRef, refs, placed)
	if err != nil {
		return nil, err
	}
	root["K"] = types.Array{*topRef}
	numbers := types.Array{}
	for i, p := range pages {
		owners := types.Array{}
		for _, e := range p.owners {
			owners = append(owners, placed[e])
		}
		ref, err := xref.IndRefForNewObject(owners)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, types.Integer(i), *ref)
	}
	tree, err := xref.IndRefForNewObject(types.Dict{"Nums": numbers})
	if err != nil {
		return nil, err
	}
	root["ParentTree"] = *tree
	root["ParentTreeNextKey"] = types.Integer(len(pages))
	return rootRef, nil
}

func place(xref *model.XRefTable, e *element, parent types.IndirectRef, pages []types.IndirectRef, placed map[*element]types.IndirectRef) (*types.IndirectRef, error) {
	d := types.Dict{"Type": types.Name("StructElem"), "S": types.Name(e.role), "P": parent}
	ref, err := xref.IndRefForNewObject(d)
	if err != nil {
		return nil, err
	}
	placed[e] = *ref
	if e.lang != "" {
		d["Lang"] = text(e.lang)
	}
	if e.alt != "" {
		d["Alt"] = text(e.alt)
	}
	if e.box != nil {
		d["A"] = types.Dict{"O": types.Name("Layout"), "BBox": types.NewNumberArray(e.box...), "Placement": types.Name("Block")}
	}
	kids, home := types.Array{}, -1
	for _, k := range e.kids {
		switch {
		case k.element != nil:
			ref, err := place(xref, k.element, *ref, pages, placed)
			if err != nil {
				return nil, err
			}
			kids = append(kids, *ref)
			continue
		case home < 0:
			home = k.page
			d["Pg"] = pages[home]
		}
		if k.page == home {
			kids = append(kids, types.Integer(k.mark))
		} else {
			kids = append(kids, types.Dict{"Type": types.Name("MCR"), "Pg": pages[k.page], "MCID": types.Integer(k.mark)})
		}
	}
	d["K"] = kids
	return ref, nil
}
