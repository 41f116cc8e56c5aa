package providertest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// maxOrderLife is what the contract allows.
const maxOrderLife = 30 * time.Minute

// Run runs the suite. open is called for each test and starts a world of its own.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	for name, test := range map[string]func(*suite){
		"capabilities":                     (*suite).capabilities,
		"a QR code":                        func(s *suite) { s.signs(signing.ChannelQR) },
		"the same device":                  func(s *suite) { s.signs(signing.ChannelSameDevice) },
		"a phone call":                     (*suite).signsByPhone,
		"the call is declined":             (*suite).declinesCall,
		"another person signs":             (*suite).wrongPerson,
		"the person refuses":               (*suite).refuses,
		"nobody opens the app":             (*suite).notStarted,
		"cancel":                           (*suite).cancels,
		"cancel after the signature":       (*suite).cancelsTooLate,
		"an unknown order":                 (*suite).unknownOrder,
		"start: the answer is lost":        (*suite).startLost,
		"collect: the answer is lost":      (*suite).collectLost,
		"cancel: the answer is lost":       (*suite).cancelLost,
		"nobody listens":                   (*suite).nobodyListens,
		"the context is over":              (*suite).contextOver,
		"the provider is down":             (*suite).down,
		"a terminal answer, and another":   (*suite).oneAnswer,
		"interpret: equal for equal input": (*suite).deterministic,
		"interpret: another expectation":   (*suite).otherExpectation,
		"interpret: no answer":             (*suite).noAnswer,
		"forgeries":                        (*suite).forgeries,
		"many at once":                     (*suite).manyAtOnce,
		"a blocking call":                  (*suite).blocks,
		"a blocking call: nobody answers":  (*suite).blocksInVain,
		"a blocking call: declined":        (*suite).blocksDeclined,
		"a blocking call: nothing is sent": (*suite).blocksUnsent,
		"a blocking call: cut":             (*suite).blocksCut,
		"a blocking call: given up":        (*suite).blocksGivenUp,
		"collect: too early":               (*suite).tooEarly,
		"an identification":                (*suite).identifies,
		"a push":                           (*suite).pushes,
		"a redirect":                       (*suite).redirects,
		"the documents come back":          (*suite).returnsDocuments,
		"a document that is another":       (*suite).otherDocument,
		"reconcile: the answer was lost":   (*suite).startFound,
		"reconcile: nothing was made":      (*suite).startNotMade,
		"reconcile: there are two":         (*suite).startedTwice,
		"reconcile: the provider is down":  (*suite).reconcileDown,
	} {
		t.Run(name, func(t *testing.T) {
			subject := open(t)
			require.GreaterOrEqual(t, len(subject.People), 2, "the subject has too few people")
			test(&suite{subject, t})
		})
	}
}

func (s *suite) must(err error) {
	s.t.Helper()
	require.NoError(s.t, err)
}

// kind insists on a fault of the contract, with the adapter's name on it.
func (s *suite) kind(err error, want ...fault.Kind) {
	s.t.Helper()
	s.safe(err)
	f, ok := fault.As(err)
	require.True(s.t, ok, "%v is no fault", err)
	require.Equal(s.t, s.Provider.Name(), f.Provider, "%v", err)
	require.Contains(s.t, want, f.Kind, "%v", err)
}

// safe checks that nothing here prints what nobody may read.
func (s *suite) safe(values ...any) {
	s.t.Helper()
	for _, v := range values {
		if v == nil {
			continue
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			printed := fmt.Sprintf(verb, v)
			for _, p := range s.People {
				require.NotContains(s.t, printed, p.Reveal(), "%s of %T", verb, v)
			}
			if o, ok := v.(providers.Order); ok && o.QRSecret != "" {
				require.NotContains(s.t, printed, o.QRSecret.Reveal(), "%s of %T", verb, v)
			}
			if o, ok := v.(providers.Order); ok && o.RedirectURL != "" {
				require.NotContains(s.t, printed, o.RedirectURL.Reveal(), "%s of %T", verb, v)
			}
		}
	}
}

// collect insists on an answer.
func (s *suite) collect(o order) providers.Answer {
	s.t.Helper()
	a, err := s.patiently(s.t.Context(), o.Ref)
	s.must(err)
	require.NotEmpty(s.t, a.Raw)
	s.safe(a, s.expectation(o))
	return a
}

// patiently collects, and waits as long as the provider asks for.
func (s *suite) patiently(ctx context.Context, ref providers.OrderRef) (providers.Answer, error) {
	for tries := 0; ; tries++ {
		a, err := s.Provider.Collect(ctx, ref)
		f, refused := fault.As(err)
		if !refused || f.Kind != fault.Unavailable || f.RetryAfter == 0 || tries == 3 {
			return a, err
		}
		s.Advance(f.RetryAfter)
	}
}

// result insists on a terminal answer, and interprets it.
func (s *suite) result(o order) providers.Result {
	s.t.Helper()
	a := s.collect(o)
	require.True(s.t, a.Terminal, "the order has not ended: %s", a.Hint)
	r, err := s.Provider.Interpret(a.Raw, s.expectation(o))
	s.safe(r, err)
	s.must(err)
	return r
}

func (s *suite) failed(r providers.Result, reasons ...signing.Reason) {
	s.t.Helper()
	require.Equal(s.t, signing.OutcomeFailed, r.Outcome)
	require.Contains(s.t, reasons, r.Reason, "provider code %s", r.ProviderCode)
	require.NotEmpty(s.t, r.ProviderCode)
	require.Empty(s.t, r.Assurance)
}

// why returns the reasons that a failure may have, which is none in particular
// where the provider does not tell.
func (s *suite) why(reasons ...signing.Reason) []signing.Reason {
	if s.Terse {
		return []signing.Reason{signing.ReasonProviderError}
	}
	return reasons
}

func (s *suite) signedBy(r providers.Result) {
	s.t.Helper()
	require.Equal(s.t, signing.OutcomeSigned, r.Outcome, "%s: %s", r.Reason, r.ProviderCode)
	if s.Provider.Capabilities().ReturnsPDF {
		s.returned(r)
		return
	}
	require.Equal(s.t, s.Provider.Capabilities().Assurance, r.Assurance)
	require.Equal(s.t, s.Terse, r.SignerName == "", "who signed")
	require.NotEmpty(s.t, r.Environment)
	require.WithinDuration(s.t, s.Clock(), r.SignedAt, maxOrderLife)
	if r.Assurance == signing.AssuranceVerified {
		require.NotEmpty(s.t, r.Proofs, "what was verified cannot be verified again")
	}
}

func (s *suite) capabilities() {
	c := s.Provider.Capabilities()
	require.Equal(s.t, c, s.Provider.Capabilities(), "capabilities are constant")
	require.NotEmpty(s.t, s.Provider.Name())
	require.NotEmpty(s.t, c.Methods)
	require.NotEmpty(s.t, c.Assurance)
	require.Positive(s.t, c.CollectEvery)
	require.Positive(s.t, c.OrderLife)
	require.LessOrEqual(s.t, c.OrderLife, maxOrderLife)
	_, blocks := s.Provider.(providers.BlockingStarter)
	require.Equal(s.t, c.PhoneBlocks, blocks, "a blocking call")
	require.False(s.t, c.PhoneBlocks && !c.Phone, "a call that blocks is a call")
}

func (s *suite) signs(c signing.Channel) {
	if s.Provider.Capabilities().QR == providers.QRNone {
		s.t.Skip("the provider sends the person elsewhere")
	}
	before := s.Clock()
	o := s.start(s.People[0], c)
	require.NotEmpty(s.t, o.Ref)
	require.False(s.t, o.StartedAt.Before(before))
	require.NotEmpty(s.t, o.AutoStartToken)
	if s.Provider.Capabilities().QR == providers.QRCompute {
		require.NotEmpty(s.t, o.QRToken)
		require.NotEmpty(s.t, o.QRSecret)
	}
	a := s.collect(o)
	require.False(s.t, a.Terminal)
	require.NotEmpty(s.t, a.Hint)
	s.Advance(max(s.Provider.Capabilities().CollectEvery, time.Second))
	if s.Provider.Capabilities().QR == providers.QRRelay {
		require.NotEmpty(s.t, a.RelayedQR)
		require.NotEqual(s.t, a.RelayedQR, s.collect(o).RelayedQR, "the QR code stands still")
	}
	s.must(s.Sign(s.t.Context(), s.People[0], c, o.Order))
	s.signedBy(s.result(o))
}

func (s *suite) signsByPhone() {
	if c := s.Provider.Capabilities(); !c.Phone || c.PhoneBlocks {
		_, err := s.Provider.Start(s.t.Context(), s.Request(s.People[0], signing.ChannelPhone))
		s.kind(err, fault.Invalid)
		return
	}
	o := s.start(s.People[0], signing.ChannelPhone)
	s.must(s.Sign(s.t.Context(), s.People[0], signing.ChannelPhone, o.Order))
	s.signedBy(s.result(o))
}

func (s *suite) declinesCall() {
	if s.DeclineCall == nil || s.Provider.Capabilities().PhoneBlocks {
		s.t.Skip("nobody can decline a call that is collected")
	}
	o := s.start(s.People[0], signing.ChannelPhone)
	s.must(s.DeclineCall(s.t.Context(), s.People[0], o.Order))
	s.failed(s.result(o), s.why(signing.ReasonCallDeclined)...)
}

// A provider may stop another person at the door, and then the one who was asked
// may still come where they are sent, or hand out what they signed; either way it
// is no signature of the one who was asked.
func (s *suite) wrongPerson() {
	o := s.start(s.People[0], signing.ChannelQR)
	_ = s.Sign(s.t.Context(), s.People[1], signing.ChannelQR, o.Order)
	if s.Provider.Capabilities().Redirect && !s.collect(o).Terminal {
		s.must(s.Sign(s.t.Context(), s.People[0], signing.ChannelQR, o.Order))
		s.signedBy(s.result(o))
		return
	}
	r := s.result(o)
	require.Equal(s.t, signing.OutcomeFailed, r.Outcome)
}

func (s *suite) refuses() {
	if s.Refuse == nil {
		s.t.Skip("nobody can refuse")
	}
	o := s.start(s.People[0], signing.ChannelQR)
	s.must(s.Refuse(s.t.Context(), s.People[0], o.Order))
	s.failed(s.result(o), s.why(signing.ReasonUserCancelled)...)
}

// A provider that sends the person elsewhere may leave the order open, and then
// it is there to be cancelled.
func (s *suite) notStarted() {
	o := s.start(s.People[0], signing.ChannelQR)
	s.Advance(s.Provider.Capabilities().OrderLife + time.Second)
	if s.Provider.Capabilities().Redirect && !s.collect(o).Terminal {
		s.must(s.Provider.Cancel(s.t.Context(), o.Ref))
		require.Error(s.t, s.Sign(s.t.Context(), s.People[0], signing.ChannelQR, o.Order))
		return
	}
	s.failed(s.result(o), s.why(signing.ReasonNotStarted, signing.ReasonTimeout)...)
}

func (s *suite) cancels() {
	o := s.start(s.People[0], signing.ChannelQR)
	s.must(s.Provider.Cancel(s.t.Context(), o.Ref))
	if err := s.Provider.Cancel(s.t.Context(), o.Ref); err != nil {
		s.kind(err, fault.NotFound)
	}
	a, err := s.Provider.Collect(s.t.Context(), o.Ref)
	if err != nil {
		s.kind(err, fault.NotFound)
		return
	}
	require.True(s.t, a.Terminal)
	r, err := s.Provider.Interpret(a.Raw, s.expectation(o))
	s.must(err)
	require.NotEqual(s.t, signing.OutcomeSigned, r.Outcome)
}

// A cancel that comes too late must say so, so that the answer is collected.
func (s *suite) cancelsTooLate() {
	o := s.start(s.People[0], signing.ChannelQR)
	s.must(s.Sign(s.t.Context(), s.People[0], signing.ChannelQR, o.Order))
	err := s.Provider.Cancel(s.t.Context(), o.Ref)
	if err == nil && !s.Provider.Capabilities().ReturnsPDF {
		s.t.Skip("the provider withdraws a signature that was not collected")
	}
	s.kind(err, fault.NotFound)
	s.signedBy(s.result(o))
}

func (s *suite) unknownOrder() {
	const unknown = "00000000-0000-4000-8000-000000000000"
	_, err := s.Provider.Collect(s.t.Context(), unknown)
	s.kind(err, fault.NotFound)
	require.ErrorIs(s.t, err, providers.ErrResultLost)
	s.kind(s.Provider.Cancel(s.t.Context(), unknown), fault.NotFound)
}

func (s *suite) startLost() {
	s.LoseStart()
	_, err := s.Provider.Start(s.t.Context(), s.Request(s.People[0], signing.ChannelQR))
	s.kind(err, fault.Uncertain)
}

func (s *suite) collectLost() {
	o := s.start(s.People[0], signing.ChannelQR)
	s.must(s.Sign(s.t.Context(), s.People[0], signing.ChannelQR, o.Order))
	s.LoseCollect()
	_, err := s.Provider.Collect(s.t.Context(), o.Ref)
	s.kind(err, fault.Uncertain)
	if s.OneAnswer {
		_, err = s.Provider.Collect(s.t.Context(), o.Ref)
		require.ErrorIs(s.t, err, providers.ErrResultLost)
		return
	}
	s.signedBy(s.result(o))
}

func (s *suite) cancelLost() {
	o := s.start(s.People[0], signing.ChannelQR)
	s.LoseCancel()
	s.kind(s.Provider.Cancel(s.t.Context(), o.Ref), fault.Uncertain)
	if err := s.Provider.Cancel(s.t.Context(), o.Ref); err != nil {
		s.kind(err, fault.NotFound)
	}
}

func (s *suite) nobodyListens() {
	elsewhere := *s
	elsewhere.Provider = s.Elsewhere(s.t)
	_, err := elsewhere.Provider.Start(s.t.Context(), s.Request(s.People[0], signing.ChannelQR))
	elsewhere.kind(err, fault.Unavailable)
	_, err = elsewhere.Provider.Collect(s.t.Context(), "x")
	elsewhere.kind(err, fault.Unavailable)
	elsewhere.kind(elsewhere.Provider.Cancel(s.t.Context(), "x"), fault.Unavailable)
}

func (s *suite) contextOver() {
	ctx, cancel := context.WithCancel(s.t.Context())
	cancel()
	_, err := s.Provider.Start(ctx, s.Request(s.People[0], signing.ChannelQR))
	s.kind(err, fault.Unavailable)
	o := s.start(s.People[0], signing.ChannelQR) // nothing was left behind
	require.NotEmpty(s.t, o.Ref)
}

// What the provider itself says was not done may be done again.
func (s *suite) down() {
	s.Down()
	_, err := s.Provider.Start(s.t.Context(), s.Request(s.People[0], signing.ChannelQR))
	s.kind(err, fault.Unavailable)
	o := s.start(s.People[0], signing.ChannelQR)
	s.must(s.Sign(s.t.Context(), s.People[0], signing.ChannelQR, o.Order))
	s.Down()
	_, err = s.Provider.Collect(s.t.Context(), o.Ref)
	s.kind(err, fault.Unavailable)
	s.signedBy(s.result(o))
}

func (s *suite) oneAnswer() {
	o := s.start(s.People[0], signing.ChannelQR)
	s.must(s.Sign(s.t.Context(), s.People[0], signing.ChannelQR, o.Order))
	s.signedBy(s.result(o))
	if !s.OneAnswer {
		s.signedBy(s.result(o)) // as often as asked for
		return
	}
	_, err := s.Provider.Collect(s.t.Context(), o.Ref)
	require.ErrorIs(s.t, err, providers.ErrResultLost)
	s.kind(err, fault.NotFound)
}

func (s *suite) manyAtOnce() {
	var wg sync.WaitGroup
	outcomes := make([]error, len(s.People))
	for i, person := range s.People {
		wg.Go(func() { outcomes[i] = s.quietly(person) })
	}
	wg.Wait()
	for i, err := range outcomes {
		require.NoError(s.t, err, "person %d", i)
	}
}

// quietly signs without the test's own means, which belong to its goroutine.
func (s *suite) quietly(person signing.PersonalNumber) error {
	ctx := s.t.Context()
	r := s.Request(person, signing.ChannelQR)
	started, err := s.Provider.Start(ctx, r)
	if err != nil {
		return err
	}
	if err := s.Sign(ctx, person, signing.ChannelQR, started); err != nil {
		return err
	}
	a, err := s.patiently(ctx, started.Ref)
	if err != nil {
		return err
	}
	result, err := s.Provider.Interpret(a.Raw, s.expectation(order{started, r, signing.ChannelQR}))
	if err != nil {
		return err
	}
	if result.Outcome != signing.OutcomeSigned {
		return fmt.Errorf("the attempt ended %s: %s", result.Outcome, result.ProviderCode)
	}
	return nil
}
