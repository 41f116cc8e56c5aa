package pdf_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// TestFolder takes every PDF of a folder, given by HANDSLAG_PDF_FOLDER, through
// check, append, seal and verify. What is refused must be refused by a fault;
// what is accepted must come through.
func TestFolder(t *testing.T) {
	dir := os.Getenv("HANDSLAG_PDF_FOLDER")
	if dir == "" {
		t.Skip("HANDSLAG_PDF_FOLDER is not set")
	}
	w := pdftest.NewWorld(t, pdftest.P256(t))
	counts := map[string]int{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".pdf" {
			return err
		}
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		r, err := check(b)
		if err != nil {
			f, ok := fault.As(err)
			require.True(t, ok, "%s: %v", path, err)
			counts[f.Code]++
			return nil
		}
		if r.Locked {
			counts["locked"]++
			return nil
		}
		upload := len(b)
		if r.Signatures == 0 {
			tail, err := pdf.Append(revision(b), additions(w))
			require.NoError(t, err, path)
			b = append(bytes.Clone(b), tail...)
		}
		b = seal(t, w, b)
		require.NoError(t, checkAppended(b, upload), path)
		v := verify(t, w, b)
		last := v.Signatures[len(v.Signatures)-1]
		require.Equal(t, pdf.TotalPassed, last.Indication, "%s: %s", path, last.Reason)
		counts["passed"]++
		return nil
	}))
	t.Log(counts)
}
