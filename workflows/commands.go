package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

// The faults of a return URL's nonce.
var (
	errReturnNonce = fault.New(fault.Invalid, "return_nonce_wrong", "The nonce does not belong to the participant's latest attempt.")
	errReturnUsed  = fault.New(fault.Conflict, "return_nonce_used", "The nonce has been used.")
)

// register declares what the workflow answers to. A validator refuses a command
// before anything is written to history.
func (c *collection) register(ctx workflow.Context) error {
	if err := workflow.SetQueryHandler(ctx, QueryView, func() (signing.View, error) { return c.view(), nil }); err != nil {
		return err
	}
	for _, u := range []struct {
		name               string
		handler, validator any
	}{
		{UpdateStartAttempt, c.onStart, c.mayStart},
		{UpdateCancelAttempt, c.onCancelAttempt, c.mayCancelAttempt},
		{UpdateConfirmReturn, c.onReturn, c.mayReturn},
		{UpdateDecline, c.onDecline, c.mayDecline},
		{UpdateCancel, c.onCancel, c.mayCancel},
		{UpdateConsent, c.onConsent, c.mayConsent},
		{UpdateHint, c.onHint, c.mayHint},
	} {
		err := workflow.SetUpdateHandlerWithOptions(ctx, u.name, u.handler, workflow.UpdateHandlerOptions{Validator: u.validator})
		if err != nil {
			return err
		}
	}
	return nil
}

// steady is a handler's context without the workflow's cancellation. It still
// belongs to the handler's coroutine, so that waits on it block that alone.
func steady(ctx workflow.Context) workflow.Context {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	return ctx
}

func (c *collection) mayStart(ctx workflow.Context, cmd StartAttempt) error {
	err := c.CanStart(cmd.Participant)
	switch {
	case errors.Is(err, signing.ErrRevisionBusy):
		err = signing.ErrRevisionBusy.After(c.heldFor(workflow.Now(ctx)))
	case err == nil && !c.affords(ctx, cmd.Participant):
		err = signing.ErrAttemptsUsedUp
	}
	return activities.ToTemporal(err)
}

// heldFor is how long the documents may still be held by who is signing them.
// When that is over, what they signed may still be on its way.
func (c *collection) heldFor(now time.Time) time.Duration {
	holder := c.Holder()
	hold := c.live[holder.Participant].life
	if hold == 0 {
		hold = holdTime
	}
	return max(busyPause, holder.StartedAt.Add(hold).Sub(now))
}

func (c *collection) onStart(ctx workflow.Context, cmd StartAttempt) (StartedAttempt, error) {
	started, err := c.start(steady(ctx), cmd)
	return started, activities.ToTemporal(err)
}

func (c *collection) mayCancelAttempt(ctx workflow.Context, cmd ParticipantCommand) error {
	attempt, err := c.LiveAttempt(cmd.Participant)
	switch live := c.live[cmd.Participant]; {
	case err != nil:
	case cmd.Attempt != "" && cmd.Attempt != attempt.ID:
		err = signing.ErrNoAttempt
	case live.call != nil:
		err = errCallRuns
	case live.withdrawn && c.spare(ctx) < cancelEvents:
		err = signing.ErrEnding
	}
	return activities.ToTemporal(err)
}

// onCancelAttempt withdraws the live attempt and returns it as it ended: it may
// have been signed before the provider heard of the cancel.
func (c *collection) onCancelAttempt(ctx workflow.Context, cmd ParticipantCommand) (signing.Attempt, error) {
	attempt, err := c.LiveAttempt(cmd.Participant)
	if err != nil {
		return attempt, activities.ToTemporal(err)
	}
	c.live[cmd.Participant].withdraw()
	ended := func() (signing.Attempt, bool) {
		a := c.Progress(cmd.Participant).Attempts[attempt.Number-1]
		return a, !a.Live()
	}
	if err := workflow.Await(steady(ctx), func() bool { _, done := ended(); return done }); err != nil {
		return attempt, err
	}
	attempt, _ = ended()
	return attempt, nil
}

func (c *collection) mayReturn(_ workflow.Context, cmd ConfirmReturn) error {
	live := c.live[cmd.Participant]
	switch {
	case c.closed:
		return activities.ToTemporal(signing.ErrEnded)
	case live == nil || live.nonce.IsZero() || live.nonce != cmd.Nonce:
		return activities.ToTemporal(errReturnNonce)
	case live.returned:
		return activities.ToTemporal(errReturnUsed)
	}
	return nil
}

// onReturn uses up the nonce of a return URL. It proves that the browser which
// came back is the one that started the attempt, and nothing else.
func (c *collection) onReturn(ctx workflow.Context, cmd ConfirmReturn) error {
	if err := c.mayReturn(ctx, cmd); err != nil { // two may have passed the validator
		return err
	}
	live := c.live[cmd.Participant]
	live.returned = true
	c.record(signing.AuditEntry{Type: signing.AuditReturned, Participant: cmd.Participant, Attempt: live.ref.Attempt})
	return nil
}

func (c *collection) mayDecline(_ workflow.Context, cmd ParticipantCommand) error {
	return activities.ToTemporal(c.CanDecline(cmd.Participant))
}

func (c *collection) onDecline(ctx workflow.Context, cmd ParticipantCommand) (signing.View, error) {
	if err := c.Decline(cmd.Participant, workflow.Now(ctx)); err != nil {
		return signing.View{}, activities.ToTemporal(err)
	}
	c.record(signing.AuditEntry{Type: signing.AuditDeclined, Participant: cmd.Participant})
	c.withdrawAll()
	return c.view(), nil
}

// mayCancel accepts a second cancel, which changes nothing, for as long as it
// is not used to fill the history.
func (c *collection) mayCancel(ctx workflow.Context) error {
	err := c.CanCancel()
	if err == nil && c.Ending() == signing.StateCancelled && c.spare(ctx) < cancelEvents {
		err = signing.ErrEnding
	}
	return activities.ToTemporal(err)
}

// onCancel ends the collection. It answers at once, with the state in which
// live attempts may still be ending.
func (c *collection) onCancel(workflow.Context) (signing.View, error) {
	c.cancel()
	return c.view(), nil
}

func (c *collection) cancel() {
	if c.Ending() == signing.StateCancelled || c.State() == signing.StateCancelled || c.Cancel() != nil {
		return // it is cancelled already, being sealed, or has ended
	}
	c.record(signing.AuditEntry{Type: signing.AuditCancel})
	c.withdrawAll()
}

// withdrawAll asks for the end of every live attempt.
func (c *collection) withdrawAll() {
	for _, p := range c.Participants {
		if _, err := c.LiveAttempt(p.ID); err == nil {
			c.live[p.ID].withdraw()
		}
	}
}
