package bankid_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
	simulated "github.com/handslag/handslag/simulator/bankid"
)

// Every hint of a live order that BankID documents, those of 2026 among them, and
// one that it does not. Each is what the adapter passes on, leaves the order
// live, and has a text for the person.
func TestEveryPendingHint(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	for hint, message := range map[string]providers.MessageID{
		"outstandingTransaction": "RFA1", "noClient": "RFA1", "started": "RFA15B", "userMrtd": "RFA23", "userStepUp": "RFA25",
		"userFace": "RFA24", "userCallConfirm": "HS1", "userSign": "RFA9", "processing": "RFA21", simulated.UnknownCode: "RFA21",
	} {
		t.Run(hint, func(t *testing.T) {
			o, err := c.Start(t.Context(), request(w.people[0], signing.ChannelQR))
			require.NoError(t, err)
			require.NoError(t, w.app.Script(t.Context(), string(o.Ref), simulated.Script{Hint: hint}))
			a, err := c.Collect(t.Context(), o.Ref)
			require.NoError(t, err)
			require.False(t, a.Terminal)
			require.Equal(t, hint, a.Hint)
			got := providers.PendingMessage(a.Hint, signing.ChannelQR, providers.DeviceMobile)
			require.Equal(t, message, got)
			require.NotEmpty(t, got.Text(signing.LocaleSV))
			w.clock.Advance(3 * time.Minute)
		})
	}
}

// Every hint of a failed order, from the person's app to the reason that the
// collection is told and the text that the person is shown.
func TestEveryFailedHint(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	for hint, want := range map[string]struct {
		reason  signing.Reason
		message providers.MessageID
	}{
		"expiredTransaction":      {signing.ReasonTimeout, "RFA8"},
		"certificateErr":          {signing.ReasonIDInvalid, "RFA16"},
		"userCancel":              {signing.ReasonUserCancelled, "RFA6"},
		"cancelled":               {signing.ReasonSuperseded, "RFA3"},
		"startFailed":             {signing.ReasonNotStarted, "RFA17B"},
		"userDeclinedCall":        {signing.ReasonCallDeclined, "HS2"},
		"notSupportedByUserApp":   {signing.ReasonAppUnsupported, "HS3"},
		"mrtdVerificationFailed":  {signing.ReasonStepUpFailed, "RFA26"},
		"facialRecognitionFailed": {signing.ReasonStepUpFailed, "RFA27"},
		"nfcNotSupportedByDevice": {signing.ReasonAppUnsupported, "RFA28"},
		"multipleBankIdsOnDevice": {signing.ReasonAppUnsupported, "RFA29"},
		"stepUpFailed":            {signing.ReasonStepUpFailed, "RFA30"},
		"transactionRiskBlocked":  {signing.ReasonProviderError, "RFA22"},
		simulated.UnknownCode:     {signing.ReasonProviderError, "RFA22"},
	} {
		t.Run(hint, func(t *testing.T) {
			for _, r := range []providers.StartRequest{request(w.people[0], signing.ChannelQR), identification(w.people[0], signing.ChannelQR)} {
				o, err := c.Start(t.Context(), r)
				require.NoError(t, err)
				require.NoError(t, w.app.Script(t.Context(), string(o.Ref), simulated.Script{Outcome: hint}))
				require.NoError(t, w.sign(t.Context(), w.people[0], signing.ChannelQR, o))
				a, err := c.Collect(t.Context(), o.Ref)
				require.NoError(t, err)
				require.True(t, a.Terminal)
				got, err := c.Interpret(a.Raw, providers.Expectation{Order: o.Ref, Method: r.Method, Signer: r.Signer})
				require.NoError(t, err)
				require.Equal(t, providers.Result{Outcome: signing.OutcomeFailed, Reason: want.reason, ProviderCode: hint}, got)
				message := providers.FailedMessage(got.ProviderCode, signing.ChannelQR)
				require.Equal(t, want.message, message)
				for _, l := range []signing.Locale{signing.LocaleSV, signing.LocaleNB, signing.LocaleEN} {
					require.NotEmpty(t, message.Text(l))
				}
			}
		})
	}
}
