package activities

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
)

// The faults of a start that cannot be reconciled.
var (
	errCannotTell = fault.New(fault.Uncertain, "start_uncertain",
		"Whether the provider created an order is not known, and it cannot be asked. An order that nobody follows ends by itself within minutes.")
	errNeverSent = fault.New(fault.NotFound, "start_not_sent", "Nothing had been sent to the provider.")
)

// ReconcileAttempt finds out what became of a start whose end nobody saw: one
// that ended Uncertain, or in which the worker died. It only asks, so Temporal
// may repeat it, which adds no history while the provider cannot tell yet.
//
// An order that it finds counts as if the start had returned it. A NotFound
// fault says that there certainly is none. With any other nobody knows, and then
// the order, if there is one, is harmless: what opens it (a token, a secret, an
// address) was in the answer that was lost, so nobody can sign by it but a person
// whom the provider calls upon itself, by phone or by their number. What they
// would sign is right, and is not collected; they are asked once more. The person
// stays locked for as long as an order can live, so that no other of ours ends it
// or is ended by it.
func (a *Attempts) ReconcileAttempt(ctx context.Context, in ReconcileInput) (providers.Order, error) {
	defer beating(ctx)()
	account, err := a.Providers.Provider(in.Tenant, in.Provider, "")
	if err != nil {
		return providers.Order{}, ToTemporal(err)
	}
	if _, can := account.Provider.(providers.Reconciler); !can {
		return providers.Order{}, finally(errCannotTell)
	}
	order, err := a.reconcile(ctx, in)
	return order, ToTemporal(err)
}

func (a *Attempts) reconcile(ctx context.Context, in ReconcileInput) (providers.Order, error) {
	q, err := a.sent(ctx, in)
	if err != nil {
		return providers.Order{}, err
	}
	asked, ok := q.account.Provider.(providers.Reconciler)
	if !ok {
		return providers.Order{}, errCannotTell
	}
	order, err := asked.Reconcile(ctx, q.request, in.At)
	if err == nil {
		return q.made(order), nil
	}
	if fault.KindOf(err) == fault.NotFound {
		a.release(ctx, in.StartInput, q, err)
	}
	return providers.Order{}, fmt.Errorf("reconcile a start: %w", err)
}

// sent is the question that the lost start sent, made again.
func (a *Attempts) sent(ctx context.Context, in ReconcileInput) (q question, err error) {
	if q.account, err = a.pinned(ctx, in.AttemptRef); err != nil {
		return q, err
	}
	spec, p, err := participant(ctx, a.Specs, in.AttemptRef)
	if err != nil {
		return q, err
	}
	spec = spec.At(in.Current)
	if q.request, _, err = requestOf(in.StartInput, spec, p); err != nil {
		return q, err
	}
	if q.account.Capabilities().ReturnsPDF {
		q.request.Documents = documents(a.Revisions, in.CollectionRef, spec)
	}
	return q, nil
}

// pin is the account that an attempt asks at a provider which can be asked later
// what became of a lost start: that question has to go to the same account, though
// the settings may have changed meanwhile. It is kept before anything is sent.
type pin struct {
	Account string `json:"account"`
}

func (r AttemptRef) pinName() string { return "account-" + r.Provider }

func (a *Attempts) pin(ctx context.Context, ref AttemptRef, account Account) (Account, error) {
	if _, can := account.Provider.(providers.Reconciler); !can {
		return account, nil
	}
	b, err := json.Marshal(pin{account.ID})
	if err != nil {
		return account, fmt.Errorf("encode the account: %w", err)
	}
	if _, adopted, err := a.Evidence.AdoptEvidence(ctx, ref.evidence(ref.pinName()), b); err != nil || !adopted {
		return account, err
	}
	return a.pinned(ctx, ref)
}

// pinned is the account that was asked. Without one, nothing was ever sent.
func (a *Attempts) pinned(ctx context.Context, ref AttemptRef) (Account, error) {
	b, err := a.Evidence.GetEvidence(ctx, ref.evidence(ref.pinName()))
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return Account{}, errNeverSent.Because(err)
	case err != nil:
		return Account{}, fmt.Errorf("get the account that was asked: %w", err)
	}
	var kept pin
	if err := json.Unmarshal(b, &kept); err != nil {
		return Account{}, fmt.Errorf("decode the account that was asked: %w", err)
	}
	return a.Providers.Provider(ref.Tenant, ref.Provider, kept.Account)
}
