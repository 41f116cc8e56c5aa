// Package pdftest makes what the tests of pdf need: small documents in every
// form of cross-reference, hostile ones, and a world of certificates with a
// timestamp authority.
package pdftest

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"slices"
	"strings"
)

// Doc is a document as text: object bodies by number, written as they are.
type Doc struct {
	Objects map[int]string
	Root    int
	Info    int
}

// Pages returns a document of n pages with a text on each, and an Info entry.
func Pages(n int) Doc {
	d := Doc{Objects: map[int]string{}, Root: 1, Info: 4}
	var kids []string
	d.Objects[3] = "<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>"
	d.Objects[4] = "<</Producer (pdftest) /CreationDate (D:20260101000000Z)>>"
	for i := range n {
		page, content := 5+2*i, 6+2*i
		kids = append(kids, fmt.Sprintf("%d 0 R", page))
		d.Objects[page] = fmt.Sprintf("<</Type /Page /Parent 2 0 R /Contents %d 0 R>>", content)
		d.Objects[content] = Stream("", fmt.Sprintf("BT /F1 18 Tf 72 700 Td (Page %d of a contract) Tj ET", i+1))
	}
	d.Objects[1] = "<</Type /Catalog /Pages 2 0 R /Lang (sv)>>"
	d.Objects[2] = fmt.Sprintf("<</Type /Pages /Kids [%s] /Count %d /MediaBox [0 0 595 842] /Resources <</Font <</F1 3 0 R>>>>>>", strings.Join(kids, " "), n)
	return d
}

// Stream writes a stream object's body with a true length.
func Stream(dict, data string) string {
	return fmt.Sprintf("<<%s /Length %d>>\nstream\n%s\nendstream", dict, len(data), data)
}

// Flate writes a packed stream object's body.
func Flate(dict, data string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	z.Write([]byte(data))
	z.Close()
	return Stream(dict+" /Filter /FlateDecode", b.String())
}

func (d Doc) numbers() []int {
	var nums []int
	for n := range d.Objects {
		nums = append(nums, n)
	}
	slices.Sort(nums)
	return nums
}

func (d Doc) size() int { return slices.Max(d.numbers()) + 1 }

const header = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"

// writer puts objects and remembers where.
type writer struct {
	bytes.Buffer
	at map[int]int
}

func (w *writer) object(num int, body string) {
	w.at[num] = w.Len()
	fmt.Fprintf(w, "%d 0 obj\n%s\nendobj\n", num, body)
}

func (w *writer) table(nums []int, free ...int) {
	w.WriteString("xref\n")
	all := append([]int{0}, append(free, nums...)...)
	slices.Sort(all)
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j] == all[i]+j-i {
			j++
		}
		fmt.Fprintf(w, "%d %d\n", all[i], j-i)
		for _, n := range all[i:j] {
			if at, ok := w.at[n]; ok && !slices.Contains(free, n) {
				fmt.Fprintf(w, "%010d 00000 n \n", at)
			} else {
				w.WriteString("0000000000 65535 f \n")
			}
		}
		i = j
	}
}

const id = "/ID [<00112233445566778899AABBCCDDEEFF> <00112233445566778899AABBCCDDEEFF>]"

func (d Doc) trailer() string {
	return fmt.Sprintf("/Size %d /Root %d 0 R /Info %d 0 R %s", d.size(), d.Root, d.Info, id)
}

// Table writes the document with a cross-reference table.
func (d Doc) Table() []byte {
	w := &writer{at: map[int]int{}}
	w.WriteString(header)
	for _, n := range d.numbers() {
		w.object(n, d.Objects[n])
	}
	at := w.Len()
	w.table(d.numbers())
	fmt.Fprintf(w, "trailer\n<<%s>>\nstartxref\n%d\n%%%%EOF\n", d.trailer(), at)
	return w.Bytes()
}

// packed splits the objects into those an object stream may hold and the rest.
func (d Doc) packed() (inside, outside []int) {
	for _, n := range d.numbers() {
		if strings.Contains(d.Objects[n], "stream\n") {
			outside = append(outside, n)
		} else {
			inside = append(inside, n)
		}
	}
	return inside, outside
}

func (d Doc) objectStream(nums []int) string {
	return d.objectStreamAs(nums, func(head, index, data string) string {
		return Flate(fmt.Sprintf("%s /First %d", head, len(index)), index+data)
	})
}

func (d Doc) objectStreamAs(nums []int, pack func(head, index, data string) string) string {
	var index, data strings.Builder
	for _, n := range nums {
		fmt.Fprintf(&index, "%d %d ", n, data.Len())
		data.WriteString(d.Objects[n] + "\n")
	}
	return pack(fmt.Sprintf("/Type /ObjStm /N %d", len(nums)), index.String(), data.String())
}

type row struct{ kind, second, third int }

func rows(entries map[int]row, size int) string {
	var b strings.Builder
	for n := range size {
		e := entries[n]
		b.Write([]byte{byte(e.kind), byte(e.second >> 24), byte(e.second >> 16), byte(e.second >> 8), byte(e.second), byte(e.third >> 8), byte(e.third)})
	}
	return b.String()
}

// ObjStm writes the document with a cross-reference stream and an object stream.
func (d Doc) ObjStm() []byte { return d.objStm(d.objectStream) }

// Packed is ObjStm with the object stream's body made by pack.
func (d Doc) Packed(pack func(head, index, data string) string) []byte {
	return d.objStm(func(nums []int) string { return d.objectStreamAs(nums, pack) })
}

func (d Doc) objStm(body func([]int) string) []byte {
	w := &writer{at: map[int]int{}}
	w.WriteString(header)
	inside, outside := d.packed()
	for _, n := range outside {
		w.object(n, d.Objects[n])
	}
	holder := d.size()
	w.object(holder, body(inside))
	at, own := w.Len(), holder+1
	entries := map[int]row{own: {1, at, 0}, holder: {1, w.at[holder], 0}, 0: {0, 0, 65535}}
	for _, n := range outside {
		entries[n] = row{1, w.at[n], 0}
	}
	for i, n := range inside {
		entries[n] = row{2, holder, i}
	}
	w.object(own, Flate(fmt.Sprintf("/Type /XRef /W [1 4 2] /Size %d /Root %d 0 R /Info %d 0 R %s", own+1, d.Root, d.Info, id), rows(entries, own+1)))
	fmt.Fprintf(w, "startxref\n%d\n%%%%EOF\n", at)
	return w.Bytes()
}

// Hybrid writes a table for old readers and hides some objects from them in a
// cross-reference stream.
func (d Doc) Hybrid() []byte {
	hidden := d.Info
	w := &writer{at: map[int]int{}}
	w.WriteString(header)
	var visible []int
	for _, n := range d.numbers() {
		if n != hidden {
			visible = append(visible, n)
			w.object(n, d.Objects[n])
		}
	}
	holder := d.size()
	w.object(holder, d.objectStream([]int{hidden}))
	own, at := holder+1, w.Len()
	entries := rows(map[int]row{0: {2, holder, 0}}, 1) + rows(map[int]row{0: {1, w.at[holder], 0}, 1: {1, at, 0}}, 2)
	w.object(own, Flate(fmt.Sprintf("/Type /XRef /W [1 4 2] /Index [%d 1 %d 2] /Size %d /Root %d 0 R", hidden, holder, own+1, d.Root), entries))
	table := w.Len()
	w.table(visible, hidden)
	fmt.Fprintf(w, "trailer\n<<%s /XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n", strings.Replace(d.trailer(), fmt.Sprintf("/Size %d", d.size()), fmt.Sprintf("/Size %d", own+1), 1), at, table)
	return w.Bytes()
}

// Linearized writes the catalog's section first and the rest behind, as a
// linearized file does: startxref points near the start, /Prev forward.
func (d Doc) Linearized() []byte {
	first := []int{d.Root}
	var rest []int
	for _, n := range d.numbers() {
		if n != d.Root {
			rest = append(rest, n)
		}
	}
	w := &writer{at: map[int]int{}}
	w.WriteString(header)
	w.object(d.Root, d.Objects[d.Root])
	top := w.Len()
	w.WriteString("xref\n")
	fmt.Fprintf(w, "%d %d\n%010d 00000 n \n", first[0], 1, w.at[d.Root])
	const gap = "@@@@@@@@@@"
	fmt.Fprintf(w, "trailer\n<<%s /Prev %s>>\nstartxref\n0\n%%%%EOF\n", d.trailer(), gap)
	for _, n := range rest {
		w.object(n, d.Objects[n])
	}
	main := w.Len()
	delete(w.at, d.Root)
	w.table(rest)
	fmt.Fprintf(w, "trailer\n<</Size %d %s>>\nstartxref\n%d\n%%%%EOF\n", d.size(), id, top)
	return bytes.Replace(w.Bytes(), []byte(gap), []byte(fmt.Sprintf("%010d", main)), 1)
}

// Forms are all ways to write the same document.
func (d Doc) Forms() map[string][]byte {
	return map[string][]byte{"table": d.Table(), "stream": d.ObjStm(), "hybrid": d.Hybrid(), "linearized": d.Linearized()}
}
