package pdfcpuchild

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"codeberg.org/go-fonts/dejavu/dejavusans"
	"codeberg.org/go-fonts/dejavu/dejavusansbold"
	"github.com/pdfcpu/pdfcpu/pkg/font"
	pdffont "github.com/pdfcpu/pdfcpu/pkg/pdfcpu/font"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
)

// The faces, by the names under which pdfcpu knows them. The Go fonts have the
// letters of the Latin, Greek and Cyrillic alphabets of Europe. DejaVu stands in
// for what they lack, Vietnamese names and signs among it; it is large, and
// installed only for a page that needs it.
const (
	regular = "GoRegular"
	bold    = "Go-Bold"
	mono    = "GoMono"

	wideRegular = "DejaVuSans"
	wideBold    = "DejaVuSans-Bold"
)

// standIn is the face that sets what another has no glyphs for.
var standIn = map[string]string{regular: wideRegular, bold: wideBold, mono: wideRegular}

// faces are the installed fonts and what is set in them.
type faces struct {
	xref    *model.XRefTable
	metrics map[string]font.TTFLight
	// used is what each glyph on the page stands for: a face may have one glyph
	// for two characters, and the text shall be found as it was given.
	used map[string]map[uint16]rune
}

// installFonts gives pdfcpu the fonts in a folder of this process. It knows fonts
// only as files, only in one folder that is a variable of its package, and reads
// that folder once.
func installFonts(xref *model.XRefTable, dir string, p Page) (*faces, error) {
	if dir == "" {
		return nil, errors.New("no folder for fonts")
	}
	fonts := map[string][]byte{regular: goregular.TTF, bold: gobold.TTF, mono: gomono.TTF}
	lacking, err := lacksLetters(p)
	if err != nil {
		return nil, err
	}
	if lacking {
		fonts[wideRegular], fonts[wideBold] = dejavusans.TTF, dejavusansbold.TTF
	}
	for name, data := range fonts {
		if err := font.InstallFontFromBytesQuiet(dir, name, data); err != nil {
			return nil, fmt.Errorf("install font %s: %w", name, err)
		}
	}
	font.UserFontDir = dir
	if err := font.LoadUserFonts(); err != nil {
		return nil, err
	}
	f := &faces{xref: xref, metrics: map[string]font.TTFLight{}, used: map[string]map[uint16]rune{}}
	for name := range fonts {
		m, ok, err := font.UserFont(name)
		if err != nil || !ok {
			return nil, errors.Join(fmt.Errorf("font %s is not there", name), err)
		}
		f.metrics[name] = m
	}
	return f, nil
}

// lacksLetters reports whether the Go fonts lack something that the page says.
func lacksLetters(p Page) (bool, error) {
	// The three have the same repertoire but for ligatures.
	face, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		return false, err
	}
	said, err := json.Marshal(p)
	if err != nil {
		return false, err
	}
	var buffer sfnt.Buffer
	for _, r := range string(said) {
		if glyph, err := face.GlyphIndex(&buffer, r); err != nil || glyph == 0 {
			return true, err
		}
	}
	return false, nil
}

// lacks reports whether a face has no glyph for something in the text.
func (f *faces) lacks(face, text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return f.metrics[face].Chars[uint32(r)] == 0 })
}

// fit is a style in the face to set a text in: the wanted one, or the one that
// stands in when that has a glyph more. A text is never mixed, since that looks
// like a mistake in a name.
func (f *faces) fit(st style, text string) style {
	const asHigh = 0.93 // DejaVu's letters are larger than those of the Go fonts
	if wide, ok := standIn[st.face]; ok && f.lacks(st.face, text) && f.missing(wide, text) < f.missing(st.face, text) {
		st.face, st.size = wide, st.size*asHigh
	}
	return st
}

func (f *faces) missing(face, text string) int {
	n := 0
	for _, r := range text {
		if f.metrics[face].Chars[uint32(r)] == 0 {
			n++
		}
	}
	return n
}

// known replaces what the face has no glyph for, so that a gap shows as one.
func (f *faces) known(face, text string) string {
	return strings.Map(func(r rune) rune {
		if f.metrics[face].Chars[uint32(r)] == 0 {
			return '?'
		}
		return r
	}, text)
}

func (f *faces) width(face string, size float64, text string) (float64, error) {
	return font.TextWidthFloat(f.known(face, text), face, size)
}

// encode returns a text as the operand of a text operator and notes its glyphs.
func (f *faces) encode(face, text string) (string, error) {
	text = f.known(face, text)
	if f.used[face] == nil {
		f.used[face] = map[uint16]rune{}
	}
	for _, r := range text {
		f.used[face][f.metrics[face].Chars[uint32(r)]] = r
	}
	return model.PrepBytes(f.xref, text, face, true, false, false)
}

// embed puts the glyphs that are used into the document.
func (f *faces) embed() (types.Dict, error) {
	fonts := types.Dict{}
	for _, face := range []string{regular, bold, mono, wideRegular, wideBold} {
		if !f.xref.HasUsedGIDs(face) {
			continue
		}
		ref, err := pdffont.EnsureFontDict(f.xref, face, "", "", false, nil)
		if err != nil {
			return nil, fmt.Errorf("embed font: %w", err)
		}
		if err := f.correct(*ref, face); err != nil {
			return nil, fmt.Errorf("complete font %s: %w", face, err)
		}
		fonts[face] = *ref
	}
	return fonts, nil
}

// correct completes what pdfcpu makes of a font. It draws the tag of a subset by
// lot, so that no two pages are equal; it says of the first hundred glyphs only
// what they mean; and its list of the glyphs in the file leaves some out, which
// PDF/A minds (ISO 19005-3, 6.2.11.4.2) while it may be absent.
func (f *faces) correct(ref types.IndirectRef, face string) error {
	dict, err := f.xref.DereferenceDict(ref)
	if err != nil {
		return err
	}
	name := types.Name("HANDSL+" + face) // 9.9.2: six capitals
	dict["BaseFont"] = name
	delete(dict, "Name")
	meaning, err := stream(f.xref, types.Dict{}, f.toUnicode(face))
	if err != nil {
		return err
	}
	dict["ToUnicode"] = *meaning
	descendants, err := f.xref.DereferenceArray(dict["DescendantFonts"])
	if err != nil || len(descendants) != 1 {
		return errors.Join(errors.New("it is not made of one font"), err)
	}
	cid, err := f.xref.DereferenceDict(descendants[0])
	if err != nil {
		return err
	}
	cid["BaseFont"] = name
	descriptor, err := f.xref.DereferenceDict(cid["FontDescriptor"])
	if err != nil {
		return err
	}
	descriptor["FontName"] = name
	delete(descriptor, "CIDSet")
	return nil
}

// toUnicode is the map from glyphs to characters (9.10.3), in blocks of at most
// a hundred as Adobe's note 5411 has it.
func (f *faces) toUnicode(face string) []byte {
	var b bytes.Buffer
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
		"/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n" +
		"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	glyphs := make([]uint16, 0, len(f.used[face]))
	for g := range f.used[face] {
		glyphs = append(glyphs, g)
	}
	slices.Sort(glyphs)
	for block := range slices.Chunk(glyphs, 100) {
		fmt.Fprintf(&b, "%d beginbfchar\n", len(block))
		for _, g := range block {
			fmt.Fprintf(&b, "<%04X> <", g)
			for _, unit := range utf16.Encode([]rune{f.used[face][g]}) {
				fmt.Fprintf(&b, "%04X", unit)
			}
			b.WriteString(">\n")
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\n" + strings.Repeat("end\n", 2)) // of the map and of the procedures
	return b.Bytes()
}
