package api

import (
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"time"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

// Upload is a stored PDF as it was uploaded.
type Upload struct {
	ID         signing.DocumentID
	Length     int64
	Digest     signing.Digest
	Pages      int
	PDFVersion string
	// Nature decides what may be added to it when all have signed.
	Nature signing.Nature
	// SecondOpinion is agreed, unavailable or not_asked.
	SecondOpinion string
	// Findings are codes of what is worth knowing about it.
	Findings   []string
	UploadedAt time.Time
}

// Intake receives uploads.
type Intake interface {
	// Receive reads body to its end, checks that it is a PDF that can be signed,
	// and stores it durably before it returns. A key that is not empty makes it
	// idempotent: the same key with the same bytes returns the first document,
	// and with other bytes is an Invalid fault. Refusals are faults of kind
	// Invalid or TooLarge and leave nothing behind. It does not close body.
	Receive(ctx context.Context, tenant signing.TenantID, key string, body io.Reader) (Upload, error)
}

// Documents is what the store says of documents. Both methods answer NotFound
// for what is not the tenant's. Safe for concurrent use.
type Documents interface {
	Upload(ctx context.Context, tenant signing.TenantID, id signing.DocumentID) (Upload, error)
	// Open streams a revision, or an evidence PDF, from its first byte; revision 0
	// is the upload and ignores the collection. The caller closes the reader. A
	// revision that changes while it is read ends in an error, never in other bytes.
	Open(ctx context.Context, ref signing.RevisionRef) (content io.ReadCloser, length int64, err error)
}

// Records is what the store keeps of collections. Get methods answer NotFound
// for what is not the tenant's. Safe for concurrent use.
type Records interface {
	// PutSpec stores a spec durably and once. Repeated with an equal spec it
	// succeeds; another spec under the same id is a Corrupt fault.
	PutSpec(ctx context.Context, spec signing.Spec) error
	GetSpec(ctx context.Context, tenant signing.TenantID, id signing.CollectionID) (signing.Spec, error)
	// GetOutcome returns the last view of a collection that has ended.
	GetOutcome(ctx context.Context, tenant signing.TenantID, id signing.CollectionID) (signing.View, error)
}

// Claims gives idempotency keys to resources, durably and compare-and-swap.
type Claims interface {
	// Claim returns the resource that the tenant's key was first claimed for,
	// which is the given one the first time. A key that was claimed for another
	// request is the Invalid fault idempotency_key_reused.
	Claim(ctx context.Context, tenant signing.TenantID, key string, request signing.Digest, resource string) (string, error)
	// Claimed returns what Claim would, for a key that was claimed before; else it is
	// NotFound, and nothing is claimed.
	Claimed(ctx context.Context, tenant signing.TenantID, key string, request signing.Digest) (string, error)
}

// Link is what a signer link opens.
type Link struct {
	Tenant      signing.TenantID
	Collection  signing.CollectionID
	Participant signing.ParticipantID
	ExpiresAt   time.Time
}

// Links keeps signer links under the digests of their tokens.
type Links interface {
	PutLink(ctx context.Context, token signing.Digest, l Link) error
	// GetLink answers Unauthenticated for a link that is unknown or was not
	// valid at now, without telling them apart.
	GetLink(ctx context.Context, token signing.Digest, now time.Time) (Link, error)
}

// Keyed makes keyed hashes that only this installation can make. Hashes for
// different purposes are unrelated.
type Keyed interface {
	MAC(purpose string, data []byte) [sha256.Size]byte
}

// Offer is what a provider can do for a tenant.
type Offer struct {
	Provider     string
	Account      string // its name in the installation's settings, which no tenant is told
	Environment  string // live, test or simulator
	Capabilities providers.Capabilities
	// Until is the first end of the account's credentials; zero when none is known.
	Until time.Time
	// Expired says that it cannot be used for that reason.
	Expired bool
}

// Accounts says which providers a tenant has accounts at. Safe for concurrent use.
type Accounts interface {
	// Offers returns, for each method that the tenant's participants can have, the
	// providers in the order in which they are asked for an order.
	Offers(tenant signing.TenantID) map[signing.Method][]Offer
}

// AccountState is how an account does.
type AccountState string

// The states, from good to bad.
const (
	AccountUnknown AccountState = "unknown"
	AccountOK      AccountState = "ok"
	AccountResting AccountState = "resting"
	AccountRefused AccountState = "refused"
)

// Condition is how one worker has found an account.
type Condition struct {
	Account     string
	State       AccountState
	Since       time.Time
	Code        string // of the fault behind it
	LastSuccess time.Time
}

// Conditions is what workers say of accounts. Safe for concurrent use.
type Conditions interface {
	// Conditions returns what those workers say that have been heard of lately.
	Conditions(ctx context.Context, now time.Time) ([]Condition, error)
}

// Callbacks reads what providers send us of their own accord.
type Callbacks interface {
	// ReadPush reads a call to the account of that name at the provider, as
	// providers.PushReader does. A fault of kind Invalid means that the call is not
	// about an order; any other, that it is not to be listened to: it is nobody's
	// that we know, or there is no such account. It has no side effects.
	ReadPush(provider, account string, header http.Header, body []byte) (providers.Push, error)
}

// Orders remembers whose orders are, for the calls of providers. Safe for
// concurrent use.
type Orders interface {
	// PutOrder notes whose an order is that was made at an account, durably, by what
	// the provider calls it and by its attempt. It may be repeated.
	PutOrder(ctx context.Context, at signing.AccountRef, order string, h signing.Holder) error
	// FindOrder returns whose the account's first order is that is known by one of
	// these names, or NotFound: what was made at another account is nobody's.
	FindOrder(ctx context.Context, at signing.AccountRef, refs ...string) (signing.Holder, error)
}

// Orchestrator runs collections. Faults of the workflow come back as the faults
// they were; a time-out or a system that is down is Unavailable. It answers
// NotFound, with [ErrNotRunning], for a collection that it does not run, or no
// longer. Safe for concurrent use.
type Orchestrator interface {
	// Start begins a collection. To begin one that was begun before is success.
	Start(ctx context.Context, in workflows.CollectionInput) error
	// StartAttempt returns once the order exists. Repeated with the same attempt
	// id it returns the same answer and creates no second order.
	StartAttempt(ctx context.Context, id signing.CollectionID, c workflows.StartAttempt) (workflows.StartedAttempt, error)
	// CancelAttempt returns the attempt as it ended, which may be signed.
	CancelAttempt(ctx context.Context, id signing.CollectionID, c workflows.ParticipantCommand) (signing.Attempt, error)
	Decline(ctx context.Context, id signing.CollectionID, c workflows.ParticipantCommand) (signing.View, error)
	ConfirmReturn(ctx context.Context, id signing.CollectionID, c workflows.ConfirmReturn) error
	// Consent returns once the consent is kept. The same one may be repeated.
	Consent(ctx context.Context, id signing.CollectionID, c workflows.ConsentCommand) (signing.View, error)
	// Hint has a live attempt looked at now, and does not wait for it. Repeated with
	// the same key it is the same hint. A fault that says that it is of no use is a
	// Conflict or NotFound.
	Hint(ctx context.Context, id signing.CollectionID, key string, h workflows.Hint) error
	// Cancel may be repeated while the collection runs.
	Cancel(ctx context.Context, id signing.CollectionID) (signing.View, error)
	View(ctx context.Context, id signing.CollectionID) (signing.View, error)
	// Polled reports whether a worker takes up what is to be done at a provider.
	Polled(ctx context.Context, provider string, now time.Time) (bool, error)
	// Followed tells what is known of the order that is followed for a
	// participant: nil when none is, and a Live without an attempt when it has
	// not been heard of yet. It adds nothing to the workflow's history.
	Followed(ctx context.Context, id signing.CollectionID, p signing.ParticipantID) (*workflows.Live, error)
}
