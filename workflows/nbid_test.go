package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

// norwegians are two who sign the documents themselves, in one step, and a Swede
// who comes after.
func norwegians(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	s := &w.in.Spec
	swede := s.Participants[0]
	for i, number := range []string{"29124815345", "27034698436"} {
		n, err := signing.ParseNIN(number)
		require.NoError(t, err)
		p := signing.Participant{
			ID: s.Participants[i].ID, Name: "Person", PersonalNumber: n,
			Method: signing.MethodNBIDPKI, Step: 1, Locale: signing.LocaleNB,
		}
		s.Participants[i] = p
	}
	swede.ID, swede.Step = "par_3", 2
	s.Participants = append(s.Participants, swede)
	w.in.Routes[signing.MethodNBIDPKI] = signing.Route{"signicat"}
	w.verify = func(ref activities.AttemptRef) (signing.AttemptResult, error) {
		r := signedBy(ref)
		if ref.Provider == "signicat" {
			r.Signature.Method, r.Signature.Revisions = signing.MethodNBIDPKI, []signing.Current{
				{Document: s.Documents[0].ID, Revision: w.made() + 1, Length: int64(1000 * (w.made() + 1)), Digest: signing.DigestOf([]byte(ref.Attempt))},
			}
		}
		return r, nil
	}
	return w
}

// made is how many revisions the document has got, by the trail.
func (w *world) made() int {
	n := 0
	for _, name := range w.types() {
		if name == string(signing.AuditRevised) {
			n++
		}
	}
	return n
}

// TestTurns: one at a time signs the documents themselves; others are told for
// how long they are held at most, and what comes after is about what was made.
func TestTurns(t *testing.T) {
	w := norwegians(t)
	about := map[signing.AttemptID][]signing.Current{}
	w.ask = func(in activities.StartInput) (activities.Started, error) {
		about[in.Attempt] = in.Current
		return activities.Started{Order: orderOf(in)}, nil
	}
	end := activities.FollowResult{End: activities.FollowAnswered}
	w.OnActivity("FollowAttempt", anything, anything).After(2*time.Minute).Return(end, nil)
	w.startAt(time.Second, "par_1", "att_1")
	busy := w.startAt(time.Minute, "par_2", "att_2")
	turn := w.startAt(3*time.Minute, "par_2", "att_3")
	w.startAt(10*time.Minute, "par_3", "att_4")
	v := w.run()
	require.ErrorIs(t, busy.rejected, signing.ErrRevisionBusy)
	f, _ := fault.As(busy.rejected)
	require.Equal(t, 5*time.Minute-59*time.Second, f.RetryAfter, "the life of the order is over then")
	require.NoError(t, turn.failed)
	require.Equal(t, signing.StateCompleted, v.State)
	require.Nil(t, about["att_1"], "the uploads")
	require.Equal(t, signing.DigestOf([]byte("att_1")), about["att_3"][0].Digest)
	require.Equal(t, 1, about["att_3"][0].Revision)
	require.Equal(t, signing.DigestOf([]byte("att_3")), about["att_4"][0].Digest, "a Swede signs the revision that they are shown")
	require.Equal(t, []string{
		"attempt_started signicat", "participant_signed signicat", "document_revised",
		"attempt_started signicat", "participant_signed signicat", "document_revised",
		"attempt_started bankid", "participant_signed bankid",
	}, w.types()[2:10])
}

// TestEveryEndGivesTheTurn: whatever becomes of an attempt, the next may start.
func TestEveryEndGivesTheTurn(t *testing.T) {
	for name, arrange := range map[string]func(*world){
		"no order": func(w *world) { w.start = func(int) error { return errInvalid } },
		"cancelled": func(w *world) {
			w.following(time.Hour, false)
			w.at(30*time.Second, workflows.UpdateCancelAttempt, workflows.ParticipantCommand{Participant: "par_1"})
		},
		"lost": func(w *world) {
			w.OnActivity("FollowAttempt", anything, anything).Return(activities.FollowResult{End: activities.FollowLost}, nil)
		},
		"failed": func(w *world) {
			w.verify = func(activities.AttemptRef) (signing.AttemptResult, error) {
				return signing.AttemptResult{Outcome: signing.OutcomeFailed, Reason: signing.ReasonUserCancelled}, nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := norwegians(t)
			arrange(w)
			w.startAt(time.Second, "par_1", "att_1")
			r := w.startAt(time.Minute, "par_2", "att_2")
			w.at(2*time.Minute, workflows.UpdateCancel, nil)
			w.run()
			require.NoError(t, r.rejected)
		})
	}
}

// TestRewritten: what came back cannot be used. The collection needs attention
// until somebody has looked, and the person may start again meanwhile.
func TestRewritten(t *testing.T) {
	w := norwegians(t)
	good := w.verify
	w.verify = func(ref activities.AttemptRef) (signing.AttemptResult, error) {
		if ref.Attempt == "att_1" {
			return signing.AttemptResult{Outcome: signing.OutcomeFailed, Reason: signing.ReasonRewritten}, nil
		}
		return good(ref)
	}
	look := func(after time.Duration) *signing.View {
		v := &signing.View{}
		w.RegisterDelayedCallback(func() {
			value, err := w.QueryWorkflow(workflows.QueryView)
			require.NoError(t, err)
			require.NoError(t, value.Get(v))
		}, after)
		return v
	}
	w.startAt(time.Second, "par_1", "att_1")
	during := look(time.Minute)
	again := w.startAt(2*time.Minute, "par_1", "att_2")
	still := look(3 * time.Minute)
	w.RegisterDelayedCallback(func() { w.SignalWorkflow(workflows.SignalRetry, nil) }, 4*time.Minute)
	after := look(5 * time.Minute)
	w.at(6*time.Minute, workflows.UpdateCancel, nil)
	v := w.run()
	require.Equal(t, "rewritten", during.Attention)
	require.NoError(t, again.failed)
	require.Equal(t, "rewritten", still.Attention)
	require.Empty(t, after.Attention)
	require.NotNil(t, v.Participants[0].Signature)
}

// TestSlowResults: a provider says that the documents are signed before it has
// them, and many take their time. Nobody has to look at that, and the next one
// does not wait for long.
func TestSlowResults(t *testing.T) {
	w := norwegians(t)
	good, asked := w.verify, 0
	w.verify = func(ref activities.AttemptRef) (signing.AttemptResult, error) {
		if asked++; ref.Attempt == "att_1" && w.Now().Before(start.Add(110*time.Second)) {
			return signing.AttemptResult{}, fault.New(fault.Unavailable, "result_not_yet", "x")
		}
		return good(ref)
	}
	w.startAt(time.Second, "par_1", "att_1")
	turn := w.startAt(5*time.Minute, "par_2", "att_2")
	w.at(10*time.Minute, workflows.UpdateCancel, nil)
	v := w.run()
	require.NoError(t, turn.rejected)
	require.Greater(t, asked, 2)
	require.NotContains(t, w.types(), string(signing.AuditAttention))
	require.NotNil(t, v.Participants[1].Signature)
}

// TestWhatOthersAreTold: who may not sign yet is told so, and not to wait for the
// documents; and who may is not told to ask each second when the hold is over and
// the file still on its way.
func TestWhatOthersAreTold(t *testing.T) {
	for step, want := range map[int]error{1: signing.ErrRevisionBusy, 2: signing.ErrNotYourTurn} {
		w := norwegians(t)
		w.in.Spec.Participants[1].Step = step
		good := w.verify
		w.verify = func(ref activities.AttemptRef) (signing.AttemptResult, error) {
			if w.Now().Before(start.Add(8 * time.Minute)) {
				return signing.AttemptResult{}, fault.New(fault.Unavailable, "result_not_yet", "x")
			}
			return good(ref)
		}
		w.startAt(time.Second, "par_1", "att_1")
		r := w.startAt(6*time.Minute, "par_2", "att_2")
		w.at(10*time.Minute, workflows.UpdateCancel, nil)
		w.run()
		require.ErrorIs(t, r.rejected, want)
		if step == 1 {
			f, _ := fault.As(r.rejected)
			require.Equal(t, 5*time.Second, f.RetryAfter)
		}
	}
}
