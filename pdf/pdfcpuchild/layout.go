package pdfcpuchild

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/pdfcpu/pdfcpu/pkg/font"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"rsc.io/qr"
)

// A4 in points, and the measures of the page.
const (
	paperWidth  = 595.28
	paperHeight = 841.89
	margin      = 56.0
	bottom      = 72.0 // above the footer
	labelWidth  = 108.0
	qrSize      = 84.0
	textWidth   = paperWidth - 2*margin
)

// The faces, by the names under which pdfcpu knows the Go fonts.
const (
	regular = "GoRegular"
	bold    = "Go-Bold"
	mono    = "GoMono"
)

type colour [3]float64

var (
	ink    = colour{0.12, 0.14, 0.18}
	muted  = colour{0.42, 0.45, 0.50}
	accent = colour{0.05, 0.35, 0.42}
	rule   = colour{0.85, 0.87, 0.89}
	pale   = colour{0.91, 0.96, 0.96}
)

// sheet is the flow of content over pages: a pen that moves down and opens a
// new page when there is no room.
type sheet struct {
	xref  *model.XRefTable
	pages []*bytes.Buffer
	y     float64
	err   error // the first, of measuring or encoding
}

func (s *sheet) page() *bytes.Buffer { return s.pages[len(s.pages)-1] }

func (s *sheet) newPage() {
	s.pages = append(s.pages, &bytes.Buffer{})
	s.y = paperHeight - margin
}

// room opens a new page unless h points are left.
func (s *sheet) room(h float64) {
	if s.y-h < bottom {
		s.newPage()
	}
}

func (s *sheet) rect(b *bytes.Buffer, x, y, w, h float64, c colour) {
	fmt.Fprintf(b, "%.3f %.3f %.3f rg %.2f %.2f %.2f %.2f re f\n", c[0], c[1], c[2], x, y, w, h)
}

// text sets one line with its baseline at y.
func (s *sheet) text(b *bytes.Buffer, x, y float64, face string, size float64, c colour, line string) {
	enc, err := model.PrepBytes(s.xref, s.known(face, line), face, true, false, false)
	if err != nil {
		s.fail(err)
		return
	}
	fmt.Fprintf(b, "BT %.3f %.3f %.3f rg /%s %.2f Tf %.2f %.2f Td (%s) Tj ET\n", c[0], c[1], c[2], face, size, x, y, enc)
}

func (s *sheet) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// known replaces what the face has no glyph for, so that a gap shows as one.
func (s *sheet) known(face, line string) string {
	metrics, ok, err := font.UserFont(face)
	if err != nil || !ok {
		s.fail(fmt.Errorf("font %s is not there: %w", face, err))
		return ""
	}
	return strings.Map(func(r rune) rune {
		if _, ok := metrics.Chars[uint32(r)]; !ok {
			return '?'
		}
		return r
	}, line)
}

func (s *sheet) width(face string, size float64, line string) float64 {
	w, err := font.TextWidthFloat(s.known(face, line), face, size)
	if err != nil {
		s.fail(err)
	}
	return w
}

// wrap breaks text into lines at spaces, and inside words that are too long for
// a line, as digests and addresses are.
func (s *sheet) wrap(face string, size, width float64, text string) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		joined := strings.TrimLeft(line+" "+word, " ")
		if s.width(face, size, joined) <= width {
			line = joined
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for line = word; s.err == nil && s.width(face, size, line) > width; {
			cut := s.fits(face, size, width, line)
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
func (s *sheet) fits(face string, size, width float64, word string) int {
	cut := len(word)
	for i := range word {
		if i > 0 && s.width(face, size, word[:i]) > width {
			break
		}
		cut = i
	}
	if cut == 0 {
		for i := range word {
			if i > 0 {
				return i
			}
		}
		return len(word)
	}
	return cut
}

// paragraph flows text from the margin and moves the pen below it.
func (s *sheet) paragraph(width float64, face string, size, leading float64, c colour, text string) {
	for _, line := range s.wrap(face, size, width, text) {
		s.room(leading)
		s.y -= leading
		s.text(s.page(), margin, s.y, face, size, c, line)
	}
}

func (s *sheet) head(p Page) {
	b := s.page()
	s.rect(b, 0, paperHeight-8, paperWidth, 8, accent)
	width := textWidth
	top := s.y
	if p.QR != nil {
		width -= qrSize + 24
		s.qr(b, *p.QR, paperWidth-margin-qrSize, top-qrSize)
	}
	s.y -= 4
	s.paragraph(width, bold, 21, 27, ink, p.Title)
	s.y -= 4
	s.paragraph(width, regular, 10, 15, muted, p.Lead)
	if p.QR != nil {
		s.y = min(s.y, top-qrSize-24)
	}
	s.y -= 10
}

func (s *sheet) qr(b *bytes.Buffer, q QR, x, y float64) {
	code, err := qr.Encode(q.URL, qr.M)
	if err != nil {
		s.fail(fmt.Errorf("encode QR: %w", err))
		return
	}
	unit := qrSize / float64(code.Size)
	fmt.Fprintf(b, "%.3f %.3f %.3f rg\n", ink[0], ink[1], ink[2])
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
	w := s.width(regular, 7.5, q.Caption)
	s.text(b, x+(qrSize-w)/2, y-12, regular, 7.5, muted, q.Caption)
}

func (s *sheet) section(sec Section) {
	s.room(64) // a heading does not stand alone at the foot of a page
	s.y -= 14
	s.paragraph(textWidth, bold, 12.5, 17, accent, sec.Heading)
	s.y -= 5
	s.rect(s.page(), margin, s.y, textWidth, 1.2, accent)
	s.y -= 3
	if sec.Text != "" {
		s.y -= 3
		s.paragraph(textWidth, regular, 9.5, 14, ink, sec.Text)
		s.y -= 3
	}
	for i, item := range sec.Items {
		if i > 0 {
			s.y -= 8
			s.rect(s.page(), margin, s.y, textWidth, 0.6, rule)
		}
		s.item(item)
	}
}

func (s *sheet) item(it Item) {
	s.room(46)
	s.y -= 5
	width := textWidth
	if it.Badge != "" {
		w := s.width(bold, 7.5, it.Badge)
		width -= w + 28
		b := s.page()
		s.rect(b, paperWidth-margin-w-14, s.y-16, w+14, 14, pale)
		s.text(b, paperWidth-margin-w-7, s.y-11.6, bold, 7.5, accent, it.Badge)
	}
	s.paragraph(width, bold, 10.5, 14, ink, it.Title)
	s.y -= 2
	for _, l := range it.Lines {
		s.line(l)
	}
}

func (s *sheet) line(l Line) {
	face, size := regular, 9.0
	if l.Mono {
		face, size = mono, 8.0
	}
	const leading = 13.0
	label := s.wrap(regular, 8.5, labelWidth-10, l.Label)
	value := s.wrap(face, size, textWidth-labelWidth, l.Text)
	for i := range max(len(label), len(value)) {
		s.room(leading)
		s.y -= leading
		if i < len(label) {
			s.text(s.page(), margin, s.y, regular, 8.5, muted, label[i])
		}
		if i < len(value) {
			s.text(s.page(), margin+labelWidth, s.y, face, size, ink, value[i])
		}
	}
}

// feet are set last, when the number of pages is known.
func (s *sheet) feet(p Page) {
	for i, b := range s.pages {
		s.rect(b, margin, 50, textWidth, 0.6, rule)
		of := p.PageOf
		if strings.Count(of, "%d") == 2 {
			of = fmt.Sprintf(of, i+1, len(s.pages))
		}
		w := s.width(regular, 7.5, of)
		s.text(b, paperWidth-margin-w, 37, regular, 7.5, muted, of)
		for n, line := range s.wrap(regular, 7.5, textWidth-w-20, p.Footer) {
			if n < 2 {
				s.text(b, margin, 37-float64(n)*10, regular, 7.5, muted, line)
			}
		}
	}
}
