package pdf

import (
	"bytes"
	"fmt"
	"time"

	"github.com/handslag/handslag/fault"
)

// Additions are what one update adds to a document.
type Additions struct {
	// Pages is a PDF whose pages go after the last one; nil for none.
	Pages []byte
	// Files become associated files (ISO 32000-2 14.13).
	Files []Attachment
	// Time is when they were made.
	Time   time.Time
	Limits Limits
}

// Append returns the tail that adds pages and associated files to a document:
// one incremental update, after which every page, font and stream that was
// there is untouched. The same input always gives the same tail.
//
// It refuses a document that is signed (pdf_signed): validators count a page or
// attachment after a signature as a change of what was signed.
func Append(rev Revision, add Additions) ([]byte, error) {
	f, err := openForUpdate(rev, add.Limits)
	if err != nil {
		return nil, err
	}
	fields, err := f.signatureFields()
	if err != nil {
		return nil, err
	}
	for _, s := range fields {
		if s.value != nil {
			return nil, fault.New(fault.Conflict, "pdf_signed", "The PDF already carries a signature; adding to it would make that signature invalid.")
		}
	}
	u := newUpdate(f)
	pages := 0
	if add.Pages != nil {
		if pages, err = u.graft(add.Pages); err != nil {
			return nil, fmt.Errorf("append pages: %w", err)
		}
	}
	if err := u.attach(add.Files, add.Time); err != nil {
		return nil, fmt.Errorf("append associated files: %w", err)
	}
	if len(u.objects) == 0 {
		return nil, fault.New(fault.Internal, "pdf_update", "There is nothing to add to the document.")
	}
	tail, _, err := u.tail()
	if err != nil {
		return nil, err
	}
	after, err := u.reread(rev, tail)
	if err != nil {
		return nil, err
	}
	return tail, samePageCount(f, after, pages)
}

// samePageCount holds the root's own count to what was grafted; it reads one
// node, so that a document of many pages costs nothing more.
func samePageCount(before, after *File, added int) error {
	was, err := before.rootCount()
	if err != nil {
		return err
	}
	is, err := after.rootCount()
	if err != nil {
		return err
	}
	if is != was+int64(added) {
		return fault.New(fault.Internal, "pdf_update", "The extended document has a wrong number of pages.")
	}
	return nil
}

func (f *File) rootCount() (int64, error) {
	cat, err := f.catalog()
	if err != nil {
		return 0, err
	}
	pages, err := f.dict(cat["Pages"])
	if err != nil {
		return 0, err
	}
	n, ok, err := f.integer(pages["Count"])
	if err == nil && (!ok || n < 0) {
		err = damaged("its page tree has no count")
	}
	return n, err
}

func openForUpdate(rev Revision, limits Limits) (*File, error) {
	f, err := Open(rev.Source, rev.Size, limits)
	if err != nil {
		return nil, err
	}
	if junk, err := f.trailing(); err != nil || junk {
		if err == nil {
			err = trailingData()
		}
		return nil, err
	}
	return f, nil
}

// graft copies the pages of another PDF behind the last page.
func (u *update) graft(pages []byte) (int, error) {
	src, err := Open(bytes.NewReader(pages), int64(len(pages)), u.file.limits)
	if err != nil {
		return 0, err
	}
	cat, err := u.file.catalog()
	if err != nil {
		return 0, err
	}
	root, ok := cat["Pages"].(Ref)
	if !ok {
		return 0, damaged("its page tree is not an indirect object")
	}
	g := &grafting{src: src, u: u, copied: map[uint32]Ref{}}
	var kids []Object
	var all []*grafted
	byNumber := map[uint32]*grafted{}
	err = src.walkPages(func(ref Ref, page Dict, above inherited) (bool, error) {
		d, err := g.page(page, above, root)
		p := &grafted{ref: u.reserve(), dict: d, owners: map[int64]Ref{}}
		kids, all, byNumber[ref.Num] = append(kids, p.ref), append(all, p), p
		return true, err
	})
	if err != nil {
		return 0, err
	}
	if err := g.structure(byNumber, all); err != nil {
		return 0, fmt.Errorf("structure: %w", err)
	}
	for _, p := range all {
		u.put(p.ref, p.dict)
	}
	return len(kids), u.edit(root, func(d Dict) error {
		n, ok, err := u.file.integer(d["Count"])
		if err != nil {
			return err
		}
		if !ok {
			return damaged("its page tree has no count")
		}
		d["Count"] = Integer(n + int64(len(kids)))
		_, err = u.push(d, "Kids", kids...)
		return err
	})
}

// grafting copies an object graph under new numbers.
type grafting struct {
	src    *File
	u      *update
	copied map[uint32]Ref
}

// pageKeys are the entries of a page that make up how it looks. Everything else
// (annotations, structure, actions, threads) belongs to the document it is from.
var pageKeys = [...]Name{"Contents", "Group", "TrimBox", "BleedBox", "ArtBox", "UserUnit"}

func (g *grafting) page(page Dict, above inherited, parent Ref) (Dict, error) {
	out := Dict{"Type": Name("Page"), "Parent": parent}
	for _, k := range pageKeys {
		if err := g.entry(out, k, page[k]); err != nil {
			return nil, err
		}
	}
	// Explicit, all four: the tree the page moves into may have others to inherit.
	for _, k := range inheritable {
		if err := g.entry(out, k, above[k]); err != nil {
			return nil, err
		}
	}
	if out["MediaBox"] == nil {
		return nil, damaged("a page to append has no size")
	}
	if out["CropBox"] == nil {
		out["CropBox"] = out["MediaBox"]
	}
	if out["Rotate"] == nil {
		out["Rotate"] = Integer(0)
	}
	if out["Resources"] == nil {
		out["Resources"] = Dict{}
	}
	return out, nil
}

func (g *grafting) entry(out Dict, key Name, o Object) error {
	if o == nil {
		return nil
	}
	c, err := g.copy(o, 0)
	if err == nil {
		out[key] = c
	}
	return err
}

func (g *grafting) copy(o Object, depth int) (Object, error) {
	if depth > g.src.limits.MaxDepth {
		return nil, tooComplex("objects nested too deep")
	}
	switch v := o.(type) {
	case Ref:
		return g.ref(v, depth)
	case Array:
		out := make(Array, len(v))
		for i := range v {
			c, err := g.copy(v[i], depth+1)
			if err != nil {
				return nil, err
			}
			out[i] = c
		}
		return out, nil
	case Dict:
		return g.dict(v, depth)
	}
	return o, nil
}

func (g *grafting) dict(d Dict, depth int) (Dict, error) {
	out := make(Dict, len(d))
	for k, v := range d {
		if k == "Parent" || k == "StructParent" || k == "StructParents" {
			continue
		}
		c, err := g.copy(v, depth+1)
		if err != nil {
			return nil, err
		}
		out[k] = c
	}
	return out, nil
}

func (g *grafting) ref(r Ref, depth int) (Object, error) {
	if to, ok := g.copied[r.Num]; ok {
		return to, nil
	}
	o, err := g.src.load(r)
	if err != nil || o == nil {
		return nil, err
	}
	to := g.u.reserve()
	g.copied[r.Num] = to
	if s, ok := o.(*Stream); ok {
		return to, g.stream(to, s, depth)
	}
	c, err := g.copy(o, depth+1)
	if err != nil {
		return nil, err
	}
	g.u.put(to, c)
	return to, nil
}

func (g *grafting) stream(to Ref, s *Stream, depth int) error {
	d, err := g.dict(s.Dict, depth+1)
	if err != nil {
		return err
	}
	raw := make([]byte, s.raw.Size())
	if err := readFull(s.raw, raw, 0); err != nil {
		return err
	}
	g.u.putStream(to, d, raw)
	return nil
}
