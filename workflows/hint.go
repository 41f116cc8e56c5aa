package workflows

import (
	"errors"

	"go.temporal.io/sdk/workflow"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// maxHints is how many hints of an attempt are looked at. One is enough, and
// calls to us that are not proven to be the provider's shall not fill a history.
const maxHints = 5

var (
	errHintBusy = fault.New(fault.Conflict, "hint_busy", "A hint of the attempt is being looked at.")
	errHints    = fault.New(fault.Conflict, "hints_used_up", "The order is collected in its turn.")
	// errHintHolds ends the following of an order whose answer a hint was handed and
	// could not store.
	errHintHolds = errors.New("the answer went to a hint")
)

// hints is what came of the hints of an attempt.
type hints struct {
	order    providers.Order // that is followed; without a reference there is none to ask for
	taken    int
	busy     bool
	answered bool                     // one of them brought the answer
	held     *activities.StoredAnswer // or has it still, for it could not be stored
}

// instead is what a follower's lost answer means when a hint may have got it.
func (h *hints) instead(ctx workflow.Context, lost activities.FollowResult) (activities.FollowResult, error) {
	err := workflow.Await(ctx, func() bool { return !h.busy })
	switch {
	case err != nil:
		return lost, err
	case h.answered:
		return activities.FollowResult{End: activities.FollowAnswered}, nil
	case h.held != nil:
		return lost, errHintHolds
	}
	return lost, nil
}

// mayHint refuses a hint that no order can answer, or that would cost history
// which is needed for more.
func (c *collection) mayHint(ctx workflow.Context, h Hint) error {
	err := c.canHint(h)
	if err == nil && c.spare(ctx) < hintEvents {
		err = errHints
	}
	return activities.ToTemporal(err)
}

func (c *collection) canHint(h Hint) error {
	switch live := c.liveBy(h.Attempt); {
	case live == nil || live.hints.order.Ref == "":
		return signing.ErrNoAttempt
	case live.hints.busy:
		return errHintBusy
	case live.hints.taken == maxHints:
		return errHints
	}
	return nil
}

// onHint has the order collected once, beside the activity that follows it. An
// answer that it brings ends the waiting at once.
func (c *collection) onHint(ctx workflow.Context, hint Hint) error {
	if err := c.canHint(hint); err != nil { // two may have passed the validator
		return activities.ToTemporal(err)
	}
	live := c.liveBy(hint.Attempt)
	h := &live.hints
	h.taken++
	h.busy = true
	ctx = steady(ctx)
	in := activities.FollowInput{AttemptRef: live.ref, Order: h.order}
	var a *activities.Attempts
	var found activities.Hinted
	err := workflow.ExecuteActivity(
		workflow.WithActivityOptions(ctx, hintOptions(live.ref.Provider)), a.CollectHinted, in).Get(ctx, &found)
	if err != nil {
		workflow.GetLogger(ctx).Info("a hint came to nothing", "attempt", hint.Attempt, "error", err)
	}
	h.answered, h.held, h.busy = found.Kept, answerIn(err, nil), false
	return nil
}

// liveBy returns the live attempt of that id, or nil.
func (c *collection) liveBy(id signing.AttemptID) *liveAttempt {
	for _, p := range c.Participants {
		if a, err := c.LiveAttempt(p.ID); err == nil && a.ID == id {
			return c.live[p.ID]
		}
	}
	return nil
}
