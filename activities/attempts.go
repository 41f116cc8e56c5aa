package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// The names of an attempt's evidence.
const (
	requestName = "request" // what the person was asked to sign
	answerName  = "answer"  // the provider's terminal answer, raw
	resultName  = "result"  // what we derived from it
)

// Attempts starts and follows orders at providers.
type Attempts struct {
	Providers Providers
	Specs     Specs
	Evidence  Evidence
	Persons   Persons
	// Revisions has the documents that providers who sign PDFs are sent.
	Revisions Revisions
	Clock     Clock
	// After waits between collects; time.After, outside tests.
	After func(time.Duration) <-chan time.Time
}

// request is what the person was asked to sign, as kept in evidence before the
// provider hears of it.
type request struct {
	TextVersion string          `json:"textVersion"`
	VisibleText signing.Private `json:"visibleText"`
	Manifest    []byte          `json:"manifest"`
}

// StartAttempt asks the provider for an order. It is the one effect that is
// never repeated: Temporal tries it once, and the workflow asks again only
// after a fault which says that certainly no order was created. When the worker
// dies in it, the attempt has failed; an order that exists all the same is
// followed by nobody and ends by itself.
func (a *Attempts) StartAttempt(ctx context.Context, in StartInput) (providers.Order, error) {
	order, err := a.start(ctx, in)
	return order, ToTemporal(err)
}

func (a *Attempts) start(ctx context.Context, in StartInput) (providers.Order, error) {
	provider, err := a.Providers.Provider(in.Tenant, in.Provider, "")
	if err != nil {
		return providers.Order{}, err
	}
	spec, p, err := participant(ctx, a.Specs, in.AttemptRef)
	if err != nil {
		return providers.Order{}, err
	}
	asked, err := a.keepRequest(ctx, in.AttemptRef, spec, p)
	if err != nil {
		return providers.Order{}, err
	}
	now := a.Clock()
	holder := signing.Holder{Tenant: in.Tenant, Collection: in.Collection, Participant: in.Participant, Attempt: in.Attempt}
	if err := a.Persons.LockPerson(ctx, p.PersonalNumber, holder, now, now.Add(provider.Capabilities().OrderLife)); err != nil {
		return providers.Order{}, fmt.Errorf("lock the person: %w", err)
	}
	order, err := provider.Start(ctx, providers.StartRequest{
		Collection: in.Collection, Attempt: in.Attempt, Method: p.Method, Channel: in.Channel,
		Signer: p.PersonalNumber, Locale: p.Locale, VisibleText: asked.VisibleText, Manifest: asked.Manifest,
		EndUser: in.EndUser, ReturnURL: in.ReturnURL.Reveal(), CallInitiator: in.CallInitiator,
	})
	if err == nil {
		order.Account = provider.ID
		return order, nil
	}
	if fault.KindOf(err) != fault.Uncertain {
		// There is no order; what the lock would guard does not exist. Left locked
		// by a failing store, it lets go by itself.
		_ = a.Persons.UnlockPerson(ctx, p.PersonalNumber, in.Attempt)
	}
	return order, fmt.Errorf("start an order: %w", err)
}

// keepRequest makes the texts to sign and keeps them before they are sent.
func (a *Attempts) keepRequest(ctx context.Context, ref AttemptRef, spec signing.Spec, p signing.Participant) (request, error) {
	manifest, err := spec.Manifest(p.ID).Encode()
	if err != nil {
		return request{}, err
	}
	asked := request{TextVersion: signing.TextVersion, VisibleText: spec.VisibleText(p.Locale), Manifest: manifest}
	b, err := json.Marshal(asked)
	if err != nil {
		return request{}, fmt.Errorf("encode request: %w", err)
	}
	if err := a.Evidence.PutEvidence(ctx, ref.evidence(requestName), b); err != nil {
		return request{}, fmt.Errorf("keep request: %w", err)
	}
	return asked, nil
}

// evidence names a piece of the attempt's evidence.
func (r AttemptRef) evidence(name string) signing.EvidenceRef {
	return signing.EvidenceRef{Tenant: r.Tenant, Collection: r.Collection, Attempt: r.Attempt, Name: name}
}

// participant returns the spec and the participant that ref names.
func participant(ctx context.Context, specs Specs, ref AttemptRef) (signing.Spec, signing.Participant, error) {
	spec, err := specs.GetSpec(ctx, ref.Tenant, ref.Collection)
	if err != nil {
		return spec, signing.Participant{}, fmt.Errorf("get spec: %w", err)
	}
	p, ok := spec.Participant(ref.Participant)
	if !ok {
		return spec, p, signing.ErrUnknownParticipant
	}
	return spec, p, nil
}
