package activities

import (
	"context"

	"github.com/handslag/handslag/pdf"
)

// Additions makes what SealDocument would append, for tests that append more.
func (s *Sealing) Additions(ctx context.Context, in SealInput) (pdf.Additions, error) {
	spec, err := s.Specs.GetSpec(ctx, in.Tenant, in.Collection)
	if err != nil {
		return pdf.Additions{}, err
	}
	d, _ := spec.Document(in.Document)
	return s.additions(ctx, in, spec, d)
}
