package activities_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
)

// redirect is an account that people are sent to, whose orders stay open until
// they are cancelled.
type redirect struct {
	providers.Provider
	collects, cancels []error // of one call after the other; nil is an open order, cancelled
	done              bool    // the order is signed, once the collects are used up
	down              bool    // for good
}

var (
	errAway = fault.New(fault.Unavailable, "away", "x")
	errGone = fault.New(fault.NotFound, "gone", "x")
	errCut  = fault.New(fault.Uncertain, "cut", "x")
)

func (r *redirect) Capabilities() providers.Capabilities {
	return providers.Capabilities{Redirect: true, OrderLife: 15 * time.Minute, CollectEvery: 5 * time.Second}
}

func (r *redirect) Collect(context.Context, providers.OrderRef) (providers.Answer, error) {
	if r.down {
		return providers.Answer{}, errAway
	}
	if len(r.collects) > 0 {
		err := r.collects[0]
		r.collects = r.collects[1:]
		return providers.Answer{}, err
	}
	return providers.Answer{Raw: []byte(`{}`), Terminal: r.done}, nil
}

func (r *redirect) Cancel(context.Context, providers.OrderRef) error {
	if len(r.cancels) == 0 {
		return nil
	}
	err := r.cancels[0]
	r.cancels = r.cancels[1:]
	return err
}

// TestHoldEndsWhileTheProviderIsAway: an order that nobody ended is open for as
// long as we do not cancel it, so one call that fails at that moment must lose
// neither what was signed by then nor the end of the order. Nobody waits for ever.
func TestHoldEndsWhileTheProviderIsAway(t *testing.T) {
	for name, tc := range map[string]struct {
		at   redirect
		want activities.FollowEnd
	}{
		"signed":                   {redirect{collects: []error{errAway, errAway, errAway}, done: true}, activities.FollowAnswered},
		"open":                     {redirect{collects: []error{nil, errAway, nil}, cancels: []error{errAway, errAway}}, activities.FollowCancelled},
		"signed as it is ended":    {redirect{collects: []error{nil, nil}, cancels: []error{fault.New(fault.NotFound, "ended", "x")}, done: true}, activities.FollowAnswered},
		"ended, and not told so":   {redirect{collects: []error{nil, nil, errGone}, cancels: []error{errCut}}, activities.FollowCancelled},
		"gone before it is ended":  {redirect{collects: []error{nil, errGone}}, activities.FollowLost},
		"away for too long a time": {redirect{down: true}, activities.FollowLost},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			tc.at.Provider = w.bankid
			w.accounts, w.current = map[string]providers.Provider{"main": &tc.at}, "main"
			now, began := time.Now(), time.Now()
			var mu sync.Mutex
			w.attempts.Clock = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
			w.attempts.After = func(d time.Duration) <-chan time.Time {
				if d > tc.at.Capabilities().CollectEvery {
					return nil // a beat beside a call, and no call of this account lasts
				}
				mu.Lock()
				defer mu.Unlock()
				now = now.Add(min(d, time.Second))
				return time.After(time.Microsecond)
			}
			r, err := w.follow(providers.Order{Ref: "order", Account: "main", StartedAt: now.Add(-15 * time.Minute)})
			require.NoError(t, err)
			require.Equal(t, tc.want, r.End)
			require.WithinDuration(t, began, now, 16*time.Minute)
			require.Equal(t, tc.want == activities.FollowAnswered, w.evidence("answer") != nil)
		})
	}
}
