package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

// calling makes StartAttempt find that the person has to be called. The call is
// sent a second after it was begun, and lasts for two minutes.
func calling(t *testing.T, called activities.Called, err error) *world {
	t.Helper()
	w := newWorld(t)
	w.ask = func(in activities.StartInput) (activities.Started, error) {
		return activities.Started{Calls: true}, nil
	}
	w.OnActivity("CallAttempt", anything, anything).After(2*time.Minute).Return(called, final(err))
	return w
}

// sentAt has the activity say that the call has been sent.
func (w *world) sentAt(after time.Duration) {
	w.RegisterDelayedCallback(func() {
		w.SignalWorkflow(workflows.SignalCallSent, activities.CallSent{
			Attempt: "att_1", Provider: "bankid", Order: providers.Order{Account: "main", StartedAt: start.Add(after)},
		})
	}, after)
}

func TestCall(t *testing.T) {
	end := func(e activities.FollowEnd) activities.Called {
		return activities.Called{FollowResult: activities.FollowResult{End: e}, Order: providers.Order{Account: "main", StartedAt: start}}
	}
	for name, tc := range map[string]struct {
		called  activities.Called
		err     error
		sent    bool
		start   string // the code of the failed start, or none
		outcome signing.Outcome
		reason  signing.Reason
	}{
		"answered":                         {end(activities.FollowAnswered), nil, true, "", signing.OutcomeSigned, ""},
		"answered, and the signal lost":    {end(activities.FollowAnswered), nil, false, "", signing.OutcomeSigned, ""},
		"lost":                             {end(activities.FollowLost), nil, true, "", signing.OutcomeResultLost, ""},
		"the worker died, which forgot":    {activities.Called{}, errLost, true, "", signing.OutcomeResultLost, ""},
		"refused after it was sent":        {activities.Called{}, errBusy, true, "", signing.OutcomeFailed, signing.ReasonStartFailed},
		"refused before that was heard":    {activities.Called{}, errBusy, false, "already_in_progress", signing.OutcomeFailed, signing.ReasonStartFailed},
		"nobody knows whether it was sent": {activities.Called{}, errLost, false, "start_uncertain", signing.OutcomeFailed, signing.ReasonStartFailed},
	} {
		t.Run(name, func(t *testing.T) {
			w := calling(t, tc.called, tc.err)
			if tc.sent {
				w.sentAt(2 * time.Second)
			}
			var answered time.Time
			r := w.startAt(time.Second, "par_1", "att_1")
			w.RegisterDelayedCallback(func() {
				if r.value != nil {
					answered = w.Now()
				}
			}, 3*time.Second)
			w.at(10*time.Minute, workflows.UpdateCancel, nil)
			v := w.run()
			require.Equal(t, tc.sent, !answered.IsZero(), "whoever started it is answered when it is sent")
			attempt := v.Participants[0].Attempts[0]
			require.Equal(t, tc.outcome, attempt.Outcome)
			require.Equal(t, tc.reason, attempt.Reason)
			if tc.start != "" {
				require.Equal(t, tc.start, fault.CodeOf(r.failed))
				return
			}
			require.NoError(t, r.failed)
			require.Equal(t, "main", r.value.(workflows.StartedAttempt).Order.Account)
		})
	}
}

// TestCallThatFindsTheProviderDown goes on to the next, since nothing was sent.
func TestCallThatFindsTheProviderDown(t *testing.T) {
	w := calling(t, activities.Called{}, errDown)
	w.in.Routes[signing.MethodBankIDSE] = signing.Route{"qrona", "bankid"}
	w.ask = func(in activities.StartInput) (activities.Started, error) {
		if in.Provider == "qrona" {
			return activities.Started{Calls: true}, nil
		}
		return activities.Started{Order: orderOf(in)}, nil
	}
	r := w.startAt(time.Second, "par_1", "att_1")
	w.at(10*time.Minute, workflows.UpdateCancel, nil)
	v := w.run()
	require.NoError(t, r.failed)
	require.Equal(t, "bankid", v.Participants[0].Attempts[0].Provider)
	require.NotNil(t, v.Participants[0].Signature)
	require.Equal(t, []string{"qrona", "bankid"}, w.asked)
}

// TestCallCannotBeWithdrawn: that is said, and the end of the collection waits
// for the end of the call.
func TestCallCannotBeWithdrawn(t *testing.T) {
	w := calling(t, activities.Called{FollowResult: activities.FollowResult{End: activities.FollowAnswered}}, nil)
	w.sentAt(2 * time.Second)
	w.startAt(time.Second, "par_1", "att_1")
	cancel := w.at(30*time.Second, workflows.UpdateCancelAttempt, workflows.ParticipantCommand{Participant: "par_1"})
	w.at(time.Minute, workflows.UpdateCancel, nil)
	v := w.run()
	require.Equal(t, "call_runs", fault.CodeOf(cancel.rejected))
	require.Equal(t, fault.Conflict, fault.KindOf(cancel.rejected))
	require.Equal(t, signing.StateCancelled, v.State)
	require.NotNil(t, v.Participants[0].Signature, "what the person gave is kept")
}

// TestLateSignal: that an earlier provider's call was sent says nothing of the one
// that is being made: its account is another.
func TestLateSignal(t *testing.T) {
	w := newWorld(t)
	w.in.Routes[signing.MethodBankIDSE] = signing.Route{"qrona", "bankid"}
	w.ask = func(activities.StartInput) (activities.Started, error) { return activities.Started{Calls: true}, nil }
	end := activities.Called{
		FollowResult: activities.FollowResult{End: activities.FollowAnswered}, Order: providers.Order{Account: "main", StartedAt: start},
	}
	w.OnActivity("CallAttempt", anything, anything).Return(activities.Called{}, final(errDown)).Once()
	w.OnActivity("CallAttempt", anything, anything).After(2*time.Minute).Return(end, nil).Once()
	w.RegisterDelayedCallback(func() {
		w.SignalWorkflow(workflows.SignalCallSent, activities.CallSent{
			Attempt: "att_1", Provider: "qrona", Order: providers.Order{Account: "theirs", StartedAt: start},
		})
	}, 10*time.Second)
	w.sentAt(20 * time.Second)
	var verified activities.AttemptRef
	w.verify = func(ref activities.AttemptRef) (signing.AttemptResult, error) {
		verified = ref
		return signedBy(ref), nil
	}
	r := w.startAt(time.Second, "par_1", "att_1")
	w.at(10*time.Minute, workflows.UpdateCancel, nil)
	w.run()
	require.NoError(t, r.failed)
	require.Equal(t, "main", r.value.(workflows.StartedAttempt).Order.Account)
	require.Equal(t, "bankid", verified.Provider)
	require.Equal(t, "main", verified.Account)
}
