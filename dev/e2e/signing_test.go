package e2e_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTwoSignInSteps(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	c := s.collect(terms{people: s.people(2)})
	require.Equal(t, "ready", c.Participants[0].State)
	require.Equal(t, "waiting", c.Participants[1].State)
	c.sign(0)
	require.Equal(t, "ready", c.now().Participants[1].State)
	c.sign(1)
	c.completes()
}

func TestTwoSignSideBySide(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	c := s.collect(terms{people: s.people(2), steps: []int{1, 1}})
	c.start(0, "qr")
	c.start(1, "qr")
	second, first := c.scan(1, c.people[1]), c.scan(0, c.people[0])
	c.enter(1, second)
	require.Equal(t, "signed", c.ended(1).Outcome)
	require.Equal(t, "signing", c.now().Participants[0].State)
	c.enter(0, first)
	c.completes()
}

func TestSignOnTheSameDevice(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	c := s.collect(terms{people: s.people(1)})
	live := c.start(0, "same-device")
	order, err := s.app.Open(t.Context(), c.people[0].PersonalNumber, live.Launch.DesktopLink)
	require.NoError(t, err)
	c.enter(0, order)
	c.completes()
}

func TestSignInAPhoneCall(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	c := s.collect(terms{people: s.people(1)})
	live := c.start(0, "phone")
	require.Empty(t, live.QR.Text)
	order, err := s.app.OpenPhone(t.Context(), c.people[0].PersonalNumber)
	require.NoError(t, err)
	require.Equal(t, "userCallConfirm", order.Awaits)
	c.enter(0, order)
	c.completes()
}

func TestSeveralDocumentsAreSignedTogether(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	c := s.collect(terms{people: s.people(1), titles: []string{"Hyresavtal", "Bilaga A", "Bilaga B"}})
	c.start(0, "qr")
	order := c.scan(0, c.people[0])
	for _, title := range []string{"Hyresavtal", "Bilaga A", "Bilaga B"} {
		require.Contains(t, order.Text, title)
	}
	c.enter(0, order)
	c.completes()
}

func TestCancelInTheAppThenSign(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	c := s.collect(terms{people: s.people(1)})
	c.start(0, "qr")
	require.NoError(t, s.app.Cancel(t.Context(), c.people[0].PersonalNumber, c.scan(0, c.people[0]).OrderRef))
	ended := c.ended(0)
	require.Equal(t, "failed", ended.Outcome)
	require.Equal(t, "user_cancelled", ended.Reason)
	require.Equal(t, "userCancel", ended.ProviderCode)
	require.Equal(t, "ready", c.now().Participants[0].State)
	c.sign(0)
	c.completes()
}

func TestDeclineEndsTheCollection(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	c := s.collect(terms{people: s.people(2)})
	c.sign(0)
	require.NoError(t, s.owner.Decline(t.Context(), c.ID, c.Participants[1].ID))
	ended := c.becomes("declined")
	require.Equal(t, "signed", ended.Participants[0].State, "a signature that was made is kept")
	require.Equal(t, "declined", ended.Participants[1].State)
	require.NoError(t, s.owner.Decline(t.Context(), c.ID, c.Participants[1].ID), "to decline again is no error")
}

func TestCancelTheCollectionDuringAnAttempt(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	c := s.collect(terms{people: s.people(2), steps: []int{1, 1}})
	c.start(0, "qr")
	order := c.scan(0, c.people[0])
	_, err := s.owner.Cancel(t.Context(), c.ID)
	require.NoError(t, err)
	ended := c.becomes("cancelled")
	require.Equal(t, "cancelled", ended.Participants[0].State)
	require.Equal(t, "cancelled", ended.Participants[0].Attempts[0].Outcome)
	require.Equal(t, "cancelled", ended.Participants[1].State)
	_, err = s.app.Sign(t.Context(), c.people[0].PersonalNumber, order.OrderRef)
	require.Error(t, err, "the order was withdrawn at BankID")
	_, err = s.owner.Cancel(t.Context(), c.ID)
	require.NoError(t, err, "to cancel again is no error")
}

func TestASignatureMadeBeforeTheCancelIsKept(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	c := s.collect(terms{people: s.people(1)})
	c.start(0, "qr")
	c.hinted(0, "outstandingTransaction")
	// BankID has the signature from here on; we have not been told yet.
	c.enter(0, c.scan(0, c.people[0]))
	require.NoError(t, s.owner.CancelAttempt(t.Context(), c.ID, c.Participants[0].ID))
	require.Equal(t, "signed", c.ended(0).Outcome)
	c.completes()
}

func TestCancelAnAttemptThenSign(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	c := s.collect(terms{people: s.people(1)})
	c.start(0, "qr")
	require.NoError(t, s.owner.CancelAttempt(t.Context(), c.ID, c.Participants[0].ID))
	require.Equal(t, "cancelled", c.ended(0).Outcome)
	c.sign(0)
	c.completes()
}

func TestTheDeadlineEndsTheCollection(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	soon := time.Now().Add(3 * time.Second)
	c := s.collect(terms{people: s.people(2), deadline: &soon})
	ended := c.becomes("expired")
	require.Equal(t, "expired", ended.Participants[0].State)
	require.Equal(t, "expired", ended.Participants[1].State)
	r := s.ask("POST", "/v1/collections/"+c.ID+"/participants/"+c.Participants[0].ID+"/attempts", s.owner.Key, asJSON(),
		[]byte(`{"channel":"qr","endUserIp":"192.0.2.7"}`), nil)
	require.Equal(t, 410, r.Status)
	require.Equal(t, "collection_ended", r.Code)
}

func TestTheDeadlineWaitsForALiveOrder(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	soon := time.Now().Add(8 * time.Second)
	c := s.collect(terms{people: s.people(1), deadline: &soon})
	c.start(0, "qr")
	order := c.scan(0, c.people[0])
	time.Sleep(time.Until(soon.Add(2 * time.Second))) // what is tested is the passing of this moment
	require.Equal(t, "in_progress", c.now().State)
	c.enter(0, order)
	c.completes()
}
