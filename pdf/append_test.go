package pdf_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

func attachments(t *testing.T, b []byte) []pdf.AttachmentEntry {
	f, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Limits{})
	require.NoError(t, err)
	var all []pdf.AttachmentEntry
	for e, err := range f.Attachments() {
		require.NoError(t, err)
		all = append(all, e)
	}
	return all
}

func TestAppendRoundTrip(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	for form, in := range pdftest.Pages(2).Forms() {
		t.Run(form, func(t *testing.T) {
			tail, err := pdf.Append(revision(in), additions(w))
			require.NoError(t, err)
			again, err := pdf.Append(revision(in), additions(w))
			require.NoError(t, err)
			require.Equal(t, tail, again, "the same input gives the same tail")
			out := append(bytes.Clone(in), tail...)
			r, err := check(out)
			require.NoError(t, err)
			require.Equal(t, 4, r.Pages)
			require.True(t, r.Attachments)
			all := attachments(t, out)
			require.Len(t, all, 2)
			require.Equal(t, "signatur-Å.xml", all[0].Name)
			require.Equal(t, "application/xml", all[0].MIMEType)
			require.Equal(t, "Data", all[0].Relationship)
			require.Equal(t, "BankID signature", all[0].Description)
			require.Greater(t, all[0].Offset, int64(len(in)))
			data, err := all[0].Read(100)
			require.NoError(t, err)
			require.Equal(t, "<x/>", string(data))
			_, err = all[0].Read(2)
			require.Equal(t, pdf.CodeBomb, fault.CodeOf(err))
		})
	}
}

// An upload may have attachments of its own, in a tree, with our very names.
func TestAppendIntoExistingNameTree(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	spec := "<</Type /Filespec /F (x) /EF <</F 33 0 R>>>>"
	in := with(map[int]string{
		1:  "<</Type /Catalog /Pages 2 0 R /AF 34 0 R /Names <</Dests <<>> /EmbeddedFiles 30 0 R>>>>",
		30: "<</Kids [31 0 R 32 0 R]>>",
		31: "<</Limits [(a) (manifest.json)] /Names [(a) 35 0 R (manifest.json) 35 0 R]>>",
		32: "<</Limits [(x) (z)] /Names [(x) 35 0 R (z) 35 0 R]>>",
		33: pdftest.Stream("/Type /EmbeddedFile", "mine"), 34: "[35 0 R]", 35: spec,
	}).ObjStm()
	tail, err := pdf.Append(revision(in), additions(w))
	require.NoError(t, err)
	out := append(bytes.Clone(in), tail...)
	require.Contains(t, string(tail), "(manifest.json \\(2\\))")
	all := attachments(t, out)
	require.Len(t, all, 3)
	require.Less(t, all[0].Offset, int64(len(in)))
	require.Equal(t, "manifest.json", all[2].Name)
	require.Greater(t, all[2].Offset, int64(len(in)))
	_, err = check(out)
	require.NoError(t, err)
}

func TestAppendRefuses(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	in := pdftest.Pages(1).Table()
	broken := additions(w)
	broken.Pages = []byte("no PDF")
	_, err := pdf.Append(revision(in), broken)
	require.Equal(t, pdf.CodeNotPDF, fault.CodeOf(err))
	_, err = pdf.Append(revision(in), pdf.Additions{Time: w.Now})
	require.Equal(t, fault.Internal, fault.KindOf(err))
	_, err = pdf.Append(revision(append(bytes.Clone(in), "tail"...)), additions(w))
	require.Equal(t, pdf.CodeTrailing, fault.CodeOf(err))
}

// What the update lists is only what it had to touch.
func TestUpdatesTouchNothingElse(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	in := pdftest.Pages(3).Table()
	tail := seal(t, w, in)[len(in):]
	for _, num := range []int{2, 3, 4, 6, 7, 8, 9, 10} {
		require.NotContains(t, string(tail), fmt.Sprintf("\n%d 0 obj", num))
	}
}

// A name tree that branches into itself would take for ever to search.
func TestAppendIntoCircularNameTree(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	in := with(map[int]string{
		1:  "<</Type /Catalog /Pages 2 0 R /Names <</EmbeddedFiles 30 0 R>>>>",
		30: "<</Kids [31 0 R 32 0 R]>>", 31: "<</Kids [31 0 R 32 0 R]>>", 32: "<</Kids [31 0 R 32 0 R]>>",
	}).Table()
	_, err := pdf.Append(revision(in), additions(w))
	require.Equal(t, pdf.CodeLoop, fault.CodeOf(err))
}
