package bankid

import (
	"encoding/base64"
	"net/netip"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// Whatever is accepted keeps every limit, so that the signed XML needs no escaping.
func FuzzParseRequest(f *testing.F) {
	f.Add("sign", []byte(`{"endUserIp":"192.0.2.1","userVisibleData":"YQ==","requirement":{"certificatePolicies":["1.2.752.78.*"],"personalNumber":"191212121212"}}`))
	f.Add("auth", []byte(`{"endUserIp":"::1","web":{"referringDomain":"a.se"}}`))
	f.Add("phone/sign", []byte(`{"personalNumber":"191212121212","callInitiator":"RP","userVisibleData":"YQ=="}`))
	f.Add("phone/auth", []byte(`{"app":null}`))
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		k := kind(path)
		q, problem := parseRequest(k, body)
		if problem != nil {
			require.Equal(t, "invalidParameters", problem.code)
			return
		}
		visible, nonVisible := maxAuthText, maxAuthText
		if k.signs() {
			visible, nonVisible = maxSignVisible, maxSignNonVisible
			require.NotEmpty(t, q.Visible)
		}
		require.LessOrEqual(t, len(q.Visible), visible)
		require.LessOrEqual(t, len(q.NonVisible), nonVisible)
		text, err := base64.StdEncoding.Strict().DecodeString(q.Visible)
		require.NoError(t, err)
		require.True(t, utf8.Valid(text))
		require.Equal(t, q.Visible, base64.StdEncoding.EncodeToString(text))
		if !k.phone() {
			_, err := netip.ParseAddr(q.EndUserIP)
			require.NoError(t, err)
		}
		for _, policy := range q.Requirement.Policies {
			require.NotContains(t, policy, "<")
		}
	})
}

func FuzzReadQR(f *testing.F) {
	f.Add("bankid.67df3917-fa0d-44e5-b327-edcc928297f8.0.dc69358e712458a66a7525beef148ae8526b1c71610eff2c16cdffb4cdac9bf8")
	f.Add("bankid.a.00.")
	f.Fuzz(func(t *testing.T, text string) {
		token, at, code, err := readQR(text)
		if err != nil {
			require.Equal(t, errQRMalformed, err)
			return
		}
		require.NotContains(t, token, ".")
		require.GreaterOrEqual(t, at, int64(0))
		_ = code
	})
}

// BankID's own vector.
func TestQRCodeVector(t *testing.T) {
	for at, want := range []string{
		"dc69358e712458a66a7525beef148ae8526b1c71610eff2c16cdffb4cdac9bf8",
		"949d559bf23403952a94d103e67743126381eda00f0b3cbddbf7c96b1adcbce2",
		"a9e5ec59cb4eee4ef4117150abc58fad7a85439a6a96ccbecc3668b41795b3f3",
	} {
		_, second, code, err := readQR("bankid.67df3917-fa0d-44e5-b327-edcc928297f8." + string(rune('0'+at)) + "." + want)
		require.NoError(t, err)
		require.Equal(t, qrCode("d28db9a7-4cde-429e-a983-359be676944c", second), code)
	}
}
