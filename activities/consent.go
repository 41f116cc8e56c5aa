package activities

import (
	"context"
	"fmt"

	"github.com/handslag/handslag/signing"
)

// consentName is the piece of evidence of an attempt that has the consent which
// its identification is followed by: an encoded signing.ConsentRecord.
const consentName = "consent"

// ConsentInput is a consent to keep.
type ConsentInput struct {
	CollectionRef
	Record signing.ConsentRecord `json:"record"`
}

// KeepConsent keeps what a person has agreed to. The record comes whole from the
// workflow, so every run of this keeps the same bytes.
func (r *Records) KeepConsent(ctx context.Context, in ConsentInput) (signing.Consent, error) {
	defer beating(ctx)()
	b, err := in.Record.Encode()
	if err != nil {
		return signing.Consent{}, ToTemporal(err)
	}
	ref := AttemptRef{CollectionRef: in.CollectionRef, Attempt: in.Record.Attempt}.evidence(consentName)
	if err := r.Evidence.PutEvidence(ctx, ref, b); err != nil {
		return signing.Consent{}, ToTemporal(fmt.Errorf("keep the consent: %w", err))
	}
	return signing.Consent{At: in.Record.At, Evidence: signing.DigestOf(b)}, nil
}
