package idkollen_test

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/simulator"
	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/idkollen"
	"github.com/handslag/handslag/simulator/person"
	"github.com/handslag/handslag/simulator/pki"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

var certificates = sync.OnceValues(func() (*pki.PKI, error) {
	return pki.Create(pki.Options{Clock: func() time.Time { return noon }, Entropy: rand.Reader, CAKeyBits: 2048})
})

const tolvan = "191212121212"

type object = map[string]any

// stage is a running world, two customers of IDkollen and a person.
type stage struct {
	t    *testing.T
	url  string
	http *http.Client
	app  *person.App
	ctrl string
}

func start(t *testing.T) *stage {
	t.Helper()
	p, err := certificates()
	require.NoError(t, err)
	world, err := simulator.New(simulator.Options{
		PKI: p, Clock: func() time.Time { return noon }, Entropy: rand.Reader,
		IDkollen: []idkollen.Account{
			{ID: "one", Secret: "1", CompanySignatory: true, CallbackHosts: []string{"a.example.com"}}, {ID: "two", Secret: "2"},
		},
	})
	require.NoError(t, err)
	api := httptest.NewUnstartedServer(world.IDkollen().API())
	api.Listener = tls.NewListener(api.Listener, world.IDkollen().TLSConfig())
	api.Start()
	t.Cleanup(api.Close)
	control := httptest.NewServer(world.Control())
	t.Cleanup(control.Close)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.ServerRoots(), MinVersion: tls.VersionTLS12, Time: func() time.Time { return noon }}}
	t.Cleanup(transport.CloseIdleConnections)
	s := &stage{
		t: t, url: "https://" + api.Listener.Addr().String(), http: &http.Client{Transport: transport}, ctrl: control.URL,
		app: person.New(control.URL, control.Client()),
	}
	require.NoError(t, s.app.Register(t.Context(), bankid.Person{PersonalNumber: tolvan, GivenName: "Tolvan", Surname: "Tolvansson"}))
	return s
}

// call calls the API as a customer, with a body as JSON or as it is.
func (s *stage) call(as, method, path string, body any) (int, object) {
	s.t.Helper()
	sent, ok := body.(string)
	if !ok && body != nil {
		b, err := json.Marshal(body)
		require.NoError(s.t, err)
		sent = string(b)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(sent))
	require.NoError(s.t, err)
	r.Header.Set("Content-Type", "application/json")
	id, secret, _ := strings.Cut(as, ":")
	r.SetBasicAuth(id, secret)
	answer, err := s.http.Do(r)
	require.NoError(s.t, err)
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	require.NoError(s.t, err)
	var out object
	if len(content) > 0 {
		require.NoError(s.t, json.Unmarshal(content, &out), string(content))
	}
	return answer.StatusCode, out
}

const us = "one:1"

func with(base, more object) object {
	out := maps.Clone(base)
	maps.Copy(out, more)
	for k, v := range out {
		if v == nil {
			delete(out, k)
		}
	}
	return out
}

var (
	signs = object{"text": "Jag skriver under."}
	calls = object{"text": "Jag skriver under.", "ssn": tolvan, "callInitiator": "RP"}
)

func TestRequests(t *testing.T) {
	s := start(t)
	for name, row := range map[string]struct {
		path string
		body any
		want int
	}{
		"sign":                      {"sign", signs, 201},
		"sign, with all":            {"sign", with(signs, object{"digest": "ab", "ssn": tolvan, "ipAddress": "8.8.8.8", "pinRequired": true, "orgNumber": "559000-0948", "requestAddress": true, "callbackUrl": "https://a.example.com/x", "refId": "1"}), 201},
		"sign: the documentation's": {"sign", object{"ssn": tolvan, "ipAddress": "8.8.8.8", "pinRequired": true, "intent": "Intention text", "orgNumber": "559000-0948", "refId": "12398698"}, 400},
		"sign: intent is ignored":   {"sign", with(signs, object{"intent": "Intention text"}), 201},
		"sign: no text":             {"sign", object{}, 400},
		"sign: longest of BankID":   {"sign", object{"text": strings.Repeat("a", 30_000)}, 201},
		"sign: too long for BankID": {"sign", object{"text": strings.Repeat("a", 30_001)}, 400},
		"sign: too long":            {"sign", object{"text": strings.Repeat("a", 50_001)}, 400},
		"sign: short number":        {"sign", with(signs, object{"ssn": "1212121212"}), 400},
		"sign: an organisation":     {"sign", with(signs, object{"orgNumber": "5590000948"}), 400},
		"sign: an address":          {"sign", with(signs, object{"ipAddress": "home"}), 400},
		"sign: callback unlisted":   {"sign", with(signs, object{"callbackUrl": "https://b.example.com/x"}), 400},
		"sign: callback cleartext":  {"sign", with(signs, object{"callbackUrl": "http://a.example.com/x"}), 400},
		"sign: by phone":            {"sign", with(signs, object{"callInitiator": "RP"}), 400},
		"sign: misspelt":            {"sign", with(signs, object{"personalNumber": tolvan}), 400},
		"sign: wrong type":          {"sign", with(signs, object{"pinRequired": "yes"}), 400},
		"sign: no JSON":             {"sign", "{", 400},
		"auth":                      {"auth", object{}, 201},
		"auth: intent":              {"auth", object{"intent": "Logga in"}, 201},
		"auth: text":                {"auth", signs, 400},
		"phone/sign: no number":     {"phone/sign", with(calls, object{"ssn": nil}), 400},
		"phone/sign: no initiator":  {"phone/sign", with(calls, object{"callInitiator": nil}), 400},
		"phone/sign: lower case":    {"phone/sign", with(calls, object{"callInitiator": "user"}), 400},
		"phone/sign: no text":       {"phone/sign", with(calls, object{"text": nil}), 400},
		"nowhere":                   {"verify", object{}, 404},
	} {
		code, answer := s.call(us, "POST", "/v3/bankid-se/"+row.path, row.body)
		require.Equal(t, row.want, code, "%s: %v", name, answer)
		if row.want == 201 {
			require.Equal(t, "PENDING", answer["status"])
			for _, member := range []string{"id", "autoStartToken", "qrStartToken", "qrStartSecret"} {
				require.NotEmpty(t, answer[member], "%s: %s", name, member)
			}
			continue
		}
		require.NotEmpty(t, answer["message"], name)
	}
	code, _ := s.call("two:2", "POST", "/v3/bankid-se/sign", with(signs, object{"orgNumber": "559000-0948"}))
	require.Equal(t, 400, code, "not enabled")
}

func TestPhone(t *testing.T) {
	s := start(t)
	code, answer := s.call(us, "POST", "/v3/bankid-se/phone/sign", with(calls, object{"refId": "r", "ipAddress": "8.8.8.8"}))
	require.Equal(t, 201, code)
	require.Equal(t, object{"id": answer["id"], "refId": "r", "status": "PENDING"}, answer, "no tokens")
	code, _ = s.call(us, "GET", "/v3/bankid-se/phone/sign/"+answer["id"].(string), nil)
	require.Equal(t, 404, code, "there is no such path")
	v, err := s.app.OpenPhone(t.Context(), tolvan)
	require.NoError(t, err)
	_, err = s.app.Sign(t.Context(), tolvan, v.OrderRef)
	require.NoError(t, err)
	code, answer = s.call(us, "GET", "/v3/bankid-se/sign/"+answer["id"].(string), nil)
	require.Equal(t, 200, code)
	require.Equal(t, object{
		"id": answer["id"], "refId": "r", "status": "COMPLETED", "ssn": tolvan, "name": "Tolvan Tolvansson", "givenName": "Tolvan",
		"surname": "Tolvansson", "certStartDate": "2026-10-23",
	}, answer, "no signature, no text, no device")

	code, first := s.call(us, "POST", "/v3/bankid-se/phone/auth", with(calls, object{"text": nil}))
	require.Equal(t, 201, code)
	code, answer = s.call("two:2", "POST", "/v3/bankid-se/phone/auth", with(calls, object{"text": nil, "callInitiator": "USER"}))
	require.Equal(t, 400, code)
	require.Equal(t, object{"message": "alreadyInProgress"}, answer)
	_, answer = s.call(us, "GET", "/v3/bankid-se/auth/"+first["id"].(string), nil)
	require.Equal(t, "CONFLICT", answer["error"], "both are over")
}

func TestDoors(t *testing.T) {
	s := start(t)
	_, made := s.call(us, "POST", "/v3/bankid-se/sign", signs)
	id := made["id"].(string)
	for name, row := range map[string]struct {
		as, method, path string
		want             int
	}{
		"nobody":           {"", "GET", "/v3/bankid-se/sign/" + id, 401},
		"a wrong secret":   {"one:2", "GET", "/v3/bankid-se/sign/" + id, 401},
		"another customer": {"two:2", "GET", "/v3/bankid-se/sign/" + id, 404},
		"the other kind":   {us, "GET", "/v3/bankid-se/auth/" + id, 404},
		"to read a start":  {us, "GET", "/v3/bankid-se/sign", 405},
		"to post a status": {us, "POST", "/v3/bankid-se/sign/" + id, 405},
		"an unknown order": {us, "DELETE", "/v3/bankid-se/sign/x", 404},
		"another version":  {us, "POST", "/v2/bankid-se/sign", 404},
		"further down":     {us, "GET", "/v3/bankid-se/sign/" + id + "/x", 404},
	} {
		code, answer := s.call(row.as, row.method, row.path, nil)
		require.Equal(t, row.want, code, name)
		require.NotEmpty(t, answer["message"], name)
	}
	code, answer := s.call(us, "DELETE", "/v3/bankid-se/sign/"+id, nil)
	require.Equal(t, 204, code)
	require.Nil(t, answer)
	code, answer = s.call(us, "DELETE", "/v3/bankid-se/sign/"+id, nil)
	require.Equal(t, 404, code)
	require.Equal(t, object{"message": "Invalid or expired"}, answer)
	require.NoError(t, s.app.Advance(t.Context(), time.Second))
	_, answer = s.call(us, "GET", "/v3/bankid-se/sign/"+id, nil)
	require.Equal(t, object{"id": id, "status": "FAILED", "error": "CANCELLED"}, answer)
	code, answer = s.call(us, "GET", "/v3/bankid-se/sign/"+id, nil)
	require.Equal(t, 429, code)
	require.NotEmpty(t, answer["message"])
	require.NoError(t, s.app.Advance(t.Context(), time.Second))
	code, _ = s.call(us, "GET", "/v3/bankid-se/sign/"+id, nil)
	require.Equal(t, 200, code)

	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v3/bankid-se/sign", strings.NewReader(`{"text":"x"}`))
	require.NoError(t, err)
	r.SetBasicAuth("one", "1")
	wrong, err := s.http.Do(r)
	require.NoError(t, err)
	require.NoError(t, wrong.Body.Close())
	require.Equal(t, http.StatusUnsupportedMediaType, wrong.StatusCode)
}

func TestOtherPersonIsStopped(t *testing.T) {
	s := start(t)
	_, made := s.call(us, "POST", "/v3/bankid-se/sign", with(signs, object{"ssn": "200211242383"}))
	_, err := s.app.Open(t.Context(), tolvan, made["autoStartToken"].(string))
	require.Error(t, err)
	_, answer := s.call(us, "GET", "/v3/bankid-se/sign/"+made["id"].(string), nil)
	require.Equal(t, "FAILED", answer["status"])
}

func TestControl(t *testing.T) {
	s := start(t)
	_, made := s.call(us, "POST", "/v3/bankid-se/auth", object{"refId": "r"})
	do := func(method, path, body string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, s.ctrl+"/v1/idkollen"+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer func() { _ = answer.Body.Close() }()
		content, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, string(content)
	}
	code, orders := do("GET", "/orders", "")
	require.Equal(t, 200, code)
	require.Contains(t, orders, made["id"])
	for _, secret := range []string{"autoStartToken", "qrStartToken", "qrStartSecret"} {
		require.NotContains(t, orders, made[secret])
	}
	for path, body := range map[string]string{
		"/settings": `{"rateLimitStatus":200}`, "/companies/x": `{"signatoryText":"x"}`, "/companies/559000-0948": `{"text":"x"}`,
	} {
		code, _ := do("PUT", path, body)
		require.Equal(t, 400, code, path)
	}
	code, _ = do("POST", "/faults", `{"kind":"flood"}`)
	require.Equal(t, 400, code)
	code, settings := do("GET", "/settings", "")
	require.Equal(t, 200, code)
	require.Contains(t, settings, `"retention":"10m0s"`)
	code, delivered := do("POST", "/deliver", `{}`)
	require.Equal(t, 200, code)
	require.JSONEq(t, `{"delivered":0}`, delivered)
}
