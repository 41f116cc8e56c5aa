package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/handslag/handslag/fault"
)

const (
	// beatEvery is well under the heartbeat timeout of effects.
	beatEvery = 3 * time.Second
	// beatLive is how often a live order beats of which there is no news, twice in
	// the heartbeat timeout of the workflow's options. Temporal writes down each
	// beat: it is the dearest part of following an order.
	beatLive = 6 * time.Second
	// beatTime is how long a beat may take.
	beatTime = 3 * time.Second
	// longestPause bounds what a provider may ask us to wait.
	longestPause = 30 * time.Second
)

// beating tells Temporal that an effect is under way until stop is called, so
// that one whose worker died is soon taken up by another. An effect that is over
// before the first beat costs no call.
func beating(ctx context.Context) (stop func()) {
	over := make(chan struct{})
	beats := time.NewTicker(beatEvery)
	go func() {
		defer beats.Stop()
		for {
			select {
			case <-over:
				return
			case <-beats.C:
				activity.RecordHeartbeat(ctx)
			}
		}
	}()
	return func() { close(over) }
}

// beat tells Temporal, and whoever reads the details, where the order stands, and
// hears what Temporal wants of this run. A beat that did not get through means
// nothing: the next one will. The SDK's own would end the run (sdk-go issue 2131),
// so that Temporal would have to start every order anew just when it is slow.
//
// The call needs a deep stack, which this goroutine would keep while it waits for
// the person; so another makes it.
func (f *follower) beat() {
	f.beaten = f.Clock()
	f.live.At = f.beaten
	if f.Beats == nil { // in tests
		activity.RecordHeartbeat(f.ctx, f.live)
		return
	}
	sent := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(f.ctx, beatTime)
		defer cancel()
		sent <- f.Beats.RecordActivityHeartbeat(ctx, f.token, f.live)
	}()
	err := <-sent
	var unknown *serviceerror.NotFound
	switch {
	case err == nil:
	case temporal.IsCanceledError(err):
		f.told = errWithdraw
	case errors.As(err, &unknown), errors.Is(err, activity.ErrActivityPaused), errors.Is(err, activity.ErrActivityReset):
		f.told = errPassOn.Because(err) // Temporal takes this run for over
	default:
		f.beaten = time.Time{} // so that the next collect beats
		activity.GetLogger(f.task).Warn("beat", "attempt", f.Attempt, "error", err)
	}
}

// beatingWhile does what may take its time, and goes on beating meanwhile.
func (f *follower) beatingWhile(do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	for {
		select {
		case err := <-done:
			return err
		case <-f.After(beatLive):
			f.beat()
		}
	}
}

// errWithdraw ends the waiting of a follower whose order is to be withdrawn.
var errWithdraw = errors.New("the order is to be withdrawn")

// until waits for ready, beating meanwhile. It ends early when this run shall:
// with errWithdraw after a real cancellation, and with errPassOn when another run
// goes on.
func until[T any](f *follower, ready <-chan T) error {
	over := f.task.Done()
	if f.withdrawing {
		over = nil
	}
	for {
		if f.told != nil && !f.withdrawing {
			return f.told
		}
		select {
		case <-ready:
			return nil
		case <-f.After(beatLive):
			f.beat()
		case <-activity.GetWorkerStopChannel(f.task):
			return errPassOn
		case <-over:
			if temporal.IsCanceledError(context.Cause(f.task)) {
				return errWithdraw
			}
			return errPassOn.Because(context.Cause(f.task))
		}
	}
}

// turn waits until the account's budget lets the order be asked for. Where there
// is a reason to ask now, it is urgent.
func (f *follower) turn(urgent bool) error {
	if f.Pace == nil {
		return nil
	}
	ctx, giveUp := context.WithCancel(f.ctx)
	defer giveUp()
	mine := make(chan error, 1)
	go func() { mine <- f.Pace.Turn(ctx, f.Provider, f.Account, urgent) }()
	return until(f, mine)
}

// askedToWait is how long a provider, or an adapter that keeps its pace, wants to
// be left alone after a fault.
func askedToWait(err error) time.Duration {
	if f, ok := fault.As(err); ok && f.Kind == fault.Unavailable {
		return min(f.RetryAfter, longestPause)
	}
	return 0
}
