package workflows

import (
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
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
		ID: cmd.Attempt, Participant: cmd.Participant, Provider: c.route(p)[0],
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
	live.ref.Account = order.Account
	if err != nil {
		c.endAttempt(live.ref, signing.AttemptResult{
			Outcome: signing.OutcomeFailed, Reason: signing.ReasonStartFailed, ProviderCode: fault.CodeOf(err),
		})
		return StartedAttempt{}, err
	}
	live.ref.Account = order.Account
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
		f := startFault(err)
		if f.Kind != fault.Unavailable || try == startTries {
			return order, f
		}
		wait := max(startPause, min(f.RetryAfter, startTimeout))
		_, _ = workflow.AwaitWithTimeout(ctx, wait, func() bool { return live.withdrawn })
		if live.withdrawn {
			return order, f
		}
	}
}

// startFault says what the error of a start means. Without a fault of the
// activity's own, it may have run or not: only one that no worker took up in
// time certainly did nothing.
func startFault(err error) *fault.Error {
	if f, ok := fault.As(activities.FromTemporal(err)); ok {
		return f
	}
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) && timeout.TimeoutType() == enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START {
		return errStartUnheard.Because(err)
	}
	return errStartLost.Because(err)
}

// errStartUnheard is for a start that no worker took up, and errStartLost for
// one whose end nobody saw, as when the worker died.
var (
	errStartUnheard = fault.New(fault.Unavailable, "no_worker",
		"No worker was free to ask the provider; nothing was sent.")
	errStartLost = fault.New(fault.Uncertain, "start_uncertain",
		"Whether the provider created an order is not known. Try again; an order that nobody follows ends by itself within minutes.")
)

// follow waits for the order to end and records how it did.
func (c *collection) follow(ctx workflow.Context, live *liveAttempt, order providers.Order) {
	in := activities.FollowInput{AttemptRef: live.ref, Order: order, Withdraw: live.withdrawn}
	following, stop := workflow.WithCancel(ctx)
	live.stop = stop
	end, err := c.followOnce(following, in)
	var trouble *string
	for pause := time.Minute; err != nil; pause = min(2*pause, longestPause) {
		// It was cancelled before a worker took it up, or outlived every try. The
		// order may still be open, or have an answer: settle which.
		workflow.GetLogger(ctx).Warn("following an order ended without a result", "attempt", live.ref.Attempt, "error", err)
		in.Withdraw, in.Answer = true, answerIn(err, in.Answer)
		end, err = c.followOnce(ctx, in)
		if err != nil {
			trouble = c.alarm(trouble, fault.CodeOf(activities.FromTemporal(err)))
			c.pause(ctx, pause)
		}
	}
	c.calm(trouble)
	c.endAttempt(live.ref, c.judge(ctx, live.ref, end))
}

// answerIn finds a provider's answer that an activity, which timed out, could
// not store and held in its heartbeat details.
func answerIn(err error, before *activities.StoredAnswer) *activities.StoredAnswer {
	var timeout *temporal.TimeoutError
	var last activities.Live
	if errors.As(err, &timeout) && timeout.HasLastHeartbeatDetails() &&
		timeout.LastHeartbeatDetails(&last) == nil && last.Answer != nil {
		return last.Answer
	}
	return before
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
	attempts := c.Progress(ref.Participant).Attempts
	if counted := attempts[len(attempts)-1].Outcome; counted != result.Outcome {
		result.Outcome, result.Signature = counted, nil // it is below the policy
	}
	e := signing.AuditEntry{
		Type: ended(result), Participant: ref.Participant, Attempt: ref.Attempt,
		Provider: ref.Provider, Code: string(result.Outcome), ProviderCode: result.ProviderCode,
	}
	if result.Signature != nil {
		e.Digest = result.Signature.Evidence.String()
	}
	c.record(e)
	c.recordRevisions(ref, result.Signature)
	c.show()
}

// ended is what the audit trail calls the end of an attempt. Only what is a
// signature of ours is called one.
func ended(r signing.AttemptResult) signing.AuditType {
	switch {
	case r.Signature == nil:
		return signing.AuditAttempt
	case r.Outcome == signing.OutcomeIdentified:
		return signing.AuditIdentified
	case r.Signature.Assurance == signing.AssuranceAttestedProcess:
		return signing.AuditProcess
	}
	return signing.AuditSigned
}

// recordRevisions records what a signature made of the documents.
func (c *collection) recordRevisions(ref activities.AttemptRef, s *signing.Signature) {
	if s == nil {
		return
	}
	for _, made := range s.Revisions {
		c.record(signing.AuditEntry{
			Type: signing.AuditRevised, Participant: ref.Participant, Attempt: ref.Attempt,
			Document: made.Document, Digest: made.Digest.String(),
		})
	}
}
