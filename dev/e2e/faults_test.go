package e2e_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
)

// misbehave switches a fault of BankID on for the rest of the test.
func (s *stage) misbehave(f faults.Fault) {
	s.Helper()
	require.NoError(s, s.app.Fault(s.Context(), f))
	s.Cleanup(func() {
		require.NoError(s, s.app.ClearFaults(context.WithoutCancel(s.Context()))) // which has ended by now
	})
}

// attempts counts the first participant's attempts.
func (c *collection) attempts() int { return len(c.now().Participants[0].Attempts) }

// TestSignaturesThatAreNotWhatTheyClaim has one person sign again and again,
// each time with something else wrong, and at last rightly.
func TestSignaturesThatAreNotWhatTheyClaim(t *testing.T) {
	s := onStage(t)
	c := s.collect(terms{people: s.people(1)})
	for kind, code := range map[faults.Kind]string{
		bankid.TamperedText:     "digest",
		bankid.OtherText:        "content_mismatch",
		bankid.RevokedLeaf:      "ocsp_not_good",
		bankid.WrappedSignature: "unexpected_structure",
		bankid.RSASHA1:          "algorithm",
		bankid.MissingOCSP:      "ocsp_missing",
		bankid.OtherRP:          "wrong_rp",
		bankid.ExpiredLeaf:      "not_valid_when_signed",
	} {
		s.misbehave(faults.Fault{Kind: kind, Count: 1})
		c.start(0, "qr")
		c.enter(0, c.scan(0, c.people[0]))
		ended := c.ended(0)
		require.Equal(t, "failed", ended.Outcome, kind)
		require.Equal(t, "verification_failed", ended.Reason, kind)
		require.Equal(t, code, ended.ProviderCode, kind)
	}
	require.Nil(t, c.now().Participants[0].Signature)
	c.sign(0)
	c.completes()
}

func TestAnotherPersonSigns(t *testing.T) {
	t.Run("BankID refuses them", func(t *testing.T) {
		s := onStage(t)
		c := s.collect(terms{people: s.people(1)})
		c.start(0, "qr")
		other := s.people(1)[0]
		c.until(func() bool {
			_, err := s.app.Scan(t.Context(), other.PersonalNumber, c.live(0).QR.Text)
			return fault.CodeOf(err) == "wrong_person"
		}, "the refusal of another person's BankID")
		ended := c.ended(0)
		require.Equal(t, "failed", ended.Outcome)
		require.Equal(t, "certificateErr", ended.ProviderCode)
		c.sign(0)
		c.completes()
	})
	t.Run("BankID lets them, and we refuse", func(t *testing.T) {
		s := onStage(t)
		c := s.collect(terms{people: s.people(1)})
		s.misbehave(faults.Fault{Kind: bankid.OtherPerson, Count: 1})
		c.start(0, "qr")
		c.enter(0, c.scan(0, c.people[0]))
		ended := c.ended(0)
		require.Equal(t, "failed", ended.Outcome)
		require.Equal(t, "wrong_signer", ended.Reason)
		require.Nil(t, c.now().Participants[0].Signature)
		require.NotEmpty(t, keysUnder(t, c.ID, ended.ID+"/answer"), "what was answered is kept all the same")
		c.sign(0)
		c.completes()
	})
}

func TestAStartWhoseAnswerIsLostIsNotRepeated(t *testing.T) {
	for _, kind := range []faults.Kind{faults.CutAfter, faults.CutBefore} {
		// We cannot tell these two apart, and so treat both as the worse one.
		t.Run(string(kind), func(t *testing.T) {
			s := onStage(t)
			c := s.collect(terms{people: s.people(1)})
			s.misbehave(faults.Fault{Kind: kind, Endpoint: "sign", Count: 1})
			_, err := s.owner.Start(t.Context(), c.ID, c.Participants[0].ID, "qr")
			require.Equal(t, "bankid_uncertain", fault.CodeOf(err))
			require.Equal(t, fault.Uncertain, fault.KindOf(err))
			require.Equal(t, 1, c.attempts())
			ended := c.ended(0)
			require.Equal(t, "start_failed", ended.Reason)
			require.Equal(t, "bankid_uncertain", ended.ProviderCode)
			c.sign(0)
			require.Equal(t, 2, c.attempts())
			c.completes()
		})
	}
}

func TestAStartThatBankIDDidNotTakeIsRepeated(t *testing.T) {
	for _, f := range []faults.Fault{
		{Kind: faults.Maintenance, Endpoint: "sign", Count: 2},
		{Kind: "tooManyRequests", Endpoint: "sign", Count: 1},
	} {
		t.Run(string(f.Kind), func(t *testing.T) {
			s := onStage(t)
			c := s.collect(terms{people: s.people(1)})
			s.misbehave(f)
			c.sign(0)
			require.Equal(t, 1, c.attempts(), "the person saw nothing of it")
			c.completes()
		})
	}
}

func TestBankIDIsUnderMaintenance(t *testing.T) {
	s := onStage(t)
	c := s.collect(terms{people: s.people(1)})
	s.misbehave(faults.Fault{Kind: faults.Maintenance})
	_, err := s.owner.Start(t.Context(), c.ID, c.Participants[0].ID, "qr")
	require.Equal(t, "bankid_unavailable", fault.CodeOf(err))
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.NoError(t, s.app.ClearFaults(t.Context()))

	c.start(0, "qr")
	order := c.scan(0, c.people[0])
	s.misbehave(faults.Fault{Kind: faults.Maintenance, Endpoint: "collect", Count: 3})
	c.enter(0, order)
	require.Equal(t, "signed", c.ended(0).Outcome, "collecting goes on when it is over")
	c.completes()
}

func TestACollectIsCutBeforeItIsHeard(t *testing.T) {
	s := onStage(t)
	c := s.collect(terms{people: s.people(1)})
	c.start(0, "qr")
	order := c.scan(0, c.people[0])
	s.misbehave(faults.Fault{Kind: faults.CutBefore, Endpoint: "collect", Count: 2})
	c.enter(0, order)
	require.Equal(t, "signed", c.ended(0).Outcome)
	c.completes()
}

func TestTheOneAnswerIsLostOnTheWay(t *testing.T) {
	s := onStage(t)
	c := s.collect(terms{people: s.people(1)})
	s.misbehave(faults.Fault{Kind: faults.CutAfter, Endpoint: "collect", Count: 1, TerminalOnly: true})
	c.start(0, "qr")
	c.enter(0, c.scan(0, c.people[0]))
	ended := c.ended(0)
	require.Equal(t, "result_lost", ended.Outcome)
	live := c.live(0)
	require.Equal(t, "ended", live.State)
	require.NotEmpty(t, live.Message.Text, "the person is told plainly")
	c.sign(0)
	c.completes()
}

func TestAWrongQRCodeIsRefused(t *testing.T) {
	s := onStage(t)
	c := s.collect(terms{people: s.people(1)})
	c.start(0, "qr")
	var shown string
	c.until(func() bool { shown = c.live(0).QR.Text; return shown != "" }, "a QR code")
	wrong := shown[:len(shown)-1] + "0"
	if strings.HasSuffix(shown, "0") {
		wrong = shown[:len(shown)-1] + "1"
	}
	_, err := s.app.Scan(t.Context(), c.people[0].PersonalNumber, wrong)
	require.Equal(t, "qr_wrong", fault.CodeOf(err))
	// One that was photographed is of no use a moment later.
	time.Sleep(4 * time.Second) // what is tested is that it lives no longer
	_, err = s.app.Scan(t.Context(), c.people[0].PersonalNumber, shown)
	require.Equal(t, "qr_stale", fault.CodeOf(err))
	c.enter(0, c.scan(0, c.people[0]))
	require.Equal(t, "signed", c.ended(0).Outcome)
	c.completes()
}

func TestTimestampsFailForAWhile(t *testing.T) {
	s := onStage(t)
	c := s.collect(terms{people: s.people(1)})
	require.NoError(t, s.app.TimestampFault(t.Context(), faults.Fault{Kind: faults.Maintenance, Count: 3}))
	c.sign(0)
	c.completes()
}
