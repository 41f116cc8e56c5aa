package idkollen_test

import (
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/idkollen"
	"github.com/handslag/handslag/signing"
)

// account returns a client of a server with any behaviour.
func account(t testing.TB, h http.HandlerFunc, change func(*idkollen.Config)) *idkollen.Client {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	quiet(s)
	s.StartTLS()
	t.Cleanup(s.Close)
	config := idkollen.Config{
		BaseURL: s.URL, AccountID: "konto-1", SecretKey: "hemlig nyckel", ServerRoots: x509.NewCertPool(), Environment: "simulator",
		Clock: time.Now, RequestTimeout: 2 * time.Second,
	}
	config.ServerRoots.AddCert(s.Certificate())
	if change != nil {
		change(&config)
	}
	c, err := idkollen.New(config)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func someone(t testing.TB) signing.PersonalNumber {
	t.Helper()
	n, err := signing.ParsePersonalNumber("191212121212")
	require.NoError(t, err)
	return n
}

const made = `{"id":"1668b9da-bff1-4dfc-ad48-60507b5a8d12","status":"PENDING","autoStartToken":"a","qrStartToken":"b","qrStartSecret":"c","new":{}}`

// sent starts an order at a server that keeps what it got.
func sent(t *testing.T, r providers.StartRequest, change func(*idkollen.Config)) (got *http.Request, body map[string]any, o providers.Order) {
	t.Helper()
	c := account(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		b, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(b, &body)
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, made)
	}, change)
	o, err := c.Start(t.Context(), r)
	require.NoError(t, err)
	return got, body, o
}

func everything(c *idkollen.Config) {
	c.RequirePIN, c.RequestAddress, c.CompanySignatory = true, true, true
	c.CallbackURL, c.CallbackKey = "https://sign.example.com/idkollen", "nyckel"
}

func TestSignOnTheWire(t *testing.T) {
	r := request(someone(t), signing.ChannelSameDevice)
	r.Organisation = "5590000948"
	got, body, o := sent(t, r, everything)
	require.Equal(t, "POST /v3/bankid-se/sign", got.Method+" "+got.URL.Path)
	require.Equal(t, "application/json", got.Header.Get("Content-Type"))
	id, key, _ := got.BasicAuth()
	require.Equal(t, "konto-1:hemlig nyckel", id+":"+key)
	require.Equal(t, map[string]any{
		"ssn": "191212121212", "text": r.VisibleText.Reveal(), "ipAddress": "192.0.2.1", "pinRequired": true, "requestAddress": true,
		"digest": "x", "orgNumber": "559000-0948", "refId": "att_x", "callbackUrl": "https://sign.example.com/idkollen",
	}, withDigest(body, "x"))
	require.EqualValues(t, "1668b9da-bff1-4dfc-ad48-60507b5a8d12", o.Ref)
	require.Equal(t, []string{"a", "b", "c"}, []string{o.AutoStartToken.Reveal(), o.QRToken.Reveal(), o.QRSecret.Reveal()})
}

// withDigest checks the form of the digest and puts another in its place.
func withDigest(body map[string]any, digest string) map[string]any {
	if s, _ := body["digest"].(string); len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" {
		body["digest"] = digest
	}
	return body
}

func TestDigestIsThatOfTheManifest(t *testing.T) {
	r := request(someone(t), signing.ChannelQR)
	r.Manifest = []byte("abc") // FIPS 180-4, example of SHA-256
	_, body, _ := sent(t, r, nil)
	require.Equal(t, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", body["digest"])
	r.Manifest = nil
	_, body, _ = sent(t, r, nil)
	require.NotContains(t, body, "digest")
}

func TestOthersOnTheWire(t *testing.T) {
	identify := func(c signing.Channel) providers.StartRequest {
		r := request(someone(t), c)
		r.Method, r.VisibleText, r.EndUser = signing.MethodBankIDSEIdentify, "Logga in", providers.EndUser{}
		return r
	}
	byUser := request(someone(t), signing.ChannelPhone)
	byUser.CallInitiator = providers.CallByUser
	for path, row := range map[string]struct {
		request providers.StartRequest
		ref     providers.OrderRef
		want    map[string]any
	}{
		"phone/sign": {byUser, "1668b9da-bff1-4dfc-ad48-60507b5a8d12", map[string]any{
			"text": byUser.VisibleText.Reveal(), "digest": "x", "callInitiator": "USER",
		}},
		"auth":       {identify(signing.ChannelQR), "auth/1668b9da-bff1-4dfc-ad48-60507b5a8d12", map[string]any{"intent": "Logga in"}},
		"phone/auth": {identify(signing.ChannelPhone), "auth/1668b9da-bff1-4dfc-ad48-60507b5a8d12", map[string]any{"intent": "Logga in", "callInitiator": "RP"}},
	} {
		got, body, o := sent(t, row.request, nil)
		require.Equal(t, "/v3/bankid-se/"+path, got.URL.Path)
		row.want["ssn"], row.want["refId"] = "191212121212", "att_x"
		require.Equal(t, row.want, withDigest(body, "x"), path)
		require.Equal(t, row.ref, o.Ref)
	}
}

func TestOrganisationIsSentWhereItIsEnabled(t *testing.T) {
	r := request(someone(t), signing.ChannelQR)
	r.Organisation = "559000-0948"
	_, body, _ := sent(t, r, nil)
	require.NotContains(t, body, "orgNumber")
}

// Nothing that is refused is sent.
func TestLimits(t *testing.T) {
	calls := 0
	c := account(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		_, _ = io.WriteString(w, made)
	}, everything)
	text := func(s string) func(*providers.StartRequest) {
		return func(r *providers.StartRequest) { r.VisibleText = signing.Private(s) }
	}
	intent := func(s string) func(*providers.StartRequest) {
		return func(r *providers.StartRequest) {
			r.Method, r.VisibleText = signing.MethodBankIDSEIdentify, signing.Private(s)
		}
	}
	nin, err := signing.ParseNIN("10109001291")
	if err != nil {
		nin = signing.PersonalNumber{}
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
		"no intent":               {intent(""), ""},
		"longest intent":          {intent(strings.Repeat("a", 1_125)), ""},
		"intent too long":         {intent(strings.Repeat("a", 1_126)), "/visibleText"},
		"no address":              {func(r *providers.StartRequest) { r.EndUser.IP = netip.Addr{} }, ""},
		"no person":               {func(r *providers.StartRequest) { r.Signer = signing.PersonalNumber{} }, "/signer"},
		"a Norwegian":             {func(r *providers.StartRequest) { r.Signer = nin }, "/signer"},
		"another method":          {func(r *providers.StartRequest) { r.Method = "nbid-pki" }, "/method"},
		"another channel":         {func(r *providers.StartRequest) { r.Channel = "pigeon" }, "/channel"},
		"nobody called":           {func(r *providers.StartRequest) { r.Channel, r.CallInitiator = signing.ChannelPhone, "" }, "/callInitiator"},
		"no organisation number":  {func(r *providers.StartRequest) { r.Organisation = "Bolaget AB" }, "/organisation"},
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
			require.Equal(t, "idkollen", f.Provider)
			require.Len(t, f.Fields, 1)
			require.Equal(t, tc.field, f.Fields[0].Pointer)
		})
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := idkollen.Config{
		BaseURL: "https://stgapi.idkollen.se", AccountID: "a", SecretKey: "b", Environment: "test", Clock: time.Now,
		CallbackURL: "https://sign.example.com/back", CallbackKey: "c",
	}
	_, err := idkollen.New(good)
	require.NoError(t, err)
	for name, change := range map[string]func(*idkollen.Config){
		"baseURL, cleartext":    func(c *idkollen.Config) { c.BaseURL = "http://api.idkollen.se" },
		"baseURL, with a path":  func(c *idkollen.Config) { c.BaseURL = "https://api.idkollen.se/v3" },
		"baseURL, with a user":  func(c *idkollen.Config) { c.BaseURL = "https://a:b@api.idkollen.se" },
		"baseURL, test as live": func(c *idkollen.Config) { c.Environment, c.BaseURL = "live", "https://STGAPI.idkollen.se" },
		"accountID, none":       func(c *idkollen.Config) { c.AccountID = "" },
		"accountID, a colon":    func(c *idkollen.Config) { c.AccountID = "a:b" },
		"secretKey, none":       func(c *idkollen.Config) { c.SecretKey = "" },
		"environment, none":     func(c *idkollen.Config) { c.Environment = "" },
		"callbackURL, wrong":    func(c *idkollen.Config) { c.CallbackURL = "http://sign.example.com" },
		"callbackKey, none":     func(c *idkollen.Config) { c.CallbackKey = "" },
		"statusEvery, negative": func(c *idkollen.Config) { c.StatusEvery = -1 },
		"rateLimitStatus, 404":  func(c *idkollen.Config) { c.RateLimitStatus = 404 },
		"clock, none":           func(c *idkollen.Config) { c.Clock = nil },
	} {
		config := good
		change(&config)
		_, err := idkollen.New(config)
		f, ok := fault.As(err)
		require.True(t, ok, name)
		require.Equal(t, strings.Split(name, ",")[0], f.Fields[0].Pointer, name)
	}
}
