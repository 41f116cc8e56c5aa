package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"go.temporal.io/sdk/activity"

	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// Verification judges the answers that are in evidence.
type Verification struct {
	Providers Providers
	Specs     Specs
	Evidence  Evidence
	Revisions Revisions
	Returned  Returned
	// Seals have the sources of time and status that preserve what others sign.
	Seals Seals
	// Trust has the anchors of those who sign documents themselves.
	Trust evidence.Trust
	Clock Clock
}

// VerifyAttempt interprets the kept answer of an attempt against what was asked
// for, keeps what follows from it beside it, and says how the attempt ended. Of a
// provider that signs the documents themselves it fetches what it signed, and
// makes the next revision of each; else it calls nobody outside. Run again it
// finds the same.
func (v *Verification) VerifyAttempt(ctx context.Context, ref AttemptRef) (signing.AttemptResult, error) {
	defer beating(ctx)()
	result, err := v.verify(ctx, ref)
	return result, ToTemporal(err)
}

func (v *Verification) verify(ctx context.Context, ref AttemptRef) (signing.AttemptResult, error) {
	provider, err := v.Providers.Provider(ref.Tenant, ref.Provider, ref.Account)
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
		Order: answer.Order, Documents: answer.Documents, Method: p.Method, Signer: p.PersonalNumber,
		VisibleText: asked.VisibleText, Manifest: asked.Manifest,
		StartedAt: answer.StartedAt, CollectedAt: answer.CollectedAt,
	})
	if err != nil {
		return signing.AttemptResult{}, fmt.Errorf("interpret the answer: %w", err)
	}
	var made []signing.Current
	from, signs := provider.Provider.(providers.RevisionReturner)
	if signs && provider.Capabilities().ReturnsPDF && result.Outcome == signing.OutcomeSigned {
		d := &delivery{Verification: v, ref: ref, from: from, answer: answer, result: result, policy: spec.Policy}
		result, made, err = d.deliver(ctx, p, asked)
	} else {
		result, err = v.keep(ctx, ref, result)
	}
	if err != nil {
		return signing.AttemptResult{}, err
	}
	activity.GetLogger(ctx).Info("attempt judged", "attempt", ref.Attempt,
		"outcome", string(result.Outcome), "reason", string(result.Reason), "provider_code", result.ProviderCode)
	out := attemptResult(p, ref, result, asked, raw)
	if out.Signature != nil {
		_, yields := provider.Capabilities().Yields(p.Method)
		out.Signature.Level, out.Signature.Revisions = cmp.Or(result.Level, yields), made
	}
	return out, nil
}

// attemptResult is what the workflow needs to know of a result.
func attemptResult(p signing.Participant, ref AttemptRef, r providers.Result, asked request, raw []byte) signing.AttemptResult {
	out := signing.AttemptResult{Outcome: r.Outcome, Reason: r.Reason, ProviderCode: r.ProviderCode}
	if r.Outcome == signing.OutcomeSigned {
		if r.Assurance == signing.AssuranceIdentified { // they have signed nothing yet
			out.Outcome = signing.OutcomeIdentified
		}
		out.Signature = &signing.Signature{
			Participant: p.ID, Attempt: ref.Attempt, Method: p.Method, Provider: ref.Provider,
			Assurance: r.Assurance, SignedAt: r.SignedAt, Environment: r.Environment,
			Manifest: signing.DigestOf(asked.Manifest), Evidence: signing.DigestOf(raw),
		}
	}
	return out
}

// keep stores the result, and each proof as a piece of its own. It returns the
// result that is kept: a later release may see more in the same answer, and
// then the first result stays.
func (v *Verification) keep(ctx context.Context, ref AttemptRef, r providers.Result) (providers.Result, error) {
	for _, name := range slices.Sorted(maps.Keys(r.Proofs)) {
		if err := v.Evidence.PutEvidence(ctx, ref.evidence(name), r.Proofs[name]); err != nil {
			return r, fmt.Errorf("keep proof %s: %w", name, err)
		}
	}
	b, err := json.Marshal(r)
	if err != nil {
		return r, fmt.Errorf("encode result: %w", err)
	}
	kept, _, err := v.Evidence.AdoptEvidence(ctx, ref.evidence(resultName), b)
	if err != nil {
		return r, fmt.Errorf("keep result: %w", err)
	}
	var first providers.Result
	if err := json.Unmarshal(kept, &first); err != nil {
		return r, fmt.Errorf("decode the kept result: %w", err)
	}
	return first, nil
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
