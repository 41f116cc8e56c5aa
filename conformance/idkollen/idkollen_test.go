// Package idkollen lets IDkollen's own client for Rust drive the simulated
// IDkollen: what the client reads of an answer, strictly and by type, is what the
// real one sends. Only the base address and the CA are changed.
//
// The test needs the client in a small program, named by
// HANDSLAG_IDKOLLEN_DRIVER; run.sh builds it and runs the test.
package idkollen

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator"
	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/idkollen"
	"github.com/handslag/handslag/simulator/person"
	"github.com/handslag/handslag/simulator/pki"
)

const (
	tolvan  = "191212121212"
	company = "559000-0948"
	text    = "# Underskrift\n\nRäksmörgås"
)

type object = map[string]any

type world struct {
	t       *testing.T
	driver  string
	env     []string
	app     *person.App
	control string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	driver := os.Getenv("HANDSLAG_IDKOLLEN_DRIVER")
	if driver == "" {
		t.Skip("HANDSLAG_IDKOLLEN_DRIVER is not set; conformance/idkollen/run.sh sets it")
	}
	p, err := pki.Create(pki.Options{Clock: time.Now, Entropy: rand.Reader, CAKeyBits: 2048})
	require.NoError(t, err)
	account := idkollen.Demo()
	s, err := simulator.New(simulator.Options{PKI: p, Clock: time.Now, Entropy: rand.Reader, IDkollen: []idkollen.Account{account}})
	require.NoError(t, err)
	api := httptest.NewUnstartedServer(s.IDkollen().API())
	api.Listener = tls.NewListener(api.Listener, s.IDkollen().TLSConfig())
	api.Start()
	t.Cleanup(api.Close)
	control := httptest.NewServer(s.Control())
	t.Cleanup(control.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, p.ServerRootPEM(), 0o600))
	w := &world{t: t, driver: driver, app: person.New(control.URL, control.Client()), control: control.URL}
	w.env = []string{
		"HANDSLAG_IDKOLLEN=https://" + api.Listener.Addr().String(), "SSL_CERT_FILE=" + ca,
		"HANDSLAG_IDKOLLEN_ID=" + account.ID, "HANDSLAG_IDKOLLEN_SECRET=" + account.Secret,
	}
	require.NoError(t, w.app.Register(t.Context(), bankid.Person{PersonalNumber: tolvan, GivenName: "Tolvan", Surname: "Tolvansson"}))
	return w
}

// call makes one call of the client, in the environment, with changes to it.
func (w *world) call(words []string, change ...string) object {
	w.t.Helper()
	c := exec.CommandContext(w.t.Context(), w.driver, words...)
	c.Env = append(append([]string{}, w.env...), change...)
	out, err := c.Output()
	require.NoError(w.t, err, "%v", words)
	var answer object
	require.NoError(w.t, json.Unmarshal(out, &answer), string(out))
	return answer
}

func (w *world) do(words ...string) object {
	w.t.Helper()
	return w.call(words)
}

func (w *world) put(path, body string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPut, w.control+path, strings.NewReader(body))
	require.NoError(w.t, err)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	require.NoError(w.t, err)
	require.NoError(w.t, answer.Body.Close())
	require.Less(w.t, answer.StatusCode, 300)
}

// opens scans the order's QR code of this second.
func (w *world) opens(started object, at time.Time) bankid.OrderView {
	w.t.Helper()
	token, _ := started["qrStartToken"].(string)
	secret, _ := started["qrStartSecret"].(string)
	v, err := w.app.Scan(w.t.Context(), tolvan, providers.QRText(signing.Private(token), signing.Private(secret), int(time.Since(at)/time.Second)).Reveal())
	require.NoError(w.t, err)
	return v
}

// pace waits as long as IDkollen asks between two looks at an order.
func (w *world) pace() {
	w.t.Helper()
	time.Sleep(1100 * time.Millisecond)
}

func id(answer object) string { s, _ := answer["id"].(string); return s }

func TestIdentify(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/idkollen/companies/"+company, `{"signatoryText":"Firman tecknas av Tolvan Tolvansson"}`)
	at := time.Now()
	started := w.do("auth", tolvan, "Jag legitimerar mig.", company)
	require.Equal(t, "pending", started["status"], started)
	require.Equal(t, "reference", started["refId"])
	require.NotEmpty(t, started["autoStartToken"])
	v := w.opens(started, at)
	require.Equal(t, "Jag legitimerar mig.", v.Text)
	require.Equal(t, "userSign", w.do("auth-status", id(started))["hintCode"])
	_, err := w.app.Sign(t.Context(), tolvan, v.OrderRef)
	require.NoError(t, err)
	w.pace()
	done := w.do("wait-auth", id(started))
	require.Equal(t, "completed", done["status"], done)
	require.Equal(t, []any{tolvan, "Tolvan Tolvansson", "Tolvan", "Tolvansson", "reference"},
		[]any{done["ssn"], done["name"], done["givenName"], done["surname"], done["refId"]})
	require.Regexp(t, `^\d{4}-\d{2}-\d{2}$`, done["certStartDate"])
	require.NotEmpty(t, done["address"])
	require.Equal(t, "Firman tecknas av Tolvan Tolvansson", done["companySignatoryText"])
	w.pace()
	require.Equal(t, "404", w.do("sign-status", id(started))["code"], "an identification has no status among signatures")
}

func TestSign(t *testing.T) {
	w := newWorld(t)
	at := time.Now()
	started := w.do("sign", tolvan, text, strings.Repeat("0a", 32))
	require.Equal(t, "pending", started["status"], started)
	v := w.opens(started, at)
	require.Equal(t, text, v.Text)
	require.True(t, v.CodeRequired)
	_, err := w.app.Sign(t.Context(), tolvan, v.OrderRef)
	require.NoError(t, err)
	done := w.do("wait-sign", id(started))
	require.Equal(t, "completed", done["status"], done)
	require.Nil(t, done["address"], "nobody asked for it")
	require.Nil(t, done["companySignatoryText"])
}

func TestPhone(t *testing.T) {
	w := newWorld(t)
	for _, call := range [][]string{{"phone-auth", tolvan, "USER"}, {"phone-sign", tolvan, "RP", text}} {
		started := w.do(call...)
		require.Equal(t, "pending", started["status"], started)
		require.Nil(t, started["autoStartToken"])
		require.Nil(t, started["qrStartSecret"])
		v, err := w.app.OpenPhone(t.Context(), tolvan)
		require.NoError(t, err)
		_, err = w.app.Sign(t.Context(), tolvan, v.OrderRef)
		require.NoError(t, err)
		require.Equal(t, "completed", w.do("wait-"+strings.TrimPrefix(call[0], "phone-"), id(started))["status"])
	}
	w.do("phone-auth", tolvan, "USER")
	second := w.do("phone-sign", tolvan, "RP", text)
	require.Equal(t, "400", second["code"], second)
	require.JSONEq(t, `{"message":"alreadyInProgress"}`, second["message"].(string))
}

// Every word for a failure that the client knows, and no other.
func TestFailures(t *testing.T) {
	w := newWorld(t)
	for hint, want := range map[string]string{
		"userCancel": "Cancelled", "cancelled": "Conflict", "startFailed": "SessionTimeout", "expiredTransaction": "SessionTimeout",
		"certificateErr": "InvalidId", "notSupportedByUserApp": "UnsupportedClient", "stepUpFailed": "AuthFailed", "userDeclinedCall": "AuthFailed",
	} {
		at := time.Now()
		started := w.do("auth")
		require.NoError(t, w.app.Script(t.Context(), "", bankid.Script{Outcome: hint}))
		v := w.opens(started, at)
		_, err := w.app.Sign(t.Context(), tolvan, v.OrderRef)
		require.NoError(t, err)
		done := w.do("wait-auth", id(started))
		require.Equal(t, "failed", done["status"], done)
		require.Equal(t, want, done["error"], hint)
	}
}

func TestCancelAndRefusals(t *testing.T) {
	w := newWorld(t)
	for _, kind := range []string{"auth", "sign"} {
		started := w.do("auth")
		if kind == "sign" {
			started = w.do("sign", tolvan, text, "00")
		}
		require.Equal(t, "done", w.do("cancel-"+kind, id(started))["status"])
		require.Equal(t, "404", w.do("cancel-"+kind, id(started))["code"], "it has ended")
		require.Equal(t, "Cancelled", w.do(kind+"-status", id(started))["error"])
		early := w.do(kind+"-status", id(started))
		if early["code"] != nil { // a slow machine asks late enough
			require.Equal(t, "429", early["code"], early)
		}
	}
	unknown := w.do("sign-status", "00000000-0000-4000-8000-000000000000")
	require.Equal(t, "404", unknown["code"])
	require.Equal(t, "400", w.do("sign", tolvan, strings.Repeat("a", 50_001), "00")["code"])
	require.Equal(t, "401", w.call([]string{"auth"}, "HANDSLAG_IDKOLLEN_SECRET=wrong")["code"])

	other := httptest.NewTLSServer(http.NotFoundHandler())
	defer other.Close()
	ca := filepath.Join(t.TempDir(), "other.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: other.Certificate().Raw}), 0o600))
	require.Equal(t, "http", w.call([]string{"auth"}, "SSL_CERT_FILE="+ca)["kind"], "another CA")
}
