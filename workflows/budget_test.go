package workflows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

// crowd is a collection of as many people and documents as there may be.
func crowd(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	s := &w.in.Spec
	person := s.Participants[0]
	s.Participants, s.Documents = nil, nil
	for i := range signing.MaxDocuments {
		s.Documents = append(s.Documents, signing.Document{ID: signing.DocumentID(fmt.Sprintf("doc_%d", i)), Title: "Avtal", Length: 9})
	}
	for i := range signing.MaxParticipants {
		p := person
		p.ID = signing.ParticipantID(fmt.Sprintf("par_%d", i))
		p.PersonalNumber = numbered(t, i)
		s.Participants = append(s.Participants, p)
	}
	return w
}

// numbered is the i-th of a row of valid personal numbers.
func numbered(t *testing.T, i int) signing.PersonalNumber {
	t.Helper()
	day := time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i)
	for check := range 10 {
		if n, err := signing.ParsePersonalNumber(fmt.Sprintf("%s980%d", day.Format("20060102"), check)); err == nil {
			return n
		}
	}
	t.Fatal("no such number")
	return signing.PersonalNumber{}
}

// TestHistoryIsHeldBack: however long the history has become, each participant
// has their first attempt, and what is owed to the others is never given away.
func TestHistoryIsHeldBack(t *testing.T) {
	for name, tc := range map[string]struct {
		length        int // of the history when somebody asks
		first, second bool
	}{
		"young":                    {100, true, true},
		"as long as may be":        {4_900, true, false},
		"others have all to come":  {500, true, false},
		"what is left is for them": {2_000, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := crowd(t)
			w.verify = func(activities.AttemptRef) (signing.AttemptResult, error) {
				return signing.AttemptResult{Outcome: signing.OutcomeFailed, Reason: signing.ReasonUserCancelled}, nil
			}
			w.SetCurrentHistoryLength(tc.length)
			first := w.startAt(time.Second, "par_0", "att_1")
			second := w.startAt(time.Minute, "par_0", "att_2")
			w.at(2*time.Minute, workflows.UpdateCancel, nil)
			w.run()
			require.Equal(t, tc.first, first.rejected == nil)
			require.Equal(t, tc.second, second.rejected == nil, "%v", second.rejected)
			if !tc.second {
				require.ErrorIs(t, second.rejected, signing.ErrAttemptsUsedUp)
			}
		})
	}
}

// TestHistoryIsFreedAgain: what the others did not use is there for more.
func TestHistoryIsFreedAgain(t *testing.T) {
	w := crowd(t)
	for i := 1; i < signing.MaxParticipants; i++ {
		w.startAt(time.Duration(i)*time.Second, signing.ParticipantID(fmt.Sprintf("par_%d", i)), signing.AttemptID(fmt.Sprintf("att_%d", i)))
	}
	good := w.verify
	w.verify = func(ref activities.AttemptRef) (signing.AttemptResult, error) {
		if ref.Participant == "par_0" {
			return signing.AttemptResult{Outcome: signing.OutcomeFailed, Reason: signing.ReasonUserCancelled}, nil
		}
		return good(ref)
	}
	w.startAt(5*time.Minute, "par_0", "att_x")
	w.RegisterDelayedCallback(func() { w.SetCurrentHistoryLength(3_000) }, 6*time.Minute)
	more := w.startAt(7*time.Minute, "par_0", "att_y")
	w.at(8*time.Minute, workflows.UpdateCancel, nil)
	w.run()
	require.NoError(t, more.rejected)
}
