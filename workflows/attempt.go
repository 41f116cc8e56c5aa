package workflows

import (
	"cmp"
	"errors"
	"slices"
	"time"

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
	life      time.Duration // how long its order can be live; 0 while that is not known
	withdrawn bool          // somebody asked for its end
	stop      func()        // cancels the activity that follows it; nil until there is one
	call      *call         // that lasts until the person is done; nil unless one is under way
	hints     hints
	nonce     signing.Digest
	returned  bool // the nonce of the return URL has been used
}

// withdraw asks for the attempt's end. The person's signature is kept all the
// same if it was made before the provider heard of this. A call cannot be
// withdrawn: its end is waited for.
func (l *liveAttempt) withdraw() {
	l.withdrawn = true
	if l.stop != nil {
		l.stop()
	}
}

// start asks a provider for an order and has it followed. It returns once the
// order exists; a fault means that there is none that we know of.
func (c *collection) start(ctx workflow.Context, cmd StartAttempt) (StartedAttempt, error) {
	p, _ := c.Participant(cmd.Participant)
	search := signing.NewSearch(c.route(p))
	attempt := signing.Attempt{
		ID: cmd.Attempt, Participant: cmd.Participant, Provider: search.Provider(),
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
	order, err := c.order(ctx, live, search, cmd)
	if err != nil {
		c.endAttempt(live.ref, notStarted(err))
		return StartedAttempt{}, err
	}
	live.ref.Account, live.life = order.Account, order.Life
	workflow.GoNamed(c.ctx, string(cmd.Attempt), func(ctx workflow.Context) { c.await(ctx, live, order) })
	attempt, err = c.LiveAttempt(cmd.Participant)
	return StartedAttempt{Attempt: attempt, Order: order}, err
}

// notStarted is the end of an attempt that has no order.
func notStarted(err error) signing.AttemptResult {
	return signing.AttemptResult{
		Outcome: signing.OutcomeFailed, Reason: signing.ReasonStartFailed, ProviderCode: fault.CodeOf(err),
	}
}

// await waits for the order to end and records how it did.
func (c *collection) await(ctx workflow.Context, live *liveAttempt, order providers.Order) {
	if live.call != nil {
		c.endAttempt(live.ref, c.hearOut(ctx, live))
		return
	}
	end := c.follow(ctx, live, activities.FollowInput{AttemptRef: live.ref, Order: order, Withdraw: live.withdrawn})
	c.endAttempt(live.ref, c.judge(ctx, live.ref, end))
}

// follow follows an order until it has ended.
func (c *collection) follow(ctx workflow.Context, live *liveAttempt, in activities.FollowInput) activities.FollowResult {
	following, stop := workflow.WithCancel(ctx)
	live.stop, live.hints.order = stop, in.Order
	end, err := c.followOnce(ctx, following, live, in)
	var trouble *string
	for pause := time.Minute; err != nil; pause = min(2*pause, longestPause) {
		// It was cancelled before a worker took it up, or outlived every try. The
		// order may still be open, or have an answer: settle which.
		workflow.GetLogger(ctx).Warn("following an order ended without a result", "attempt", live.ref.Attempt, "error", err)
		in.Withdraw, in.Answer = true, answerIn(err, cmp.Or(live.hints.held, in.Answer))
		end, err = c.followOnce(ctx, ctx, live, in)
		if err != nil {
			trouble = c.alarm(trouble, fault.CodeOf(activities.FromTemporal(err)))
			c.pause(ctx, pause)
		}
	}
	c.calm(trouble)
	return end
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

// followOnce runs the activity that follows an order, under a context that may be
// cancelled, until it has ended or a hint has brought the answer.
func (c *collection) followOnce(ctx, under workflow.Context, live *liveAttempt, in activities.FollowInput) (end activities.FollowResult, err error) {
	var a *activities.Attempts
	following := workflow.ExecuteActivity(
		workflow.WithActivityOptions(under, followOptions(in.Provider, c.nextFollow(in.Participant))), a.FollowAttempt, &in)
	if err := workflow.Await(ctx, func() bool { return following.IsReady() || live.hints.answered }); err != nil {
		return end, err
	}
	if !following.IsReady() {
		live.stop() // nobody waits for it: it finds the answer in evidence, and lets the order be
		return activities.FollowResult{End: activities.FollowAnswered}, nil
	}
	err = following.Get(ctx, &end)
	if err == nil && end.End == activities.FollowLost {
		return live.hints.instead(ctx, end)
	}
	return end, err
}

// nextFollow is the id of the next activity that follows an order of p.
func (c *collection) nextFollow(p signing.ParticipantID) string {
	c.follows[p]++
	return followID(p, c.follows[p])
}

// judge says what the end of an order means.
func (c *collection) judge(ctx workflow.Context, ref activities.AttemptRef, end activities.FollowResult) signing.AttemptResult {
	switch end.End {
	case activities.FollowAnswered:
		var result signing.AttemptResult
		var a *activities.Verification
		verify := effect{"verify the answer", settleTime, effectTimeout}
		if p, _ := c.Participant(ref.Participant); p.Method.SignsDocuments() {
			verify.settle, verify.try = deliverTime, deliverTime
		}
		c.mustBy(ctx, verify, a.VerifyAttempt, ref, &result)
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
	if p, _ := c.Participant(ref.Participant); p.Method.SignsDocuments() && unusable(result) {
		c.needsLook(cmp.Or(result.ProviderCode, string(result.Reason), string(result.Outcome)))
	}
}

// unusable reports whether somebody may have signed the documents, and what came
// back cannot be used. It is kept; the participant may start again.
func unusable(r signing.AttemptResult) bool {
	return r.Outcome == signing.OutcomeResultLost ||
		slices.Contains([]signing.Reason{signing.ReasonRewritten, signing.ReasonWrongSigner, signing.ReasonVerificationFailed}, r.Reason)
}

// needsLook has the collection need attention until an operator, who has looked,
// sends the retry signal.
func (c *collection) needsLook(code string) {
	trouble, before := c.alarm(nil, code), c.retries
	workflow.GoNamed(c.ctx, "attention", func(ctx workflow.Context) {
		if workflow.Await(ctx, func() bool { return c.retries != before }) == nil {
			c.calm(trouble)
		}
	})
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
