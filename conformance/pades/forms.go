package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// writer puts objects and remembers where.
type writer struct {
	bytes.Buffer
	at map[int]int
}

func newWriter() *writer {
	w := &writer{at: map[int]int{}}
	w.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	return w
}

func (w *writer) object(num int, body string) {
	w.at[num] = w.Len()
	fmt.Fprintf(w, "%d 0 obj\n%s\nendobj\n", num, body)
}

// table writes entries 0 to size-1; what was not written is free.
func (w *writer) table(size int) {
	fmt.Fprintf(w, "xref\n0 %d\n", size)
	for n := range size {
		if at, ok := w.at[n]; ok {
			fmt.Fprintf(w, "%010d 00000 n \n", at)
		} else {
			w.WriteString("0000000000 65535 f \n")
		}
	}
}

func stream(dict, data string) string {
	return fmt.Sprintf("<<%s /Length %d>>\nstream\n%s\nendstream", dict, len(data), data)
}

// objects are a contract of some pages: the catalog is 1, the information 2.
func objects(pages int, title string) []string {
	var kids []string
	all := []string{
		"<</Type /Catalog /Pages 3 0 R /Lang (sv)>>",
		fmt.Sprintf("<</Title (%s) /Producer (Handslag conformance) /CreationDate (D:20260101000000Z)>>", title),
		"",
		"<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>",
	}
	for i := range pages {
		page := len(all) + 1
		kids = append(kids, fmt.Sprintf("%d 0 R", page))
		all = append(all,
			fmt.Sprintf("<</Type /Page /Parent 3 0 R /Contents %d 0 R>>", page+1),
			stream("", fmt.Sprintf("BT /F1 18 Tf 72 700 Td (%s, page %d of %d: the rent is 5000 kronor.) Tj ET", title, i+1, pages)))
	}
	all[2] = fmt.Sprintf("<</Type /Pages /Kids [%s] /Count %d /MediaBox [0 0 595 842] /Resources <</Font <</F1 4 0 R>>>>>>", strings.Join(kids, " "), pages)
	return all
}

const identifier = "/ID [<00112233445566778899AABBCCDDEEFF> <00112233445566778899AABBCCDDEEFF>]"

func table(objects []string) []byte {
	w := newWriter()
	for i, body := range objects {
		w.object(i+1, body)
	}
	at, size := w.Len(), len(objects)+1
	w.table(size)
	fmt.Fprintf(w, "trailer\n<</Size %d /Root 1 0 R /Info 2 0 R %s>>\nstartxref\n%d\n%%%%EOF\n", size, identifier, at)
	return w.Bytes()
}

// hybrid writes a table, and hides the information from readers that know only
// tables, in an object stream (ISO 32000-2 7.5.8.4).
func hybrid(objects []string) []byte {
	const hidden = 2
	w := newWriter()
	for i, body := range objects {
		if i+1 != hidden {
			w.object(i+1, body)
		}
	}
	holder, own := len(objects)+1, len(objects)+2
	index := fmt.Sprintf("%d 0 ", hidden)
	w.object(holder, stream(fmt.Sprintf("/Type /ObjStm /N 1 /First %d", len(index)), index+objects[hidden-1]))
	at := w.Len()
	entry := func(kind, second, third int) string {
		return string([]byte{byte(kind), byte(second >> 24), byte(second >> 16), byte(second >> 8), byte(second), byte(third)})
	}
	w.object(own, stream(fmt.Sprintf("/Type /XRef /W [1 4 1] /Index [%d 1 %d 2] /Size %d /Root 1 0 R", hidden, holder, own+1),
		entry(2, holder, 0)+entry(1, w.at[holder], 0)+entry(1, at, 0)))
	delete(w.at, holder) // as the stream itself: old readers are not to see them
	delete(w.at, own)
	main := w.Len()
	w.table(own + 1)
	fmt.Fprintf(w, "trailer\n<</Size %d /Root 1 0 R /Info 2 0 R %s /XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n", own+1, identifier, at, main)
	return w.Bytes()
}

// uploads makes the same contract in every form; qpdf writes those forms that
// it has, so that the writer under test meets files by another hand.
func uploads(ctx context.Context, dir string) (map[string][]byte, error) {
	contract := objects(2, "Contract")
	plain := filepath.Join(dir, "contract.pdf")
	if err := os.WriteFile(plain, table(contract), 0o600); err != nil {
		return nil, err
	}
	out := map[string][]byte{"table": table(contract), "hybrid": hybrid(contract)}
	for form, options := range map[string][]string{
		"stream":     {"--object-streams=generate"},
		"linearized": {"--linearize", "--object-streams=disable"},
	} {
		path := filepath.Join(dir, form+".pdf")
		said, err := exec.CommandContext(ctx, "qpdf", append(options, "--deterministic-id", plain, path)...).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("qpdf: %w: %s", err, said)
		}
		if out[form], err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	return out, nil
}
