package pdfcpuchild

import (
	"bytes"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// text is a text string (ISO 32000-1 7.9.2.2) in UTF-16.
func text(s string) types.HexLiteral {
	b := []byte{0xfe, 0xff}
	for _, unit := range utf16.Encode([]rune(s)) {
		b = append(b, byte(unit>>8), byte(unit))
	}
	return types.NewHexLiteral(b)
}

// metadata says in XMP that the document is PDF/A-3a (ISO 19005-3 6.6) and how it
// is called. It states no time: the same page always gives the same bytes.
func metadata(p Page) types.StreamDict {
	escaped := func(s string) string {
		var b bytes.Buffer
		_ = xml.EscapeText(&b, []byte(s)) // to memory: cannot fail
		return b.String()
	}
	packet := fmt.Appendf(nil, `<?xpacket begin="`+"\ufeff"+`" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance><dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">%s</rdf:li></rdf:Alt></dc:title>
<dc:language><rdf:Bag><rdf:li>%s</rdf:li></rdf:Bag></dc:language>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>`, escaped(p.Title), escaped(p.Language))
	return types.StreamDict{
		Dict: types.Dict{"Type": types.Name("Metadata"), "Subtype": types.Name("XML"), "Length": types.Integer(len(packet))},
		Raw:  packet,
	}
}

// write writes the document in the plainest form there is: its objects in order,
// one table. pdfcpu's own writer adds the time and itself, and objects in
// streams, and so would make another document each time.
func write(w io.Writer, xref *model.XRefTable, info types.IndirectRef) error {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	last := 0
	for n := range xref.Table {
		last = max(last, n)
	}
	var table bytes.Buffer
	fmt.Fprintf(&table, "xref\n0 %d\n0000000000 65535 f \n", last+1)
	for n := 1; n <= last; n++ {
		entry := xref.Table[n]
		if entry == nil || entry.Free || entry.Object == nil {
			return errors.New("an object of the document is missing")
		}
		fmt.Fprintf(&table, "%010d 00000 n \n", b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n", n)
		switch o := entry.Object.(type) {
		case types.StreamDict:
			fmt.Fprintf(&b, "%s\nstream\n%s\nendstream", o.Dict.PDFString(), o.Raw)
		case interface{ PDFString() string }:
			b.WriteString(o.PDFString())
		default:
			return fmt.Errorf("a %T cannot be written", o)
		}
		b.WriteString("\nendobj\n")
	}
	sum := sha256.Sum256(b.Bytes())
	at := b.Len()
	b.Write(table.Bytes())
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root %s/Info %s/ID[<%X><%X>]>>\nstartxref\n%d\n%%%%EOF\n",
		last+1, xref.Root.PDFString(), info.PDFString(), sum[:16], sum[:16], at)
	_, err := w.Write(b.Bytes())
	return err
}
