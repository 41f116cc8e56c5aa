package e2e_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/idkollen"
	"github.com/handslag/handslag/simulator/qrona"
	"github.com/handslag/handslag/simulator/signicat"
)

// TestSignicatsWebhookIsLost: then polling finds what Kari has signed.
func TestSignicatsWebhookIsLost(t *testing.T) {
	s := onStage(t)
	c := s.given(norwegian("Kari")).made()
	s.fails("signicat", faults.Fault{Kind: signicat.WebhookDropped})

	c.when("Kari").signs()

	c.completes()
}

// TestCallbacksComeTwiceLateOrFromNobody: each is a hint, and there is one result.
func TestCallbacksComeTwiceLateOrFromNobody(t *testing.T) {
	for name, row := range map[string]struct {
		who      party
		provider string
		kind     faults.Kind
	}{
		"IDkollen calls twice":              {swede("Anna").at("idkollen"), "idkollen", idkollen.CallbackDuplicate},
		"IDkollen calls an hour late":       {swede("Anna").at("idkollen"), "idkollen", idkollen.CallbackLate},
		"IDkollen does not call":            {swede("Anna").at("idkollen"), "idkollen", idkollen.CallbackLost},
		"IDkollen's call is not signed":     {swede("Anna").at("idkollen"), "idkollen", idkollen.CallbackUnsigned},
		"IDkollen's call was tampered with": {swede("Anna").at("idkollen"), "idkollen", idkollen.CallbackTampered},
		"Signicat calls twice":              {norwegian("Kari"), "signicat", signicat.WebhookDuplicate},
		"Signicat calls an hour late":       {norwegian("Kari"), "signicat", signicat.WebhookDelayed},
		"Signicat's call is forged":         {norwegian("Kari"), "signicat", signicat.WebhookForged},
	} {
		t.Run(name, func(t *testing.T) {
			s := onStage(t)
			c := s.given(row.who).accepting("verified", "attested").made()
			s.fails(row.provider, faults.Fault{Kind: row.kind, Count: 1, Delay: faults.Duration(time.Hour)})

			c.when(row.who.name).signs()
			c.completes()

			events := len(history(t, c.ID).GetEvents())
			s.passes(time.Hour)         // what is late comes now
			time.Sleep(2 * time.Second) // and there is nothing to see of it
			require.Len(t, history(t, c.ID).GetEvents(), events, "a hint after the end leaves no trace")
			require.Less(t, events, 150)
			require.Equal(t, 1, c.then(row.who.name).attempts())
		})
	}
}

// TestTheOneAnswerIsLost, which BankID gives once: Anna is asked again, plainly.
// An identification is as lost as a signature.
func TestTheOneAnswerIsLost(t *testing.T) {
	for name, who := range map[string]party{"a signature": swede("Anna"), "an identification": swede("Anna").identifying()} {
		t.Run(name, func(t *testing.T) {
			s := onStage(t)
			c := s.given(who).accepting(everything...).made()
			s.fails("bankid", faults.Fault{Kind: faults.CutAfter, Endpoint: "collect", Count: 1, TerminalOnly: true})

			c.when("Anna").starts().does()

			c.then("Anna").isDone("result_lost")
			c.then("Anna").isToldPlainly()
			c.when("Anna").signs()
			c.when("Anna").consentsIfAsked()
			c.completes()
		})
	}
}

// TestQronaAsksInACall: the request lasts as long as the call, and whoever started
// the attempt is answered when it is sent.
func TestQronaAsksInACall(t *testing.T) {
	t.Parallel()
	c := onStage(t).given(swede("Anna").at("qrona").identifying()).accepting("identified").made()

	began := time.Now()
	c.when("Anna").startsInACall()
	require.Less(t, time.Since(began), patience/4, "it waits for nobody")
	c.then("Anna").is("signing")
	c.when("Anna").cannotBeCancelled("call_runs")

	c.when("Anna").answersTheCall().isDone("identified")
	c.when("Anna").consents()
	c.completes()
}

// TestTheLineToQronaBreaks while Anna is asked: what she does is lost to us.
func TestTheLineToQronaBreaks(t *testing.T) {
	s := onStage(t)
	c := s.given(swede("Anna").at("qrona").identifying()).accepting("identified").made()
	s.fails("qrona", faults.Fault{Kind: qrona.CutWaiting, Count: 1})

	c.when("Anna").startsInACall()

	c.then("Anna").failed("result_lost", "qrona_uncertain")
	c.then("Anna").isToldPlainly()
	s.passes(3 * time.Minute) // the order that nobody can end has ended
	require.NoError(t, s.app.ResetClock(t.Context()))
	c.when("Anna").signs()
	c.when("Anna").consents()
	c.completes()
}

// TestTheWorkerIsKilledBesideSignicat: after Kari has signed and before we have
// it, and again while we fetch it.
func TestTheWorkerIsKilledBesideSignicat(t *testing.T) {
	t.Run("before we know", func(t *testing.T) {
		s := onStage(t)
		c := s.given(norwegian("Kari"), norwegian("Ola")).of(2)
		s.fails("signicat", faults.Fault{Kind: signicat.WebhookDropped, Count: 1})

		c.when("Kari").starts().does()
		killWorker(t)

		c.when("Kari").isDone("signed")
		c.revision(1)
		c.when("Ola").signs()
		c.completes()
	})
	t.Run("while we fetch", func(t *testing.T) {
		s := onStage(t)
		c := s.given(norwegian("Kari"), norwegian("Ola")).of(2)
		c.when("Kari").starts()
		page := c.when("Kari").page()
		s.fails("signicat", faults.Fault{Kind: faults.Slow, Endpoint: signicat.EndpointDownload, Count: 1, Delay: faults.Duration(patience)})

		c.when("Kari").signsOn(page)
		c.until(func() bool {
			left, err := s.app.FaultsAt(t.Context(), "signicat")
			require.NoError(t, err)
			return len(left) == 0
		}, "the download")
		killWorker(t)

		c.when("Kari").isDone("signed")
		c.revision(1)
		require.Equal(t, 1, c.then("Kari").attempts())
		c.when("Ola").signs()
		c.completes()
	})
}

// startsInACall starts an attempt in a phone call.
func (r role) startsInACall() role {
	r.Helper()
	_, err := r.owner.Start(r.Context(), r.ID, r.Participants[r.i].ID, "phone")
	require.NoError(r, err)
	return r
}

// isRefusedInACall starts an attempt in a phone call, which is refused.
func (r role) isRefusedInACall(code string) *fault.Error {
	r.Helper()
	_, err := r.owner.Start(r.Context(), r.ID, r.Participants[r.i].ID, "phone")
	require.Equal(r, code, fault.CodeOf(err), "%v", err)
	f, _ := fault.As(err)
	return f
}

// answersTheCall opens the app, which knows of the call, and enters the code.
func (r role) answersTheCall() role {
	r.Helper()
	order, err := r.app.OpenPhone(r.Context(), r.swede.PersonalNumber)
	require.NoError(r, err)
	r.enter(r.i, order)
	return r
}

// cannotBeCancelled finds that nobody but the person can end the attempt.
func (r role) cannotBeCancelled(code string) {
	r.Helper()
	require.Equal(r, code, fault.CodeOf(r.owner.CancelAttempt(r.Context(), r.ID, r.Participants[r.i].ID)))
}

// isToldPlainly finds a text for the person.
func (r role) isToldPlainly() {
	r.Helper()
	live := r.live(r.i)
	require.Equal(r, "ended", live.State)
	require.NotEmpty(r, live.Message.Text)
}

// consentsIfAsked consents where an identification is all that there is.
func (r role) consentsIfAsked() {
	r.Helper()
	if r.method == "bankid-se-identify" {
		r.consents()
	}
}
