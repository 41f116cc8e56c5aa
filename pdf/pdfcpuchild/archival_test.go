package pdfcpuchild_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// archival is a PDF/A-3 document for print (ISO 19005-3): a black bar in the
// CMYK of its output intent, tagged and described where the level asks for it.
func archival(level string) pdftest.Doc {
	d := pdftest.Doc{Objects: map[int]string{
		1:  "<</Type /Catalog /Pages 2 0 R /Lang (sv) /Metadata 7 0 R /OutputIntents [8 0 R] /MarkInfo <</Marked true>> /StructTreeRoot 10 0 R>>",
		2:  "<</Type /Pages /Kids [5 0 R] /Count 1 /MediaBox [0 0 595 842]>>",
		4:  "<</Title (A bar)>>",
		5:  "<</Type /Page /Parent 2 0 R /Contents 6 0 R /Resources <<>> /StructParents 0 /Tabs /S>>",
		6:  pdftest.Flate("", "/Figure <</MCID 0>> BDC 0 0 0 1 k 72 700 400 20 re f EMC"),
		7:  pdftest.Stream("/Type /Metadata /Subtype /XML", fmt.Sprintf(packet, strings.ToUpper(level))),
		8:  "<</Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (Custom) /Info (A press) /DestOutputProfile 9 0 R>>",
		9:  pdftest.Flate("/N 4", cmyk()),
		10: "<</Type /StructTreeRoot /K [11 0 R] /ParentTree 13 0 R /ParentTreeNextKey 1>>",
		11: "<</Type /StructElem /S /Document /P 10 0 R /K [12 0 R]>>",
		12: "<</Type /StructElem /S /Figure /P 11 0 R /Pg 5 0 R /K 0 /Alt (A black bar)>>",
		13: "<</Nums [0 [12 0 R]]>>",
	}, Root: 1, Info: 4}
	if level != "a" {
		d.Objects[1] = "<</Type /Catalog /Pages 2 0 R /Metadata 7 0 R /OutputIntents [8 0 R]>>"
		d.Objects[5] = "<</Type /Page /Parent 2 0 R /Contents 6 0 R /Resources <<>>>>"
		d.Objects[6] = pdftest.Flate("", "0 0 0 1 k 72 700 400 20 re f")
		for n := 10; n <= 13; n++ {
			delete(d.Objects, n)
		}
	}
	d.Objects[3] = "null"
	return d
}

const packet = `<?xpacket begin="` + "\ufeff" + `" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>%s</pdfaid:conformance>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">A bar</rdf:li></rdf:Alt></dc:title>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>`

// cmyk is the smallest ICC profile of a press there can be (ICC.1:2001-04): a
// table of the sixteen corners of CMYK.
func cmyk() string {
	pad := func(b []byte) []byte { return append(b, make([]byte, -len(b)&3)...) }
	lut := []byte("mft1\x00\x00\x00\x00\x04\x03\x02\x00")
	for i := range 9 { // the identity matrix
		lut = binary.BigEndian.AppendUint32(lut, map[bool]uint32{true: 1 << 16}[i%4 == 0])
	}
	identity := make([]byte, 256)
	for i := range identity {
		identity[i] = byte(i)
	}
	lut = append(lut, bytes.Repeat(identity, 4)...)
	for corner := range 16 { // from paper to black
		lut = append(lut, byte(255-17*corner), 128, 128)
	}
	lut = pad(append(lut, bytes.Repeat(identity, 3)...))
	tags := []struct {
		name string
		data []byte
	}{
		{"desc", pad(append([]byte("desc\x00\x00\x00\x00\x00\x00\x00\x02A\x00"), make([]byte, 78)...))},
		{"cprt", pad([]byte("text\x00\x00\x00\x00None\x00"))},
		{"wtpt", []byte("XYZ \x00\x00\x00\x00\x00\x00\xf6\xd6\x00\x01\x00\x00\x00\x00\xd3\x2d")},
		{"A2B0", lut},
		{"B2A0", lut},
	}
	directory, data := binary.BigEndian.AppendUint32(nil, uint32(len(tags))), []byte(nil)
	for _, t := range tags {
		directory = append(directory, t.name...)
		directory = binary.BigEndian.AppendUint32(directory, uint32(132+12*len(tags)+len(data)))
		directory = binary.BigEndian.AppendUint32(directory, uint32(len(t.data)))
		data = append(data, t.data...)
	}
	head := make([]byte, 128)
	binary.BigEndian.PutUint32(head, uint32(128+len(directory)+len(data)))
	copy(head[8:], "\x02\x40\x00\x00prtrCMYKLab ")
	copy(head[24:], []byte{0x07, 0xd0, 0, 1, 0, 1})
	copy(head[36:], "acsp")
	copy(head[68:], "\x00\x00\xf6\xd6\x00\x01\x00\x00\x00\x00\xd3\x2d")
	return string(bytes.Join([][]byte{head, directory, data}, nil))
}

// PDF/A-3 documents of each level and form take the evidence and the seal, and so
// does the evidence page as a document of its own. That they are PDF/A-3
// afterwards as before, conformance/verapdf has veraPDF judge.
func TestArchivalDocuments(t *testing.T) {
	content := page(2)
	content.Sections[1].Items[1].Title = "Nguyễn Thị Hồng Phượng"
	evidence, err := child(t).EvidencePage(context.Background(), content)
	require.NoError(t, err)
	inputs := map[string][]byte{"3a-evidence": evidence}
	for _, level := range []string{"a", "b", "u"} {
		for form, in := range archival(level).Forms() {
			inputs["3"+level+"-"+form] = in
		}
	}
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	for name, in := range inputs {
		t.Run(name, func(t *testing.T) {
			h := &pdf.HashState{}
			h.Write(in)
			rev := pdf.Revision{Source: bytes.NewReader(in), Size: int64(len(in)), Hash: h}
			add := pdf.Additions{Pages: evidence, Time: w.Now, Files: []pdf.Attachment{
				{Name: "signatur-Å.xml", Description: "BankID signature", MIMEType: "application/xml", Relationship: "Data", Data: []byte("<x/>")},
				{Name: "a.ocsp.der", Description: "Status", MIMEType: "application/ocsp-response", Relationship: "Data", Data: []byte("x")},
			}}
			if name == "3a-evidence" {
				add.Pages = nil
			}
			added, err := pdf.Append(rev, add)
			require.NoError(t, err)
			rev = rev.Extend(added)
			seal, err := pdf.Seal(context.Background(), rev, pdf.SealOptions{
				Key: w.Seal.Key, Chain: w.Seal.Chain(), Time: w.Now, Timestamper: w, Level: pdf.LevelLTA,
				Known: []*x509.Certificate{w.Root.Cert}, Revocation: &pdftest.Status{T: t, World: w},
			})
			require.NoError(t, err)
			out := bytes.Join([][]byte{in, added, seal}, nil)
			require.NoError(t, pdf.CheckAppended(bytes.NewReader(out), int64(len(out)), int64(len(in)), pdf.Limits{}))
			if dir := os.Getenv("HANDSLAG_KEEP_ARCHIVAL"); dir != "" {
				require.NoError(t, os.WriteFile(filepath.Join(dir, name+"-upload.pdf"), in, 0o600))
				require.NoError(t, os.WriteFile(filepath.Join(dir, name+"-sealed.pdf"), out, 0o600))
			}
		})
	}
}
