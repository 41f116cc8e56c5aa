package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/handslag/handslag/signing"
)

// A history has at most mostEvents events. What is still owed to the participants
// is held back from that: each one's first attempt, whatever the others did, all
// that is live, and the sealing of the documents. Further attempts, and all that a
// collection can do without, take from the rest.
//
// The counts are upper bounds: an activity is six events (scheduled, started,
// completed, and the workflow task that hears of it), a timer five, an Update five
// and more by the workflow task that sees it through.
const (
	mostEvents = 5_000

	// attemptEvents: the Update (5); up to four questions to providers, two pauses
	// between them, two reconciliations and their version (48); the return of the
	// person (5), a withdrawal (6), the order, its answer and the audit trail (18).
	attemptEvents = 90
	// consentEvents: the Update (5), the consent kept (6), the audit trail (6).
	consentEvents = 20
	// hintEvents: the Update (5), the collect (6), the follower's end (4).
	hintEvents = 15
	// cancelEvents: an Update that changes nothing.
	cancelEvents = 5
	// documentEvents is for sealing one, and endEvents for the rest of a collection.
	documentEvents = 6
	endEvents      = 40
)

// spare is how many events of history nobody has a claim to.
func (c *collection) spare(ctx workflow.Context) int {
	owed := endEvents + documentEvents*len(c.Documents)
	for _, p := range c.Participants {
		switch progress := c.Progress(p.ID); c.ParticipantState(p) {
		case signing.ParticipantSigning:
			owed += attemptEvents
		case signing.ParticipantIdentified:
			owed += consentEvents
		case signing.ParticipantReady, signing.ParticipantWaiting:
			if len(progress.Attempts) == 0 {
				owed += attemptEvents
			}
		case signing.ParticipantSigned, signing.ParticipantConsented, signing.ParticipantProcess,
			signing.ParticipantDeclined, signing.ParticipantExpired, signing.ParticipantCancelled:
		}
	}
	return mostEvents - workflow.GetInfo(ctx).GetCurrentHistoryLength() - owed
}

// affords reports whether a participant may start another attempt. The first one
// is in reserve.
func (c *collection) affords(ctx workflow.Context, p signing.ParticipantID) bool {
	return len(c.Progress(p).Attempts) == 0 || c.spare(ctx) >= attemptEvents
}
