package providers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// BankID's published example.
func TestQRText(t *testing.T) {
	const token, secret = "67df3917-fa0d-44e5-b327-edcc928297f8", "d28db9a7-4cde-429e-a983-359be676944c"
	for seconds, code := range []string{
		"dc69358e712458a66a7525beef148ae8526b1c71610eff2c16cdffb4cdac9bf8",
		"949d559bf23403952a94d103e67743126381eda00f0b3cbddbf7c96b1adcbce2",
		"a9e5ec59cb4eee4ef4117150abc58fad7a85439a6a96ccbecc3668b41795b3f3",
	} {
		text := providers.QRText(token, secret, seconds)
		require.Equal(t, fmt.Sprintf("bankid.%s.%d.%s", token, seconds, code), text.Reveal())
		require.NotContains(t, text.Reveal(), secret)
	}
}

func TestLaunchURL(t *testing.T) {
	require.Equal(t, "https://app.bankid.com/?autostarttoken=a-b", providers.LaunchURL("a-b", providers.DeviceMobile).Reveal())
	require.Equal(t, "bankid:///?autostarttoken=a-b&redirect=null", providers.LaunchURL("a-b", providers.DeviceComputer).Reveal())
	require.Equal(t, "bankid:///?autostarttoken=a%26redirect%3Dx&redirect=null", providers.LaunchURL("a&redirect=x", providers.DeviceComputer).Reveal())
}

func TestPendingMessage(t *testing.T) {
	for _, tc := range []struct {
		hint    string
		channel signing.Channel
		device  providers.Device
		want    providers.MessageID
	}{
		{"outstandingTransaction", signing.ChannelQR, providers.DeviceComputer, "RFA1"},
		{"outstandingTransaction", signing.ChannelPhone, providers.DeviceComputer, "RFA1"},
		{"outstandingTransaction", signing.ChannelSameDevice, providers.DeviceMobile, "RFA13"},
		{"noClient", signing.ChannelSameDevice, providers.DeviceMobile, "RFA1"},
		{"started", signing.ChannelSameDevice, providers.DeviceComputer, "RFA15A"},
		{"started", signing.ChannelSameDevice, providers.DeviceMobile, "RFA15B"},
		{"started", signing.ChannelQR, providers.DeviceComputer, "RFA15B"},
		{"userMrtd", signing.ChannelQR, providers.DeviceComputer, "RFA23"},
		{"userStepUp", signing.ChannelQR, providers.DeviceComputer, "RFA25"},
		{"userFace", signing.ChannelQR, providers.DeviceComputer, "RFA24"},
		{"userCallConfirm", signing.ChannelPhone, providers.DeviceComputer, "HS1"},
		{"userSign", signing.ChannelQR, providers.DeviceComputer, "RFA9"},
		{"processing", signing.ChannelQR, providers.DeviceComputer, "RFA21"},
		{"somethingNew", signing.ChannelQR, providers.DeviceComputer, "RFA21"},
		{"", signing.ChannelQR, providers.DeviceComputer, "RFA21"},
	} {
		require.Equal(t, tc.want, providers.PendingMessage(tc.hint, tc.channel, tc.device), "%s on %s and %s", tc.hint, tc.channel, tc.device)
	}
}

func TestFailedMessage(t *testing.T) {
	for hint, want := range map[string]providers.MessageID{
		"expiredTransaction": "RFA8", "certificateErr": "RFA16", "userCancel": "RFA6", "cancelled": "RFA3",
		"userDeclinedCall": "HS2", "notSupportedByUserApp": "HS3", "mrtdVerificationFailed": "RFA26",
		"facialRecognitionFailed": "RFA27", "nfcNotSupportedByDevice": "RFA28", "multipleBankIdsOnDevice": "RFA29",
		"stepUpFailed": "RFA30", "transactionRiskBlocked": "RFA22", "somethingNew": "RFA22", "startFailed": "RFA17B",
	} {
		require.Equal(t, want, providers.FailedMessage(hint, signing.ChannelQR), hint)
	}
	require.EqualValues(t, "RFA17A", providers.FailedMessage("startFailed", signing.ChannelSameDevice))
}

func TestErrorMessage(t *testing.T) {
	for code, want := range map[string]providers.MessageID{
		"alreadyInProgress": "RFA4", "invalidParameters": "RFA22", "unauthorized": "RFA22", "requestTimeout": "RFA5",
		"internalError": "RFA5", "maintenance": "RFA5", "somethingNew": "RFA22",
		"RFA4_SIGNING_IN_PROGRESS": "RFA4", "RFA17A_NO_APP": "RFA17A", "RFA99_NEW": "RFA22", "RFA_": "RFA22", "RFA4": "RFA22",
	} {
		require.Equal(t, want, providers.ErrorMessage(code), code)
	}
}

func TestEveryMessageHasTexts(t *testing.T) {
	const all = "RFA1 RFA2 RFA3 RFA4 RFA5 RFA6 RFA8 RFA9 RFA13 RFA15A RFA15B RFA16 RFA17A RFA17B RFA19 RFA20 RFA21 RFA22 RFA23 RFA24 RFA25 " +
		"RFA26 RFA27 RFA28 RFA29 RFA30 HS1 HS2 HS3 HS4 HS5 HS6 HS7 HS8 HS9 HS10"
	for id := range strings.FieldsSeq(all) {
		m := providers.MessageID(id)
		texts := []string{m.Text(signing.LocaleSV), m.Text(signing.LocaleEN), m.Text(signing.LocaleNB)}
		for i, text := range texts {
			require.NotEmpty(t, text, "%s, text %d", m, i)
		}
		require.NotEqual(t, texts[0], texts[1], m)
	}
	require.Empty(t, providers.MessageID("RFA99").Text(signing.LocaleSV))
}
