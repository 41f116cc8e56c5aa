package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"go.temporal.io/sdk/activity"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// Verification judges the answers that are in evidence.
type Verification struct {
	Providers Providers
	Specs     Specs
	Evidence  Evidence
}

// VerifyAttempt interprets the kept answer of an attempt against what was asked
// for, keeps what follows from it beside it, and says how the attempt ended. It
// calls nobody outside. Run again it finds the same.
func (v *Verification) VerifyAttempt(ctx context.Context, ref AttemptRef) (signing.AttemptResult, error) {
	defer beating(ctx)()
	result, err := v.verify(ctx, ref)
	return result, ToTemporal(err)
}

func (v *Verification) verify(ctx context.Context, ref AttemptRef) (signing.AttemptResult, error) {
	provider, err := v.Providers.Provider(ref.Tenant, ref.Provider)
	if err != nil {
		return signing.AttemptResult{}, err
	}
	spec, p, err := participant(ctx, v.Specs, ref)
	if err != nil {
		return signing.AttemptResult{}, err
	}
	var asked request
	if _, err := v.get(ctx, ref, requestName, &asked); err != nil {
		return signing.AttemptResult{}, err
	}
	var answer StoredAnswer
	raw, err := v.get(ctx, ref, answerName, &answer)
	if err != nil {
		return signing.AttemptResult{}, err
	}
	result, err := provider.Interpret(answer.Raw, providers.Expectation{
		Order: answer.Order, Method: p.Method, Signer: p.PersonalNumber,
		VisibleText: asked.VisibleText, Manifest: asked.Manifest,
		StartedAt: answer.StartedAt, CollectedAt: answer.CollectedAt,
	})
	if err != nil {
		return signing.AttemptResult{}, fmt.Errorf("interpret the answer: %w", err)
	}
	if err := v.keep(ctx, ref, result); err != nil {
		return signing.AttemptResult{}, err
	}
	activity.GetLogger(ctx).Info("attempt judged", "attempt", ref.Attempt,
		"outcome", string(result.Outcome), "reason", string(result.Reason), "provider_code", result.ProviderCode)
	return v.attemptResult(spec, p, ref, result, raw)
}

// attemptResult is what the workflow needs to know of a result.
func (v *Verification) attemptResult(spec signing.Spec, p signing.Participant, ref AttemptRef, r providers.Result, raw []byte) (signing.AttemptResult, error) {
	out := signing.AttemptResult{Outcome: r.Outcome, Reason: r.Reason, ProviderCode: r.ProviderCode}
	if r.Outcome != signing.OutcomeSigned {
		return out, nil
	}
	manifest, err := spec.Manifest(p.ID).Encode()
	if err != nil {
		return out, err
	}
	out.Signature = &signing.Signature{
		Participant: p.ID, Attempt: ref.Attempt, Method: p.Method, Provider: ref.Provider,
		Assurance: r.Assurance, SignedAt: r.SignedAt, Environment: r.Environment,
		Manifest: signing.DigestOf(manifest), Evidence: signing.DigestOf(raw),
	}
	return out, nil
}

// keep stores the result, and each proof as a piece of its own.
func (v *Verification) keep(ctx context.Context, ref AttemptRef, r providers.Result) error {
	for _, name := range slices.Sorted(maps.Keys(r.Proofs)) {
		if err := v.Evidence.PutEvidence(ctx, ref.evidence(name), r.Proofs[name]); err != nil {
			return fmt.Errorf("keep proof %s: %w", name, err)
		}
	}
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	// A later release may see more in the same answer: the first result stays.
	if _, _, err := v.Evidence.AdoptEvidence(ctx, ref.evidence(resultName), b); err != nil {
		return fmt.Errorf("keep result: %w", err)
	}
	return nil
}

func (v *Verification) get(ctx context.Context, ref AttemptRef, name string, into any) ([]byte, error) {
	b, err := v.Evidence.GetEvidence(ctx, ref.evidence(name))
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return nil, fmt.Errorf("decode %s: %w", name, err)
	}
	return b, nil
}
