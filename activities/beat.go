package activities

import (
	"context"
	"errors"
	"time"

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

// beat tells Temporal, and whoever reads the details, where the order stands. It
// does so from a goroutine of its own: a call to Temporal needs a deep stack,
// which this one would keep while it waits for the person.
func (f *follower) beat() {
	f.beaten = f.Clock()
	f.live.At = f.beaten
	panicked := make(chan any)
	go func() {
		defer func() { panicked <- recover() }()
		activity.RecordHeartbeat(f.ctx, f.live)
	}()
	if p := <-panicked; p != nil {
		panic(p) //nolint:forbidigo // where the SDK makes it a failure of this activity alone
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
