package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// errCallRuns says that a call cannot be withdrawn.
var errCallRuns = fault.New(fault.Conflict, "call_runs",
	"The person is being called, which only they can end, in their app; otherwise it ends by itself within minutes.")

// call is an order that lasts as long as one activity: the provider has no other
// way to tell of it.
type call struct {
	sent  *providers.Order // once the request has left us
	ended bool
	end   activities.Called
	err   error
}

// startCall has the person called. It returns when the request has been sent,
// which the activity tells by a signal, or when the call has ended before that
// was heard.
func (c *collection) startCall(ctx workflow.Context, live *liveAttempt, in activities.StartInput) (providers.Order, *fault.Error) {
	now := &call{}
	live.call = now
	options := followOptions(in.Provider, c.nextFollow(in.Participant))
	workflow.GoNamed(c.ctx, "call/"+string(in.Attempt), func(ctx workflow.Context) {
		var a *activities.Attempts
		now.err = workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), a.CallAttempt, in).Get(ctx, &now.end)
		now.ended = true
	})
	_ = workflow.Await(ctx, func() bool { return now.ended || now.sent != nil })
	switch {
	case now.ended && now.err != nil && answerIn(now.err, nil) == nil:
		live.call = nil
		return providers.Order{}, startFault(now.err)
	case now.sent != nil:
		return *now.sent, nil
	}
	return now.end.Order, nil
}

// hearOut waits for the end of a call.
func (c *collection) hearOut(ctx workflow.Context, live *liveAttempt) signing.AttemptResult {
	now := live.call
	_ = workflow.Await(ctx, func() bool { return now.ended })
	live.call = nil
	if now.err == nil {
		return c.judge(ctx, live.ref, now.end.FollowResult)
	}
	if held := answerIn(now.err, nil); held != nil { // it could not be stored in time
		in := activities.FollowInput{AttemptRef: live.ref, Order: now.order(), Withdraw: true, Answer: held}
		return c.judge(ctx, live.ref, c.follow(ctx, live, in))
	}
	f := startFault(now.err)
	if f.Kind == fault.Uncertain {
		return signing.AttemptResult{Outcome: signing.OutcomeResultLost, ProviderCode: f.ProviderCode}
	}
	return notStarted(f) // the provider has refused what it was sent
}

func (c *call) order() providers.Order {
	if c.sent != nil {
		return *c.sent
	}
	return c.end.Order
}

// hearCalls hears that calls have been sent.
func (c *collection) hearCalls(ctx workflow.Context) {
	signals := workflow.GetSignalChannel(ctx, SignalCallSent)
	for {
		var said activities.CallSent
		if !signals.Receive(ctx, &said) {
			return
		}
		if live := c.liveBy(said.Attempt); live != nil && live.call != nil && live.ref.Provider == said.Provider {
			live.call.sent = &said.Order
		}
	}
}
