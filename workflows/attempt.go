package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// liveAttempt is what the workflow keeps of a participant's latest attempt.
type liveAttempt struct {
	ref       activities.AttemptRef
	withdrawn bool   // somebody asked for its end
	stop      func() // cancels the activity that follows it; nil until there is one
	nonce     signing.Digest
	returned  bool // the nonce of the return URL has been used
}

// withdraw asks for the attempt's end. The person's signature is kept all the
// same if it was made before the provider heard of this.
func (l *liveAttempt) withdraw() {
	l.withdrawn = true
	if l.stop != nil {
		l.stop()
	}
}

// start asks the provider for an order and has it followed. It returns once the
// order exists; a fault means that there is none that we know of.
func (c *collection) start(ctx workflow.Context, cmd StartAttempt) (StartedAttempt, error) {
	p, _ := c.Participant(cmd.Participant)
	attempt := signing.Attempt{
		ID: cmd.Attempt, Participant: cmd.Participant, Provider: c.routes[p.Method],
		Channel: cmd.Channel, StartedAt: workflow.Now(ctx),
	}
	if err := c.StartAttempt(attempt); err != nil {
		return StartedAttempt{}, err
	}
	live := &liveAttempt{
		ref: activities.AttemptRef{
			CollectionRef: c.ref, Participant: cmd.Participant, Attempt: cmd.Attempt, Provider: attempt.Provider,
		},
		nonce: cmd.ReturnNonce,
	}
	c.live[cmd.Participant] = live
	c.record(signing.AuditEntry{
		Type: signing.AuditStarted, Participant: cmd.Participant, Attempt: cmd.Attempt,
		Provider: attempt.Provider, Code: string(cmd.Channel),
	})
	order, err := c.order(ctx, live, cmd)
	if err != nil {
		c.endAttempt(live.ref, signing.AttemptResult{
			Outcome: signing.OutcomeFailed, Reason: signing.ReasonStartFailed, ProviderCode: fault.CodeOf(err),
		})
		return StartedAttempt{}, err
	}
	workflow.GoNamed(c.ctx, string(cmd.Attempt), func(ctx workflow.Context) { c.follow(ctx, live, order) })
	attempt, err = c.LiveAttempt(cmd.Participant)
	return StartedAttempt{Attempt: attempt, Order: order}, err
}

// order asks for the order, again only while the provider certainly did nothing.
func (c *collection) order(ctx workflow.Context, live *liveAttempt, cmd StartAttempt) (providers.Order, error) {
	var a *activities.Attempts
	ctx = workflow.WithActivityOptions(ctx, startOptions(live.ref.Provider))
	in := activities.StartInput{
		AttemptRef: live.ref, Channel: cmd.Channel, EndUser: cmd.EndUser,
		ReturnURL: cmd.ReturnURL, CallInitiator: cmd.CallInitiator,
	}
	for try := 1; ; try++ {
		var order providers.Order
		err := workflow.ExecuteActivity(ctx, a.StartAttempt, in).Get(ctx, &order)
		if err == nil {
			return order, nil
		}
		f, ok := fault.As(activities.FromTemporal(err))
		if !ok {
			return order, errStartLost.Because(err)
		}
		if f.Kind != fault.Unavailable || try == startTries || live.withdrawn {
			return order, f
		}
		_ = workflow.Sleep(ctx, max(startPause, min(f.RetryAfter, startTimeout)))
	}
}

// errStartLost is for a start whose end nobody saw: the worker died, or none came.
var errStartLost = fault.New(fault.Uncertain, "start_uncertain",
	"Whether the provider created an order is not known. Try again; an order that nobody follows ends by itself within minutes.")

// follow waits for the order to end and records how it did.
func (c *collection) follow(ctx workflow.Context, live *liveAttempt, order providers.Order) {
	in := activities.FollowInput{AttemptRef: live.ref, Order: order, Withdraw: live.withdrawn}
	following, stop := workflow.WithCancel(ctx)
	live.stop = stop
	end, err := c.followOnce(following, in)
	var trouble *string
	for err != nil {
		// It was cancelled before a worker took it up, or outlived every try. The
		// order may still be open, or have an answer: settle which.
		workflow.GetLogger(ctx).Warn("following an order ended without a result", "attempt", live.ref.Attempt, "error", err)
		in.Withdraw = true
		end, err = c.followOnce(ctx, in)
		if err != nil {
			trouble = c.alarm(trouble, fault.CodeOf(activities.FromTemporal(err)))
			c.pause(ctx, longestPause)
		}
	}
	c.calm(trouble)
	c.endAttempt(live.ref, c.judge(ctx, live.ref, end))
}

// followOnce runs the activity that follows an order.
func (c *collection) followOnce(ctx workflow.Context, in activities.FollowInput) (activities.FollowResult, error) {
	c.follows[in.Participant]++
	id := followID(in.Participant, c.follows[in.Participant])
	var a *activities.Attempts
	var end activities.FollowResult
	err := workflow.ExecuteActivity(
		workflow.WithActivityOptions(ctx, followOptions(in.Provider, id)), a.FollowAttempt, in).Get(ctx, &end)
	return end, err
}

// judge says what the end of an order means.
func (c *collection) judge(ctx workflow.Context, ref activities.AttemptRef, end activities.FollowResult) signing.AttemptResult {
	switch end.End {
	case activities.FollowAnswered:
		var result signing.AttemptResult
		var a *activities.Verification
		c.must(ctx, "verify the answer", a.VerifyAttempt, ref, &result)
		return result
	case activities.FollowCancelled:
		return signing.AttemptResult{Outcome: signing.OutcomeCancelled, ProviderCode: end.ProviderCode}
	case activities.FollowLost:
	}
	return signing.AttemptResult{Outcome: signing.OutcomeResultLost, ProviderCode: end.ProviderCode}
}

// endAttempt records how an attempt ended.
func (c *collection) endAttempt(ref activities.AttemptRef, result signing.AttemptResult) {
	if err := c.EndAttempt(ref.Participant, result, workflow.Now(c.ctx)); err != nil {
		workflow.GetLogger(c.ctx).Error("an attempt ended that was not live", "attempt", ref.Attempt, "error", err)
		return
	}
	e := signing.AuditEntry{
		Type: signing.AuditAttempt, Participant: ref.Participant, Attempt: ref.Attempt,
		Provider: ref.Provider, Code: string(result.Outcome), ProviderCode: result.ProviderCode,
	}
	if result.Signature != nil {
		e.Type, e.Digest = signing.AuditSigned, result.Signature.Evidence.String()
	}
	c.record(e)
	c.show()
}
