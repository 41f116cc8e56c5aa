package activities_test

import (
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

// TestStartEffects fails each effect of a start, before and after it took
// place: only a start that never reached the provider may be repeated, and a
// repeat must then succeed.
func TestStartEffects(t *testing.T) {
	for _, effect := range []string{"put request", "lock"} {
		for _, persisted := range []bool{false, true} {
			t.Run(effect, func(t *testing.T) {
				w := newWorld(t)
				if persisted {
					w.store.cut[effect] = 1
				} else {
					w.store.lost[effect] = 1
				}
				_, err := w.start()
				requireCode(t, errStore.Code, err)
				require.Equal(t, fault.Unavailable, fault.KindOf(err), "certainly no order was created")
				order, err := w.start()
				require.NoError(t, err)
				require.NotEmpty(t, order.Ref)
			})
		}
	}
}

func TestStartAtTheProvider(t *testing.T) {
	for name, tc := range map[string]struct {
		fault faults.Fault
		kind  fault.Kind
		held  bool // the person stays locked, since an order may exist
	}{
		"maintenance":       {faults.Fault{Kind: "maintenance", Endpoint: "sign", Count: 1}, fault.Unavailable, false},
		"cut after commit":  {faults.Fault{Kind: "cutAfter", Endpoint: "sign", Count: 1}, fault.Uncertain, true},
		"cut before commit": {faults.Fault{Kind: "cutBefore", Endpoint: "sign", Count: 1}, fault.Uncertain, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			require.NoError(t, w.app.Fault(t.Context(), tc.fault))
			_, err := w.start()
			require.Equal(t, tc.kind, fault.KindOf(err), "%v", err)
			require.Equal(t, tc.held, w.store.holder != nil)
		})
	}
}

func TestStartRefusesBusyPerson(t *testing.T) {
	w := newWorld(t)
	w.store.holder = &signing.Holder{Tenant: "somebody-else"}
	_, err := w.start()
	requireCode(t, "person_busy", err)
	f, _ := fault.As(err)
	require.Equal(t, time.Minute, f.RetryAfter, "a fault survives Temporal whole")
}

// TestAnswerEffects fails the one effect that must never be lost: keeping the
// answer that BankID hands out once.
func TestAnswerEffects(t *testing.T) {
	for name, arrange := range map[string]func(*memory){
		"kept at once":                      func(*memory) {},
		"store down for a while":            func(m *memory) { m.lost["adopt answer"] = 5 },
		"store took it and did not say so":  func(m *memory) { m.cut["adopt answer"] = 1 },
		"lock cannot be let go of":          func(m *memory) { m.lost["unlock"] = 1 },
		"lock let go of, but not confirmed": func(m *memory) { m.cut["unlock"] = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			order, err := w.start()
			require.NoError(t, err)
			w.sign(order)
			arrange(w.store)
			r, err := w.follow(order)
			require.NoError(t, err)
			require.Equal(t, activities.FollowAnswered, r.End)
			var kept activities.StoredAnswer
			require.NoError(t, json.Unmarshal(w.evidence("answer"), &kept))
			require.Contains(t, string(kept.Raw), "completionData", "the provider's body, raw")
			require.Equal(t, order.Ref, kept.Order)
		})
	}
}

// TestWorkerDiesWithTheAnswer: the store is down, the answer rides in the
// heartbeat details, and the worker stops. The next run finds it there.
func TestWorkerDiesWithTheAnswer(t *testing.T) {
	w := newWorld(t)
	order, err := w.start()
	require.NoError(t, err)
	w.sign(order)
	w.store.lose("adopt answer", 1<<30)
	w.newRun()
	stop, last := make(chan struct{}), make(chan activities.Live, 1)
	stopWorker := sync.OnceFunc(func() { close(stop) })
	w.env.SetWorkerStopChannel(stop)
	w.attempts.After = func(d time.Duration) <-chan time.Time {
		if w.store.tried("adopt answer") == 2 { // it could not be kept, twice
			stopWorker()
		}
		return time.After(d / 100)
	}
	w.env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		var live activities.Live
		if details.Get(&live) == nil && live.Answer != nil {
			select {
			case last <- live:
			default: // it is the same, beat after beat
			}
		}
	})
	_, err = w.follow(order)
	requireCode(t, "worker_passes_on", err)

	w.store.lose("adopt answer", 0)
	w.attempts.After = time.After
	w.newRun()
	w.env.SetHeartbeatDetails(<-last)
	r, err := w.follow(order)
	require.NoError(t, err)
	require.Equal(t, activities.FollowAnswered, r.End)
	require.Contains(t, string(w.evidence("answer")), string(order.Ref))
}

// TestOneTimeAnswerWentElsewhere: another run collected the answer. If that run
// kept it, it is found; if it died first, the result is lost, plainly.
func TestOneTimeAnswerWentElsewhere(t *testing.T) {
	for _, keptByOther := range []bool{true, false} {
		w := newWorld(t)
		order, err := w.start()
		require.NoError(t, err)
		w.sign(order)
		now := time.Now()
		w.attempts.Clock = func() time.Time { now = now.Add(time.Second); return now }
		answer, err := w.bankid.Collect(t.Context(), order.Ref)
		require.NoError(t, err)
		require.True(t, answer.Terminal)
		want := activities.FollowResult{End: activities.FollowLost, ProviderCode: "invalidParameters"}
		if keptByOther {
			b, err := json.Marshal(activities.StoredAnswer{Order: order.Ref, Raw: answer.Raw})
			require.NoError(t, err)
			require.NoError(t, w.store.PutEvidence(t.Context(), signing.EvidenceRef{
				Tenant: w.ref.Tenant, Collection: w.ref.Collection, Attempt: w.ref.Attempt, Name: "answer",
			}, b))
			want = activities.FollowResult{End: activities.FollowAnswered}
		}
		r, err := w.follow(order)
		require.NoError(t, err)
		require.Equal(t, want, r)
	}
}

// TestWithdraw: what was signed before the cancel took effect is kept.
func TestWithdraw(t *testing.T) {
	for name, tc := range map[string]struct {
		signed bool
		faults []faults.Fault
		want   activities.FollowEnd
	}{
		"open":                       {false, nil, activities.FollowCancelled},
		"signed before":              {true, nil, activities.FollowAnswered},
		"provider down for a moment": {false, []faults.Fault{{Kind: "maintenance", Endpoint: "cancel", Count: 2}}, activities.FollowCancelled},
		"collect down, then signed":  {true, []faults.Fault{{Kind: "maintenance", Endpoint: "collect", Count: 1}}, activities.FollowAnswered},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			order, err := w.start()
			require.NoError(t, err)
			if tc.signed {
				w.sign(order)
			}
			for _, f := range tc.faults {
				require.NoError(t, w.app.Fault(t.Context(), f))
			}
			var r activities.FollowResult
			require.NoError(t, w.run(w.attempts.FollowAttempt,
				&activities.FollowInput{AttemptRef: w.ref, Order: order, Withdraw: true}, &r))
			require.Equal(t, tc.want, r.End)
		})
	}
}

// TestVerifyEffects fails each effect of verifying, both ways; a repeat finds
// the same.
func TestVerifyEffects(t *testing.T) {
	for _, effect := range []string{"get request", "get answer", "put " + providers.ProofXML, "put " + providers.ProofOCSP, "adopt result"} {
		for _, persisted := range []bool{false, true} {
			t.Run(effect, func(t *testing.T) {
				w := newWorld(t)
				w.signed()
				if persisted {
					w.store.cut[effect] = 1
				} else {
					w.store.lost[effect] = 1
				}
				var first, second signing.AttemptResult
				requireCode(t, errStore.Code, w.run(w.verify.VerifyAttempt, w.ref, &first))
				require.NoError(t, w.run(w.verify.VerifyAttempt, w.ref, &first))
				require.NoError(t, w.run(w.verify.VerifyAttempt, w.ref, &second))
				require.Equal(t, first, second)
				require.Equal(t, signing.OutcomeSigned, first.Outcome)
				require.Equal(t, signing.AssuranceVerified, first.Signature.Assurance)
				require.Equal(t, "simulator", first.Signature.Environment)
			})
		}
	}
}

// TestAnotherPersonSigned: the answer is refused and kept as evidence.
func TestAnotherPersonSigned(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.app.Fault(t.Context(), faults.Fault{Kind: "otherPerson", Count: 1}))
	w.signed()
	var r signing.AttemptResult
	require.NoError(t, w.run(w.verify.VerifyAttempt, w.ref, &r))
	require.Equal(t, signing.OutcomeFailed, r.Outcome)
	require.Equal(t, signing.ReasonWrongSigner, r.Reason)
	require.NotEmpty(t, w.evidence("answer"))
	require.NotEmpty(t, w.evidence("result"))
}

func TestRecordEffects(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		w := newWorld(t)
		for _, effect := range []string{"put audit", "put outcome"} {
			if persisted {
				w.store.cut[effect] = 1
			} else {
				w.store.lost[effect] = 1
			}
		}
		in := activities.AuditInput{CollectionRef: w.ref.CollectionRef, FirstSeq: 3, Lines: []string{"a", "b"}}
		requireCode(t, errStore.Code, w.run(w.records.KeepAudit, in, nil))
		require.NoError(t, w.run(w.records.KeepAudit, in, nil))
		require.Equal(t, "a\nb\n", string(w.store.audit[3]))
		view := signing.View{ID: w.ref.Collection, State: signing.StateDeclined}
		requireCode(t, errStore.Code, w.run(w.records.KeepOutcome, view, nil))
		require.NoError(t, w.run(w.records.KeepOutcome, view, nil))
		require.Equal(t, signing.StateDeclined, w.store.outcome.State)
	}
}

// signed brings the attempt to a kept answer.
func (w *world) signed() {
	w.t.Helper()
	order, err := w.start()
	require.NoError(w.t, err)
	w.sign(order)
	r, err := w.follow(order)
	require.NoError(w.t, err)
	require.Equal(w.t, activities.FollowAnswered, r.End)
}
