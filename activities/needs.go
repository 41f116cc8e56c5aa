package activities

import (
	"context"
	"io"
	"time"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// Clock tells the time of the machine.
type Clock func() time.Time

// Account is one account at a provider.
type Account struct {
	ID string // its name in the installation's settings
	providers.Provider
}

// Providers finds accounts.
type Providers interface {
	// Provider returns the account of that name at the provider, or, where it is
	// empty, the one that serves the tenant now. Whoever starts an order remembers
	// the account's ID and asks for that from then on, so that a change of settings
	// loses no order. It is a fault of kind Invalid when there is no such account,
	// and Unavailable when it cannot be used now.
	Provider(tenant signing.TenantID, provider, account string) (Account, error)
}

// Breaker spares an account that fails, and whoever waits for it. It is asked
// before an order is started and never before one is collected or cancelled.
type Breaker interface {
	// Admit lets a start at the account go on, or is a fault of kind Unavailable
	// with the code provider_resting and a RetryAfter: nothing was sent. After a
	// while one start alone is let through, to see how it is. Who is admitted calls
	// done once, with how the start ended: Unavailable, Uncertain and Forbidden
	// count as failures of the account, all else says that it works.
	Admit(provider, account string) (done func(error), err error)
}

// Pace keeps the calls of this process within an account's budget.
type Pace interface {
	// Turn waits until the account may be asked how an order stands. An urgent
	// turn, as after a hint of the provider's, goes before all others. Its error
	// is that of the context.
	Turn(ctx context.Context, provider, account string, urgent bool) error
}

// Beats tells Temporal that an activity is alive, with details; Temporal's client
// does. It fails with a temporal.CanceledError when the activity is cancelled, and
// with a serviceerror.NotFound when Temporal takes its run for over.
type Beats interface {
	RecordActivityHeartbeat(ctx context.Context, taskToken []byte, details ...any) error
}

// Signals reaches workflows; Temporal's client does.
type Signals interface {
	// SignalWorkflow is durable when it returns. A signal may arrive twice.
	SignalWorkflow(ctx context.Context, workflowID, runID, name string, arg any) error
}

// Specs keeps what each collection asked for.
type Specs interface {
	// GetSpec returns a spec as it was put, or a NotFound fault.
	GetSpec(ctx context.Context, tenant signing.TenantID, id signing.CollectionID) (signing.Spec, error)
}

// Evidence keeps pieces of evidence, encrypted. A piece, once kept, is durable
// when the call returns and never changes. Any method may be called from many
// goroutines and machines at once; all return Unavailable while the store is
// down, whether or not the write took place.
type Evidence interface {
	// PutEvidence keeps given bytes. To put the same again is harmless; other
	// bytes under the same name are a Corrupt fault.
	PutEvidence(ctx context.Context, ref signing.EvidenceRef, plain []byte) error
	// AdoptEvidence keeps made bytes, unless something is kept there already:
	// what came first wins. It returns what is kept, and whether that is something
	// else than was made.
	AdoptEvidence(ctx context.Context, ref signing.EvidenceRef, made []byte) (kept []byte, adopted bool, err error)
	// GetEvidence returns a kept piece, or a NotFound fault.
	GetEvidence(ctx context.Context, ref signing.EvidenceRef) ([]byte, error)
}

// Persons holds, for each person, the one attempt that may have a live order.
type Persons interface {
	// LockPerson takes the person for an attempt until a time. An attempt of the
	// same tenant takes over from an older one; while another tenant's has the
	// person it is a Conflict fault that says nothing of whose or how long.
	LockPerson(ctx context.Context, n signing.PersonalNumber, h signing.Holder, now, until time.Time) error
	// UnlockPerson lets go, if the attempt still has the person. It is idempotent.
	UnlockPerson(ctx context.Context, n signing.PersonalNumber, attempt signing.AttemptID) error
}

// Keeper keeps records of collections.
type Keeper interface {
	// PutAudit keeps given consecutive lines of the audit trail, each with its
	// line end; to put the same again is harmless.
	PutAudit(ctx context.Context, tenant signing.TenantID, id signing.CollectionID, firstSeq int, lines []byte) error
	// PutOutcome keeps how a collection ended; to put the same again is harmless.
	PutOutcome(ctx context.Context, v signing.View) error
}

// Revisions keeps documents.
type Revisions interface {
	// OpenRevision opens a revision, or fails with NotFound. ctx governs the
	// reads that follow.
	OpenRevision(ctx context.Context, ref signing.RevisionRef) (Bytes, error)
	// Revision describes a revision, its hash state authenticated, or NotFound.
	Revision(ctx context.Context, ref signing.RevisionRef) (signing.Revision, error)
	// PutRevision keeps every byte of from, and then tail, as a new revision.
	// It is a Conflict fault when the revision is there already, durable when
	// it returns, and copies a long prefix inside the store.
	PutRevision(ctx context.Context, ref, from signing.RevisionRef, tail []byte, made signing.Revision) error
	// PutEvidencePDF keeps a document's separate evidence PDF, which ref names, in
	// the same way.
	PutEvidencePDF(ctx context.Context, ref signing.RevisionRef, content []byte, made signing.Revision) error
}

// Returned keeps files that a provider returned in place of a document's next
// revision and that are none.
type Returned interface {
	// KeepReturned keeps a file as it came, beside the piece of evidence of that
	// name, unless one is kept there already: what came first wins. It returns the
	// digest of what is kept, which is durable then.
	KeepReturned(ctx context.Context, ref signing.EvidenceRef, content []byte) (signing.Digest, error)
}

// Bytes are the bytes of a revision. Reads may be concurrent.
type Bytes interface {
	io.ReaderAt
	Size() int64
}
