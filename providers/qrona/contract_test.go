package qrona_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/providertest"
	"github.com/handslag/handslag/providers/qrona"
	"github.com/handslag/handslag/signing"
	simbankid "github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
	simulated "github.com/handslag/handslag/simulator/qrona"
)

func TestContract(t *testing.T) { providertest.Run(t, subject) }

// An account whose answers can be had again, and whose failures say nothing.
func TestContractWithAnswersKept(t *testing.T) {
	providertest.Run(t, func(t *testing.T) providertest.Subject {
		s, w := stage(t)
		w.settings(simulated.Settings{Token: token, Failed: simulated.FailedError})
		s.OneAnswer = false
		return s
	})
}

func subject(t *testing.T) providertest.Subject {
	s, _ := stage(t)
	return s
}

func stage(t *testing.T) (providertest.Subject, *world) {
	w := newWorld(t)
	once := func(f faults.Fault) func() { return func() { w.fault(f) } }
	c := w.client(func(c *qrona.Config) { c.RequestTimeout = time.Second })
	return providertest.Subject{
		Provider: c, Request: request, People: w.people, Clock: w.clock.Now, Advance: w.clock.Advance,
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
		LoseStart:   once(faults.Fault{Kind: faults.CutAfter, Endpoint: "auth"}),
		LoseCollect: once(faults.Fault{Kind: faults.CutAfter, Endpoint: "collect", TerminalOnly: true}),
		LoseCancel:  once(faults.Fault{Kind: faults.CutAfter, Endpoint: "cancel"}),
		LoseCall:    once(faults.Fault{Kind: simulated.CutWaiting}),
		Down:        once(faults.Fault{Kind: faults.Maintenance}),
		Forge: map[string]providertest.Forgery{
			"other person": {Set: once(faults.Fault{Kind: simulated.OtherPerson}), Reason: signing.ReasonWrongSigner, ProviderCode: "wrong_signer"},
			"no person":    {Set: once(faults.Fault{Kind: simulated.NoPerson}), Reason: signing.ReasonVerificationFailed, ProviderCode: "no_person"},
		},
		Elsewhere: func(t *testing.T) providers.Provider {
			return w.client(func(c *qrona.Config) { c.BaseURL = nowhere(t) })
		},
		OneAnswer: true, Patience: 1500 * time.Millisecond,
	}, w
}

// Qrona must never pass for a signature.
func TestSignsNothing(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	require.Equal(t, []signing.Method{signing.MethodBankIDSEIdentify}, c.Capabilities().Methods)
	r := request(w.people[0], signing.ChannelQR)
	r.Method = signing.MethodBankIDSE
	_, err := c.Start(t.Context(), r)
	require.Equal(t, fault.Invalid, fault.KindOf(err), "%v", err)
	r.Channel = signing.ChannelPhone
	_, err = c.StartAndWait(t.Context(), r, func(providers.OrderRef) { require.Fail(t, "sent") })
	require.Equal(t, fault.Invalid, fault.KindOf(err), "%v", err)
}

// An older Qrona took the person's number, so that another cannot complete it;
// the present one refuses it.
func TestPersonalNumberOnAuth(t *testing.T) {
	w := newWorld(t)
	older := w.client(func(c *qrona.Config) { c.SendPersonalNumber = true })
	_, err := older.Start(t.Context(), request(w.people[0], signing.ChannelQR))
	require.Equal(t, fault.Invalid, fault.KindOf(err), "%v", err)
	w.settings(simulated.Settings{Token: token, PersonalNumberOnAuth: true, AnswersOnce: true, Failed: simulated.FailedAsBankID})
	o, err := older.Start(t.Context(), request(w.people[0], signing.ChannelSameDevice))
	require.NoError(t, err)
	require.Error(t, w.sign(t.Context(), older, w.people[1], signing.ChannelSameDevice, o))
	a, err := older.Collect(t.Context(), o.Ref)
	require.NoError(t, err)
	require.True(t, a.Terminal)
	require.Equal(t, "certificateErr", a.Hint)
}

// All ends at one BankID: a call while another order is live is refused, and the
// live one ends.
func TestPersonWithAnotherOrder(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	o, err := c.Start(t.Context(), request(w.people[0], signing.ChannelQR))
	require.NoError(t, err)
	_, err = w.open(t.Context(), c, w.people[0], signing.ChannelQR, o)
	require.NoError(t, err)
	_, err = c.StartAndWait(t.Context(), request(w.people[0], signing.ChannelPhone), func(providers.OrderRef) {})
	f, ok := fault.As(err)
	require.True(t, ok)
	require.Equal(t, fault.Conflict, f.Kind)
	require.Equal(t, providers.MessageInProgress, providers.ErrorMessage(f.ProviderCode))
	a, err := c.Collect(t.Context(), o.Ref)
	require.NoError(t, err)
	require.Equal(t, "cancelled", a.Hint)
}

// How Qrona tells of a failure is not known: each way is one.
func TestFailedShapes(t *testing.T) {
	for shape, want := range map[simulated.FailedShape]struct {
		reason signing.Reason
		code   string
	}{
		simulated.FailedAsBankID: {signing.ReasonUserCancelled, "userCancel"},
		simulated.FailedError:    {signing.ReasonUserCancelled, "userCancel"},
		simulated.FailedBare:     {signing.ReasonProviderError, "failed"},
	} {
		t.Run(string(shape), func(t *testing.T) {
			w := newWorld(t)
			w.settings(simulated.Settings{Token: token, AnswersOnce: true, Failed: shape})
			c := w.client(nil)
			r := request(w.people[0], signing.ChannelQR)
			o, err := c.Start(t.Context(), r)
			require.NoError(t, err)
			v, err := w.open(t.Context(), c, w.people[0], signing.ChannelQR, o)
			require.NoError(t, err)
			require.NoError(t, w.app.Cancel(t.Context(), w.people[0].Reveal(), v.OrderRef))
			a, err := c.Collect(t.Context(), o.Ref)
			require.NoError(t, err)
			require.True(t, a.Terminal)
			result, err := c.Interpret(a.Raw, providers.Expectation{Order: o.Ref, Method: r.Method, Signer: r.Signer})
			require.NoError(t, err)
			require.Equal(t, providers.Result{Outcome: signing.OutcomeFailed, Reason: want.reason, ProviderCode: want.code}, result)
		})
	}
}

// The pending answer printed on Qrona's page is no JSON; should the wire have it,
// the next collect is as good.
func TestPendingWithoutComma(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	o, err := c.Start(t.Context(), request(w.people[0], signing.ChannelQR))
	require.NoError(t, err)
	w.fault(faults.Fault{Kind: simulated.MissingComma})
	_, err = c.Collect(t.Context(), o.Ref)
	require.Equal(t, fault.Uncertain, fault.KindOf(err), "%v", err)
	a, err := c.Collect(t.Context(), o.Ref)
	require.NoError(t, err)
	require.NotEmpty(t, a.RelayedQR)
}

// New hints of BankID reach us through Qrona, and are as good as any.
func TestUnknownHints(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	require.NoError(t, w.app.Script(t.Context(), "", simbankid.Script{Hint: simbankid.UnknownCode}))
	o, err := c.Start(t.Context(), request(w.people[0], signing.ChannelQR))
	require.NoError(t, err)
	a, err := c.Collect(t.Context(), o.Ref)
	require.NoError(t, err)
	require.False(t, a.Terminal)
	require.Equal(t, simbankid.UnknownCode, a.Hint)
}

func TestWrongToken(t *testing.T) {
	w := newWorld(t)
	c := w.client(func(c *qrona.Config) { c.Token = "another" })
	_, err := c.Start(t.Context(), request(w.people[0], signing.ChannelQR))
	require.Equal(t, fault.Forbidden, fault.KindOf(err), "%v", err)
}
