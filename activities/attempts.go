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
	Breaker   Breaker
	Signals   Signals
	// Beats is how a live order beats; nil beats by the SDK.
	Beats Beats
	// Revisions has the documents that providers who sign PDFs are sent.
	Revisions Revisions
	// Pace keeps collects within the accounts' budgets; nil has none.
	Pace  Pace
	Clock Clock
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
// never repeated: Temporal tries it once, and the workflow asks again, here or at
// another provider, only after a fault which says that certainly no order was
// created. When the worker dies in it, the workflow has ReconcileAttempt find out
// what became of it.
//
// A phone call that lasts until the person is done is not begun here, where it
// would keep others waiting: see CallAttempt.
func (a *Attempts) StartAttempt(ctx context.Context, in StartInput) (Started, error) {
	defer beating(ctx)() // documents may have to be sent
	started, err := a.start(ctx, in)
	return started, ToTemporal(err)
}

func (a *Attempts) start(ctx context.Context, in StartInput) (Started, error) {
	account, err := a.Providers.Provider(in.Tenant, in.Provider, "")
	if err != nil {
		return Started{}, err
	}
	if in.Channel == signing.ChannelPhone && account.Capabilities().PhoneBlocks {
		return Started{Calls: true}, nil
	}
	q, err := a.prepare(ctx, in, account)
	if err != nil {
		return Started{}, err
	}
	order, err := q.account.Start(ctx, q.request)
	q.done(err)
	if err == nil {
		return Started{Order: q.made(order)}, nil
	}
	a.release(ctx, in, q, err)
	return Started{}, fmt.Errorf("start an order: %w", err)
}

// question is a start that nothing keeps from being sent.
type question struct {
	account Account
	request providers.StartRequest
	done    func(error) // tells the breaker how it went, once
}

// made completes an order with what only we know of it.
func (q question) made(o providers.Order) providers.Order {
	o.Account, o.Life = q.account.ID, q.account.Capabilities().OrderLife
	return o
}

// errNotSent tells the breaker that a start which it let go on was not sent: an
// Invalid fault counts neither for the account nor against it.
var errNotSent = fault.New(fault.Invalid, "not_sent", "Nothing was sent.")

// errNoLookUp keeps anybody from signing for an organisation that nobody looked up
// for them. The collection was refused if it could be foreseen; the account's
// settings have changed since. Another provider of the route may do it.
var errNoLookUp = fault.New(fault.Forbidden, "organisation_not_looked_up",
	"The provider's account does not look up who may sign for an organisation; nothing was sent.")

// prepare does what comes before a start: it asks whether the account may be
// bothered, keeps what the person is to be asked, and locks the person.
func (a *Attempts) prepare(ctx context.Context, in StartInput, account Account) (question, error) {
	done, err := a.Breaker.Admit(in.Provider, account.ID)
	if err != nil {
		return question{}, err
	}
	q, err := a.prepared(ctx, in, question{account: account, done: done})
	if err != nil {
		done(errNotSent)
	}
	return q, err
}

func (a *Attempts) prepared(ctx context.Context, in StartInput, q question) (question, error) {
	spec, p, err := participant(ctx, a.Specs, in.AttemptRef)
	if err != nil {
		return q, err
	}
	spec = spec.At(in.Current)
	if p.Organisation != "" && !q.account.Capabilities().LooksUpSignatories {
		return q, errNoLookUp.From(in.Provider, "")
	}
	if q.request, err = a.keepRequest(ctx, in, spec, p); err != nil {
		return q, err
	}
	if q.account.Capabilities().ReturnsPDF {
		q.request.Documents = documents(a.Revisions, in.CollectionRef, spec)
	}
	if q.account, err = a.pin(ctx, in.AttemptRef, q.account); err != nil {
		return q, err
	}
	now := a.Clock()
	holder := signing.Holder{Tenant: in.Tenant, Collection: in.Collection, Participant: in.Participant, Attempt: in.Attempt}
	if err := a.Persons.LockPerson(ctx, p.PersonalNumber, holder, now, now.Add(q.account.Capabilities().OrderLife)); err != nil {
		return q, fmt.Errorf("lock the person: %w", err)
	}
	return q, nil
}

// release lets go of the person after a start that certainly made no order: what
// the lock would guard does not exist. Left locked by a failing store, it lets go
// by itself.
func (a *Attempts) release(ctx context.Context, in StartInput, q question, err error) {
	if fault.KindOf(err) != fault.Uncertain {
		_ = a.Persons.UnlockPerson(ctx, q.request.Signer, in.Attempt)
	}
}

// keepRequest makes what the person is asked, and keeps it before it is sent.
func (a *Attempts) keepRequest(ctx context.Context, in StartInput, spec signing.Spec, p signing.Participant) (providers.StartRequest, error) {
	r, asked, err := requestOf(in, spec, p)
	if err != nil {
		return r, err
	}
	b, err := json.Marshal(asked)
	if err != nil {
		return r, fmt.Errorf("encode request: %w", err)
	}
	if err := a.Evidence.PutEvidence(ctx, in.evidence(requestName), b); err != nil {
		return r, fmt.Errorf("keep request: %w", err)
	}
	return r, nil
}

// requestOf is what the provider is sent, but for the documents, and what of it
// is kept. The spec is at the revisions that are signed. It yields the same for
// the same input.
func requestOf(in StartInput, spec signing.Spec, p signing.Participant) (providers.StartRequest, request, error) {
	manifest, err := spec.Manifest(p.ID).Encode()
	if err != nil {
		return providers.StartRequest{}, request{}, err
	}
	version, text := spec.Text(p)
	return providers.StartRequest{
		Collection: in.Collection, Attempt: in.Attempt, Method: p.Method, Channel: in.Channel,
		Signer: p.PersonalNumber, Locale: p.Locale, VisibleText: text, Manifest: manifest,
		EndUser: in.EndUser, ReturnURL: in.ReturnURL.Reveal(), CallInitiator: in.CallInitiator,
		Organisation: p.Organisation, ProviderParticipant: p.ProviderParticipant,
	}, request{TextVersion: version, VisibleText: text, Manifest: manifest}, nil
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
