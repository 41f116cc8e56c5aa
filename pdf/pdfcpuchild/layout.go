package pdfcpuchild

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// A4 in points, and the measures of the page.
const (
	paperWidth  = 595.28
	paperHeight = 841.89
	margin      = 56.0
	bottom      = 72.0 // above the footer
	labelWidth  = 112.0
	qrSize      = 88.0
	textWidth   = paperWidth - 2*margin
)

// sheet is the flow of content over pages: a pen that moves down and opens a
// new page when there is no room.
type sheet struct {
	faces  *faces
	pages  []*leaf
	y      float64
	err    error // the first, of measuring or encoding
	owner  *element
	marked bool // marked content of the owner is open on the page
}

func (s *sheet) page() *leaf { return s.pages[len(s.pages)-1] }

func (s *sheet) newPage() {
	s.unmark()
	s.pages = append(s.pages, &leaf{})
	s.y = paperHeight - margin
	height := 8.0
	if len(s.pages) > 1 {
		height = 3
	}
	s.adorn(s.page(), func() { s.rect(s.page(), 0, paperHeight-height, paperWidth, height, accent) })
}

// room opens a new page unless h points are left. What is higher than a page
// has room nowhere and goes on.
func (s *sheet) room(h float64) {
	if s.y-h < bottom && s.y < paperHeight-margin && h <= paperHeight-margin-bottom {
		s.newPage()
	}
}

func (s *sheet) rect(p *leaf, x, y, w, h float64, c colour) {
	fmt.Fprintf(p, "/%s cs %.3f %.3f %.3f sc %.2f %.2f %.2f %.2f re f\n", spaceName, c[0], c[1], c[2], x, y, w, h)
}

// style is how a text is set.
type style struct {
	face          string
	size, leading float64
	colour        colour
}

var (
	title   = style{bold, 22, 28, ink}
	lead    = style{regular, 10, 15, muted}
	notice  = style{bold, 9.5, 14, alarm}
	heading = style{bold, 12.5, 17, accent}
	body    = style{regular, 9.5, 14, ink}
	name    = style{bold, 10.5, 14, ink}
	label   = style{regular, 8.5, 13, muted}
	value   = style{regular, 9, 13, ink}
	digest  = style{mono, 8, 13, ink}
	small   = style{regular, 7.5, 10, muted}
	badge   = style{bold, 7.5, 10, accent}
)

// text sets one line with its baseline at y.
func (s *sheet) text(p *leaf, x, y float64, st style, line string) {
	st = s.faces.fit(st, line)
	enc, err := s.faces.encode(st.face, line)
	if err != nil {
		s.fail(err)
		return
	}
	c := st.colour
	fmt.Fprintf(p, "BT /%s cs %.3f %.3f %.3f sc /%s %.2f Tf %.2f %.2f Td (%s) Tj ET\n", spaceName, c[0], c[1], c[2], st.face, st.size, x, y, enc)
}

func (s *sheet) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *sheet) width(st style, line string) float64 {
	st = s.faces.fit(st, line)
	w, err := s.faces.width(st.face, st.size, line)
	if err != nil {
		s.fail(err)
	}
	return w
}

// wrap breaks text into lines at spaces, which stay at the ends of lines so that
// words stay apart when the text is taken out again, and inside words that are
// too long for a line, as digests and addresses are.
func (s *sheet) wrap(st style, width float64, text string) []string {
	st = s.faces.fit(st, text) // one face, whatever is on a line
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		joined := strings.TrimLeft(line+" "+word, " ")
		if s.width(st, joined) <= width {
			line = joined
			continue
		}
		if line != "" {
			lines = append(lines, line+" ")
		}
		for line = word; s.err == nil && s.width(st, line) > width; {
			cut := s.fits(st, width, line)
			lines = append(lines, line[:cut])
			line = line[cut:]
		}
	}
	if line != "" || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}

// fits is how many bytes of a word go on a line; at least one character.
func (s *sheet) fits(st style, width float64, word string) int {
	cut := 0
	for i := range word {
		if i > 0 && cut > 0 && s.width(st, word[:i]) > width {
			return cut
		}
		if i > 0 {
			cut = i
		}
	}
	return max(cut, 1)
}

// lines sets lines of the current element at x and moves the pen below them.
func (s *sheet) lines(x float64, st style, lines []string) {
	for _, line := range lines {
		s.room(st.leading)
		s.y -= st.leading
		s.mark()
		s.text(s.page(), x, s.y, st, line)
	}
}

// paragraph flows a text from the margin as an element of the parent.
func (s *sheet) paragraph(parent *element, role string, width float64, st style, text string) {
	lines := s.wrap(st, width, text)
	st = s.faces.fit(st, text)
	s.tagged(parent, role, func(*element) { s.lines(margin, st, lines) })
}

func (s *sheet) head(top *element, p Page) {
	width := textWidth
	at := s.y
	if p.QR != nil {
		width -= qrSize + 28
	}
	s.y -= 4
	s.paragraph(top, "H1", width, title, p.Title)
	s.y -= 4
	if p.Notice != "" {
		s.notice(top, width, p.Notice)
	}
	s.paragraph(top, "P", width, lead, p.Lead)
	if p.QR != nil {
		s.qr(top, *p.QR, paperWidth-margin-qrSize, at-qrSize)
		s.y = min(s.y, at-qrSize-24)
	}
	s.y -= 10
}

// notice is a warning that nobody shall miss.
func (s *sheet) notice(top *element, width float64, text string) {
	lines := s.wrap(notice, width-12, text)
	height := float64(len(lines)) * notice.leading
	s.y -= 2
	s.adorn(s.page(), func() { s.rect(s.page(), margin, s.y-height-3, 3, height, alarm) })
	s.tagged(top, "P", func(*element) { s.lines(margin+12, notice, lines) })
	s.y -= 8
}

func (s *sheet) qr(top *element, q QR, x, y float64) {
	code, err := qr.Encode(q.URL, qr.M)
	if err != nil {
		s.fail(fmt.Errorf("encode QR: %w", err))
		return
	}
	unit := qrSize / float64(code.Size)
	s.tagged(top, "Figure", func(e *element) {
		e.alt, e.box = q.Caption+": "+q.URL, []float64{x, y, x + qrSize, y + qrSize}
		s.mark()
		b := s.page()
		fmt.Fprintf(b, "/%s cs %.3f %.3f %.3f sc\n", spaceName, ink[0], ink[1], ink[2])
		for row := range code.Size {
			for col := 0; col < code.Size; {
				run := 0
				for col+run < code.Size && code.Black(col+run, row) {
					run++
				}
				if run > 0 { // one bar for each run: no hairlines between modules
					fmt.Fprintf(b, "%.3f %.3f %.3f %.3f re\n", x+float64(col)*unit, y+qrSize-float64(row+1)*unit, float64(run)*unit, unit)
				}
				col += run + 1
			}
		}
		b.WriteString("f\n")
	})
	w := s.width(small, q.Caption)
	s.tagged(top, "P", func(*element) {
		s.mark()
		s.text(s.page(), x+(qrSize-w)/2, y-12, small, q.Caption)
	})
}
