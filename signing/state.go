package signing

import (
	"time"

	"github.com/handslag/handslag/fault"
)

// State is where a collection is.
type State string

// The states of a collection. The last four are ends.
const (
	StateInProgress State = "in_progress"
	StateSealing    State = "sealing"
	StateCompleted  State = "completed"
	StateDeclined   State = "declined"
	StateCancelled  State = "cancelled"
	StateExpired    State = "expired"
)

// Ended reports whether nothing more will happen.
func (s State) Ended() bool {
	switch s {
	case StateCompleted, StateDeclined, StateCancelled, StateExpired:
		return true
	case StateInProgress, StateSealing:
		return false
	}
	return false
}

// ParticipantState is where a participant is.
type ParticipantState string

// The states of a participant. The last six are ends. Only signed means that
// there is a signature.
const (
	ParticipantWaiting    ParticipantState = "waiting"    // for an earlier step
	ParticipantReady      ParticipantState = "ready"      // may start an attempt
	ParticipantSigning    ParticipantState = "signing"    // has a live attempt
	ParticipantIdentified ParticipantState = "identified" // may consent, or identify themselves again

	ParticipantSigned    ParticipantState = "signed"
	ParticipantConsented ParticipantState = "consented"
	ParticipantProcess   ParticipantState = "process_completed" // at the provider, about its own matter
	ParticipantDeclined  ParticipantState = "declined"
	ParticipantExpired   ParticipantState = "expired"
	ParticipantCancelled ParticipantState = "cancelled"
)

// The faults of commands that come at the wrong moment.
var (
	ErrUnknownParticipant = fault.New(fault.NotFound, "participant_not_found", "The collection has no such participant.")
	ErrEnded              = fault.New(fault.Gone, "collection_ended", "The collection has ended; nothing more can be done in it.")
	ErrEnding             = fault.New(fault.Conflict, "collection_ending", "The collection is being ended.")
	ErrNotYourTurn        = fault.New(fault.Conflict, "not_your_turn", "An earlier step of the collection is not finished.")
	ErrAlreadySigned      = fault.New(fault.Conflict, "already_signed", "The participant has done their part.")
	ErrAttemptLive        = fault.New(fault.Conflict, "attempt_live", "The participant has a live attempt; finish or cancel it first.")
	ErrAttemptsUsedUp     = fault.New(fault.Conflict, "attempts_used_up", "The participant has had as many attempts as they may have in this collection.")
	ErrNoAttempt          = fault.New(fault.NotFound, "no_live_attempt", "The participant has no live attempt.")
	ErrRevisionBusy       = fault.New(fault.Conflict, "revision_busy", "Another participant is signing the documents; they can be signed by one at a time.")
	ErrNotIdentified      = fault.New(fault.Conflict, "not_identified", "The participant has not identified themselves, or has started to do so again.")
	ErrIdentificationOld  = fault.New(fault.Conflict, "identification_too_old", "The identification is too old to consent on; the participant has to identify themselves again.")
	ErrConsentOther       = fault.New(fault.Conflict, "consent_other_documents", "The consent is to other documents than the participant was shown.")
	ErrCannotEnd          = fault.New(fault.Conflict, "cannot_cancel", "The collection is complete or being sealed and cannot be cancelled.")
)

// Progress is what happened to one participant so far.
type Progress struct {
	Attempts  []Attempt  `json:"attempts,omitempty"`
	Signature *Signature `json:"signature,omitempty"`
	// Identified is what waits for the participant's consent.
	Identified *Signature `json:"identified,omitempty"`
	DeclinedAt time.Time  `json:"declinedAt,omitzero"`

	about      []Current // what their latest attempt is about; see Collection.About
	consenting bool      // they have consented, and that is being kept
}

func (p *Progress) live() *Attempt {
	if n := len(p.Attempts); n > 0 && p.Attempts[n-1].Live() {
		return &p.Attempts[n-1]
	}
	return nil
}

// Collection is a collection under way: its spec and what happened so far. Make
// it with [New]. It is not safe for concurrent use.
type Collection struct {
	Spec
	state    State
	ending   State // the end that is under way while live attempts finish, or ""
	progress map[ParticipantID]*Progress
	made     map[DocumentID]Current // what signatures have made of the documents
}

// New starts a collection. It fails when the spec is not valid.
func New(spec Spec) (*Collection, error) {
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	c := &Collection{Spec: spec, state: StateInProgress, progress: map[ParticipantID]*Progress{}, made: map[DocumentID]Current{}}
	for _, p := range spec.Participants {
		c.progress[p.ID] = &Progress{}
	}
	return c, nil
}

// State returns where the collection is.
func (c *Collection) State() State { return c.state }

// Progress returns what happened to a participant of the collection.
func (c *Collection) Progress(id ParticipantID) Progress {
	if p := c.progress[id]; p != nil {
		return *p
	}
	return Progress{}
}

// ParticipantState returns where a participant of the collection is.
func (c *Collection) ParticipantState(p Participant) ParticipantState {
	progress := c.progress[p.ID]
	switch {
	case progress.Signature != nil:
		return done(progress.Signature.Assurance)
	case !progress.DeclinedAt.IsZero():
		return ParticipantDeclined
	case c.state == StateExpired:
		return ParticipantExpired
	case c.state == StateCancelled || c.state == StateDeclined:
		return ParticipantCancelled
	case progress.live() != nil:
		return ParticipantSigning
	case progress.Identified != nil:
		return ParticipantIdentified
	case p.Step > c.currentStep():
		return ParticipantWaiting
	}
	return ParticipantReady
}

func done(a Assurance) ParticipantState {
	switch a {
	case AssuranceIdentified:
		return ParticipantConsented
	case AssuranceAttestedProcess:
		return ParticipantProcess
	case AssuranceVerified, AssuranceAttested:
	}
	return ParticipantSigned
}

// currentStep is the lowest step with a participant who has not signed.
func (c *Collection) currentStep() int {
	step := MaxSteps + 1
	for _, p := range c.Participants {
		if c.progress[p.ID].Signature == nil && p.Step < step {
			step = p.Step
		}
	}
	return step
}

// CanStart says whether a participant may start an attempt now.
func (c *Collection) CanStart(id ParticipantID) error {
	p, progress, err := c.open(id)
	switch {
	case err != nil:
		return err
	case progress.live() != nil:
		return ErrAttemptLive
	case progress.consenting:
		return ErrAlreadySigned
	case p.Step > c.currentStep():
		return ErrNotYourTurn
	case len(progress.Attempts) >= MaxAttempts:
		return ErrAttemptsUsedUp
	case p.Method.SignsDocuments() && c.Holder() != nil: // which passes, unlike the others
		return ErrRevisionBusy
	}
	return nil
}

// Holder returns the live attempt that holds the current revisions, since it
// signs the documents themselves; nil when there is none.
func (c *Collection) Holder() *Attempt {
	for _, p := range c.Participants {
		if live := c.progress[p.ID].live(); live != nil && p.Method.SignsDocuments() {
			a := *live
			return &a
		}
	}
	return nil
}

// CanDecline says whether a participant may decline now.
func (c *Collection) CanDecline(id ParticipantID) error {
	_, progress, err := c.open(id)
	if err == nil && progress.consenting {
		return ErrAlreadySigned
	}
	return err
}

// open returns a participant who may still act.
func (c *Collection) open(id ParticipantID) (Participant, *Progress, error) {
	p, ok := c.Participant(id)
	switch {
	case !ok:
		return Participant{}, nil, ErrUnknownParticipant
	case c.progress[id].Signature != nil:
		return Participant{}, nil, ErrAlreadySigned
	case c.state != StateInProgress:
		return Participant{}, nil, ErrEnded
	case c.ending != "":
		return Participant{}, nil, ErrEnding
	}
	return p, c.progress[id], nil
}

// CanCancel says whether the collection's owner may cancel it now. To cancel
// what is cancelled already is no fault.
func (c *Collection) CanCancel() error {
	switch c.state {
	case StateInProgress, StateCancelled:
		return nil
	case StateDeclined, StateExpired:
		return ErrEnded
	case StateSealing, StateCompleted:
		return ErrCannotEnd
	}
	return ErrEnded
}

// LiveAttempt returns the live attempt of a participant.
func (c *Collection) LiveAttempt(id ParticipantID) (Attempt, error) {
	progress := c.progress[id]
	if progress == nil {
		return Attempt{}, ErrUnknownParticipant
	}
	if a := progress.live(); a != nil {
		return *a, nil
	}
	return Attempt{}, ErrNoAttempt
}

// Signatures returns the signatures made so far, in the order of participants.
func (c *Collection) Signatures() []Signature {
	var signatures []Signature
	for _, p := range c.Participants {
		if s := c.progress[p.ID].Signature; s != nil {
			signatures = append(signatures, *s)
		}
	}
	return signatures
}

// SignaturesIn returns the signatures made so far with what each made of one
// document, and not of the others: what is said of all documents, once for each
// of them, grows with the square of a collection.
func (c *Collection) SignaturesIn(d DocumentID) []Signature {
	signatures := c.Signatures()
	for i := range signatures {
		var made []Current
		for _, now := range signatures[i].Revisions {
			if now.Document == d {
				made = append(made, now)
			}
		}
		signatures[i].Revisions = made
	}
	return signatures
}
