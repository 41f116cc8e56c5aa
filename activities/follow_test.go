package activities_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// turns hands out turns, as many as there are.
type turns struct {
	mu     sync.Mutex
	left   int    // guarded by mu
	urgent []bool // guarded by mu; the turns that were asked for
}

func (p *turns) Turn(ctx context.Context, provider, account string, urgent bool) error {
	p.mu.Lock()
	p.urgent = append(p.urgent, urgent)
	p.left--
	free := p.left >= 0 && provider == "bankid" && account == "main"
	p.mu.Unlock()
	if free {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (p *turns) none() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.left < 0
}

// TestFollowTakesTurns: an order is asked for in its account's turn alone. While
// it waits for one it beats, and passes on when its worker stops.
func TestFollowTakesTurns(t *testing.T) {
	w := newWorld(t)
	p := &turns{left: 3}
	w.attempts.Pace = p
	asked := &counted{Provider: w.bankid}
	w.attempts.Providers = only{asked}
	order, err := w.start()
	require.NoError(t, err)
	w.newRun()
	w.ref.Account = order.Account
	stop, beats := make(chan struct{}), 0
	w.env.SetWorkerStopChannel(stop)
	after := w.attempts.After
	w.attempts.After = func(d time.Duration) <-chan time.Time {
		if p.none() && d == 6*time.Second { // until the next beat
			if beats++; beats == 3 {
				close(stop)
			}
		}
		return after(d)
	}
	_, err = w.follow(order)
	requireCode(t, "worker_passes_on", err)
	require.Equal(t, 3, asked.collects)
	require.Equal(t, []bool{false, false, false, false}, p.urgent)

	w.attempts.After = after
	w.newRun()
	w.ref.Account = order.Account
	p.left, p.urgent = 1, nil
	var r activities.FollowResult
	require.NoError(t, w.run(w.attempts.FollowAttempt, &activities.FollowInput{AttemptRef: w.ref, Order: order, Withdraw: true}, &r))
	require.Equal(t, activities.FollowCancelled, r.End)
	require.Equal(t, []bool{true}, p.urgent, "somebody waits for the end of the order")
}

// TestFollowKeepsThePace: never sooner than the provider's pace, nor than it asks.
// The first collect comes within one pace, at a time of the attempt's own.
func TestFollowKeepsThePace(t *testing.T) {
	w := newWorld(t)
	asked := &counted{Provider: w.bankid, faults: []error{
		fault.New(fault.Unavailable, "paced", "Too early.").After(9 * time.Second),
		fault.New(fault.Unavailable, "paced", "Too early.").After(time.Hour),
		fault.New(fault.Unavailable, "maintenance", "Down."),
	}}
	w.attempts.Providers = only{asked}
	order, err := w.start()
	require.NoError(t, err)
	w.sign(order)
	w.newRun()
	var waits []time.Duration
	w.attempts.After = func(d time.Duration) <-chan time.Time {
		if d != 6*time.Second { // that is for beats
			waits = append(waits, d)
		}
		return time.After(d / 1000)
	}
	r, err := w.follow(order)
	require.NoError(t, err)
	require.Equal(t, activities.FollowAnswered, r.End)
	pace := w.bankid.Capabilities().CollectEvery
	require.Less(t, waits[0], pace)
	require.Equal(t, []time.Duration{9 * time.Second, 30 * time.Second, pace}, waits[1:])
}

// counted counts collects at an account, and has the first of them fail.
type counted struct {
	providers.Provider
	faults   []error
	before   map[int]func() // what happens before the n-th collect
	collects int
}

// Collect implements providers.Provider.
func (c *counted) Collect(ctx context.Context, ref providers.OrderRef) (providers.Answer, error) {
	c.collects++
	if happens := c.before[c.collects]; happens != nil {
		happens()
	}
	if c.collects <= len(c.faults) {
		return providers.Answer{}, c.faults[c.collects-1]
	}
	return c.Provider.Collect(ctx, ref)
}

// only is an installation that has one account.
type only struct{ *counted }

// Provider implements activities.Providers.
func (o only) Provider(signing.TenantID, string, string) (activities.Account, error) {
	return activities.Account{ID: "main", Provider: o.counted}, nil
}

// heart fails the first beats, and then takes them.
type heart struct {
	mu     sync.Mutex
	errors []error // guarded by mu
	beats  int     // guarded by mu
}

func (h *heart) RecordActivityHeartbeat(_ context.Context, token []byte, details ...any) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := details[0].(activities.Live); !ok || token == nil {
		return errors.New("that is no beat of a live order")
	}
	h.beats++
	if h.beats <= len(h.errors) {
		return h.errors[h.beats-1]
	}
	return nil
}

// TestBeats: a beat that did not get through means nothing. What Temporal answers
// to one counts, and only a real cancellation withdraws the order.
func TestBeats(t *testing.T) {
	lost := []error{context.DeadlineExceeded, serviceerror.NewUnavailable("x"), serviceerror.NewDeadlineExceeded("x")}
	for name, tc := range map[string]struct {
		errors []error
		signed bool
		want   activities.FollowEnd
		code   string
		beats  int
	}{
		"lost":             {lost, true, activities.FollowAnswered, "", 4},
		"lost, cancelled":  {append(lost, temporal.NewCanceledError()), false, activities.FollowCancelled, "", 4},
		"cancelled":        {[]error{temporal.NewCanceledError()}, false, activities.FollowCancelled, "", 1},
		"cancelled, late":  {[]error{temporal.NewCanceledError()}, true, activities.FollowAnswered, "", 1},
		"another run":      {[]error{serviceerror.NewNotFound("x")}, false, "", "worker_passes_on", 1},
		"paused by a hand": {[]error{activity.ErrActivityPaused}, false, "", "worker_passes_on", 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			h := &heart{errors: tc.errors}
			w.attempts.Beats = h
			order, err := w.start()
			require.NoError(t, err)
			if tc.signed { // when the last of the errors has come
				at := len(tc.errors)
				w.attempts.Providers = only{&counted{Provider: w.bankid, before: map[int]func(){at: func() { w.sign(order) }}}}
			}
			r, err := w.follow(order)
			require.Equal(t, tc.want, r.End)
			require.GreaterOrEqual(t, h.beats, tc.beats)
			if tc.code == "" {
				require.NoError(t, err)
			} else {
				requireCode(t, tc.code, err)
				answer, err := w.bankid.Collect(t.Context(), order.Ref)
				require.NoError(t, err)
				require.False(t, answer.Terminal, "the order is left alone")
			}
		})
	}
}
