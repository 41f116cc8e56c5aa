package sbab_test

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/sbab"
	"github.com/handslag/handslag/signing"
)

const secret = "the-client-secret-of-the-test"

// account is one at a server with any behaviour beside its tokens.
func account(t *testing.T, h http.HandlerFunc, change func(*sbab.Config)) *sbab.Client {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/auth/1.0/token" {
			_, _ = io.WriteString(w, `{"access_token":"tok","expires_in":1800,"token_type":"bearer"}`)
			return
		}
		h(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	config := sbab.Config{
		BaseURL: s.URL + "/partner/signing/1.0", ClientID: "us", ClientSecret: secret, Roots: roots, Environment: "test",
		Clock: time.Now, RequestTimeout: 2 * time.Second,
	}
	if change != nil {
		change(&config)
	}
	c, err := sbab.New(config)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

const html = "<html><head><title>Oops</title></head><body>191212121212</body></html>"

// What SBAB's answers mean, for each call: by the number of BankID's message
// where the reason has one, or else by the status.
func TestStatuses(t *testing.T) {
	reason := func(code string) string {
		return `{"title":"x","status":1,"instance":"/signing/start","reason":{"code":"` + code + `","message":"191212121212"}}`
	}
	for _, tc := range []struct {
		status                 int
		body                   string
		start, collect, cancel fault.Kind
	}{
		{409, reason("RFA4_SIGNING_IN_PROGRESS"), fault.Conflict, fault.Uncertain, fault.Conflict},
		{409, html, fault.Conflict, fault.Uncertain, fault.Conflict},
		{400, reason("RFA4_ANOTHER_NAME"), fault.Conflict, fault.Uncertain, fault.Conflict},
		{400, reason("RFA48_ANOTHER_NUMBER"), fault.Invalid, fault.Uncertain, fault.Uncertain},
		{400, reason("person 191212121212"), fault.Invalid, fault.Uncertain, fault.Uncertain},
		{400, html, fault.Invalid, fault.Uncertain, fault.Uncertain},
		{401, html, fault.Forbidden, fault.Forbidden, fault.Forbidden},
		{403, reason("NO_SCOPE"), fault.Forbidden, fault.Forbidden, fault.Forbidden},
		{404, reason("NO_SUCH_PARTICIPANT"), fault.Invalid, fault.NotFound, fault.NotFound},
		{410, html, fault.Invalid, fault.NotFound, fault.NotFound},
		{422, html, fault.Invalid, fault.Uncertain, fault.Uncertain},
		{429, html, fault.Unavailable, fault.Unavailable, fault.Unavailable},
		{500, reason("RFA5_INTERNAL"), fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{502, html, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{503, html, fault.Uncertain, fault.Unavailable, fault.Uncertain},
		{504, "", fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{302, html, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{200, html, fault.Uncertain, fault.Uncertain, ""},
		{200, "", fault.Uncertain, fault.Uncertain, ""},
		{200, `{"status":7}`, fault.Uncertain, fault.Uncertain, ""},
		{200, `{"status":"PENDING","hint_code":7,"qr_string":["x"]}`, fault.Uncertain, "", ""},
		{200, `{"autostart_token":"a","qr_string":"q","more":{}}`, "", fault.Uncertain, ""},
		{201, `{"autostart_token":"a"}`, "", fault.Uncertain, ""},
		{200, strings.Repeat(" ", 100<<10) + "{}", fault.Uncertain, fault.Uncertain, fault.Uncertain},
	} {
		t.Run(fmt.Sprintf("%d %.60s", tc.status, strings.TrimSpace(tc.body)), func(t *testing.T) {
			c := account(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "7")
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			}, nil)
			_, errStart := c.Start(t.Context(), request(signing.ChannelQR))
			_, errCollect := c.Collect(t.Context(), "x")
			for _, call := range []struct {
				name string
				err  error
				want fault.Kind
			}{{"start", errStart, tc.start}, {"collect", errCollect, tc.collect}, {"cancel", c.Cancel(t.Context(), "x"), tc.cancel}} {
				if call.want == "" {
					require.NoError(t, call.err, call.name)
					continue
				}
				f, ok := fault.As(call.err)
				require.True(t, ok, call.name)
				require.Equal(t, call.want, f.Kind, "%s: %v", call.name, call.err)
				require.Equal(t, "sbab", f.Provider)
				for _, private := range []string{"191212121212", secret, "tok:", "Bearer"} {
					require.NotContains(t, call.err.Error()+f.ProviderCode, private, call.name)
				}
				if call.want == fault.Unavailable || call.want == fault.Conflict {
					require.Equal(t, 7*time.Second, f.RetryAfter, call.name)
				}
			}
		})
	}
}

// What is sent is the participant and nothing else: no text, no person.
func TestRequestsAsDocumented(t *testing.T) {
	var seen []string
	c := account(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, strings.Join([]string{
			r.Method, r.URL.Path, r.Header.Get("Content-Type"), r.Header.Get("Authorization"), r.Header.Get("X-Forwarded-For"), string(body),
		}, " "))
		_, _ = io.WriteString(w, `{"autostart_token":"a","qr_string":"q","status":"COMPLETE"}`)
	}, func(c *sbab.Config) { c.EndUserIPHeader = "x-forwarded-for" })
	r := request(signing.ChannelQR)
	r.EndUser.IP = netip.MustParseAddr("2001:db8::1%eth0")
	o, err := c.Start(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "q"}, []string{o.AutoStartToken.Reveal(), o.RelayedQR.Reveal()})
	_, err = c.Start(t.Context(), request(signing.ChannelPhone))
	require.NoError(t, err)
	_, err = c.Collect(t.Context(), o.Ref)
	require.NoError(t, err)
	require.NoError(t, c.Cancel(t.Context(), o.Ref))
	const id = `{"participant_id":"b9052a54-7e40-11ee-b962-0242ac120002"}`
	require.Equal(t, []string{
		"POST /partner/signing/1.0/start application/json Bearer tok 2001:db8::1 " + id,
		"POST /partner/signing/1.0/start/phone application/json Bearer tok  " + id,
		"POST /partner/signing/1.0/collect application/json Bearer tok  " + id,
		"POST /partner/signing/1.0/cancel application/json Bearer tok  " + id,
	}, seen)
}

// Requests that SBAB cannot take never leave us.
func TestRefusedRequests(t *testing.T) {
	c := account(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") }, func(c *sbab.Config) { c.EndUserIPHeader = "X-Ip" })
	for name, change := range map[string]func(*providers.StartRequest){
		"our documents":  func(r *providers.StartRequest) { r.Method = signing.MethodBankIDSE },
		"no participant": func(r *providers.StartRequest) { r.ProviderParticipant = "" },
		"a person":       func(r *providers.StartRequest) { r.ProviderParticipant = "Sven Svensson" },
		"no address":     func(r *providers.StartRequest) { r.EndUser.IP = netip.Addr{} },
		"channel":        func(r *providers.StartRequest) { r.Channel = "telepathy" },
	} {
		r := request(signing.ChannelQR)
		change(&r)
		_, err := c.Start(t.Context(), r)
		require.Equal(t, fault.Invalid, fault.KindOf(err), name)
		require.NotContains(t, err.Error(), "Sven")
	}
}

func TestConfig(t *testing.T) {
	good := sbab.Config{ClientID: "us", ClientSecret: secret, Environment: "live", Clock: time.Now}
	c, err := sbab.New(good)
	require.NoError(t, err)
	require.Equal(t, time.Second, c.Capabilities().CollectEvery)
	_, err = sbab.New(sbab.Config{SandboxKey: secret, Environment: "test", Clock: time.Now})
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, c), secret)
		require.NotContains(t, fmt.Sprintf(verb, good), secret)
	}
	for field, change := range map[string]func(*sbab.Config){
		"baseURL":         func(c *sbab.Config) { c.BaseURL = "http://api.sbab.se" },
		"tokenURL":        func(c *sbab.Config) { c.TokenURL = "token" },
		"clientID":        func(c *sbab.Config) { c.ClientID = "" },
		"clientSecret":    func(c *sbab.Config) { c.ClientSecret = "" },
		"sandboxKey":      func(c *sbab.Config) { c.SandboxKey = "both" },
		"environment":     func(c *sbab.Config) { c.ClientID, c.ClientSecret, c.SandboxKey = "", "", "key" },
		"endUserIPHeader": func(c *sbab.Config) { c.EndUserIPHeader = "authorization" },
		"collectEvery":    func(c *sbab.Config) { c.CollectEvery = 5 * time.Second },
		"addressBlock":    func(c *sbab.Config) { c.AddressBlock = -1 },
		"connectTimeout":  func(c *sbab.Config) { c.ConnectTimeout = -1 },
		"clock":           func(c *sbab.Config) { c.Clock = nil },
	} {
		config := good
		change(&config)
		_, err := sbab.New(config)
		f, ok := fault.As(err)
		require.True(t, ok, field)
		require.Equal(t, field, f.Fields[0].Pointer)
		require.NotContains(t, err.Error(), secret)
	}
}

func TestInterpret(t *testing.T) {
	c := account(t, nil, nil)
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	x := providers.Expectation{Order: "p-1", CollectedAt: at}
	for raw, want := range map[string]providers.Result{
		`{"status":"COMPLETE"}`: {
			Outcome: signing.OutcomeSigned, Assurance: signing.AssuranceAttestedProcess, SignedAt: at, Environment: "test",
			Checks: map[string]string{"signer": "not_told", "time_source": "collected", "proof": "none"},
		},
		`{"status":"COMPLETE","participant_id":"p-2"}`:         {Outcome: signing.OutcomeFailed, Reason: signing.ReasonVerificationFailed, ProviderCode: "wrong_order"},
		`{"status":"COLLECT_ERROR"}`:                           {Outcome: signing.OutcomeFailed, Reason: signing.ReasonProviderError, ProviderCode: "COLLECT_ERROR"},
		`{"status":"FAILED"}`:                                  {Outcome: signing.OutcomeFailed, Reason: signing.ReasonProviderError, ProviderCode: "FAILED"},
		`{"status":"FAILED","hint_code":"UNKNOWN"}`:            {Outcome: signing.OutcomeFailed, Reason: signing.ReasonProviderError, ProviderCode: "FAILED"},
		`{"status":"FAILED","hint_code":"START_FAILED"}`:       {Outcome: signing.OutcomeFailed, Reason: signing.ReasonNotStarted, ProviderCode: "startFailed"},
		`{"status":"FAILED","hintCode":"EXPIRED_TRANSACTION"}`: {Outcome: signing.OutcomeFailed, Reason: signing.ReasonTimeout, ProviderCode: "expiredTransaction"},
		`{"status":"FAILED","hintCode":"certificateErr"}`:      {Outcome: signing.OutcomeFailed, Reason: signing.ReasonIDInvalid, ProviderCode: "certificateErr"},
		`{"status":"complete"}`:                                {Outcome: signing.OutcomeFailed, Reason: signing.ReasonProviderError, ProviderCode: "complete"},
		`{"status":"Sven 191212121212"}`:                       {Outcome: signing.OutcomeFailed, Reason: signing.ReasonProviderError, ProviderCode: "unknown"},
		`{}`:                                                   {Outcome: signing.OutcomeFailed, Reason: signing.ReasonProviderError, ProviderCode: "malformed_answer"},
	} {
		r, err := c.Interpret([]byte(raw), x)
		require.NoError(t, err)
		require.Equal(t, want, r, raw)
	}
	for _, live := range []string{"INITIATED", "INITATED", "PENDING"} {
		_, err := c.Interpret([]byte(`{"status":"`+live+`"}`), x)
		require.Equal(t, "answer_not_terminal", fault.CodeOf(err))
	}
}

// Whatever is stored: only what says COMPLETE is signed.
func FuzzInterpret(f *testing.F) {
	f.Add([]byte(`{"status":"COMPLETE","participant_id":"p"}`))
	f.Add([]byte(`{"status":"FAILED","hint_code":"USER_CANCEL"}`))
	f.Add([]byte(`{"status":"PENDING","hint_code":"_A__B_"}`))
	c, err := sbab.New(sbab.Config{SandboxKey: "key", Environment: "test", Clock: time.Now})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := c.Interpret(raw, providers.Expectation{Order: "p"})
		if err != nil {
			return
		}
		if r.Outcome == signing.OutcomeSigned {
			var said struct {
				Status string `json:"status"`
			}
			_ = json.Unmarshal(raw, &said) // what has another type decides nothing
			require.Equal(t, "COMPLETE", said.Status)
			return
		}
		require.Equal(t, signing.OutcomeFailed, r.Outcome)
		require.NotEmpty(t, r.Reason)
		require.LessOrEqual(t, len(r.ProviderCode), 64)
	})
}
