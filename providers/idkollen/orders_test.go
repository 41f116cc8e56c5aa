package idkollen_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/idkollen"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
	simulated "github.com/handslag/handslag/simulator/idkollen"
)

// ended collects an order that has ended, and interprets it.
func (w *world) ended(c *idkollen.Client, r providers.StartRequest, o providers.Order) providers.Result {
	w.t.Helper()
	w.clock.Advance(time.Second)
	a, err := c.Collect(w.t.Context(), o.Ref)
	require.NoError(w.t, err)
	require.True(w.t, a.Terminal, a.Hint)
	result, err := c.Interpret(a.Raw, providers.Expectation{
		Order: o.Ref, Method: r.Method, Signer: r.Signer, VisibleText: r.VisibleText, Manifest: r.Manifest, StartedAt: o.StartedAt, CollectedAt: w.clock.Now(),
	})
	require.NoError(w.t, err)
	return result
}

func (w *world) started(c *idkollen.Client, r providers.StartRequest) providers.Order {
	w.t.Helper()
	o, err := c.Start(w.t.Context(), r)
	require.NoError(w.t, err)
	return o
}

func (w *world) signed(c *idkollen.Client, r providers.StartRequest) providers.Result {
	w.t.Helper()
	o := w.started(c, r)
	require.NoError(w.t, w.sign(w.t.Context(), w.people[0], r.Channel, o))
	return w.ended(c, r, o)
}

func TestCompanySignatoryAndAddress(t *testing.T) {
	w := newWorld(t)
	w.put(http.MethodPut, "/companies/559000-0948", `{"signatoryText":"Firman tecknas av Ada A"}`)
	c := w.client(func(c *idkollen.Config) { c.CompanySignatory, c.RequestAddress, c.RequirePIN = true, true, true })
	r := request(w.people[0], signing.ChannelQR)
	r.Organisation = "559000-0948"
	got := w.signed(c, r)
	require.Equal(t, signing.OutcomeSigned, got.Outcome)
	require.Equal(t, "told", got.Checks["company_signatory"])
	require.Equal(t, "told", got.Checks["address"])
	require.NotEmpty(t, got.Checks["bankid_issue_date"])
	r.Organisation = ""
	require.NotContains(t, w.signed(c, r).Checks, "company_signatory")
}

// The same text and digest reach BankID, where the person reads the one.
func TestPersonReadsOurText(t *testing.T) {
	for _, digestAsIs := range []string{"false", "true"} {
		w := newWorld(t)
		w.put(http.MethodPut, "/settings", `{"digestAsIs":`+digestAsIs+`}`)
		c := w.client(nil)
		r := request(w.people[0], signing.ChannelQR)
		o := w.started(c, r)
		ref, err := w.open(t.Context(), w.people[0], r.Channel, o)
		require.NoError(t, err)
		v, err := w.app.Order(t.Context(), ref)
		require.NoError(t, err)
		require.Equal(t, r.VisibleText.Reveal(), v.Text)
		require.Empty(t, v.Format, "plain text")
		require.Equal(t, "IDkollen", v.RelyingParty)
	}
}

// What IDkollen has one word for is told by that word.
func TestDeclinedCall(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	r := request(w.people[0], signing.ChannelPhone)
	o := w.started(c, r)
	ref, err := w.open(t.Context(), w.people[0], signing.ChannelPhone, o)
	require.NoError(t, err)
	require.NoError(t, w.app.DeclineCall(t.Context(), w.people[0].Reveal(), ref))
	got := w.ended(c, r, o)
	require.Equal(t, signing.ReasonProviderError, got.Reason)
	require.Equal(t, "AUTH_FAILED", got.ProviderCode)
}

// BankID's own failures, as IDkollen words them.
func TestFailuresAtBankID(t *testing.T) {
	for hint, want := range map[string]signing.Reason{
		"cancelled": signing.ReasonSuperseded, "certificateErr": signing.ReasonIDInvalid, "expiredTransaction": signing.ReasonTimeout,
		"notSupportedByUserApp": signing.ReasonAppUnsupported, "stepUpFailed": signing.ReasonProviderError,
		bankid.UnknownCode: signing.ReasonProviderError,
	} {
		w := newWorld(t)
		require.NoError(t, w.app.Script(t.Context(), "", bankid.Script{Outcome: hint}))
		require.Equal(t, want, w.signed(w.client(nil), request(w.people[0], signing.ChannelQR)).Reason, hint)
	}
	w := newWorld(t)
	w.fault(simulated.UnknownFailure, "")
	require.NoError(t, w.app.Script(t.Context(), "", bankid.Script{Outcome: "userCancel"}))
	require.Equal(t, simulated.UnknownCode, w.signed(w.client(nil), request(w.people[0], signing.ChannelQR)).ProviderCode)
}

// Two phone orders for one person: BankID refuses the second and ends the first.
func TestPersonWithAnotherOrder(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	r := request(w.people[0], signing.ChannelPhone)
	first := w.started(c, r)
	_, err := c.Start(t.Context(), r)
	f, ok := fault.As(err)
	require.True(t, ok)
	require.Equal(t, fault.Conflict, f.Kind)
	require.Equal(t, providers.MessageInProgress, providers.ErrorMessage(f.ProviderCode))
	require.Equal(t, signing.ReasonSuperseded, w.ended(c, r, first).Reason)
}

func TestStatusExpires(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	r := request(w.people[0], signing.ChannelQR)
	o := w.started(c, r)
	require.NoError(t, w.sign(t.Context(), w.people[0], r.Channel, o))
	require.Equal(t, signing.OutcomeSigned, w.ended(c, r, o).Outcome)
	w.clock.Advance(11 * time.Minute)
	_, err := c.Collect(t.Context(), o.Ref)
	require.ErrorIs(t, err, providers.ErrResultLost)

	w.put(http.MethodPut, "/settings", `{"cancelledIsGone":true,"cancelEndedIsFine":true}`)
	o = w.started(c, r)
	require.NoError(t, c.Cancel(t.Context(), o.Ref))
	require.NoError(t, c.Cancel(t.Context(), o.Ref))
	_, err = c.Collect(t.Context(), o.Ref)
	require.ErrorIs(t, err, providers.ErrResultLost)
}

// What is not about this order, or not known yet, is asked for again.
func TestStrangeAnswersAreAskedForAgain(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	r := request(w.people[0], signing.ChannelQR)
	o := w.started(c, r)
	require.NoError(t, w.sign(t.Context(), w.people[0], r.Channel, o))
	w.fault(simulated.OtherOrder, "")
	_, err := c.Collect(t.Context(), o.Ref)
	require.Equal(t, fault.Uncertain, fault.KindOf(err))
	w.clock.Advance(time.Second)
	w.fault(simulated.UnknownStatus, "")
	a, err := c.Collect(t.Context(), o.Ref)
	require.NoError(t, err)
	require.False(t, a.Terminal)
	require.Equal(t, simulated.UnknownCode, a.Hint)
	require.Equal(t, signing.OutcomeSigned, w.ended(c, r, o).Outcome)
}

// IDkollen refuses whoever asks faster than allowed, and nothing is lost by it.
func TestAskingTooFast(t *testing.T) {
	for name, perAccount := range map[string]bool{"per order": false, "per account": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if perAccount {
				w.put(http.MethodPut, "/settings", `{"perAccount":true,"rateLimitStatus":429}`)
			}
			hasty := w.client(func(c *idkollen.Config) { c.StatusEvery = time.Nanosecond })
			first, second := w.started(hasty, request(w.people[0], signing.ChannelQR)), w.started(hasty, request(w.people[1], signing.ChannelQR))
			_, err := hasty.Collect(t.Context(), first.Ref)
			require.NoError(t, err)
			w.clock.Advance(100 * time.Millisecond)
			_, err = hasty.Collect(t.Context(), first.Ref)
			f, ok := fault.As(err)
			require.True(t, ok)
			require.Equal(t, fault.Unavailable, f.Kind)
			require.Positive(t, f.RetryAfter)
			_, err = hasty.Collect(t.Context(), second.Ref)
			require.Equal(t, perAccount, err != nil, "%v", err)
		})
	}
}

// A kept connection that is cut is not a reason to ask twice: that would be
// faster than allowed.
func TestCutStatusIsNotAskedForTwice(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	o := w.started(c, request(w.people[0], signing.ChannelQR))
	for _, kind := range []faults.Kind{faults.CutBefore, faults.CutAfter} {
		w.clock.Advance(time.Second)
		w.fault(kind, `,"endpoint":"status"`)
		_, err := c.Collect(t.Context(), o.Ref)
		require.Equal(t, fault.Uncertain, fault.KindOf(err), "%v", err)
	}
	w.clock.Advance(time.Second)
	_, err := c.Collect(t.Context(), o.Ref)
	require.NoError(t, err)
}

func TestFaultsOfTransport(t *testing.T) {
	w := newWorld(t)
	c := w.client(func(c *idkollen.Config) { c.RequestTimeout = 2 * time.Second })
	for _, row := range []struct {
		kind faults.Kind
		more string
		want fault.Kind
	}{
		{faults.CutBefore, "", fault.Uncertain},
		{faults.InternalError, "", fault.Uncertain},
		{faults.BadGateway, "", fault.Uncertain},
		{simulated.GatewayPage, "", fault.Uncertain},
		{faults.TooManyRequests, "", fault.Unavailable},
		{faults.Unauthorized, "", fault.Forbidden},
		{simulated.UnknownError, "", fault.Invalid},
		{faults.Slow, `,"delay":"2500ms"`, fault.Uncertain},
	} {
		w.fault(row.kind, row.more)
		_, err := c.Start(t.Context(), request(w.people[0], signing.ChannelQR))
		require.Equal(t, row.want, fault.KindOf(err), "%s: %v", row.kind, err)
	}
}

// A handshake that hangs is tried again, as nothing was sent.
func TestHandshakeHangsOnce(t *testing.T) {
	w := newWorld(t)
	w.fault(faults.HandshakeHang, `,"delay":"2s"`)
	c := w.client(func(c *idkollen.Config) { c.ConnectTimeout = 500 * time.Millisecond })
	w.started(c, request(w.people[0], signing.ChannelQR))
}

func TestWrongCredentials(t *testing.T) {
	w := newWorld(t)
	c := w.client(func(c *idkollen.Config) { c.SecretKey = "fel nyckel" })
	_, err := c.Start(t.Context(), request(w.people[0], signing.ChannelQR))
	require.Equal(t, fault.Forbidden, fault.KindOf(err))
	require.NotContains(t, err.Error(), "fel nyckel")
}

// A callback address that IDkollen has not listed is refused with the order.
func TestUnlistedCallback(t *testing.T) {
	w := newWorld(t)
	c := w.client(func(c *idkollen.Config) { c.CallbackURL = "https://elsewhere.example.com/back" })
	_, err := c.Start(t.Context(), request(w.people[0], signing.ChannelQR))
	require.Equal(t, fault.Invalid, fault.KindOf(err), "%v", err)
}

func TestNothingPrintsASecret(t *testing.T) {
	w := newWorld(t)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, v := range []any{w.config, &w.config, w.client(nil), *w.client(nil)} {
			printed := fmt.Sprintf(verb, v)
			for _, secret := range []string{"hemlig nyckel", callbackKey, base64.StdEncoding.EncodeToString([]byte("konto-1:hemlig nyckel"))} {
				require.NotContains(t, printed, secret, "%s of %T", verb, v)
			}
		}
	}
}
