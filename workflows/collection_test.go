package workflows_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

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
