package pdf

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// pages: a page may gain the widgets of added signatures and nothing else. The
// list of its annotations may be an object of its own that serves this one page.
func (s *step) pages() (string, error) {
	pages := map[Ref]bool{}
	for w := range s.widgets {
		d, err := s.now.dict(Ref{Num: w})
		if err != nil {
			return "", err
		}
		if page, ok := d["P"].(Ref); ok {
			pages[page] = true
		}
	}
	for num := range s.changed {
		e, used := s.then.entry(num)
		if !used || s.allowed[num] {
			continue
		}
		pages[Ref{num, e.gen}] = true
		for at := range s.uses.of[num] {
			if h, used := s.then.entry(at.from); used && at.key == "Annots" {
				pages[Ref{at.from, h.gen}] = true
			}
		}
	}
	for _, ref := range slices.SortedFunc(maps.Keys(pages), func(a, b Ref) int { return cmp.Compare(a.Num, b.Num) }) {
		o, err := s.then.load(ref)
		if err != nil {
			return "", err
		}
		if d, ok := o.(Dict); !ok || d.name("Type") != "Page" {
			continue
		}
		if reason, err := s.page(ref); reason != "" || err != nil {
			return reason, err
		}
	}
	return "", nil
}

func (s *step) page(ref Ref) (string, error) {
	before, err := s.then.dict(ref)
	if err != nil {
		return "", err
	}
	after, err := s.now.dict(ref)
	if err != nil {
		return "", err
	}
	if key, differs := difference(before, after, "Annots"); differs {
		return "A page was changed" + key + ".", nil
	}
	was, err := s.then.array(before["Annots"])
	if err != nil {
		return "", err
	}
	is, err := s.now.array(after["Annots"])
	if err != nil {
		return "", err
	}
	const other = "A page was given other annotations."
	added, ok := grown(was, is)
	if !ok {
		return "Annotations of a page were removed or replaced.", nil
	}
	for _, o := range added {
		w, ok := o.(Ref)
		if !ok || !s.widgets[w.Num] {
			return other, nil
		}
		s.places[w.Num] = ref
	}
	if s.changed[ref.Num] {
		s.allowed[ref.Num] = true
	}
	if !s.take(before["Annots"], after["Annots"], func(r reference) bool { return r == reference{ref.Num, use{key: "Annots"}} }) {
		return other, nil
	}
	return "", nil
}

// drawings: a signature that shows itself can cover what was signed before it.
func (s *step) drawings() (string, error) {
	for i := range s.changes {
		c := &s.changes[i]
		if c.Kind != ChangeSignature && c.Kind != ChangeTimestamp {
			continue
		}
		for _, widget := range s.shown[c.Field] {
			p, err := s.place(widget)
			if err != nil {
				return "", err
			}
			s.drawing(c, p)
		}
	}
	return "", nil
}

func (s *step) drawing(c *Change, p placement) {
	// A field that was there before has its place, unless that is most of a page.
	if !c.Filled || p.wide || c.Kind == ChangeTimestamp {
		c.Page = p.page
	}
	switch {
	case c.Kind == ChangeTimestamp && p.page > 0:
		// Anybody can make one that nobody has to believe, and it is no statement of
		// anybody's: what it draws is nobody's signature.
		s.drawn = fmt.Sprintf("A document timestamp that draws on page %d was added.", p.page)
	case p.overlaps:
		s.drawn = fmt.Sprintf("A signature that draws over another annotation on page %d was added.", p.page)
	}
}

// placement is where a signature shows itself.
type placement struct {
	page     int  // 0 for none
	wide     bool // it takes more than a quarter of the page
	overlaps bool // another annotation
}

func (s *step) place(widget Ref) (placement, error) {
	var p placement
	if err := s.sheets.open(s.then); err != nil {
		return p, err
	}
	page, ok := s.places[widget.Num]
	if !ok {
		page, ok = s.sheets.widgets[widget]
	}
	if !ok {
		return p, nil // nothing shows what is on no page
	}
	d, err := s.now.dict(page)
	if err != nil {
		return p, err
	}
	annots, err := s.now.array(d["Annots"])
	if err != nil {
		return p, err
	}
	p.page = s.sheets.numbers[page]
	return p, s.measure(&p, widget, annots, s.sheets.boxes[page])
}

// sheets are the pages, which no revision that is allowed changes: where each is,
// how large, and which of them show the signature fields that there were.
type sheets struct {
	numbers map[Ref]int
	boxes   map[Ref]Object
	widgets map[Ref]Ref
}

func (sh *sheets) open(f *File) error {
	if sh.numbers != nil {
		return nil
	}
	form, err := f.form()
	if err != nil {
		return err
	}
	widgets := map[Ref]bool{}
	for _, x := range form.signatures {
		kids, err := f.array(x.field["Kids"])
		if err != nil {
			return err
		}
		widgets[x.ref] = true
		for _, o := range kids {
			if ref, ok := o.(Ref); ok {
				widgets[ref] = true
			}
		}
	}
	sh.numbers, sh.boxes, sh.widgets = map[Ref]int{}, map[Ref]Object{}, map[Ref]Ref{}
	return f.walkPages(func(page Ref, d Dict, above inherited) (bool, error) {
		sh.numbers[page], sh.boxes[page] = len(sh.numbers)+1, above["MediaBox"]
		annots, err := f.array(d["Annots"])
		for _, o := range annots {
			if w, ok := o.(Ref); ok && widgets[w] {
				sh.widgets[w] = page
			}
		}
		return true, err
	})
}

func (s *step) measure(p *placement, widget Ref, annots Array, mediaBox Object) error {
	own, err := s.now.dict(widget)
	if err != nil {
		return err
	}
	box, _ := rectangleOf(own["Rect"])
	for _, o := range annots {
		if o == Object(widget) {
			continue
		}
		a, err := s.now.dict(o)
		if err != nil {
			return err
		}
		if other, ok := rectangleOf(a["Rect"]); !ok || !invisible(a) && box.meets(other) {
			p.overlaps = true
		}
	}
	sheet, err := s.now.resolve(mediaBox)
	if err != nil {
		return err
	}
	page, ok := rectangleOf(sheet)
	p.wide = !ok || box.area()*4 > page.area()
	return nil
}
