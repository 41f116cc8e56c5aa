package simulator_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/simulator/qrona"
)

// face is one simulated provider, called as a stranger to our adapters would.
type face struct {
	t      *testing.T
	url    string
	client *http.Client
}

func (s *stage) face(api http.Handler, c *tls.Config) *face {
	s.t.Helper()
	server := httptest.NewUnstartedServer(api)
	server.Listener = tls.NewListener(server.Listener, c)
	server.Config.ErrorLog = quiet()
	server.Start()
	s.t.Cleanup(server.Close)
	return &face{s.t, "https://" + server.Listener.Addr().String(), s.client(s.pki.RP())}
}

// do calls and returns status and body, with any of the headers changed.
func (f *face) do(method, path string, body any, header map[string]string) (int, object) {
	f.t.Helper()
	encoded, ok := body.(string)
	if !ok {
		b, err := json.Marshal(body)
		require.NoError(f.t, err)
		encoded = string(b)
	}
	r, err := http.NewRequestWithContext(f.t.Context(), method, f.url+path, bytes.NewReader([]byte(encoded)))
	require.NoError(f.t, err)
	r.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	answer, err := f.client.Do(r)
	require.NoError(f.t, err)
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	require.NoError(f.t, err)
	var out object
	if len(content) > 0 && json.Unmarshal(content, &out) != nil {
		out = object{"text": string(content)}
	}
	return answer.StatusCode, out
}

// A client that does anything else than Qrona's page says is refused.
func TestQronaIsStrict(t *testing.T) {
	s := start(t, "")
	f := s.face(s.world.Qrona(), s.world.QronaTLS())
	ours := map[string]string{"Authorization": "Bearer " + qrona.Token}
	for name, row := range map[string]struct {
		method, path string
		body         any
		header       map[string]string
		want         int
	}{
		"good":              {"POST", "/auth", object{"endUserIp": "192.0.2.1"}, ours, 200},
		"no sign":           {"POST", "/sign", object{"endUserIp": "192.0.2.1"}, ours, 404},
		"no phone sign":     {"POST", "/phone/sign", object{}, ours, 404},
		"method":            {"GET", "/collect", "", ours, 405},
		"no token":          {"POST", "/auth", object{"endUserIp": "192.0.2.1"}, nil, 401},
		"other token":       {"POST", "/auth", object{"endUserIp": "192.0.2.1"}, map[string]string{"Authorization": "Bearer x"}, 401},
		"content type":      {"POST", "/auth", object{"endUserIp": "192.0.2.1"}, map[string]string{"Authorization": "Bearer " + qrona.Token, "Content-Type": "text/plain"}, 415},
		"no address":        {"POST", "/auth", object{}, ours, 400},
		"no such address":   {"POST", "/auth", object{"endUserIp": "home"}, ours, 400},
		"a text":            {"POST", "/auth", object{"endUserIp": "192.0.2.1", "userVisibleData": "eA=="}, ours, 400},
		"a person":          {"POST", "/auth", object{"endUserIp": "192.0.2.1", "personalNumber": tolvan}, ours, 400},
		"no JSON":           {"POST", "/auth", "{", ours, 400},
		"unknown order":     {"POST", "/collect", object{"orderRef": "x"}, ours, 400},
		"no order":          {"POST", "/cancel", object{}, ours, 400},
		"call without whom": {"POST", "/auth-and-collect", object{"callInitiator": "user"}, ours, 400},
		"call by RP":        {"POST", "/auth-and-collect", object{"personalNumber": tolvan, "callInitiator": "RP"}, ours, 400},
	} {
		code, answer := f.do(row.method, row.path, row.body, row.header)
		require.Equal(t, row.want, code, "%s: %v", name, answer)
		if row.want != 200 {
			require.NotEmpty(t, answer["errorCode"], name)
		}
	}
}

// The completed order looks as Qrona prints it.
func TestQronaCompletes(t *testing.T) {
	s := start(t, "")
	f := s.face(s.world.Qrona(), s.world.QronaTLS())
	ours := map[string]string{"Authorization": "Bearer " + qrona.Token}
	_, order := f.do("POST", "/auth", object{"endUserIp": "192.0.2.1"}, ours)
	_, pending := f.do("POST", "/collect", object{"orderRef": order["orderRef"]}, ours)
	require.Equal(t, "pending", pending["status"])
	require.Equal(t, "outstandingTransaction", pending["hintCode"])
	v, err := s.app.Scan(s.ctx(), tolvan, pending["qrCode"].(string))
	require.NoError(t, err)
	require.Equal(t, "auth", v.Kind)
	_, pending = f.do("POST", "/collect", object{"orderRef": order["orderRef"]}, ours)
	require.Equal(t, object{"orderRef": order["orderRef"], "status": "pending", "hintCode": "userSign"}, pending)
	_, err = s.app.Sign(s.ctx(), tolvan, v.OrderRef)
	require.NoError(t, err)
	_, done := f.do("POST", "/collect", object{"orderRef": order["orderRef"]}, ours)
	require.Equal(t, object{"orderRef": order["orderRef"], "status": "complete", "completionData": object{
		"user": object{
			"personalNumber": tolvan, "name": "Tolvan Tolvansson", "givenName": "Tolvan", "surname": "Tolvansson",
			"age": 113.0, "sex": "Male", "initials": "TT",
		},
		"device": object{"ipAddress": "198.51.100.12"},
	}}, done)
}
