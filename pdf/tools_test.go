package pdf_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// Programs that know nothing of this package read its output, where they are
// installed.
func TestOtherProgramsAgree(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.RSA(t, 2048))
	for form, in := range pdftest.Pages(2).Forms() {
		pages, err := pdf.Append(revision(in), additions(w))
		require.NoError(t, err)
		tail, err := pdf.Seal(context.Background(), revision(in).Extend(pages), options(w))
		require.NoError(t, err)
		path := filepath.Join(t.TempDir(), form+".pdf")
		require.NoError(t, os.WriteFile(path, bytes.Join([][]byte{in, pages, tail}, nil), 0o600))

		t.Run("pdfsig/"+form, func(t *testing.T) {
			out := tool(t, "pdfsig", path)
			require.Contains(t, out, "Signature is Valid")
			require.Contains(t, out, "Total document signed")
		})
		t.Run("qpdf/"+form, func(t *testing.T) {
			require.Contains(t, tool(t, "qpdf", "--check", path), "No syntax or stream encoding errors")
		})
	}
}

func tool(t *testing.T, name string, args ...string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}
