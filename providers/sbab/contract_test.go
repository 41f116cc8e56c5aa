package sbab_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/providertest"
	"github.com/handslag/handslag/providers/sbab"
	"github.com/handslag/handslag/signing"
	simbankid "github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
	simulated "github.com/handslag/handslag/simulator/sbab"
)

func TestContract(t *testing.T) { providertest.Run(t, subject) }

// All that SBAB's text spells in two ways, in the other one.
func TestContractInTheOtherSpelling(t *testing.T) {
	providertest.Run(t, func(t *testing.T) providertest.Subject {
		w := newWorld(t)
		w.settings(map[string]any{"misspelt": true, "camelHint": true, "echo": true, "withoutType": true})
		return w.subject()
	})
}

func subject(t *testing.T) providertest.Subject { return newWorld(t).subject() }

func (w *world) subject() providertest.Subject {
	once := func(f faults.Fault) func() { return func() { w.fault(f) } }
	c := w.client(nil)
	return providertest.Subject{
		Provider: c, Request: w.request, People: w.people, Clock: w.clock.Now, Advance: w.clock.Advance,
		Sign: func(ctx context.Context, who signing.PersonalNumber, channel signing.Channel, o providers.Order) error {
			return w.sign(ctx, c, who, channel, o)
		},
		Refuse: func(ctx context.Context, who signing.PersonalNumber, o providers.Order) error {
			v, err := w.open(ctx, c, who, signing.ChannelQR, o)
			if err != nil {
				return err
			}
			return w.app.Cancel(ctx, who.Reveal(), v.OrderRef)
		},
		DeclineCall: func(ctx context.Context, who signing.PersonalNumber, o providers.Order) error {
			v, err := w.open(ctx, c, who, signing.ChannelPhone, o)
			if err != nil {
				return err
			}
			return w.app.DeclineCall(ctx, who.Reveal(), v.OrderRef)
		},
		LoseStart:   once(faults.Fault{Kind: faults.CutAfter, Endpoint: "start"}),
		LoseCollect: once(faults.Fault{Kind: faults.CutAfter, Endpoint: "collect", TerminalOnly: true}),
		LoseCancel:  once(faults.Fault{Kind: faults.CutAfter, Endpoint: "cancel"}),
		Down:        once(faults.Fault{Kind: faults.TooManyRequests}),
		Elsewhere: func(t *testing.T) providers.Provider {
			return w.client(func(c *sbab.Config) { c.BaseURL = nowhere(t) })
		},
		Terse: true,
	}
}

// finished collects an answer that ends the order, and interprets it.
func (w *world) finished(c *sbab.Client, o providers.Order) providers.Result {
	w.t.Helper()
	a, err := c.Collect(w.t.Context(), o.Ref)
	require.NoError(w.t, err)
	require.True(w.t, a.Terminal, a.Hint)
	r, err := c.Interpret(a.Raw, providers.Expectation{Order: o.Ref, Method: signing.MethodBankIDSEProcess, StartedAt: o.StartedAt, CollectedAt: w.clock.Now()})
	require.NoError(w.t, err)
	return r
}

// What a person goes through, in SBAB's statuses and BankID's words.
func TestHintsOnTheWay(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	require.NoError(t, w.app.Script(t.Context(), "", simbankid.Script{Steps: []string{"userMrtd", "userFace"}}))
	o, err := c.Start(t.Context(), w.request(w.people[0], signing.ChannelQR))
	require.NoError(t, err)
	hint := func() string {
		a, err := c.Collect(t.Context(), o.Ref)
		require.NoError(t, err)
		require.False(t, a.Terminal)
		return a.Hint
	}
	require.Equal(t, "initiated", hint())
	w.clock.Advance(time.Second)
	require.Equal(t, "outstandingTransaction", hint())
	v, err := w.open(t.Context(), c, w.people[0], signing.ChannelQR, o)
	require.NoError(t, err)
	require.Equal(t, "userMrtd", hint())
	require.NoError(t, w.app.Script(t.Context(), v.OrderRef, simbankid.Script{}))
	_, err = w.app.Sign(t.Context(), w.people[0].Reveal(), v.OrderRef)
	require.NoError(t, err)
	require.Equal(t, signing.OutcomeSigned, w.finished(c, o).Outcome)
}

// Hints that SBAB's table lacks are UNKNOWN, and an order is live all the same.
func TestUnknownHint(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	require.NoError(t, w.app.Script(t.Context(), "", simbankid.Script{Hint: simbankid.UnknownCode}))
	o, err := c.Start(t.Context(), w.request(w.people[0], signing.ChannelQR))
	require.NoError(t, err)
	w.clock.Advance(time.Second)
	a, err := c.Collect(t.Context(), o.Ref)
	require.NoError(t, err)
	require.False(t, a.Terminal)
	require.Equal(t, "unknown", a.Hint)
}

// Where SBAB tells why BankID failed, we do; a status that nobody knows is a failure.
func TestFailedStatuses(t *testing.T) {
	for status, want := range map[string]providers.Result{
		"COLLECT_ERROR": {Outcome: signing.OutcomeFailed, Reason: signing.ReasonProviderError, ProviderCode: "COLLECT_ERROR"},
		"FAILED":        {Outcome: signing.OutcomeFailed, Reason: signing.ReasonUserCancelled, ProviderCode: "userCancel"},
		"SOMETHING_NEW": {Outcome: signing.OutcomeFailed, Reason: signing.ReasonUserCancelled, ProviderCode: "userCancel"},
	} {
		t.Run(status, func(t *testing.T) {
			w := newWorld(t)
			w.settings(map[string]any{"failedStatus": status})
			c := w.client(nil)
			o, err := c.Start(t.Context(), w.request(w.people[0], signing.ChannelSameDevice))
			require.NoError(t, err)
			v, err := w.open(t.Context(), c, w.people[0], signing.ChannelSameDevice, o)
			require.NoError(t, err)
			require.NoError(t, w.app.Cancel(t.Context(), w.people[0].Reveal(), v.OrderRef))
			require.Equal(t, want, w.finished(c, o))
		})
	}
}

// A token is fetched once, replaced early, and once more when it is refused.
func TestTokens(t *testing.T) {
	w := newWorld(t)
	w.settings(map[string]any{"tokenLife": "5m"})
	c := w.client(nil)
	collect := func() error {
		_, err := c.Collect(t.Context(), "unknown")
		return err
	}
	for range 3 {
		require.ErrorIs(t, collect(), providers.ErrResultLost)
	}
	require.Equal(t, 1, w.tokens())
	w.clock.Advance(4*time.Minute + time.Second) // while it is still good
	require.ErrorIs(t, collect(), providers.ErrResultLost)
	require.Equal(t, 2, w.tokens())
	w.send(http.MethodDelete, "/v1/sbab/tokens", nil, nil)
	_, err := c.Start(t.Context(), w.request(w.people[0], signing.ChannelQR))
	require.NoError(t, err, "a refused token is replaced")
	require.Equal(t, 3, w.tokens())
	w.fault(faults.Fault{Kind: faults.Unauthorized, Endpoint: "collect", Count: 2})
	require.Equal(t, fault.Forbidden, fault.KindOf(collect()))
	require.Equal(t, 4, w.tokens(), "replaced once, not for ever")
}

// Without a token nothing is started, whatever became of the token call.
func TestNoToken(t *testing.T) {
	for kind, want := range map[faults.Kind]fault.Kind{
		faults.CutAfter: fault.Unavailable, faults.CutBefore: fault.Unavailable, faults.Maintenance: fault.Unavailable,
		faults.InternalError: fault.Unavailable, faults.Unauthorized: fault.Forbidden, faults.BadGateway: fault.Unavailable,
	} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			c := w.client(nil)
			w.fault(faults.Fault{Kind: kind, Endpoint: "token"})
			_, err := c.Start(t.Context(), w.request(w.people[0], signing.ChannelQR))
			require.Equal(t, want, fault.KindOf(err), "%v", err)
			require.NotContains(t, err.Error(), simulated.ClientSecret)
			_, err = c.Start(t.Context(), w.request(w.people[0], signing.ChannelQR))
			require.NoError(t, err, "and the next start is no second one")
		})
	}
	w := newWorld(t)
	_, err := w.client(func(c *sbab.Config) { c.ClientSecret = "another" }).Start(t.Context(), w.request(w.people[0], signing.ChannelQR))
	require.Equal(t, fault.Forbidden, fault.KindOf(err), "%v", err)
}

// In the sandbox the developer's key is the bearer, and a signing completes by
// itself.
func TestSandbox(t *testing.T) {
	w := newWorld(t)
	c := w.client(func(c *sbab.Config) {
		c.BaseURL = c.BaseURL[:len(c.BaseURL)-len("/partner/signing/1.0")] + "/sandbox/partner/signing/1.0"
		c.ClientID, c.ClientSecret, c.SandboxKey = "", "", simulated.SandboxKey
	})
	r := w.request(w.people[0], signing.ChannelQR)
	_, err := c.Start(t.Context(), r)
	require.Equal(t, fault.Invalid, fault.KindOf(err), "a participant of production: %v", err)
	r.ProviderParticipant = w.enrol(simulated.Participant{PersonalNumber: w.people[0].Reveal(), Sandbox: true})
	o, err := c.Start(t.Context(), r)
	require.NoError(t, err)
	var hints []string
	for range 3 {
		a, err := c.Collect(t.Context(), o.Ref)
		require.NoError(t, err)
		require.False(t, a.Terminal)
		hints = append(hints, a.Hint)
		w.clock.Advance(3 * time.Second)
	}
	require.Equal(t, []string{"outstandingTransaction", "started", "userSign"}, hints)
	require.Equal(t, signing.OutcomeSigned, w.finished(c, o).Outcome)
	require.Zero(t, w.tokens())
	w.clock.Advance(15 * time.Minute) // the life of a sandbox application
	_, err = c.Collect(t.Context(), o.Ref)
	require.ErrorIs(t, err, providers.ErrResultLost)
}

// Only the main applicant signs a loan; for a pre-approval everybody does.
func TestWhoSigns(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	for _, row := range []struct {
		participant simulated.Participant
		want        fault.Kind
	}{
		{simulated.Participant{Process: simulated.Loan}, ""},
		{simulated.Participant{Process: simulated.Loan, CoApplicant: true}, fault.Invalid},
		{simulated.Participant{Process: simulated.PreApproval}, ""},
		{simulated.Participant{Process: simulated.PreApproval, CoApplicant: true}, ""},
	} {
		row.participant.PersonalNumber = w.people[0].Reveal()
		r := w.request(w.people[0], signing.ChannelQR)
		r.ProviderParticipant = w.enrol(row.participant)
		o, err := c.Start(t.Context(), r)
		if row.want != "" {
			require.Equal(t, row.want, fault.KindOf(err), "%v", err)
			continue
		}
		require.NoError(t, err)
		require.NoError(t, w.sign(t.Context(), c, w.people[0], signing.ChannelQR, o))
		require.Equal(t, signing.OutcomeSigned, w.finished(c, o).Outcome)
	}
}

func TestUnknownReason(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	w.fault(faults.Fault{Kind: simulated.UnknownReason, Endpoint: "start"})
	_, err := c.Start(t.Context(), w.request(w.people[0], signing.ChannelQR))
	f, ok := fault.As(err)
	require.True(t, ok)
	require.Equal(t, fault.Invalid, f.Kind)
	require.Equal(t, "RFA99_SIMULATED_UNKNOWN", f.ProviderCode)
}
