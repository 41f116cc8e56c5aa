package activities

import (
	"context"

	"github.com/handslag/handslag/pdf"
)

// Additions makes what SealDocument would append, for tests that append more.
func (s *Sealing) Additions(ctx context.Context, in SealInput) (pdf.Additions, error) {
	j, err := s.job(ctx, in)
	if err != nil {
		return pdf.Additions{}, err
	}
	return s.additions(ctx, j, nil)
}

// Documents is what a provider that signs PDFs is sent.
var Documents = documents
