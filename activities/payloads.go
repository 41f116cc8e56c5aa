package activities

import (
	"time"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// CollectionRef names a collection and its owner.
type CollectionRef struct {
	Tenant     signing.TenantID     `json:"tenant"`
	Collection signing.CollectionID `json:"collection"`
}

// AttemptRef names an attempt of a participant.
type AttemptRef struct {
	CollectionRef
	Participant signing.ParticipantID `json:"participant"`
	Attempt     signing.AttemptID     `json:"attempt"`
	Provider    string                `json:"provider"`
	// Account is the one that the order was made at; empty before there is one,
	// and in what was written before there were several.
	Account string `json:"account,omitempty"`
}

// StartInput asks for an order. Everything else about it is in the spec.
type StartInput struct {
	AttemptRef
	// Current are the revisions to sign; empty means the uploads.
	Current       []signing.Current       `json:"current,omitempty"`
	Channel       signing.Channel         `json:"channel"`
	EndUser       providers.EndUser       `json:"endUser"`
	ReturnURL     signing.Private         `json:"returnUrl,omitempty"`
	CallInitiator providers.CallInitiator `json:"callInitiator,omitempty"`
}

// Started is what StartAttempt returns.
type Started struct {
	providers.Order
	// Calls says that no order was asked for, since the person is asked by a call
	// that lasts until they are done: by CallAttempt.
	Calls bool `json:"calls,omitempty"`
}

// ReconcileInput names a start whose end nobody saw. At is when that was noticed.
type ReconcileInput struct {
	StartInput
	At time.Time `json:"at"`
}

// FollowInput names the order to follow. With Withdraw it is not followed but
// settled at once: collected, and cancelled if it is still open. Answer is the
// provider's answer, when an earlier activity got it and could not store it.
type FollowInput struct {
	AttemptRef
	Order    providers.Order `json:"order"`
	Withdraw bool            `json:"withdraw,omitempty"`
	Answer   *StoredAnswer   `json:"answer,omitempty"`
}

// Live is what is known of an attempt while it is followed. It is the
// heartbeat details of FollowAttempt, which the API reads, and it is encrypted
// like every payload.
type Live struct {
	Attempt signing.AttemptID `json:"attempt"`
	Order   providers.Order   `json:"order"`
	Hint    string            `json:"hint,omitempty"`
	At      time.Time         `json:"at"`
	// Answer is a terminal answer that the store has not taken yet.
	Answer *StoredAnswer `json:"answer,omitempty"`
}

// StoredAnswer is a provider's terminal answer as it is kept in evidence.
type StoredAnswer struct {
	Provider    string             `json:"provider"`
	Order       providers.OrderRef `json:"order"`
	StartedAt   time.Time          `json:"startedAt"`
	CollectedAt time.Time          `json:"collectedAt"`
	Raw         []byte             `json:"raw"`
	// Documents are those of the Order.
	Documents map[signing.DocumentID]string `json:"documents,omitempty"`
}

// FollowEnd is how following an order ended.
type FollowEnd string

// The ends.
const (
	FollowAnswered  FollowEnd = "answered"  // the answer is in evidence
	FollowCancelled FollowEnd = "cancelled" // withdrawn, and no answer was given
	FollowLost      FollowEnd = "lost"      // the answer went elsewhere, or the order outlived its time
)

// FollowResult is what FollowAttempt returns.
type FollowResult struct {
	End FollowEnd `json:"end"`
	// ProviderCode is the provider's own word, where there is one.
	ProviderCode string `json:"providerCode,omitempty"`
}

// SignalCallSent is the signal by which CallAttempt tells its workflow that the
// person is being called. Its argument is a CallSent.
const SignalCallSent = "call_sent"

// CallSent says which attempt's call is under way, and what is known of its order.
// It may arrive when that call has ended and another provider is asked.
type CallSent struct {
	Attempt  signing.AttemptID `json:"attempt"`
	Provider string            `json:"provider"`
	Order    providers.Order   `json:"order"`
}

// Hinted is what CollectHinted returns: whether the answer is in evidence.
type Hinted struct {
	Kept bool `json:"kept,omitempty"`
}

// Called is what CallAttempt returns.
type Called struct {
	FollowResult
	Order providers.Order `json:"order"`
}

// AuditInput is a run of consecutive lines of a collection's audit trail.
type AuditInput struct {
	CollectionRef
	FirstSeq int      `json:"firstSeq"`
	Lines    []string `json:"lines"`
}

// SealInput names a document to seal.
type SealInput struct {
	CollectionRef
	Document   signing.DocumentID  `json:"document"`
	Signatures []signing.Signature `json:"signatures"`
	// Current is the revision that the result is made of; nil is the upload.
	Current *signing.Current   `json:"current,omitempty"`
	Audit   signing.AuditTrail `json:"audit"` // its head is printed on the evidence page
}
