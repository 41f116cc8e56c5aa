package activities

import (
	"context"
	"fmt"
	"strings"

	"github.com/handslag/handslag/signing"
)

// Records keeps what must outlive the workflow.
type Records struct {
	Keeper   Keeper
	Evidence Evidence
}

// KeepAudit writes a run of the audit trail.
func (r *Records) KeepAudit(ctx context.Context, in AuditInput) error {
	defer beating(ctx)()
	lines := strings.Join(in.Lines, "\n") + "\n"
	if err := r.Keeper.PutAudit(ctx, in.Tenant, in.Collection, in.FirstSeq, []byte(lines)); err != nil {
		return ToTemporal(fmt.Errorf("put audit lines from %d: %w", in.FirstSeq, err))
	}
	return nil
}

// KeepOutcome writes how the collection ended.
func (r *Records) KeepOutcome(ctx context.Context, v signing.View) error {
	defer beating(ctx)()
	if err := r.Keeper.PutOutcome(ctx, v); err != nil {
		return ToTemporal(fmt.Errorf("put outcome: %w", err))
	}
	return nil
}
