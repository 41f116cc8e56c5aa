package workflows_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func spec(t *testing.T) signing.Spec {
	t.Helper()
	s := signing.Spec{
		ID: "col_0000000000000000000000000a", Tenant: "acme", Locale: signing.LocaleSV, TimeZone: "Europe/Stockholm",
		Documents: []signing.Document{{ID: "doc_0000000000000000000000000a", Title: "Avtal", Length: 9}},
		Policy:    signing.DefaultPolicy(), CreatedAt: start, Deadline: start.Add(time.Hour),
	}
	for i, pn := range []string{"191212121212", "200211242383"} {
		n, err := signing.ParsePersonalNumber(pn)
		require.NoError(t, err)
		s.Participants = append(s.Participants, signing.Participant{
			ID: []signing.ParticipantID{"par_1", "par_2"}[i], Name: "Person", PersonalNumber: n,
			Method: signing.MethodBankIDSE, Step: i + 1, Locale: signing.LocaleSV,
		})
	}
	return s
}

// world plays the activities: each test scripts what it needs of it.
type world struct {
	*testsuite.TestWorkflowEnvironment
	t *testing.T

	start  func(try int) error // of StartAttempt
	follow func(ctx context.Context, in activities.FollowInput) (activities.FollowResult, error)
	verify func(ref activities.AttemptRef) (signing.AttemptResult, error)
	seal   func(try int) error

	mu      sync.Mutex
	starts  int
	seals   int
	audit   []string
	outcome *signing.View
}

func newWorld(t *testing.T) *world {
	t.Helper()
	suite := testsuite.WorkflowTestSuite{}
	w := &world{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t}
	w.SetStartTime(start)
	w.start = func(int) error { return nil }
	w.seal = func(int) error { return nil }
	w.follow = func(context.Context, activities.FollowInput) (activities.FollowResult, error) {
		return activities.FollowResult{End: activities.FollowAnswered}, nil
	}
	w.verify = func(ref activities.AttemptRef) (signing.AttemptResult, error) { return signedBy(ref), nil }
	register := func(name string, f any) { w.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name}) }
	register("StartAttempt", func(_ context.Context, in activities.StartInput) (providers.Order, error) {
		w.mu.Lock()
		w.starts++
		try := w.starts
		w.mu.Unlock()
		return providers.Order{Ref: providers.OrderRef("order-" + in.Attempt), StartedAt: start}, activities.ToTemporal(w.start(try))
	})
	register("FollowAttempt", func(ctx context.Context, in activities.FollowInput) (activities.FollowResult, error) {
		return w.follow(ctx, in)
	})
	register("VerifyAttempt", func(_ context.Context, ref activities.AttemptRef) (signing.AttemptResult, error) {
		r, err := w.verify(ref)
		return r, activities.ToTemporal(err)
	})
	register("SealDocument", func(_ context.Context, in activities.SealInput) (signing.Result, error) {
		w.mu.Lock()
		w.seals++
		try := w.seals
		w.mu.Unlock()
		return signing.Result{Document: in.Document, Revision: 1}, activities.ToTemporal(w.seal(try))
	})
	register("KeepAudit", func(_ context.Context, in activities.AuditInput) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		require.Equal(t, len(w.audit)+1, in.FirstSeq, "the trail has no gaps")
		w.audit = append(w.audit, in.Lines...)
		return nil
	})
	register("KeepOutcome", func(_ context.Context, v signing.View) error {
		w.outcome = &v
		return nil
	})
	return w
}

func signedBy(ref activities.AttemptRef) signing.AttemptResult {
	return signing.AttemptResult{Outcome: signing.OutcomeSigned, Signature: &signing.Signature{
		Participant: ref.Participant, Attempt: ref.Attempt, Assurance: signing.AssuranceVerified, SignedAt: start,
	}}
}

// reply is what came of an Update.
type reply struct {
	rejected, failed error
	value            any
}

// at sends an Update at a time after the start and returns where its reply will be.
func (w *world) at(after time.Duration, update string, arg any) *reply {
	r := &reply{}
	w.RegisterDelayedCallback(func() {
		args := []any{}
		if arg != nil {
			args = append(args, arg)
		}
		w.UpdateWorkflow(update, "", &testsuite.TestUpdateCallback{
			OnAccept:   func() {},
			OnReject:   func(err error) { r.rejected = workflows.Fault(err) },
			OnComplete: func(v any, err error) { r.value, r.failed = v, workflows.Fault(err) },
		}, args...)
	}, after)
	return r
}

func (w *world) startAt(after time.Duration, p signing.ParticipantID, id signing.AttemptID) *reply {
	return w.at(after, workflows.UpdateStartAttempt, workflows.StartAttempt{Participant: p, Attempt: id, Channel: signing.ChannelQR})
}

// run runs the workflow to its end and checks what must hold at every end.
func (w *world) run() signing.View {
	w.t.Helper()
	w.ExecuteWorkflow(workflows.CollectionWorkflow, workflows.CollectionInput{
		Spec: spec(w.t), Routes: map[signing.Method]signing.Route{signing.MethodBankIDSE: {"bankid"}},
	})
	require.True(w.t, w.IsWorkflowCompleted())
	require.NoError(w.t, w.GetWorkflowError())
	var v signing.View
	require.NoError(w.t, w.GetWorkflowResult(&v))
	require.NotNil(w.t, w.outcome, "the outcome was kept")
	require.Equal(w.t, v.State, w.outcome.State)
	require.True(w.t, v.State.Ended())
	var trail signing.AuditTrail
	for _, line := range w.audit {
		_, err := trail.Check([]byte(line))
		require.NoError(w.t, err)
	}
	require.Equal(w.t, v.Audit, trail, "the whole trail was kept")
	return v
}

func TestSigned(t *testing.T) {
	w := newWorld(t)
	early := w.startAt(time.Second, "par_2", "att_0")
	first := w.startAt(2*time.Second, "par_1", "att_1")
	again := w.startAt(3*time.Second, "par_1", "att_2")
	w.startAt(4*time.Second, "par_2", "att_3")
	v := w.run()
	require.ErrorIs(t, early.rejected, signing.ErrNotYourTurn)
	require.NoError(t, first.failed)
	require.ErrorIs(t, again.rejected, signing.ErrAlreadySigned)
	require.Equal(t, signing.StateCompleted, v.State)
	require.NotNil(t, v.Documents[0].Result)
	require.Len(t, w.audit, 9) // created, document, started and signed twice, sealing, sealed, ended
}

func TestSecondAttemptWhileLive(t *testing.T) {
	w := newWorld(t)
	w.follow = func(context.Context, activities.FollowInput) (activities.FollowResult, error) {
		return activities.FollowResult{End: activities.FollowLost}, nil
	}
	// An attempt is live from before the provider is called: while it is asked
	// for the third time, no other may start.
	w.start = func(try int) error {
		if try < 3 {
			return fault.New(fault.Unavailable, "maintenance", "x")
		}
		return nil
	}
	first := w.startAt(time.Second, "par_1", "att_1")
	second := w.startAt(time.Second+500*time.Millisecond, "par_1", "att_2")
	w.at(time.Minute, workflows.UpdateCancel, nil)
	v := w.run()
	require.NoError(t, first.failed)
	require.ErrorIs(t, second.rejected, signing.ErrAttemptLive)
	require.Equal(t, 3, w.starts)
	require.Equal(t, signing.OutcomeResultLost, v.Participants[0].Attempts[0].Outcome)
}

func TestStartFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		err    error
		starts int
		code   string
	}{
		"nothing sent, three times": {fault.New(fault.Unavailable, "provider_unreachable", "x"), 3, "provider_unreachable"},
		"answer lost":               {fault.New(fault.Uncertain, "start_uncertain", "x"), 1, "start_uncertain"},
		"person busy":               {fault.New(fault.Conflict, "already_in_progress", "x").After(time.Minute), 1, "already_in_progress"},
		"worker died":               {temporal.NewTimeoutError(1, errors.New("x")), 1, "start_uncertain"},
		"no worker free":            {temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START, errors.New("x")), 3, "no_worker"},
		"refused":                   {fault.New(fault.Forbidden, "provider_refuses_us", "x"), 1, "provider_refuses_us"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.start = func(int) error { return tc.err }
			r := w.startAt(time.Second, "par_1", "att_1")
			w.at(time.Minute, workflows.UpdateCancel, nil)
			v := w.run()
			require.Equal(t, tc.code, fault.CodeOf(r.failed))
			require.Equal(t, tc.starts, w.starts, "a start is never repeated blindly")
			require.Equal(t, signing.ReasonStartFailed, v.Participants[0].Attempts[0].Reason)
			require.Equal(t, tc.code, v.Participants[0].Attempts[0].ProviderCode)
		})
	}
}

// TestWithdrawnBetweenTries: nobody is asked for an order of an attempt that
// was withdrawn while the provider was down.
func TestWithdrawnBetweenTries(t *testing.T) {
	w := newWorld(t)
	w.start = func(int) error { return fault.New(fault.Unavailable, "maintenance", "x").After(10 * time.Second) }
	r := w.startAt(time.Second, "par_1", "att_1")
	w.at(5*time.Second, workflows.UpdateDecline, workflows.ParticipantCommand{Participant: "par_1"})
	v := w.run()
	require.Equal(t, "maintenance", fault.CodeOf(r.failed))
	require.Equal(t, 1, w.starts)
	require.Equal(t, signing.StateDeclined, v.State)
}

// TestSecondCancelChangesNothing: it is no fault and leaves no trace.
func TestSecondCancelChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.following(time.Hour, false)
	w.OnActivity("KeepOutcome", mock.Anything, mock.Anything).After(time.Minute).Return(nil)
	w.startAt(time.Second, "par_1", "att_1")
	first := w.at(time.Minute, workflows.UpdateCancel, nil)
	second := w.at(time.Minute+time.Millisecond, workflows.UpdateCancel, nil)
	late := w.at(time.Minute+30*time.Second, workflows.UpdateConfirmReturn, workflows.ConfirmReturn{Participant: "par_1"})
	w.ExecuteWorkflow(workflows.CollectionWorkflow, workflows.CollectionInput{
		Spec: spec(t), Routes: map[signing.Method]signing.Route{signing.MethodBankIDSE: {"bankid"}},
	})
	require.NoError(t, w.GetWorkflowError())
	require.NoError(t, first.failed)
	require.NoError(t, second.rejected)
	require.NoError(t, second.failed)
	require.ErrorIs(t, late.rejected, signing.ErrEnded)
	asked := 0
	for _, line := range w.audit {
		if strings.Contains(line, string(signing.AuditCancel)) {
			asked++
		}
	}
	require.Equal(t, 1, asked)
}

func TestDecline(t *testing.T) {
	w := newWorld(t)
	w.startAt(time.Second, "par_1", "att_1")
	r := w.at(time.Minute, workflows.UpdateDecline, workflows.ParticipantCommand{Participant: "par_2"})
	late := w.startAt(2*time.Minute, "par_2", "att_2")
	v := w.run()
	require.NoError(t, r.failed)
	require.NoError(t, late.rejected, "the workflow had ended")
	require.Equal(t, signing.StateDeclined, v.State)
	require.Equal(t, signing.ParticipantSigned, v.Participants[0].State)
	require.Equal(t, signing.ParticipantDeclined, v.Participants[1].State)
	require.Zero(t, w.seals)
}

func TestExpire(t *testing.T) {
	w := newWorld(t)
	v := w.run()
	require.Equal(t, signing.StateExpired, v.State)
	require.Equal(t, start.Add(time.Hour), v.EndedAt.UTC())
}

// following makes FollowAttempt last for life, unless it is withdrawn: then it
// finds the order signed, or cancels it.
func (w *world) following(life time.Duration, signed bool) {
	withdrawn := activities.FollowResult{End: activities.FollowCancelled}
	if signed {
		withdrawn.End = activities.FollowAnswered
	}
	w.OnActivity("FollowAttempt", mock.Anything, withdrawal(false)).
		After(life).Return(activities.FollowResult{End: activities.FollowAnswered}, nil).Maybe()
	w.OnActivity("FollowAttempt", mock.Anything, withdrawal(true)).Return(withdrawn, nil).Maybe()
}

// withdrawal matches the input of FollowAttempt.
func withdrawal(want bool) any {
	return mock.MatchedBy(func(in activities.FollowInput) bool { return in.Withdraw == want })
}

func TestDeadlineWaitsForLiveAttempt(t *testing.T) {
	w := newWorld(t)
	w.startAt(time.Second, "par_1", "att_1")
	w.following(2*time.Minute, true)
	w.startAt(59*time.Minute, "par_2", "att_2")
	v := w.run()
	require.Equal(t, signing.StateCompleted, v.State, "a deadline does not undo the last signature")
}

func TestCancelKeepsWhatWasSignedBefore(t *testing.T) {
	for name, signed := range map[string]bool{"signed before": true, "not signed": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.following(time.Hour, signed)
			w.startAt(time.Second, "par_1", "att_1")
			r := w.at(time.Minute, workflows.UpdateCancel, nil)
			v := w.run()
			require.NoError(t, r.failed)
			require.Equal(t, signing.StateCancelled, v.State)
			require.Equal(t, signed, v.Participants[0].Signature != nil)
			require.Less(t, v.EndedAt.Sub(start), 2*time.Minute, "the order was withdrawn, not waited for")
		})
	}
}

func TestCancelAttempt(t *testing.T) {
	w := newWorld(t)
	w.following(time.Hour, false)
	wrong := w.at(30*time.Second, workflows.UpdateCancelAttempt, workflows.ParticipantCommand{Participant: "par_1", Attempt: "att_9"})
	w.startAt(time.Second, "par_1", "att_1")
	r := w.at(time.Minute, workflows.UpdateCancelAttempt, workflows.ParticipantCommand{Participant: "par_1", Attempt: "att_1"})
	none := w.at(2*time.Minute, workflows.UpdateCancelAttempt, workflows.ParticipantCommand{Participant: "par_1"})
	again := w.startAt(3*time.Minute, "par_1", "att_2")
	w.at(4*time.Minute, workflows.UpdateCancel, nil)
	w.run()
	require.ErrorIs(t, wrong.rejected, signing.ErrNoAttempt)
	require.NoError(t, r.failed)
	require.Equal(t, signing.OutcomeCancelled, r.value.(signing.Attempt).Outcome)
	require.ErrorIs(t, none.rejected, signing.ErrNoAttempt)
	require.NoError(t, again.failed)
}

func TestOperatorCancelsWorkflow(t *testing.T) {
	w := newWorld(t)
	w.following(time.Hour, true)
	w.startAt(time.Second, "par_1", "att_1")
	w.RegisterDelayedCallback(w.CancelWorkflow, time.Minute)
	v := w.run()
	require.Equal(t, signing.StateCancelled, v.State)
	require.NotNil(t, v.Participants[0].Signature)
}

func TestReturnNonceWorksOnce(t *testing.T) {
	w := newWorld(t)
	w.following(time.Hour, false)
	nonce := signing.DigestOf([]byte("nonce"))
	w.at(time.Second, workflows.UpdateStartAttempt, workflows.StartAttempt{Participant: "par_1", Attempt: "att_1", ReturnNonce: nonce})
	confirm := func(after time.Duration, n signing.Digest) *reply {
		return w.at(after, workflows.UpdateConfirmReturn, workflows.ConfirmReturn{Participant: "par_1", Nonce: n})
	}
	wrong := confirm(2*time.Second, signing.DigestOf([]byte("guess")))
	right := confirm(3*time.Second, nonce)
	twice := confirm(4*time.Second, nonce)
	w.at(time.Minute, workflows.UpdateCancel, nil)
	w.run()
	require.Equal(t, "return_nonce_wrong", fault.CodeOf(wrong.rejected))
	require.NoError(t, right.rejected)
	require.Equal(t, "return_nonce_used", fault.CodeOf(twice.rejected))
}

func TestNeedsAttentionUntilMended(t *testing.T) {
	w := newWorld(t)
	w.seal = func(try int) error {
		if try < 3 {
			return fault.New(fault.Corrupt, "result_invalid", "x")
		}
		return nil
	}
	var during signing.View
	w.startAt(time.Second, "par_1", "att_1")
	w.startAt(2*time.Second, "par_2", "att_2")
	w.RegisterDelayedCallback(func() {
		v, err := w.QueryWorkflow(workflows.QueryView)
		require.NoError(t, err)
		require.NoError(t, v.Get(&during))
		w.SignalWorkflow(workflows.SignalRetry, nil)
	}, 30*time.Minute)
	v := w.run()
	require.Equal(t, signing.StateSealing, during.State)
	require.Less(t, v.EndedAt.Sub(start), 3*time.Hour, "the signal was heard")
	require.Equal(t, "result_invalid", during.Attention)
	require.Equal(t, signing.StateCompleted, v.State)
	require.Empty(t, v.Attention)
}
