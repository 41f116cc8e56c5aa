package evidence

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf"
)

// TestFilesDoNotFillTheMemory: each may be as large as a file may be, and all of
// them together may not, however small they are packed.
func TestFilesDoNotFillTheMemory(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n")
	second := b.Len()
	b.WriteString("2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n")
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 3\n0000000000 65535 f \n%010d 00000 n \n%010d 00000 n \n", len("%PDF-1.7\n"), second)
	fmt.Fprintf(&b, "trailer\n<< /Size 3 /Root 1 0 R /ID [<00> <00>] >>\nstartxref\n%d\n%%%%EOF\n", xref)
	var h pdf.HashState
	_, _ = h.Write(b.Bytes()) // never fails

	const files, each = maxFiles/maxFile + 2, maxFile
	add := pdf.Additions{Time: time.Now(), Files: []pdf.Attachment{{Name: IndexName, MIMEType: "application/json", Relationship: "Data", Data: []byte("{}")}}}
	for i := range files {
		add.Files = append(add.Files, pdf.Attachment{Name: fmt.Sprint(i), MIMEType: "text/plain", Relationship: "Data", Data: make([]byte, each)})
	}
	tail, err := pdf.Append(pdf.Revision{Source: bytes.NewReader(b.Bytes()), Size: int64(b.Len()), Hash: &h}, add)
	require.NoError(t, err)
	require.Less(t, len(tail), maxFile, "which is small")
	b.Write(tail)

	found, err := openFiles(bytes.NewReader(b.Bytes()), int64(b.Len()))
	require.NoError(t, err)
	read := 0
	for range 2 {
		for i := range files {
			if _, err := found.read(fmt.Sprint(i)); err == nil {
				read++
			}
		}
	}
	require.Equal(t, 2*maxFiles/maxFile, read)
}
