package pdfcpuchild

import (
	"fmt"
	"strings"
)

func (s *sheet) section(top *element, sec Section) {
	part := top.child("Sect")
	need := 40 + float64(len(s.wrap(body, textWidth, sec.Text)))*body.leading
	if len(sec.Items) > 0 {
		need += s.height(sec.Items[0])
	}
	s.room(min(need, 300)) // a heading does not stand alone at the foot of a page
	s.y -= 14
	s.paragraph(part, "H2", textWidth, heading, sec.Heading)
	s.y -= 5
	s.adorn(s.page(), func() { s.rect(s.page(), margin, s.y, textWidth, 1.2, accent) })
	s.y -= 3
	if sec.Text != "" {
		s.y -= 3
		s.paragraph(part, "P", textWidth, body, sec.Text)
		s.y -= 3
	}
	for i, item := range sec.Items {
		s.item(part, item, i > 0 || sec.Text != "")
	}
}

const (
	badgeSpace = 28.0 // around a badge and between it and the title
	itemSpace  = 15.0 // above and below what an item says
)

// badgeWidth is what the badge of an item takes from the width of its title.
func (s *sheet) badgeWidth(it Item) float64 {
	if it.Badge == "" {
		return 0
	}
	return s.width(badge, it.Badge) + badgeSpace
}

// height is how much room an item takes when it is not broken.
func (s *sheet) height(it Item) float64 {
	h := itemSpace + float64(len(s.wrap(name, textWidth-s.badgeWidth(it), it.Title)))*name.leading
	for _, l := range it.Lines {
		labels, values, _ := s.columns(l)
		h += float64(max(len(labels), len(values))) * value.leading
	}
	return h
}

func (s *sheet) columns(l Line) (labels, values []string, st style) {
	st = value
	if l.Mono {
		st = digest
	}
	return s.wrap(label, labelWidth-10, l.Label), s.wrap(st, textWidth-labelWidth, l.Text), st
}

func (s *sheet) item(parent *element, it Item, divided bool) {
	before := len(s.pages)
	s.room(s.height(it))
	if divided && len(s.pages) == before {
		s.y -= 8
		s.adorn(s.page(), func() { s.rect(s.page(), margin, s.y, textWidth, 0.6, rule) })
	}
	s.y -= 5
	part := parent.child("Sect")
	top, first := s.y, s.page()
	s.paragraph(part, "H3", textWidth-s.badgeWidth(it), name, it.Title)
	if it.Badge != "" && s.page() == first { // a title is never as long as to leave the page
		w := s.width(badge, it.Badge)
		s.adorn(first, func() { s.rect(first, paperWidth-margin-w-14, top-16, w+14, 14, pale) })
		s.tagged(part, "P", func(*element) {
			s.mark()
			s.text(first, paperWidth-margin-w-7, top-11.6, badge, it.Badge)
		})
	}
	s.y -= 2
	if len(it.Lines) == 0 {
		return
	}
	list := part.child("L")
	for _, l := range it.Lines {
		s.line(list, l)
	}
}

// line sets a label and its value side by side.
func (s *sheet) line(list *element, l Line) {
	labels, values, st := s.columns(l)
	s.room(float64(max(len(labels), len(values))) * st.leading)
	row := list.child("LI")
	top, first := s.y, s.page()
	s.tagged(row, "Lbl", func(*element) { s.lines(margin, label, labels) })
	under := s.y
	if s.page() == first {
		s.y = top
	}
	s.tagged(row, "LBody", func(*element) { s.lines(margin+labelWidth, st, values) })
	if s.page() == first {
		s.y = min(s.y, under)
	}
}

// feet are set last, when the number of pages is known.
func (s *sheet) feet(p Page) {
	s.unmark()
	for i, b := range s.pages {
		b.WriteString("/Artifact <</Type /Pagination /Subtype /Footer /Attached [/Bottom]>> BDC\n")
		s.rect(b, margin, 50, textWidth, 0.6, rule)
		of := pageOf(p.PageOf, i+1, len(s.pages))
		w := s.width(small, of)
		s.text(b, paperWidth-margin-w, 37, small, of)
		for n, line := range s.wrap(small, textWidth-w-20, p.Footer) {
			if n < 2 {
				s.text(b, margin, 37-float64(n)*10, small, line)
			}
		}
		b.WriteString("EMC\n")
	}
}

func pageOf(format string, page, pages int) string {
	if strings.Count(format, "%d") != 2 || strings.Count(format, "%") != 2 {
		return format
	}
	return fmt.Sprintf(format, page, pages)
}
