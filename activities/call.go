package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
)

// callPatience is how long a call may have waited for a worker. The person was
// told that they will be called, and is not any more when it comes much later.
const callPatience = 20 * time.Second

var (
	errCallLate = fault.New(fault.Unavailable, "no_worker", "No worker was free to ask the provider; nothing was sent.")
	errCallLost = fault.New(fault.Uncertain, "start_uncertain", "Whether the person was called is not known.")
)

// CallAttempt asks a person by a call that lasts until they are done, and keeps
// the answer before anybody looks at it. As FollowAttempt does, it beats with a
// [Live] meanwhile; when the call has been sent it signals its workflow, which
// answers whoever is waiting for the order.
//
// Its faults are those of a start, and then certainly nothing is under way. A call
// whose connection is lost ends with FollowLost: the person may go on, and what
// they do is lost to us. So does one whose worker died. Only the first run calls;
// Temporal makes others to find what that one has left.
func (a *Attempts) CallAttempt(ctx context.Context, in StartInput) (Called, error) {
	f, err := a.follower(ctx, FollowInput{AttemptRef: in.AttemptRef})
	if err != nil {
		return Called{}, finally(err)
	}
	c := &caller{follower: f, in: in}
	var end FollowResult
	if activity.GetInfo(ctx).Attempt == 1 {
		end, err = c.call()
	} else {
		end, err = c.settle()
	}
	if err != nil {
		return Called{}, err
	}
	if end.End == FollowAnswered {
		f.unlock() // after a lost one the person may be busy for as long as the lock lasts
	}
	return Called{FollowResult: end, Order: f.live.Order}, nil
}

// caller is one run of CallAttempt.
type caller struct {
	*follower
	in StartInput
}

// call calls the person. Its errors are ready for Temporal: a fault is the last
// word, but for that of an answer which is not kept yet.
func (c *caller) call() (FollowResult, error) {
	if info := activity.GetInfo(c.task); info.StartedTime.Sub(info.ScheduledTime) > callPatience {
		return FollowResult{}, finally(errCallLate)
	}
	account, err := c.Providers.Provider(c.in.Tenant, c.in.Provider, "")
	if err != nil {
		return FollowResult{}, finally(err)
	}
	blocking, ok := account.Provider.(providers.BlockingStarter)
	if !ok {
		return FollowResult{}, fmt.Errorf("%s has no call that lasts", c.in.Provider)
	}
	q, err := c.prepare(c.ctx, c.in, account)
	if err != nil {
		return FollowResult{}, finally(err)
	}
	answer, err := c.wait(q, blocking)
	switch {
	case err == nil:
		c.Order = c.live.Order
		end, err := c.keep(c.answered(answer))
		return end, ToTemporal(err)
	case c.wasSent() && fault.KindOf(err) == fault.Uncertain:
		activity.GetLogger(c.task).Warn("a call was lost", "attempt", c.Attempt, "error", err)
		return FollowResult{End: FollowLost, ProviderCode: providerCode(err)}, nil
	}
	c.release(c.ctx, c.in, q, err)
	return FollowResult{}, finally(fmt.Errorf("call the person: %w", err))
}

// wait waits until the call has ended, and says when it has been sent.
func (c *caller) wait(q question, blocking providers.BlockingStarter) (answer providers.Answer, err error) {
	left, ended := make(chan providers.OrderRef, 1), make(chan struct{})
	go func() {
		defer close(ended)
		answer, err = blocking.StartAndWait(c.ctx, q.request, func(ref providers.OrderRef) { left <- ref })
	}()
	telling, stop := context.WithCancel(c.ctx)
	defer stop()
	for waiting := true; waiting; {
		select {
		case ref := <-left:
			c.sent(q, ref)
			c.beat()
			go c.tell(telling, CallSent{Attempt: c.Attempt, Provider: c.Provider, Order: c.live.Order})
		case <-c.After(beatLive):
			c.beat()
		case <-ended:
			waiting = false
		}
	}
	select {
	case ref := <-left: // just before it ended
		c.sent(q, ref)
	default:
	}
	if !c.wasSent() {
		q.done(err)
	}
	return answer, err
}

func (c *caller) sent(q question, ref providers.OrderRef) {
	q.done(nil)
	c.live.Order = q.made(providers.Order{Ref: ref, StartedAt: c.Clock()})
}

func (c *caller) wasSent() bool { return !c.live.Order.StartedAt.IsZero() }

// tell tells the workflow that the call has been sent. Until it is told, whoever
// started the attempt waits; when the call ends first, it learns it from that.
func (c *caller) tell(ctx context.Context, said CallSent) {
	workflow := activity.GetInfo(c.task).WorkflowExecution
	for {
		err := c.Signals.SignalWorkflow(ctx, workflow.ID, workflow.RunID, SignalCallSent, said)
		if err == nil || ctx.Err() != nil {
			return
		}
		activity.GetLogger(c.task).Warn("tell that a call was sent", "attempt", said.Attempt, "error", err)
		select {
		case <-c.After(time.Second):
		case <-ctx.Done():
			return
		}
	}
}

// settle finds what became of the call of an earlier run, whose worker died or
// was cut off. The person is not called again.
func (c *caller) settle() (FollowResult, error) {
	var last Live
	if activity.HasHeartbeatDetails(c.task) && activity.GetHeartbeatDetails(c.task, &last) == nil {
		c.live = last
	}
	if last.Answer != nil {
		end, err := c.keep(last.Answer)
		return end, ToTemporal(err)
	}
	if kept, err := c.kept(); kept || err != nil {
		return FollowResult{End: FollowAnswered}, ToTemporal(err)
	}
	if !c.wasSent() {
		return FollowResult{}, finally(errCallLost)
	}
	end, err := c.gone(errCallLost) // unless the earlier run goes on, and keeps the answer
	return end, ToTemporal(err)
}
