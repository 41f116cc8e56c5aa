package bench

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
)

// identifier is that of every file made here.
const identifier = "/ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>]"

// document writes a PDF as it goes and remembers where its objects are.
type document struct {
	out     *bufio.Writer
	at      int64
	offsets []int64 // of the objects 1, 2, ...; 0 is one inside an object stream
	err     error
}

func (d *document) write(format string, args ...any) {
	if d.err == nil {
		var n int
		n, d.err = fmt.Fprintf(d.out, format, args...)
		d.at += int64(n)
	}
}

func (d *document) object(format string, args ...any) {
	d.offsets = append(d.offsets, d.at)
	d.write("%d 0 obj\n", len(d.offsets))
	d.write(format, args...)
	d.write("\nendobj\n")
}

// table ends the document with a cross-reference table.
func (d *document) table() {
	at := d.at
	d.write("xref\n0 %d\n0000000000 65535 f \n", len(d.offsets)+1)
	for _, o := range d.offsets {
		d.write("%010d 00000 n \n", o)
	}
	d.write("trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n", len(d.offsets)+1, identifier, at)
}

func create(path string, body func(*document)) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	d := &document{out: bufio.NewWriterSize(f, 1<<20)}
	d.write("%%PDF-1.7\n%%\xe2\xe3\xcf\xd3\n")
	body(d)
	return errors.Join(d.err, d.out.Flush())
}

// writeScan writes one page with an image of noise, such as a scan is.
func writeScan(path string, size int64) error {
	return create(path, func(d *document) {
		d.object("<< /Type /Catalog /Pages 2 0 R >>")
		d.object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
		d.object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /XObject << /Im 4 0 R >> >> >>")
		width := size / 1000
		d.offsets = append(d.offsets, d.at)
		d.write("4 0 obj\n<< /Type /XObject /Subtype /Image /Width %d /Height 1000 /ColorSpace /DeviceGray /BitsPerComponent 8 /Length %d >>\nstream\n", width, width*1000)
		if d.err == nil {
			var n int64
			n, d.err = io.CopyN(d.out, rand.NewChaCha8([32]byte{1}), width*1000)
			d.at += n
		}
		d.write("\nendstream\nendobj\n")
		d.table()
	})
}

// reportPages makes 22,500 objects and 14 MB.
const reportPages = 7500

func reportContent(i int) string {
	return strings.Repeat(fmt.Sprintf("BT /F1 18 Tf 72 700 Td (Page %d of a contract) Tj ET\n", i), 32)
}

// writeReport writes many pages with a content and resources each: the objects
// 4+i, 4+n+i and 4+2n+i.
func writeReport(path string, n int) error {
	return create(path, func(d *document) {
		for _, o := range reportHead(n) {
			d.object("%s", o)
		}
		for i := range n {
			d.object("%s", reportPage(i, n))
		}
		for i := range n {
			c := reportContent(i)
			d.object("<< /Length %d >>\nstream\n%sendstream", len(c), c)
		}
		for range n {
			d.object("%s", reportResources)
		}
		d.table()
	})
}

func reportHead(n int) []string {
	kids := make([]string, n)
	for i := range kids {
		kids[i] = fmt.Sprintf("%d 0 R", 4+i)
	}
	return []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d >>", strings.Join(kids, " "), n),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
}

func reportPage(i, n int) string {
	return fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595.28 841.89] /Contents %d 0 R /Resources %d 0 R >>", 4+n+i, 4+2*n+i)
}

const reportResources = "<< /Font << /F1 3 0 R >> /ProcSet [/PDF /Text] >>"

// writePackedReport writes the same with object streams of a hundred objects,
// and a cross-reference stream.
func writePackedReport(path string, n int) error {
	return create(path, func(d *document) {
		inside := map[int]string{} // by number
		for i, o := range reportHead(n) {
			inside[1+i] = o
		}
		for i := range n {
			inside[4+i], inside[4+2*n+i] = reportPage(i, n), reportResources
		}
		size := 4 + 3*n
		rows := slices.Repeat([]row{{0, 0, 255}}, size)
		d.offsets = make([]int64, size-1)
		for i := range n {
			num := 4 + n + i
			rows[num] = row{1, d.at, 0}
			c := reportContent(i)
			d.write("%d 0 obj\n<< /Length %d >>\nstream\n%sendstream\nendobj\n", num, len(c), c)
		}
		var held []int
		for num := 1; num < size; num++ {
			if _, ok := inside[num]; ok {
				held = append(held, num)
			}
			if len(held) == 100 || num == size-1 && len(held) > 0 {
				holder := len(rows)
				for i, h := range held {
					rows[h] = row{2, int64(holder), i}
				}
				rows = append(rows, row{1, d.at, 0})
				d.pack(held, inside)
				held = nil
			}
		}
		at := d.at
		rows = append(rows, row{1, at, 0})
		d.packed(fmt.Sprintf("/Type /XRef /W [1 4 1] /Size %d /Root 1 0 R %s", len(rows), identifier), encode(rows))
		d.write("startxref\n%d\n%%%%EOF\n", at)
	})
}

// row is an entry of a cross-reference stream.
type row struct {
	kind   byte
	second int64
	third  int
}

func encode(rows []row) string {
	var b strings.Builder
	for _, r := range rows {
		b.Write([]byte{r.kind, byte(r.second >> 24), byte(r.second >> 16), byte(r.second >> 8), byte(r.second), byte(r.third)})
	}
	return b.String()
}

func (d *document) pack(held []int, inside map[int]string) {
	var index, data strings.Builder
	for _, num := range held {
		fmt.Fprintf(&index, "%d %d ", num, data.Len())
		data.WriteString(inside[num] + "\n")
	}
	d.packed(fmt.Sprintf("/Type /ObjStm /N %d /First %d", len(held), index.Len()), index.String()+data.String())
}

func (d *document) packed(dict, data string) {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, err := io.WriteString(z, data)
	d.err = errors.Join(d.err, err, z.Close())
	d.object("<< %s /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream", dict, b.Len(), b.String())
}
