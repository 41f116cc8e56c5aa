package signing_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/signing"
)

func begin(t testing.TB) *signing.Collection {
	t.Helper()
	c, err := signing.New(spec(t))
	require.NoError(t, err)
	return c
}

func signed(p signing.ParticipantID) signing.AttemptResult {
	return signing.AttemptResult{Outcome: signing.OutcomeSigned, Signature: &signing.Signature{
		Participant: p, Assurance: signing.AssuranceVerified, SignedAt: start,
	}}
}

func try(t testing.TB, c *signing.Collection, p signing.ParticipantID, r signing.AttemptResult) {
	t.Helper()
	require.NoError(t, c.StartAttempt(signing.Attempt{ID: "att_x", Participant: p, StartedAt: start}))
	require.NoError(t, c.EndAttempt(p, r, start))
}

func TestStepsInOrder(t *testing.T) {
	c := begin(t)
	require.ErrorIs(t, c.CanStart(par3), signing.ErrNotYourTurn)
	require.ErrorIs(t, c.CanStart(par9), signing.ErrUnknownParticipant)
	try(t, c, par1, signed(par1))
	require.ErrorIs(t, c.CanStart(par1), signing.ErrAlreadySigned)
	require.ErrorIs(t, c.CanStart(par3), signing.ErrNotYourTurn, "step 1 is not finished")
	try(t, c, par2, signing.AttemptResult{Outcome: signing.OutcomeFailed, Reason: signing.ReasonUserCancelled})
	try(t, c, par2, signing.AttemptResult{Outcome: signing.OutcomeResultLost})
	try(t, c, par2, signed(par2))
	require.Equal(t, signing.StateInProgress, c.State())
	try(t, c, par3, signed(par3))
	require.Equal(t, signing.StateSealing, c.State())
	require.ErrorIs(t, c.Cancel(), signing.ErrCannotEnd)
	require.Len(t, c.Signatures(), 3)
	c.Complete()
	require.Equal(t, signing.StateCompleted, c.State())
}

func TestOneLiveAttempt(t *testing.T) {
	c := begin(t)
	require.NoError(t, c.StartAttempt(signing.Attempt{ID: "att_1", Participant: par1}))
	require.ErrorIs(t, c.StartAttempt(signing.Attempt{ID: "att_2", Participant: par1}), signing.ErrAttemptLive)
	require.NoError(t, c.CanStart(par2), "others of the step act in parallel")
	live, err := c.LiveAttempt(par1)
	require.NoError(t, err)
	require.Equal(t, signing.AttemptID("att_1"), live.ID)
	_, err = c.LiveAttempt(par2)
	require.ErrorIs(t, err, signing.ErrNoAttempt)
}

func TestEndsWaitForLiveAttempts(t *testing.T) {
	for name, tc := range map[string]struct {
		end  func(*signing.Collection) error
		want signing.State
		last signing.State // when everybody had signed by then
	}{
		"cancel":  {func(c *signing.Collection) error { return c.Cancel() }, signing.StateCancelled, signing.StateCancelled},
		"decline": {func(c *signing.Collection) error { return c.Decline(par3, start) }, signing.StateDeclined, signing.StateDeclined},
		"expire":  {func(c *signing.Collection) error { c.Expire(); return nil }, signing.StateExpired, signing.StateSealing},
	} {
		t.Run(name, func(t *testing.T) {
			c := begin(t)
			require.NoError(t, c.StartAttempt(signing.Attempt{Participant: par1}))
			require.NoError(t, tc.end(c))
			require.Equal(t, signing.StateInProgress, c.State(), "an attempt is live")
			require.ErrorIs(t, c.CanStart(par2), signing.ErrEnding)
			require.NoError(t, c.EndAttempt(par1, signed(par1), start))
			require.Equal(t, tc.want, c.State())
			require.Len(t, c.Signatures(), 1, "a signature that was made is kept")
			require.ErrorIs(t, c.CanStart(par2), signing.ErrEnded)
		})
		t.Run(name+" while the last one signs", func(t *testing.T) {
			c := begin(t)
			try(t, c, par1, signed(par1))
			try(t, c, par2, signed(par2))
			require.NoError(t, c.StartAttempt(signing.Attempt{Participant: par3}))
			require.NoError(t, tc.end(c))
			require.NoError(t, c.EndAttempt(par3, signed(par3), start))
			require.Equal(t, tc.last, c.State())
		})
	}
}

// TestCancelAfterTheDeadline: while a deadline waits for a live order, the
// owner's cancel still counts.
func TestCancelAfterTheDeadline(t *testing.T) {
	c := begin(t)
	try(t, c, par1, signed(par1))
	try(t, c, par2, signed(par2))
	require.NoError(t, c.StartAttempt(signing.Attempt{Participant: par3}))
	c.Expire()
	require.NoError(t, c.Cancel())
	c.Expire()
	require.NoError(t, c.EndAttempt(par3, signed(par3), start))
	require.Equal(t, signing.StateCancelled, c.State())
}

func TestPolicyIsApplied(t *testing.T) {
	c := begin(t)
	r := signed(par1)
	r.Signature.Assurance = signing.AssuranceIdentified
	try(t, c, par1, r)
	require.Equal(t, signing.ReasonNotAccepted, c.Progress(par1).Attempts[0].Reason)
	require.Empty(t, c.Signatures())
}

func TestAttemptsAreBounded(t *testing.T) {
	c := begin(t)
	for range signing.MaxAttempts {
		try(t, c, par1, signing.AttemptResult{Outcome: signing.OutcomeFailed})
	}
	require.ErrorIs(t, c.CanStart(par1), signing.ErrAttemptsUsedUp)
}
