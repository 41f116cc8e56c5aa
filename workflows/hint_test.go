package workflows_test

import (
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

func (w *world) hintAt(after time.Duration, id signing.AttemptID) *reply {
	return w.at(after, workflows.UpdateHint, workflows.Hint{Attempt: id})
}

// TestHint: what a hint brings is judged at once, and the follower is stopped.
// Nothing else that a hint comes to changes anything.
func TestHint(t *testing.T) {
	answered := activities.FollowResult{End: activities.FollowAnswered}
	for name, tc := range map[string]struct {
		found  activities.Hinted
		err    error
		after  time.Duration // how long the hint's collect takes
		follow activities.FollowResult
		life   time.Duration // how long the follower takes
		want   signing.Outcome
		by     time.Duration // when the attempt has ended at the latest
	}{
		"brings the answer":        {activities.Hinted{Kept: true}, nil, time.Second, answered, 20 * time.Minute, signing.OutcomeSigned, 2 * time.Minute},
		"too early":                {activities.Hinted{}, nil, time.Second, answered, 20 * time.Minute, signing.OutcomeSigned, 21 * time.Minute},
		"the provider is down":     {activities.Hinted{}, errDown, time.Second, answered, 20 * time.Minute, signing.OutcomeSigned, 21 * time.Minute},
		"both get the answer":      {activities.Hinted{Kept: true}, nil, time.Minute, answered, time.Minute, signing.OutcomeSigned, 3 * time.Minute},
		"the follower is too late": {activities.Hinted{Kept: true}, nil, 5 * time.Minute, activities.FollowResult{End: activities.FollowLost}, 2 * time.Minute, signing.OutcomeSigned, 7 * time.Minute},
		"neither of them has it":   {activities.Hinted{}, nil, 5 * time.Minute, activities.FollowResult{End: activities.FollowLost}, 2 * time.Minute, signing.OutcomeResultLost, 7 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.OnActivity("FollowAttempt", anything, anything).After(tc.life).Return(tc.follow, nil)
			w.OnActivity("CollectHinted", anything, anything).After(tc.after).Return(tc.found, final(tc.err))
			early := w.hintAt(time.Millisecond, "att_1")
			w.startAt(time.Second, "par_1", "att_1")
			r := w.hintAt(time.Minute, "att_1")
			late := w.hintAt(40*time.Minute, "att_1")
			w.at(45*time.Minute, workflows.UpdateCancel, nil)
			v := w.run()
			require.ErrorIs(t, early.rejected, signing.ErrNoAttempt)
			require.NoError(t, r.rejected)
			require.NoError(t, r.failed)
			require.ErrorIs(t, late.rejected, signing.ErrNoAttempt)
			attempt := v.Participants[0].Attempts[0]
			require.Equal(t, tc.want, attempt.Outcome)
			require.LessOrEqual(t, attempt.EndedAt.Sub(start), tc.by)
			require.Equal(t, signing.StateCancelled, v.State)
		})
	}
}

// TestHintsAreBounded: refused ones add nothing to the history.
func TestHintsAreBounded(t *testing.T) {
	w := newWorld(t)
	w.OnActivity("FollowAttempt", anything, anything).After(20*time.Minute).Return(activities.FollowResult{End: activities.FollowAnswered}, nil)
	looked := 0
	w.hint = func(activities.FollowInput) (activities.Hinted, error) { looked++; return activities.Hinted{}, nil }
	w.startAt(time.Second, "par_1", "att_1")
	var replies []*reply
	for i := range 8 {
		replies = append(replies, w.hintAt(time.Duration(i+1)*time.Minute, "att_1"))
	}
	w.at(30*time.Minute, workflows.UpdateCancel, nil)
	w.run()
	require.Equal(t, 5, looked)
	for i, r := range replies {
		require.Equal(t, i >= 5, r.rejected != nil)
		if i >= 5 {
			require.Equal(t, "hints_used_up", fault.CodeOf(r.rejected))
		}
	}
}

// TestOneHintAtATime: the second says nothing that the first does not.
func TestOneHintAtATime(t *testing.T) {
	w := newWorld(t)
	w.OnActivity("FollowAttempt", anything, anything).After(20*time.Minute).Return(activities.FollowResult{End: activities.FollowAnswered}, nil)
	w.OnActivity("CollectHinted", anything, anything).After(time.Minute).Return(activities.Hinted{}, nil)
	w.startAt(time.Second, "par_1", "att_1")
	w.hintAt(time.Minute, "att_1")
	second := w.hintAt(90*time.Second, "att_1")
	w.at(30*time.Minute, workflows.UpdateCancel, nil)
	w.run()
	require.Equal(t, "hint_busy", fault.CodeOf(second.rejected))
}

// TestHintHoldsTheAnswer: the provider handed its one answer to a hint, which the
// store would not take until the activity's time was up. It is stored after all.
func TestHintHoldsTheAnswer(t *testing.T) {
	w := newWorld(t)
	held := &activities.StoredAnswer{Order: "order-att_1", Raw: []byte("answer")}
	w.OnActivity("CollectHinted", anything, anything).After(time.Minute).
		Return(activities.Hinted{}, temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, nil, activities.Live{Attempt: "att_1", Answer: held}))
	first := mock.MatchedBy(func(in activities.FollowInput) bool { return in.Answer == nil })
	w.OnActivity("FollowAttempt", anything, first).After(90*time.Second).Return(activities.FollowResult{End: activities.FollowLost}, nil).Once()
	w.OnActivity("FollowAttempt", anything, mock.MatchedBy(func(in activities.FollowInput) bool {
		return in.Answer != nil && string(in.Answer.Raw) == "answer" && in.Withdraw
	})).Return(activities.FollowResult{End: activities.FollowAnswered}, nil).Once()
	w.startAt(time.Second, "par_1", "att_1")
	w.hintAt(time.Minute, "att_1")
	w.at(10*time.Minute, workflows.UpdateCancel, nil)
	v := w.run()
	require.Equal(t, signing.OutcomeSigned, v.Participants[0].Attempts[0].Outcome)
	w.AssertExpectations(t)
}
