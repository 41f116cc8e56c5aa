package activities_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator/faults"
)

var cutAfter = faults.Fault{Kind: faults.CutAfter, Endpoint: "sign", Count: 1}

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// phone is an account whose phone call lasts until the person is done, as a test
// scripts it.
type phone struct {
	providers.Provider
	calls int
	call  func(sent func(providers.OrderRef)) (providers.Answer, error)
}

func (p *phone) Capabilities() providers.Capabilities {
	return providers.Capabilities{Phone: true, PhoneBlocks: true, OrderLife: 3 * time.Minute, CollectEvery: 2 * time.Second}
}

func (p *phone) StartAndWait(_ context.Context, _ providers.StartRequest, sent func(providers.OrderRef)) (providers.Answer, error) {
	p.calls++
	return p.call(sent)
}

func calling(t *testing.T, call func(sent func(providers.OrderRef)) (providers.Answer, error)) (*world, *phone) {
	t.Helper()
	w := newWorld(t)
	p := &phone{Provider: w.bankid, call: call}
	w.accounts, w.current = map[string]providers.Provider{"main": p}, "main"
	return w, p
}

func (w *world) call() (activities.Called, error) {
	var called activities.Called
	err := w.run(w.attempts.CallAttempt, activities.StartInput{AttemptRef: w.ref, Channel: signing.ChannelPhone}, &called)
	return called, err
}

var answer = providers.Answer{Raw: []byte(`{"answer":1}`), Terminal: true}

// TestStartLeavesCallsAlone: a call is not begun where it would keep others from
// their orders.
func TestStartLeavesCallsAlone(t *testing.T) {
	w, p := calling(t, nil)
	started, err := w.startOf(activities.StartInput{AttemptRef: w.ref, Channel: signing.ChannelPhone})
	require.NoError(t, err)
	require.True(t, started.Calls)
	require.Empty(t, w.breaker.ends)
	require.Nil(t, w.store.holder)
	require.Zero(t, p.calls)
}

// TestCall: the workflow hears when the call is sent, though Temporal was down,
// and the answer is kept, though the store was.
func TestCall(t *testing.T) {
	var w *world
	w, _ = calling(t, func(sent func(providers.OrderRef)) (providers.Answer, error) {
		sent("")
		<-w.signals.hearing
		return answer, nil
	})
	w.pose(&posing{})
	w.store.lose("adopt answer", 2)
	called, err := w.call()
	require.NoError(t, err)
	require.Equal(t, activities.FollowAnswered, called.End)
	require.Equal(t, "main", called.Order.Account)
	require.Len(t, w.signals.heard, 1)
	require.Equal(t, w.ref.Attempt, w.signals.heard[0].Attempt)
	require.Equal(t, "main", w.signals.heard[0].Order.Account)
	require.False(t, w.signals.heard[0].Order.StartedAt.IsZero())
	require.Equal(t, []error{nil}, w.breaker.ends)
	require.Nil(t, w.store.holder)
	var kept activities.StoredAnswer
	require.NoError(t, json.Unmarshal(w.evidence("answer"), &kept))
	require.Equal(t, answer.Raw, kept.Raw)
	require.Empty(t, kept.Order, "the call has none")
	require.False(t, kept.StartedAt.IsZero())
}

func TestCallEnds(t *testing.T) {
	sentFirst := func(f *fault.Error) func(func(providers.OrderRef)) (providers.Answer, error) {
		return func(sent func(providers.OrderRef)) (providers.Answer, error) { sent(""); return providers.Answer{}, f }
	}
	notSent := func(f *fault.Error) func(func(providers.OrderRef)) (providers.Answer, error) {
		return func(func(providers.OrderRef)) (providers.Answer, error) { return providers.Answer{}, f }
	}
	lost := fault.New(fault.Uncertain, "lost", "x")
	for name, tc := range map[string]struct {
		call func(func(providers.OrderRef)) (providers.Answer, error)
		end  activities.FollowEnd
		kind fault.Kind // of its fault, or none
		held bool       // the person stays locked
	}{
		"lost after it was sent":     {sentFirst(lost), activities.FollowLost, "", true},
		"lost while it was sent":     {notSent(lost), "", fault.Uncertain, true},
		"nothing sent":               {notSent(fault.New(fault.Unavailable, "down", "x")), "", fault.Unavailable, false},
		"refused":                    {sentFirst(fault.New(fault.Conflict, "busy", "x")), "", fault.Conflict, false},
		"down, which it said itself": {sentFirst(fault.New(fault.Unavailable, "down", "x")), "", fault.Unavailable, false},
	} {
		t.Run(name, func(t *testing.T) {
			w, p := calling(t, tc.call)
			w.pose(&posing{})
			called, err := w.call()
			require.Equal(t, tc.held, w.store.holder != nil)
			require.Len(t, w.breaker.ends, 1)
			require.Equal(t, 1, p.calls)
			if tc.kind == "" {
				require.NoError(t, err)
				require.Equal(t, tc.end, called.End)
				require.Equal(t, "lost", called.ProviderCode)
				return
			}
			require.Equal(t, tc.kind, fault.KindOf(err), "%v", err)
		})
	}
}

// TestNobodyIsCalledTwice: a later run finds what the first has left behind, and
// never calls.
func TestNobodyIsCalledTwice(t *testing.T) {
	held := &activities.StoredAnswer{Provider: "bankid", Raw: []byte("held")}
	underWay := providers.Order{Account: "main", StartedAt: time.Now()}
	for name, tc := range map[string]struct {
		last *activities.Live // the heartbeat of the first run
		kept bool             // its answer is in evidence
		end  activities.FollowEnd
		kind fault.Kind
	}{
		"with the answer in its hand": {&activities.Live{Order: underWay, Answer: held}, false, activities.FollowAnswered, ""},
		"after it kept the answer":    {&activities.Live{Order: underWay}, true, activities.FollowAnswered, ""},
		"during the call":             {&activities.Live{Order: underWay}, false, activities.FollowLost, ""},
		"before it was sent, or just": {nil, false, "", fault.Uncertain},
	} {
		t.Run(name, func(t *testing.T) {
			w, p := calling(t, nil)
			w.pose(&posing{run: 2})
			now := time.Now()
			w.attempts.Clock = func() time.Time { now = now.Add(time.Second); return now }
			if tc.last != nil {
				w.env.SetHeartbeatDetails(*tc.last)
			}
			if tc.kept {
				w.store.evidence[signing.EvidenceRef{
					Tenant: w.ref.Tenant, Collection: w.ref.Collection, Attempt: w.ref.Attempt, Name: "answer",
				}] = []byte("{}")
			}
			called, err := w.call()
			require.Zero(t, p.calls)
			if tc.kind != "" {
				require.Equal(t, tc.kind, fault.KindOf(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.end, called.End)
			require.Equal(t, "main", called.Order.Account)
		})
	}
}

// TestCallTooLate: who was told that they will be called now is not called later.
func TestCallTooLate(t *testing.T) {
	w, p := calling(t, nil)
	w.pose(&posing{late: time.Minute})
	_, err := w.call()
	requireCode(t, "no_worker", err)
	require.Zero(t, p.calls)
}

// TestWorkerDiesDuringTheCall: from when it is sent the heartbeat says so, which
// is what the next run and the person's page go by.
func TestWorkerDiesDuringTheCall(t *testing.T) {
	var w *world
	w, _ = calling(t, func(sent func(providers.OrderRef)) (providers.Answer, error) {
		sent("")
		<-w.signals.hearing
		return answer, nil
	})
	w.pose(&posing{})
	var mu sync.Mutex
	var beats []activities.Live
	w.env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		var live activities.Live
		if details.Get(&live) == nil {
			mu.Lock()
			defer mu.Unlock()
			beats = append(beats, live)
		}
	})
	_, err := w.call()
	require.NoError(t, err)
	mu.Lock()
	defer mu.Unlock()
	require.NotEmpty(t, beats)
	require.Equal(t, w.ref.Attempt, beats[0].Attempt)
	require.False(t, beats[0].Order.StartedAt.IsZero())
}

// hint collects once.
func (w *world) hinted(order providers.Order) (activities.Hinted, error) {
	var found activities.Hinted
	err := w.run(w.attempts.CollectHinted, activities.FollowInput{AttemptRef: w.ref, Order: order}, &found)
	return found, err
}

// TestHint: an answer that a hint is handed is kept, and the follower, to which
// BankID gives it no more, finds it there.
func TestHint(t *testing.T) {
	w := newWorld(t)
	order, err := w.start()
	require.NoError(t, err)
	found, err := w.hinted(order)
	require.NoError(t, err)
	require.False(t, found.Kept, "too early")
	w.sign(order)
	w.store.lose("adopt answer", 2)
	found, err = w.hinted(order)
	require.NoError(t, err)
	require.True(t, found.Kept)
	var kept activities.StoredAnswer
	require.NoError(t, json.Unmarshal(w.evidence("answer"), &kept))
	require.True(t, bytes.Contains(kept.Raw, []byte("completionData")))
	r, err := w.follow(order)
	require.NoError(t, err)
	require.Equal(t, activities.FollowAnswered, r.End)
	found, err = w.hinted(order)
	require.NoError(t, err)
	require.True(t, found.Kept, "the order is unknown now, since somebody has kept its answer")
}

// hintTurns counts the calls that an account's budget is asked for.
type hintTurns struct{ urgent, other int }

func (p *hintTurns) Turn(_ context.Context, _, _ string, urgent bool) error {
	if urgent {
		p.urgent++
	} else {
		p.other++
	}
	return nil
}

// TestHintTakesOneTurn: it asks the provider once, before the orders that are
// only followed.
func TestHintTakesOneTurn(t *testing.T) {
	w := newWorld(t)
	order, err := w.start()
	require.NoError(t, err)
	pace := &hintTurns{}
	w.attempts.Pace = pace
	_, err = w.hinted(order)
	require.NoError(t, err)
	require.Equal(t, hintTurns{urgent: 1}, *pace)
}

// TestHintOfAnUnknownOrder says nothing: the follower may have the answer.
func TestHintOfAnUnknownOrder(t *testing.T) {
	w := newWorld(t)
	found, err := w.hinted(providers.Order{Ref: "131daac9-16c6-4618-beb0-365768f37288", StartedAt: time.Now()})
	require.NoError(t, err)
	require.False(t, found.Kept)
}

// TestHintWhileTheProviderIsDown is tried a few times, and then let be.
func TestHintWhileTheProviderIsDown(t *testing.T) {
	w := newWorld(t)
	order, err := w.start()
	require.NoError(t, err)
	require.NoError(t, w.app.Fault(t.Context(), faults.Fault{Kind: faults.Maintenance, Endpoint: "collect", Count: 1}))
	_, err = w.hinted(order)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
}

// TestWorkerDiesWithAHintsAnswer: the next run finds the answer in the heartbeat.
func TestWorkerDiesWithAHintsAnswer(t *testing.T) {
	w := newWorld(t)
	w.newRun()
	w.env.SetHeartbeatDetails(activities.Live{Answer: &activities.StoredAnswer{Order: "ref", Raw: []byte("held")}})
	found, err := w.hinted(providers.Order{Ref: "ref"})
	require.NoError(t, err)
	require.True(t, found.Kept)
	require.Contains(t, string(w.evidence("answer")), base64Of([]byte("held")))
}
