package bankid_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/bankid"
	"github.com/handslag/handslag/signing"
)

// sent starts an order at a server that keeps what it got.
func sent(t *testing.T, r providers.StartRequest, change func(*bankid.Config)) (path, contentType string, body map[string]any) {
	t.Helper()
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		path, contentType = r.URL.Path, r.Header.Get("Content-Type")
		b, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(b, &body)
		_, _ = io.WriteString(w, `{"orderRef":"a","autoStartToken":"b","qrStartToken":"c","qrStartSecret":"d","new":{}}`)
	})
	_, err := account(t, s.URL+"/rp/v6.0/", change).Start(t.Context(), r)
	require.NoError(t, err)
	return path, contentType, body
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestSignOnTheWire(t *testing.T) {
	r := request(someone(t), signing.ChannelSameDevice)
	path, contentType, body := sent(t, r, func(c *bankid.Config) {
		c.RequirePIN, c.ReturnRisk, c.CertificatePolicies = true, true, []string{"1.2.752.78.1.5"}
	})
	require.Equal(t, "/rp/v6.0/sign", path)
	require.Equal(t, "application/json", contentType, "a charset gives 415")
	require.Equal(t, map[string]any{
		"endUserIp": "192.0.2.1", "returnUrl": "https://sign.example.com/back?nonce=x", "returnRisk": true,
		"userVisibleData": b64(r.VisibleText.Reveal()), "userVisibleDataFormat": "simpleMarkdownV1",
		"userNonVisibleData": b64(string(r.Manifest)),
		"web":                map[string]any{"referringDomain": "example.com", "userAgent": "test", "deviceIdentifier": "cookie"},
		"requirement":        map[string]any{"personalNumber": "191212121212", "pinCode": true, "certificatePolicies": []any{"1.2.752.78.1.5"}},
	}, body)
}

func TestSignWithLittleOnTheWire(t *testing.T) {
	r := request(someone(t), signing.ChannelQR)
	r.Manifest = nil
	r.EndUser = providers.EndUser{IP: netip.MustParseAddr("::ffff:192.0.2.7"), App: &providers.AppDevice{}}
	_, _, body := sent(t, r, nil)
	require.Equal(t, map[string]any{
		"endUserIp": "192.0.2.7", "userVisibleData": b64(r.VisibleText.Reveal()), "userVisibleDataFormat": "simpleMarkdownV1",
		"requirement": map[string]any{"personalNumber": "191212121212"},
	}, body, "no return URL with a QR code, no empty app")
}

func TestSignFromAnAppOnTheWire(t *testing.T) {
	r := request(someone(t), signing.ChannelSameDevice)
	r.EndUser = providers.EndUser{IP: netip.MustParseAddr("2001:db8::1"), App: &providers.AppDevice{AppIdentifier: "se.example", DeviceOS: "IOS 16.7.7"}}
	_, _, body := sent(t, r, nil)
	require.Equal(t, "2001:db8::1", body["endUserIp"])
	require.Equal(t, map[string]any{"appIdentifier": "se.example", "deviceOS": "IOS 16.7.7"}, body["app"])
	require.NotContains(t, body, "web")
}

func TestPhoneOnTheWire(t *testing.T) {
	for by, want := range map[providers.CallInitiator]string{providers.CallByUser: "user", providers.CallByOwner: "RP"} {
		r := request(someone(t), signing.ChannelPhone)
		r.CallInitiator = by
		path, _, body := sent(t, r, nil)
		require.Equal(t, "/rp/v6.0/phone/sign", path)
		require.Equal(t, map[string]any{
			"personalNumber": "191212121212", "callInitiator": want, "userVisibleData": b64(r.VisibleText.Reveal()),
			"userVisibleDataFormat": "simpleMarkdownV1", "userNonVisibleData": b64(string(r.Manifest)),
		}, body)
	}
}

func TestUserAgentIsCutBetweenCharacters(t *testing.T) {
	r := request(someone(t), signing.ChannelQR)
	r.EndUser.Web.UserAgent = strings.Repeat("a", 255) + "åäö"
	_, _, body := sent(t, r, nil)
	web, _ := body["web"].(map[string]any)
	require.Equal(t, strings.Repeat("a", 255), web["userAgent"])
}

// Every limit of the API, on the last value that passes and the first that does
// not. Nothing that is refused is sent.
func TestLimits(t *testing.T) {
	calls := 0
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		_, _ = io.WriteString(w, `{"orderRef":"a","autoStartToken":"b","qrStartToken":"c","qrStartSecret":"d"}`)
	})
	c := account(t, s.URL, nil)
	text := func(s string) func(*providers.StartRequest) {
		return func(r *providers.StartRequest) { r.VisibleText = signing.Private(s) }
	}
	web := func(d providers.WebDevice) func(*providers.StartRequest) {
		return func(r *providers.StartRequest) { r.EndUser.Web = &d }
	}
	for name, tc := range map[string]struct {
		change func(*providers.StartRequest)
		field  string // "" passes
	}{
		"longest text":            {text(strings.Repeat("a", 30_000)), ""},
		"text too long":           {text(strings.Repeat("a", 30_001)), "/visibleText"},
		"longest text, two bytes": {text(strings.Repeat("å", 15_000)), ""},
		"too long in bytes":       {text(strings.Repeat("å", 15_001)), "/visibleText"},
		"no text":                 {text(""), "/visibleText"},
		"no UTF-8":                {text("\xff"), "/visibleText"},
		"longest manifest":        {func(r *providers.StartRequest) { r.Manifest = make([]byte, 150_000) }, ""},
		"manifest too long":       {func(r *providers.StartRequest) { r.Manifest = make([]byte, 150_001) }, "/manifest"},
		"no address":              {func(r *providers.StartRequest) { r.EndUser.IP = netip.Addr{} }, "/endUser/ip"},
		"no real address":         {func(r *providers.StartRequest) { r.EndUser.IP = netip.IPv6Unspecified() }, "/endUser/ip"},
		"no person":               {func(r *providers.StartRequest) { r.Signer = signing.PersonalNumber{} }, "/signer"},
		"another method":          {func(r *providers.StartRequest) { r.Method = "nbid-pki" }, "/method"},
		"another channel":         {func(r *providers.StartRequest) { r.Channel = "pigeon" }, "/channel"},
		"nobody called":           {func(r *providers.StartRequest) { r.Channel, r.CallInitiator = signing.ChannelPhone, "" }, "/callInitiator"},
		"longest return URL":      {func(r *providers.StartRequest) { r.ReturnURL = "https://a.se/" + strings.Repeat("x", 499) }, ""},
		"return URL too long":     {func(r *providers.StartRequest) { r.ReturnURL = "https://a.se/" + strings.Repeat("x", 500) }, "/returnUrl"},
		"relative return URL":     {func(r *providers.StartRequest) { r.ReturnURL = "/back" }, "/returnUrl"},
		"browser and app":         {func(r *providers.StartRequest) { r.EndUser.App = &providers.AppDevice{DeviceOS: "x"} }, "/endUser"},
		"app identifier too long": {func(r *providers.StartRequest) {
			r.EndUser.Web, r.EndUser.App = nil, &providers.AppDevice{DeviceIdentifier: strings.Repeat("x", 65)}
		}, "/endUser/app/deviceIdentifier"},
		"short domain":        {web(providers.WebDevice{ReferringDomain: "ab"}), "/endUser/web/referringDomain"},
		"domain in capitals":  {web(providers.WebDevice{ReferringDomain: "Example.com"}), "/endUser/web/referringDomain"},
		"longest identifier":  {web(providers.WebDevice{DeviceIdentifier: strings.Repeat("x", 64)}), ""},
		"identifier too long": {web(providers.WebDevice{DeviceIdentifier: strings.Repeat("x", 65)}), "/endUser/web/deviceIdentifier"},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(someone(t), signing.ChannelSameDevice)
			tc.change(&r)
			before := calls
			_, err := c.Start(t.Context(), r)
			if tc.field == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, before, calls, "it was sent")
			f, ok := fault.As(err)
			require.True(t, ok)
			require.Equal(t, fault.Invalid, f.Kind)
			require.Equal(t, "bankid", f.Provider)
			require.Len(t, f.Fields, 1)
			require.Equal(t, tc.field, f.Fields[0].Pointer)
		})
	}
}

func TestConfigIsChecked(t *testing.T) {
	w := newWorld(t)
	for field, change := range map[string]func(*bankid.Config){
		"baseURL":             func(c *bankid.Config) { c.BaseURL = "http://appapi2.bankid.com/rp/v6.0" },
		"credentials":         func(c *bankid.Config) { c.Credentials.PrivateKey = nil },
		"serverRoots":         func(c *bankid.Config) { c.ServerRoots = nil },
		"anchors":             func(c *bankid.Config) { c.Environment = bankidsig.Live },
		"certificatePolicies": func(c *bankid.Config) { c.CertificatePolicies = []string{"mobile"} },
		"connectTimeout":      func(c *bankid.Config) { c.ConnectTimeout = -time.Second },
		"clock":               func(c *bankid.Config) { c.Clock = nil },
	} {
		config := w.config
		change(&config)
		_, err := bankid.New(config)
		f, ok := fault.As(err)
		require.True(t, ok, field)
		require.Equal(t, fault.Invalid, f.Kind)
		require.Equal(t, field, f.Fields[0].Pointer)
	}
}
