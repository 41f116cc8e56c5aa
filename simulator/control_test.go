package simulator_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/simulator"
	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/pki"
)

// control calls the control API and returns the body, whatever the status.
func (s *stage) control(method, path string, body object) object {
	s.t.Helper()
	encoded, err := json.Marshal(body)
	require.NoError(s.t, err)
	r, err := http.NewRequestWithContext(s.ctx(), method, s.ctrl+path, bytes.NewReader(encoded))
	require.NoError(s.t, err)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err)
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	require.NoError(s.t, err)
	var out object
	if len(content) > 0 {
		require.NoError(s.t, json.Unmarshal(content, &out), string(content))
	}
	return out
}

func TestRegister(t *testing.T) {
	s := start(t, "")
	for name, row := range map[string]struct {
		person bankid.Person
		code   string
	}{
		"personal number":    {bankid.Person{PersonalNumber: "199908072391", GivenName: "A", Surname: "B"}, ""},
		"wrong coordination": {bankid.Person{PersonalNumber: "199908672395", GivenName: "A", Surname: "B"}, "bad_personal_number"},
		"valid coordination": {bankid.Person{PersonalNumber: "197010632391", GivenName: "A", Surname: "B"}, ""},
		"check digit":        {bankid.Person{PersonalNumber: "191212121213", GivenName: "A", Surname: "B"}, "bad_personal_number"},
		"date":               {bankid.Person{PersonalNumber: "191213121211", GivenName: "A", Surname: "B"}, "bad_personal_number"},
		"ten digits":         {bankid.Person{PersonalNumber: "1212121212", GivenName: "A", Surname: "B"}, "bad_personal_number"},
		"no name":            {bankid.Person{PersonalNumber: tolvan, Surname: "B"}, "bad_name"},
		"policy":             {bankid.Person{PersonalNumber: tolvan, GivenName: "A", Surname: "B", Policy: "1.2.3"}, "bad_policy"},
		"address":            {bankid.Person{PersonalNumber: tolvan, GivenName: "A", Surname: "B", IPAddress: "home"}, "bad_ip_address"},
	} {
		t.Run(name, func(t *testing.T) {
			err := s.app.Register(s.ctx(), row.person)
			if row.code == "" {
				require.NoError(t, err)
				return
			}
			refused(t, row.code, err)
		})
	}
}

func TestOrdersShowNoTokensAndNoTextBeforePickUp(t *testing.T) {
	s := start(t, "")
	o := s.order("sign", signBody(nil))
	for _, path := range []string{"/v1/orders", "/v1/orders/" + o.ref} {
		answer, err := http.Get(s.ctrl + path)
		require.NoError(t, err)
		content, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Contains(t, string(content), o.ref)
		for _, secret := range []string{o.token, o.qrToken, o.qrSecret, "Jag skriver under"} {
			require.NotContains(t, string(content), secret)
		}
	}
}

func TestControlTakesOnlyJSON(t *testing.T) {
	s := start(t, "")
	for _, path := range []string{"/v1/open", "/v1/persons", "/v1/faults", "/v1/tsa/faults", "/v1/clock"} {
		answer, err := http.Post(s.ctrl+path, "text/plain", strings.NewReader(`{}`))
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusUnsupportedMediaType, answer.StatusCode, path)
	}
	require.Equal(t, "bad_json", s.control("POST", "/v1/open", object{"who": tolvan})["code"])
}

func TestClockMovesForward(t *testing.T) {
	s := start(t, "")
	o := s.order("sign", signBody(nil))
	require.NoError(t, s.app.Advance(s.ctx(), startWindow))
	_, hint := s.collect(o.ref)
	require.Equal(t, "startFailed", hint)
	require.Error(t, s.app.Advance(s.ctx(), -time.Second))
}

func TestPage(t *testing.T) {
	s := start(t, "")
	for path, kind := range map[string]string{"/": "text/html", "/app.js": "text/javascript", "/app.css": "text/css"} {
		answer, err := http.Get(s.ctrl + path)
		require.NoError(t, err)
		content, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, 200, answer.StatusCode)
		require.True(t, strings.HasPrefix(answer.Header.Get("Content-Type"), kind), answer.Header.Get("Content-Type"))
		require.Contains(t, answer.Header.Get("Content-Security-Policy"), "script-src 'self'")
		require.NotContains(t, string(content), "innerHTML")
		require.NotContains(t, string(content), "//cdn")
	}
	answer, err := http.Get(s.ctrl + "/nothing")
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, 404, answer.StatusCode)
}

func TestRevocations(t *testing.T) {
	p, err := pki.Create(pki.Options{Clock: func() time.Time { return noon }, Entropy: rand.Reader, CAKeyBits: 2048, StatusURL: "http://status.invalid"})
	require.NoError(t, err)
	world, err := simulator.New(simulator.Options{PKI: p, Clock: func() time.Time { return noon }, Entropy: rand.Reader})
	require.NoError(t, err)
	ctrl := httptest.NewServer(world.Control())
	defer ctrl.Close()
	s := &stage{t: t, ctrl: ctrl.URL}
	seal := string(p.Seal().CertificatePEM())
	for name, row := range map[string]struct {
		body object
		code string
	}{
		"no PEM":        {object{"certificate": "seal"}, "bad_certificate"},
		"a key":         {object{"certificate": "-----BEGIN X-----\n-----END X-----\n"}, "bad_certificate"},
		"unknown field": {object{"serial": "1"}, "bad_json"},
		"not ours":      {object{"certificate": string(p.RP().CertificatePEM())}, "unknown_certificate"},
	} {
		require.Equal(t, row.code, s.control(http.MethodPost, "/v1/revocations", row.body)["code"], name)
	}
	require.Nil(t, s.control(http.MethodPost, "/v1/revocations", object{"certificate": seal, "at": "2026-11-20T00:00:00Z", "reason": 1}))
	require.Equal(t, "already_revoked", s.control(http.MethodPost, "/v1/revocations", object{"certificate": seal})["code"])
	r, known := p.Record(pki.SealCA, p.Seal().Certificate.SerialNumber)
	require.True(t, known)
	require.Equal(t, pki.KeyCompromise, r.Reason)
	answer, err := http.Get(ctrl.URL + "/v1/revocations")
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	var listed []object
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&listed))
	require.Len(t, listed, 1)
	require.Equal(t, "seal-ca", listed[0]["authority"])
	require.Equal(t, "2026-11-20T00:00:00Z", listed[0]["revokedAt"])
	for _, path := range []string{"/v1/status/faults", "/v1/tsa2/faults"} {
		require.NotNil(t, s.control(http.MethodPost, path, object{"kind": "maintenance", "count": 1})["id"], path)
	}
}
