package workflows

import (
	"errors"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// order asks the providers of a route for an order, one after the other. Another
// one, or the same again, is asked only while certainly none was made.
func (c *collection) order(ctx workflow.Context, live *liveAttempt, search *signing.Search, cmd StartAttempt) (providers.Order, error) {
	in := activities.StartInput{
		AttemptRef: live.ref, Current: c.About(cmd.Participant), Channel: cmd.Channel, EndUser: cmd.EndUser,
		ReturnURL: cmd.ReturnURL, CallInitiator: cmd.CallInitiator,
	}
	for {
		order, f := c.ask(ctx, live, in)
		if f == nil {
			return order, nil
		}
		move := search.Failed(f.Kind)
		if move == signing.MoveReconcile {
			found, err := c.reconcile(ctx, in)
			switch {
			case err == nil:
				return found, nil
			case fault.KindOf(err) != fault.NotFound:
				return order, f // nobody knows: see ReconcileAttempt for why that is harmless
			}
			move = search.Cleared()
		}
		if move == signing.MovePause {
			wait := max(startPause, min(f.RetryAfter, startTimeout))
			_, _ = workflow.AwaitWithTimeout(ctx, wait, func() bool { return live.withdrawn })
		}
		if move == signing.MoveStop || live.withdrawn {
			return order, f
		}
		if next := search.Provider(); next != in.Provider {
			c.reroute(live, next, f)
			in.AttemptRef = live.ref
		}
	}
}

// reroute has another provider asked, after one that certainly made no order.
func (c *collection) reroute(live *liveAttempt, next string, f *fault.Error) {
	c.record(signing.AuditEntry{
		Type: signing.AuditNoOrder, Participant: live.ref.Participant, Attempt: live.ref.Attempt,
		Provider: live.ref.Provider, Code: f.Code, ProviderCode: f.ProviderCode,
	})
	live.ref.Provider = next
	c.Reroute(live.ref.Participant, next)
}

// ask asks one provider for an order.
func (c *collection) ask(ctx workflow.Context, live *liveAttempt, in activities.StartInput) (providers.Order, *fault.Error) {
	p, _ := c.Participant(in.Participant)
	var a *activities.Attempts
	var started activities.Started
	err := workflow.ExecuteActivity(
		workflow.WithActivityOptions(ctx, startOptions(in.Provider, p.Method)), a.StartAttempt, in).Get(ctx, &started)
	switch {
	case err != nil:
		return providers.Order{}, startFault(err)
	case started.Calls:
		return c.startCall(ctx, live, in)
	}
	return started.Order, nil
}

// reconcile finds out what became of a start whose end nobody saw. A NotFound
// fault says that it certainly made no order.
func (c *collection) reconcile(ctx workflow.Context, in activities.StartInput) (providers.Order, error) {
	if workflow.GetVersion(ctx, "reconcile", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return providers.Order{}, errStartLost // an earlier release did not ask
	}
	var a *activities.Attempts
	var found providers.Order
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, reconcileOptions(in.Provider)), a.ReconcileAttempt,
		activities.ReconcileInput{StartInput: in, At: workflow.Now(ctx)}).Get(ctx, &found)
	return found, activities.FromTemporal(err)
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
