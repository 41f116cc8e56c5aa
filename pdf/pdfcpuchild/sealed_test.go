package pdfcpuchild_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
	"github.com/handslag/handslag/pdf/pdfcpuchild"
)

// The way of a document: checked by both readers, the page made and grafted,
// sealed, verified, and read by pdfcpu once more.
func TestEvidencePageInASealedDocument(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	c := child(t)
	evidence, err := c.EvidencePage(context.Background(), page(2))
	require.NoError(t, err)
	for form, in := range pdftest.Pages(2).Forms() {
		t.Run(form, func(t *testing.T) {
			h := &pdf.HashState{}
			h.Write(in)
			rev := pdf.Revision{Source: bytes.NewReader(in), Size: int64(len(in)), Hash: h}
			pages, err := pdf.Append(rev, pdf.Additions{Pages: evidence, Time: w.Now})
			require.NoError(t, err)
			seal, err := pdf.Seal(context.Background(), rev.Extend(pages), pdf.SealOptions{
				Key: w.Seal.Key, Chain: w.Seal.Chain(), Time: w.Now, Timestamper: w,
			})
			require.NoError(t, err)
			out := bytes.Join([][]byte{in, pages, seal}, nil)
			v, err := pdf.Verify(context.Background(), bytes.NewReader(out), int64(len(out)), pdf.Trust{Seal: w.Pool(), Timestamp: w.Pool(), Now: w.Now})
			require.NoError(t, err)
			require.Equal(t, pdf.TotalPassed, v.Indication)
			require.Equal(t, 3, v.Pages)
			if dir := os.Getenv("HANDSLAG_KEEP_PAGES"); dir != "" {
				require.NoError(t, os.WriteFile(filepath.Join(dir, form+"-sealed.pdf"), out, 0o600))
			}
			o, err := c.SecondOpinion(context.Background(), write(t, out))
			require.NoError(t, err)
			require.Equal(t, pdfcpuchild.Opinion{Verdict: pdfcpuchild.OK, Pages: 3}, o)
		})
	}
}
