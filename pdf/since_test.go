package pdf_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

func since(b []byte, first int) (pdf.Later, error) {
	return pdf.Since(bytes.NewReader(b), int64(len(b)), int64(first), pdf.Limits{})
}

// endOfFirst is where the first revision of a document ends.
func endOfFirst(b []byte) int { return bytes.Index(b, []byte("%%EOF\n")) + len("%%EOF\n") }

// What another program signed, archived and renewed is told apart, though it
// writes otherwise than we do; and what it changed is not passed over.
func TestSinceByPyHanko(t *testing.T) {
	const perms = "The document's catalog was changed (/Perms)."
	for name, want := range map[string]struct {
		signatures, timestamps int
		locked                 bool
		reason                 string
	}{
		"renewed": {3, 2, false, ""}, "signed-after-archive": {4, 1, false, ""}, "visible": {2, 0, false, ""}, "pkcs7": {1, 0, false, ""},
		"locked-other": {2, 0, false, ""}, "locked-all-archived": {1, 1, true, ""}, "locked-but-this": {2, 0, true, ""},
		"certified-1-archived": {0, 0, false, perms}, "certified-2-signed": {0, 0, false, perms}, "certified-second": {0, 0, false, perms},
		"prepared": {0, 0, false, "A form field that is no plain signature was added."},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile("testdata/later/" + name + ".pdf")
			require.NoError(t, err)
			first := endOfFirst(b)
			l, err := since(b, first)
			if want.reason != "" {
				require.Equal(t, pdf.CodeAppendedChange, fault.CodeOf(err))
				require.Equal(t, want.reason, message(err))
				return
			}
			require.NoError(t, err)
			count := func(kind pdf.ChangeKind) (n int) {
				for _, c := range l.Changes {
					if c.Kind == kind {
						n++
					}
				}
				return n
			}
			require.Equal(t, want.signatures, count(pdf.ChangeSignature))
			require.Equal(t, want.timestamps, count(pdf.ChangeTimestamp))
			require.Equal(t, want.locked, l.Locked)
			drawn := slices.ContainsFunc(l.Changes, func(c pdf.Change) bool { return c.Page > 0 })
			require.Equal(t, name == "visible", drawn)
			none, err := since(b, len(b))
			require.NoError(t, err)
			require.Empty(t, none.Changes)
			require.Error(t, pdf.CheckSigned(bytes.NewReader(b), int64(len(b)), int64(first), pdf.Limits{}), "which is for what we write")
		})
	}
}

func message(err error) string {
	e, _ := fault.As(err)
	return e.Message
}

// What is changed before or after a signature that covers it all is a change.
func TestSinceRefusesChanges(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	contract := pdftest.Stream("", "BT (another contract) Tj ET")
	for name, objects := range map[string]map[int]string{
		"page rewritten":          {5: "<</Type /Page /Parent 2 0 R /Contents 60 0 R>>", 60: contract},
		"content rewritten":       {6: contract},
		"page added":              {2: "<</Type /Pages /Kids [5 0 R 7 0 R 9 0 R 60 0 R] /Count 4 /MediaBox [0 0 595 842] /Resources <</Font <</F1 3 0 R>>>>>>", 60: "<</Type /Page /Parent 2 0 R /Contents 61 0 R>>", 61: contract},
		"annotation added":        {9: "<</Type /Page /Parent 2 0 R /Contents 10 0 R /Annots [60 0 R]>>", 60: "<</Type /Annot /Subtype /FreeText /Rect [0 0 99 99]>>"},
		"field value changed":     {23: "<</FT /Tx /T (name) /V (Eva)>>"},
		"dangling object defined": {26: contract},
		"open action":             {1: catalogStart + " /OpenAction [9 0 R /Fit]>>"},
		"file":                    {1: catalogStart + " /AF [60 0 R]>>", 60: "<</Type /Filespec /F (x) /EF <</F 61 0 R>>>>", 61: pdftest.Stream("/Type /EmbeddedFile", "x")},
	} {
		t.Run(name, func(t *testing.T) {
			for form, in := range rich().Forms() {
				change := func(b []byte) []byte {
					tail, err := pdf.Tail(revision(b), objects)
					require.NoError(t, err)
					return append(bytes.Clone(b), tail...)
				}
				_, err := since(seal(t, w, change(in)), len(in))
				require.Equal(t, pdf.CodeAppendedChange, fault.CodeOf(err), "%s, before: %v", form, err)
				_, err = since(change(seal(t, w, in)), len(in))
				require.Equal(t, pdf.CodeAppendedChange, fault.CodeOf(err), "%s, after: %v", form, err)
			}
		})
	}
}

// The bytes that were sent are a document of their own, and the file ends with the
// last revision.
func TestSinceReadsWholeRevisions(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	in := pdftest.Pages(2).Table()
	signed := seal(t, w, in)
	l, err := since(signed, len(in))
	require.NoError(t, err)
	require.Len(t, l.Changes, 1)
	for name, v := range map[string]struct {
		b     []byte
		first int
	}{
		"nothing was sent": {signed, 0}, "more was sent": {in, len(in) + 1}, "half of it was sent": {signed, len(in) / 2},
		"data after it": {append(bytes.Clone(signed), "% more\n"...), len(in)}, "many line ends": {append(bytes.Clone(signed), strings.Repeat("\n", 99)...), len(in)},
		"cut short": {signed[:len(signed)-20], len(in)},
	} {
		_, err := since(v.b, v.first)
		require.Equal(t, fault.Invalid, fault.KindOf(err), "%s: %v", name, err)
	}
}

func FuzzSince(f *testing.F) {
	w := pdftest.NewWorld(f, pdftest.P256(f))
	in := pdftest.Pages(1).Table()
	f.Add(seal(f, w, in)[len(in):])
	f.Add([]byte("%%EOF\n"))
	f.Fuzz(func(t *testing.T, tail []byte) {
		b := append(bytes.Clone(in), tail...)
		l, err := since(b, len(in))
		if err == nil && !slices.ContainsFunc(l.Changes, func(c pdf.Change) bool { return c.Kind == pdf.ChangeSignature }) {
			showsTheSame(t, b, len(in))
		}
	})
}
