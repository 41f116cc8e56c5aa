package activities_test

import (
	"bytes"
	"fmt"
)

// onePage is the smallest sound PDF with a page.
func onePage() []byte { return onePageWith("") }

// onePageWith has more in its catalog, and more objects, from number 4 on.
func onePageWith(catalog string, more ...string) []byte {
	objects := append([]string{
		"<< /Type /Catalog /Pages 2 0 R " + catalog + ">>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> >>",
	}, more...)
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	var offsets []int
	for i, o := range objects {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R /ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>] >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, xref)
	return b.Bytes()
}

// overridePage is an incremental update of onePage that shows another page.
func overridePage(upload []byte) []byte {
	old := bytes.LastIndex(upload, []byte("xref\n0 "))
	var b bytes.Buffer
	fmt.Fprintf(&b, "3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Resources << >> >>\nendobj\n")
	fmt.Fprintf(&b, "xref\n3 1\n%010d 00000 n \ntrailer\n<< /Size 4 /Root 1 0 R /Prev %d "+
		"/ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddee00>] >>\nstartxref\n%d\n%%%%EOF\n",
		len(upload), old, len(upload)+bytes.Index(b.Bytes(), []byte("endobj\n"))+len("endobj\n"))
	return b.Bytes()
}
