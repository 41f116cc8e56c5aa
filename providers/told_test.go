package providers_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

func TestWaitingMessage(t *testing.T) {
	for _, row := range []struct {
		method signing.Method
		hint   string
		want   providers.MessageID
	}{
		{signing.MethodBankIDSE, "userSign", "RFA9"},
		{signing.MethodBankIDSEProcess, "initiated", "RFA1"},
		{signing.MethodBankIDSEProcess, "unknown", "RFA21"},
		{signing.MethodNBIDPKI, "READY", "HS5"},
		{signing.MethodNBIDPKI, "", "HS5"},
	} {
		require.Equal(t, row.want, providers.WaitingMessage(row.method, row.hint, signing.ChannelQR, providers.DeviceMobile), row.hint)
	}
}

// TestEndedMessage: what the adapters report as the end of an attempt is worded for
// the person, whichever provider it was.
func TestEndedMessage(t *testing.T) {
	for name, row := range map[string]struct {
		method signing.Method
		ended  signing.Attempt
		want   providers.MessageID
	}{
		"live":               {signing.MethodBankIDSE, signing.Attempt{}, ""},
		"signed":             {signing.MethodBankIDSE, signing.Attempt{Outcome: signing.OutcomeSigned}, ""},
		"identified":         {signing.MethodBankIDSEIdentify, signing.Attempt{Outcome: signing.OutcomeIdentified}, "HS8"},
		"cancelled":          {signing.MethodBankIDSE, signing.Attempt{Outcome: signing.OutcomeCancelled}, "RFA6"},
		"lost":               {signing.MethodNBIDPKI, signing.Attempt{Outcome: signing.OutcomeResultLost}, "RFA5"},
		"BankID's word":      {signing.MethodBankIDSE, failedBy("mrtdVerificationFailed", signing.ReasonStepUpFailed), "RFA26"},
		"IDkollen cancelled": {signing.MethodBankIDSE, failedBy("CANCELLED", signing.ReasonUserCancelled), "RFA6"},
		"IDkollen conflict":  {signing.MethodBankIDSE, failedBy("CONFLICT", signing.ReasonSuperseded), "RFA3"},
		"IDkollen time":      {signing.MethodBankIDSE, failedBy("SESSION_TIMEOUT", signing.ReasonTimeout), "RFA8"},
		"IDkollen id":        {signing.MethodBankIDSE, failedBy("INVALID_ID", signing.ReasonIDInvalid), "RFA16"},
		"IDkollen app":       {signing.MethodBankIDSE, failedBy("UNSUPPORTED_CLIENT", signing.ReasonAppUnsupported), "HS3"},
		"IDkollen other":     {signing.MethodBankIDSE, failedBy("AUTH_FAILED", signing.ReasonProviderError), "RFA22"},
		"SBAB":               {signing.MethodBankIDSEProcess, failedBy("COLLECT_ERROR", signing.ReasonProviderError), "RFA22"},
		"Qrona":              {signing.MethodBankIDSEIdentify, failedBy("userCancel", signing.ReasonUserCancelled), "RFA6"},
		"not started":        {signing.MethodBankIDSE, failedBy("x", signing.ReasonNotStarted), "RFA17B"},
		"step up":            {signing.MethodBankIDSE, failedBy("x", signing.ReasonStepUpFailed), "RFA30"},
		"call":               {signing.MethodBankIDSE, failedBy("x", signing.ReasonCallDeclined), "HS2"},
		"other person":       {signing.MethodBankIDSE, failedBy("wrong_signer", signing.ReasonWrongSigner), "HS4"},
		"not accepted":       {signing.MethodBankIDSE, failedBy("", signing.ReasonNotAccepted), "HS9"},
		"Signicat rejected":  {signing.MethodNBIDPKI, failedBy("REJECTED", signing.ReasonUserCancelled), "HS10"},
		"Signicat time":      {signing.MethodNBIDPKI, failedBy("EXPIRED", signing.ReasonTimeout), "HS6"},
		"Signicat person":    {signing.MethodNBIDPKI, failedBy("wrong_signer", signing.ReasonWrongSigner), "HS4"},
		"Signicat level":     {signing.MethodNBIDPKI, failedBy("", signing.ReasonNotAccepted), "HS9"},
		"Signicat rewrote":   {signing.MethodNBIDPKI, failedBy("prefix", signing.ReasonRewritten), "HS7"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, row.want, providers.EndedMessage(row.method, row.ended))
		})
	}
}

func failedBy(code string, r signing.Reason) signing.Attempt {
	return signing.Attempt{Outcome: signing.OutcomeFailed, Reason: r, ProviderCode: code, Channel: signing.ChannelQR}
}

// TestNothingCallsAnIdentificationASignature in what the person is told.
func TestNothingCallsAnIdentificationASignature(t *testing.T) {
	for _, l := range []signing.Locale{signing.LocaleSV, signing.LocaleNB, signing.LocaleEN} {
		text := strings.ToLower(providers.MessageReadAndAgree.Text(l))
		for _, word := range []string{"sign", "underskri", "skriv under"} {
			require.NotContains(t, text, word)
		}
	}
}
