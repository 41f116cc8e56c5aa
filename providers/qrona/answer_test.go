package qrona_test

import (
	"crypto/x509"
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
	"github.com/handslag/handslag/providers/qrona"
	"github.com/handslag/handslag/signing"
)

func someone(t testing.TB) signing.PersonalNumber {
	t.Helper()
	n, err := signing.ParsePersonalNumber("191212121212")
	require.NoError(t, err)
	return n
}

// account is one at a server with any behaviour.
func account(t *testing.T, h http.HandlerFunc) *qrona.Client {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c, err := qrona.New(qrona.Config{BaseURL: s.URL, Token: token, Roots: roots, Environment: "test", Clock: time.Now, RequestTimeout: 2 * time.Second})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

const html = "<html><head><title>Oops</title></head><body>191212121212</body></html>"

// What Qrona's answers mean, for each call. Error bodies are BankID's by
// assumption, so the status has to be enough.
func TestStatuses(t *testing.T) {
	code := func(c string) string { return `{"errorCode":"` + c + `","details":"No. 191212121212"}` }
	for _, tc := range []struct {
		status                       int
		body                         string
		start, collect, cancel, call fault.Kind
	}{
		{400, code("alreadyInProgress"), fault.Conflict, fault.Uncertain, fault.Uncertain, fault.Conflict},
		{400, code("invalidParameters"), fault.Invalid, fault.NotFound, fault.NotFound, fault.Invalid},
		{400, html, fault.Invalid, fault.Uncertain, fault.Uncertain, fault.Invalid},
		{400, code("person 191212121212"), fault.Invalid, fault.Uncertain, fault.Uncertain, fault.Invalid},
		{401, html, fault.Forbidden, fault.Forbidden, fault.Forbidden, fault.Forbidden},
		{403, html, fault.Forbidden, fault.Forbidden, fault.Forbidden, fault.Forbidden},
		{404, html, fault.Invalid, fault.NotFound, fault.NotFound, fault.Invalid},
		{409, html, fault.Conflict, fault.Uncertain, fault.Uncertain, fault.Conflict},
		{415, html, fault.Invalid, fault.Uncertain, fault.Uncertain, fault.Invalid},
		{429, html, fault.Unavailable, fault.Unavailable, fault.Unavailable, fault.Unavailable},
		{500, code("internalError"), fault.Uncertain, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{502, html, fault.Uncertain, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{503, code("maintenance"), fault.Unavailable, fault.Unavailable, fault.Unavailable, fault.Unavailable},
		{503, html, fault.Uncertain, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{504, "", fault.Uncertain, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{302, html, fault.Uncertain, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{200, html, fault.Uncertain, fault.Uncertain, "", fault.Uncertain},
		{200, "", fault.Uncertain, fault.Uncertain, "", fault.Uncertain},
		{200, `{"status":"somethingNew"}`, fault.Uncertain, fault.Uncertain, "", fault.Uncertain},
		{200, `{"orderRef":"x","status":"pending","hintCode":"somethingNew","more":[1]}`, fault.Uncertain, "", "", fault.Uncertain},
		{200, strings.Repeat(" ", 100<<10) + "{}", fault.Uncertain, fault.Uncertain, fault.Uncertain, fault.Uncertain},
	} {
		t.Run(fmt.Sprintf("%d %.30s", tc.status, strings.TrimSpace(tc.body)), func(t *testing.T) {
			c := account(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "7")
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			_, errStart := c.Start(t.Context(), request(someone(t), signing.ChannelQR))
			_, errCollect := c.Collect(t.Context(), "x")
			_, errCall := c.StartAndWait(t.Context(), request(someone(t), signing.ChannelPhone), func(providers.OrderRef) {})
			for _, call := range []struct {
				name string
				err  error
				want fault.Kind
			}{{"start", errStart, tc.start}, {"collect", errCollect, tc.collect}, {"cancel", c.Cancel(t.Context(), "x"), tc.cancel}, {"call", errCall, tc.call}} {
				if call.want == "" {
					require.NoError(t, call.err, call.name)
					continue
				}
				f, ok := fault.As(call.err)
				require.True(t, ok, call.name)
				require.Equal(t, call.want, f.Kind, "%s: %v", call.name, call.err)
				require.Equal(t, "qrona", f.Provider)
				require.NotContains(t, call.err.Error()+f.ProviderCode, "191212121212", call.name)
				require.NotContains(t, call.err.Error(), token, call.name)
				if call.want == fault.Unavailable {
					require.Equal(t, 7*time.Second, f.RetryAfter, call.name)
				}
			}
		})
	}
}

// What is sent is what Qrona's page shows, to the letter.
func TestRequestsAsDocumented(t *testing.T) {
	var seen []string
	c := account(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, r.Method+" "+r.URL.Path+" "+r.Header.Get("Content-Type")+" "+r.Header.Get("Authorization")+" "+string(body))
		_, _ = io.WriteString(w, `{"orderRef":"r","autoStartToken":"a","status":"failed"}`)
	})
	r := request(someone(t), signing.ChannelSameDevice)
	r.EndUser.IP = netip.MustParseAddr("::ffff:194.168.2.25")
	_, err := c.Start(t.Context(), r)
	require.NoError(t, err)
	_, err = c.Collect(t.Context(), "r")
	require.NoError(t, err)
	require.NoError(t, c.Cancel(t.Context(), "r"))
	for _, by := range []providers.CallInitiator{providers.CallByUser, providers.CallByOwner} {
		r := request(someone(t), signing.ChannelPhone)
		r.CallInitiator = by
		_, err = c.StartAndWait(t.Context(), r, func(providers.OrderRef) {})
		require.NoError(t, err)
	}
	head := " application/json Bearer " + token + " "
	require.Equal(t, []string{
		"POST /auth" + head + `{"endUserIp":"194.168.2.25"}`,
		"POST /collect" + head + `{"orderRef":"r"}`,
		"POST /cancel" + head + `{"orderRef":"r"}`,
		"POST /auth-and-collect" + head + `{"personalNumber":"191212121212","callInitiator":"user"}`,
		"POST /auth-and-collect" + head + `{"personalNumber":"191212121212","callInitiator":""}`,
	}, seen)
}

// Requests that Qrona cannot take never leave us.
func TestRefusedRequests(t *testing.T) {
	c := account(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	for name, change := range map[string]func(*providers.StartRequest){
		"method":    func(r *providers.StartRequest) { r.Method = signing.MethodBankIDSEProcess },
		"nobody":    func(r *providers.StartRequest) { r.Signer = signing.PersonalNumber{} },
		"address":   func(r *providers.StartRequest) { r.EndUser.IP = netip.Addr{} },
		"channel":   func(r *providers.StartRequest) { r.Channel = "telepathy" },
		"initiator": func(r *providers.StartRequest) { r.Channel, r.CallInitiator = signing.ChannelPhone, "" },
	} {
		r := request(someone(t), signing.ChannelQR)
		change(&r)
		if _, err := c.Start(t.Context(), r); name != "initiator" {
			require.Equal(t, fault.Invalid, fault.KindOf(err), name)
		}
		_, err := c.StartAndWait(t.Context(), r, func(providers.OrderRef) {})
		require.Equal(t, fault.Invalid, fault.KindOf(err), name)
	}
}

func TestConfig(t *testing.T) {
	good := qrona.Config{Token: token, Environment: "test", Clock: time.Now}
	c, err := qrona.New(good)
	require.NoError(t, err)
	require.Equal(t, 2*time.Second, c.Capabilities().CollectEvery)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, c), token)
		require.NotContains(t, fmt.Sprintf(verb, good), token)
	}
	for field, change := range map[string]func(*qrona.Config){
		"baseURL":        func(c *qrona.Config) { c.BaseURL = "http://bankid.qrona.se" },
		"token":          func(c *qrona.Config) { c.Token = "two words" },
		"environment":    func(c *qrona.Config) { c.Environment = "" },
		"collectEvery":   func(c *qrona.Config) { c.CollectEvery = time.Millisecond },
		"callTimeout":    func(c *qrona.Config) { c.CallTimeout = 3 * time.Minute },
		"connectTimeout": func(c *qrona.Config) { c.ConnectTimeout = -1 },
		"clock":          func(c *qrona.Config) { c.Clock = nil },
	} {
		config := good
		change(&config)
		_, err := qrona.New(config)
		f, ok := fault.As(err)
		require.True(t, ok, field)
		require.Equal(t, field, f.Fields[0].Pointer)
		require.NotContains(t, err.Error(), "two words")
	}
}

// documented is the complete answer as Qrona prints it, for a person who exists.
const documented = `{"orderRef":"131daac9-16c6-4618-beb0-365768f37288","status":"complete","completionData":{"user":{"personalNumber":"191212121212",` +
	`"name":"Sven Svensson","givenName":"Sven","surname":"Svensson","age":25,"sex":"Male","initials":"SS"},"device":{"ipAddress":"194.168.2.25"}}}`

func TestInterpretAsDocumented(t *testing.T) {
	c := account(t, nil)
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	x := providers.Expectation{Order: "131DAAC9-16c6-4618-beb0-365768f37288", Signer: someone(t), CollectedAt: at}
	r, err := c.Interpret([]byte(documented), x)
	require.NoError(t, err)
	require.Equal(t, providers.Result{
		Outcome: signing.OutcomeSigned, Assurance: signing.AssuranceIdentified, SignedAt: at, SignerName: "Sven Svensson", Environment: "test",
		Checks: map[string]string{"signer": "match", "time_source": "collected", "proof": "none"},
	}, r)
	for raw, code := range map[string]string{
		strings.Replace(documented, `"191212121212"`, `"19121212-1212"`, 1):       "",
		strings.Replace(documented, `"name":"Sven Svensson",`, ``, 1):             "",
		strings.Replace(documented, `"age":25`, `"age":"many"`, 1):                "",
		strings.Replace(documented, `"complete"`, `"done"`, 1):                    "",
		strings.Replace(documented, `"191212121212"`, `"190000000000"`, 1):        "wrong_signer",
		strings.Replace(documented, `"191212121212"`, `"200211242383"`, 1):        "wrong_signer",
		strings.Replace(documented, `"191212121212"`, `191212121212`, 1):          "no_person",
		strings.Replace(documented, `"131daac9-`, `"231daac9-`, 1):                "wrong_order",
		strings.Replace(documented, `"complete"`, `"failed"`, 1):                  "failed",
		`{"orderRef":"131daac9-16c6-4618-beb0-365768f37288","status":"complete"}`: "no_completion",
		`{"status":"failed","hintCode":"Sven 191212121212"}`:                      "unknown",
	} {
		r, err := c.Interpret([]byte(raw), x)
		require.NoError(t, err)
		require.Equal(t, code, r.ProviderCode, raw)
		require.Equal(t, code == "", r.Outcome == signing.OutcomeSigned, raw)
	}
	_, err = c.Interpret([]byte(`{"status":"pending"}`), x)
	require.Equal(t, "answer_not_terminal", fault.CodeOf(err))
}

// Whatever is stored, reading it is safe and says the same twice.
func FuzzInterpret(f *testing.F) {
	f.Add([]byte(documented))
	f.Add([]byte(`{"status":"failed","hintCode":"userCancel"}`))
	f.Add([]byte(`{"errorCode":"userCancel"}`))
	f.Add([]byte(`null`))
	c, err := qrona.New(qrona.Config{Token: token, Environment: "test", Clock: time.Now})
	require.NoError(f, err)
	who := someone(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := c.Interpret(raw, providers.Expectation{Signer: who})
		again, errAgain := c.Interpret(raw, providers.Expectation{Signer: who})
		require.Equal(t, r, again)
		require.Equal(t, err, errAgain)
		if err != nil || r.Outcome == signing.OutcomeSigned {
			return
		}
		require.Equal(t, signing.OutcomeFailed, r.Outcome)
		require.NotEmpty(t, r.Reason)
		require.LessOrEqual(t, len(r.ProviderCode), 64)
	})
}
