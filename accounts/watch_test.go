package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/accounts"
	"github.com/handslag/handslag/fault"
)

var (
	down      = fault.New(fault.Unavailable, "bankid_unreachable", "x")
	lost      = fault.New(fault.Uncertain, "bankid_uncertain", "x")
	refused   = fault.New(fault.Forbidden, "bankid_credentials", "x")
	busy      = fault.New(fault.Conflict, "bankid_in_progress", "x")
	malformed = fault.New(fault.Invalid, "bankid_refused", "x")
)

// watched is a keeper in a bubble of time.
func watched(t *testing.T, test func(t *testing.T, k *accounts.Keeper)) {
	w := newWorld(t)
	s := one(w.main())
	s.Accounts["other"] = qrona()
	s.Default.Accounts = append(s.Default.Accounts, "other")
	synctest.Test(t, func(t *testing.T) {
		o := w.options()
		o.Clock = time.Now
		k, err := accounts.Open(func() (accounts.Settings, error) { return s, nil }, o)
		require.NoError(t, err)
		<-k.Changed()
		test(t, k)
	})
}

// start is one start at the account that ends so.
func start(t *testing.T, k *accounts.Keeper, err error) {
	t.Helper()
	done, refused := k.Admit("bankid", "main")
	require.NoError(t, refused)
	if err != nil {
		err = fmt.Errorf("start an order: %w", err)
	}
	done(err)
	done(errors.New("a second call counts for nothing"))
}

func condition(k *accounts.Keeper) accounts.Condition { return k.Conditions()[0] }

func rests(t *testing.T, k *accounts.Keeper) time.Duration {
	t.Helper()
	_, err := k.Admit("bankid", "main")
	require.Equal(t, "provider_resting", fault.CodeOf(err))
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "nothing was sent, so the route goes on")
	f, _ := fault.As(err)
	require.Equal(t, "bankid", f.Provider)
	require.Positive(t, f.RetryAfter)
	return f.RetryAfter
}

func told(k *accounts.Keeper) bool {
	select {
	case <-k.Changed():
		return true
	default:
		return false
	}
}

// TestAnAccountRests after five failures in a row; then one start is let through.
func TestAnAccountRests(t *testing.T) {
	watched(t, func(t *testing.T, k *accounts.Keeper) {
		require.Equal(t, accounts.Condition{Account: "main", Provider: "bankid", State: accounts.StateUnknown}, condition(k))
		began := time.Now()
		start(t, k, nil)
		require.Equal(t, accounts.Condition{Account: "main", Provider: "bankid", State: accounts.StateOK, Since: began, LastSuccess: began}, condition(k))
		require.True(t, told(k))
		for _, err := range []error{down, lost, down, lost} {
			start(t, k, err)
		}
		require.Equal(t, accounts.StateOK, condition(k).State)
		require.False(t, told(k))
		time.Sleep(time.Second)
		start(t, k, down)
		require.Equal(t, 30*time.Second, rests(t, k))
		require.Equal(t, accounts.Condition{
			Account: "main", Provider: "bankid", State: accounts.StateResting, Since: began.Add(time.Second),
			Code: "bankid_unreachable", LastSuccess: began,
		}, condition(k))
		require.True(t, told(k))
		_, usable := gauges(t, k)
		require.Zero(t, usable["main bankid *"])
		done, err := k.Admit("qrona", "other")
		require.NoError(t, err, "another account goes on")
		done(nil)
		require.True(t, told(k))

		time.Sleep(20 * time.Second)
		require.Equal(t, 10*time.Second, rests(t, k))
		time.Sleep(11 * time.Second)
		probe, err := k.Admit("bankid", "main")
		require.NoError(t, err)
		require.Equal(t, 3*time.Second, rests(t, k), "one is enough to see")
		probe(lost)
		require.Equal(t, 30*time.Second, rests(t, k))
		require.Equal(t, accounts.StateResting, condition(k).State)
		require.False(t, told(k))

		time.Sleep(31 * time.Second)
		start(t, k, nil)
		require.Equal(t, accounts.StateOK, condition(k).State)
		require.Empty(t, condition(k).Code)
		require.True(t, told(k))
		start(t, k, down)
		start(t, k, nil)
	})
}

// TestWhatCountsAgainstAnAccount: not what a person does or what we ask wrongly.
func TestWhatCountsAgainstAnAccount(t *testing.T) {
	watched(t, func(t *testing.T, k *accounts.Keeper) {
		for range 20 {
			start(t, k, busy)
			start(t, k, malformed)
		}
		require.Equal(t, accounts.StateOK, condition(k).State, "who refuses an order works")
		for range 4 {
			start(t, k, down)
			start(t, k, malformed) // never left us, perhaps
		}
		start(t, k, down)
		rests(t, k)
		time.Sleep(31 * time.Second)
		start(t, k, malformed)
		start(t, k, busy) // the probe that was worth nothing has not used up the turn
		require.Equal(t, accounts.StateOK, condition(k).State)
	})
}

// TestCredentialsAreRefused is seen at the first start, and lasts until one shows
// otherwise, or new ones are there.
func TestCredentialsAreRefused(t *testing.T) {
	watched(t, func(t *testing.T, k *accounts.Keeper) {
		start(t, k, refused)
		require.Equal(t, accounts.StateRefused, condition(k).State)
		require.Equal(t, "bankid_credentials", condition(k).Code)
		require.True(t, told(k))
		for range 4 {
			start(t, k, refused)
		}
		rests(t, k)
		require.Equal(t, accounts.StateRefused, condition(k).State, "which says more than that it rests")
		_, err := k.Reload(true)
		require.NoError(t, err)
		require.Equal(t, accounts.StateUnknown, condition(k).State)
		require.True(t, told(k))
		start(t, k, nil)
	})
}

// TestAnUnknownAccount admits nobody, and has no pace.
func TestAnUnknownAccount(t *testing.T) {
	watched(t, func(t *testing.T, k *accounts.Keeper) {
		_, err := k.Admit("bankid", "gone")
		require.Equal(t, "account_gone", fault.CodeOf(err))
		require.NoError(t, k.Turn(t.Context(), "bankid", "gone", false))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, k.Turn(ctx, "bankid", "gone", false), context.Canceled)
		require.ErrorIs(t, k.Turn(ctx, "bankid", "main", false), context.Canceled)
	})
}

// TestPace: an account with a budget of two per second, and many who wait.
func TestPace(t *testing.T) {
	w := newWorld(t)
	a := qrona()
	a.CollectsPerSecond = 2
	synctest.Test(t, func(t *testing.T) {
		o := w.options()
		o.Clock = time.Now
		k, err := accounts.Open(func() (accounts.Settings, error) { return one(a), nil }, o)
		require.NoError(t, err)
		began := time.Now()
		var mu sync.Mutex
		var order []string
		wait := func(name string, urgent bool) {
			go func() {
				if k.Turn(t.Context(), "qrona", "main", urgent) == nil {
					mu.Lock()
					defer mu.Unlock()
					order = append(order, fmt.Sprintf("%s at %v", name, time.Since(began)))
				}
			}()
			synctest.Wait()
		}
		ctx, cancel := context.WithCancel(t.Context())
		wait("first", false)
		wait("second", false)
		gone := make(chan error)
		go func() { gone <- k.Turn(ctx, "qrona", "main", true) }()
		synctest.Wait()
		wait("third", false)
		cancel()
		require.ErrorIs(t, <-gone, context.Canceled)
		time.Sleep(600 * time.Millisecond)
		wait("pushed", true) // is told of before the third
		time.Sleep(time.Minute)
		wait("later", false)
		synctest.Wait()
		require.Equal(t, []string{
			"first at 0s", "second at 500ms", "pushed at 1s", "third at 1.5s", "later at 1m0.6s",
		}, order)
	})
}
