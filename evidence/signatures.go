package evidence

import (
	"context"
	"time"
)

// VerifySignatures judges the PAdES signatures of a document alone, whoever made
// them: for a document that is none of ours, and claims nothing of who had to
// sign it. Anchors of seals and of persons both count.
func VerifySignatures(ctx context.Context, document File, trust Trust, now time.Time) (*Report, error) {
	trust.Seal = trust.Signers
	s, err := judgeSeals(ctx, document.Content, document.Size, 0, trust, now)
	if err != nil {
		return nil, err
	}
	r := newReport()
	r.sealed(s)
	return r, nil
}
