package workflows

import (
	"strconv"

	"go.temporal.io/sdk/temporal"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// TaskQueue is where workflows run, and activities that call no provider.
const TaskQueue = "handslag"

// ProviderQueue is where activities that call a provider run. Each provider has
// its own, so that a slow one takes no slots from the others.
func ProviderQueue(provider string) string { return "handslag-" + provider }

// StartQueue is where orders are asked for at a provider. It is apart from
// ProviderQueue, where every live order holds a slot for minutes.
func StartQueue(provider string) string { return ProviderQueue(provider) + "-start" }

// CollectionType is the type of a collection's workflow.
const CollectionType = "Collection"

// WorkflowID is the id of a collection's workflow.
func WorkflowID(id signing.CollectionID) string { return string(id) }

// FollowID is the id of the activity that first follows an order of a
// participant. Later ones have a slash and a number behind it: the SDK never
// frees the id of an activity that completed after its cancellation was asked
// for, and a workflow that uses it again is stuck.
func FollowID(p signing.ParticipantID) string { return "follow/" + string(p) }

// followID is the id of the n-th activity that follows an order of p.
func followID(p signing.ParticipantID, n int) string {
	if n == 1 {
		return FollowID(p)
	}
	return FollowID(p) + "/" + strconv.Itoa(n)
}

// The names of what a collection's workflow answers to. The updates take the
// command types below; the query returns a signing.View.
const (
	UpdateStartAttempt  = "start_attempt"
	UpdateCancelAttempt = "cancel_attempt"
	UpdateConfirmReturn = "confirm_return"
	UpdateDecline       = "decline"
	UpdateCancel        = "cancel"
	UpdateConsent       = "consent"
	UpdateHint          = "hint"
	QueryView           = "view"
	// SignalRetry has what needs attention tried again at once. It has no
	// argument, so that an operator can send it from the Temporal UI.
	SignalRetry = "retry"
)

// SignalCallSent is how an activity says that a call has been sent.
const SignalCallSent = activities.SignalCallSent

// Live is the heartbeat details of the activity named by FollowID.
type Live = activities.Live

// CollectionInput starts a CollectionWorkflow.
type CollectionInput struct {
	Spec signing.Spec `json:"spec"`
	// Routes names the providers that serve each method and meet the policy.
	Routes map[signing.Method]signing.Route `json:"routes"`
	// Own are the routes of participants who need more of a provider than their
	// method does.
	Own map[signing.ParticipantID]signing.Route `json:"own,omitempty"`
}

// Route is the providers that may serve a participant, in the order in which they
// are asked.
func (in CollectionInput) Route(p signing.Participant) signing.Route {
	if own, ok := in.Own[p.ID]; ok {
		return own.For(p)
	}
	return in.Routes[p.Method].For(p)
}

// StartAttempt asks for a new attempt of a participant. The id comes from the
// caller, so that a repeated Update names the same attempt.
type StartAttempt struct {
	Participant   signing.ParticipantID   `json:"participant"`
	Attempt       signing.AttemptID       `json:"attempt"`
	Channel       signing.Channel         `json:"channel"`
	EndUser       providers.EndUser       `json:"endUser"`
	ReturnURL     signing.Private         `json:"returnUrl,omitempty"` // with the nonce
	ReturnNonce   signing.Digest          `json:"returnNonce,omitzero"`
	CallInitiator providers.CallInitiator `json:"callInitiator,omitempty"`
}

// StartedAttempt is the answer to StartAttempt, once the order exists.
type StartedAttempt struct {
	Attempt signing.Attempt `json:"attempt"`
	Order   providers.Order `json:"order"`
}

// ParticipantCommand is the argument of UpdateCancelAttempt and UpdateDecline.
// Attempt, when given, must be the live one.
type ParticipantCommand struct {
	Participant signing.ParticipantID `json:"participant"`
	Attempt     signing.AttemptID     `json:"attempt,omitempty"`
}

// ConfirmReturn presents the nonce of a return URL. It is accepted once, for
// the participant's latest attempt.
type ConfirmReturn struct {
	Participant signing.ParticipantID `json:"participant"`
	Nonce       signing.Digest        `json:"nonce"`
}

// ConsentCommand says that a participant, who has identified themselves in an
// attempt, agrees to what they were shown. It returns a signing.View, once the
// consent is kept.
type ConsentCommand struct {
	Participant signing.ParticipantID `json:"participant"`
	Attempt     signing.AttemptID     `json:"attempt"`
	Manifest    signing.Digest        `json:"manifest"` // of the identification
	// Text is the digest of what was shown: signing.Spec.ConsentText in Locale, of
	// the spec at the revisions that the identification is about.
	Text   signing.Digest `json:"text"`
	Locale signing.Locale `json:"locale"`
}

// Hint says that a provider's call to us makes it worth while to ask now how the
// order of a live attempt stands. The id of its Update is the push's key, so that
// a repeated call is the same hint. It is refused when the attempt is not live,
// when it is being looked at already and when it had as many as it may have; then
// the order is collected in its turn, and nothing is lost.
type Hint struct {
	Attempt signing.AttemptID `json:"attempt"`
}

// The search attributes of a collection's workflow. Temporal stores them in
// clear, so they are ids and states only.
var (
	SearchCollection = temporal.NewSearchAttributeKeyKeyword("HandslagCollection")
	SearchTenant     = temporal.NewSearchAttributeKeyKeyword("HandslagTenant")
	SearchState      = temporal.NewSearchAttributeKeyKeyword("HandslagState")
	SearchAttention  = temporal.NewSearchAttributeKeyBool("HandslagAttention")
)

// Fault returns the fault behind an error of an Update, a Query or a workflow,
// so that callers need not know how faults travel.
func Fault(err error) error { return activities.FromTemporal(err) }
