package api_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/idkollen"
	"github.com/handslag/handslag/providers/signicat"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator"
	"github.com/handslag/handslag/simulator/bankid"
	simulatedidkollen "github.com/handslag/handslag/simulator/idkollen"
	"github.com/handslag/handslag/simulator/person"
	"github.com/handslag/handslag/simulator/pki"
	simulatedsignicat "github.com/handslag/handslag/simulator/signicat"
	"github.com/handslag/handslag/workflows"
)

const (
	callback    = "/v1/callbacks/idkollen/house"
	callbackKey = "planted callback key"
)

// pushOf reads a call whose body is "key attempt", proven when it is signed.
func pushOf(_, account string, header http.Header, body []byte) (providers.Push, error) {
	key, attempt, _ := strings.Cut(string(body), " ")
	switch {
	case account != "house" && account != "guest":
		return providers.Push{}, fault.New(fault.Unavailable, "account_gone", "There is no such account.")
	case header.Get("X-Proof") == "wrong":
		return providers.Push{}, fault.New(fault.Forbidden, "idkollen_callback_unproven", "The call is not signed.")
	case key == "":
		return providers.Push{}, fault.New(fault.Invalid, "idkollen_callback_invalid", "The call is not about an order.")
	}
	return providers.Push{
		Key: key, Attempt: signing.AttemptID(attempt), Orders: []providers.OrderRef{"order-1"}, Authentic: header.Get("X-Proof") == "right",
	}, nil
}

// pushing is a world with a live attempt at a provider that calls back.
func pushing(t *testing.T) (w *world, m made, attempt string) {
	t.Helper()
	w = newWorld(t)
	w.calls.read = pushOf
	w.temporal.place = func(*signing.Collection, workflows.StartAttempt) (string, providers.Order, error) {
		return "idkollen", providers.Order{Ref: "order-1", StartedAt: w.now(), AutoStartToken: "auto"}, nil
	}
	m = w.createWith(nil)
	a := w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: qrRequest()})
	require.Equal(t, http.StatusCreated, a.StatusCode, "%s", a.body)
	return w, m, a.json(t)["attempt"].(map[string]any)["id"].(string)
}

func (w *world) push(body, proof string) answer {
	w.t.Helper()
	return w.do(call{method: "POST", path: callback, body: body, header: map[string]string{"X-Proof": proof, "Content-Type": "application/json"}})
}

func TestCallbackHasTheOrderLookedAt(t *testing.T) {
	w, _, attempt := pushing(t)
	for range 3 { // the same one, and again
		a := w.push("event-1 "+attempt, "right")
		require.Equal(t, http.StatusNoContent, a.StatusCode, "%s", a.body)
		require.Empty(t, a.body)
	}
	require.Equal(t, []string{"idkollen/house/event-1 " + attempt}, w.temporal.hinted())
	require.Equal(t, http.StatusNoContent, w.push("event-2", "right").StatusCode, "found by the provider's name for the order")
	require.Equal(t, []string{"idkollen/house/event-1 " + attempt, "idkollen/house/event-2 " + attempt}, w.temporal.hinted())
}

// TestCallbackThatIsOfNoUse is answered as any other, and is not an error.
func TestCallbackThatIsOfNoUse(t *testing.T) {
	w, m, attempt := pushing(t)
	w.store.orders = map[string]signing.Holder{}
	require.Equal(t, http.StatusNoContent, w.push("event-0 att_unknown", "right").StatusCode, "an unknown attempt")
	require.Equal(t, http.StatusNoContent, w.push("", "right").StatusCode, "not about an order")
	require.Empty(t, w.temporal.hinted())

	w.store.orders["idkollen/house/"+attempt] = signing.Holder{Tenant: "acme", Collection: signing.CollectionID(m.id), Attempt: signing.AttemptID(attempt)}
	w.temporal.finish(m.id)
	require.Equal(t, http.StatusNoContent, w.push("event-1 "+attempt, "right").StatusCode, "the collection has ended")
}

// TestCallbackToAnotherAccount is of no use, though it is signed by who has that
// account: the order is of the house's, and perhaps another tenant's.
func TestCallbackToAnotherAccount(t *testing.T) {
	w, _, attempt := pushing(t)
	guest := w.do(call{
		method: "POST", path: "/v1/callbacks/idkollen/guest", body: "event-1 " + attempt,
		header: map[string]string{"X-Proof": "right", "Content-Type": "application/json"},
	})
	require.Equal(t, http.StatusNoContent, guest.StatusCode, "and nothing is learned of the order")
	require.Empty(t, w.temporal.hinted())
	require.Equal(t, http.StatusNoContent, w.push("event-1 "+attempt, "right").StatusCode)
	require.Len(t, w.temporal.hinted(), 1, "the house's own is not stood in the way of")
}

// TestCallbackWhileWeAreDown may be sent again.
func TestCallbackWhileWeAreDown(t *testing.T) {
	w, _, attempt := pushing(t)
	w.store.fail = fault.New(fault.Unavailable, "storage_unavailable", "The store is down.")
	require.Equal(t, http.StatusServiceUnavailable, w.push("event-1 "+attempt, "right").StatusCode)
	w.store.fail = nil
	w.temporal.fail = fault.New(fault.Unavailable, "orchestrator_unavailable", "Down.")
	require.Equal(t, http.StatusServiceUnavailable, w.push("event-1 "+attempt, "right").StatusCode)
	w.temporal.fail = nil
	require.Equal(t, http.StatusNoContent, w.push("event-1 "+attempt, "right").StatusCode)
	require.Len(t, w.temporal.hinted(), 1)
}

// TestStrangersCallsCostNothing: they learn nothing, and there is an end to them;
// the provider's own are taken all the same.
func TestStrangersCallsCostNothing(t *testing.T) {
	w, _, attempt := pushing(t)
	at := time.Now()
	w.now = func() time.Time { return at }
	a := w.push("event-1 "+attempt, "wrong")
	require.Equal(t, http.StatusForbidden, a.StatusCode)
	require.Equal(t, "callback_refused", a.code(t))
	other := w.do(call{method: "POST", path: "/v1/callbacks/idkollen/nobody", body: "event-1", header: map[string]string{"Content-Type": "text/plain"}})
	require.Equal(t, a.json(t)["detail"], other.json(t)["detail"], "an account that wants proof looks like none")
	require.Equal(t, a.StatusCode, other.StatusCode)
	for range 58 {
		require.Equal(t, http.StatusForbidden, w.push("event-1 "+attempt, "wrong").StatusCode)
	}
	a = w.push("event-1 "+attempt, "wrong")
	require.Equal(t, http.StatusTooManyRequests, a.StatusCode)
	require.Equal(t, "1", a.Header.Get("Retry-After"))
	require.Zero(t, w.store.searches)
	require.Empty(t, w.temporal.hinted())
	require.Equal(t, http.StatusNoContent, w.push("event-1 "+attempt, "right").StatusCode)
	require.Len(t, w.temporal.hinted(), 1)
	at = at.Add(time.Second)
	require.Equal(t, http.StatusForbidden, w.push("event-1 "+attempt, "wrong").StatusCode)
	require.Equal(t, http.StatusTooManyRequests, w.push("event-1 "+attempt, "wrong").StatusCode)
}

// TestUnprovenCallbacksAreFew, where the installation takes them at all.
func TestUnprovenCallbacksAreFew(t *testing.T) {
	w, _, attempt := pushing(t)
	for _, event := range []string{"e1", "e2", "e3", "e4", "e5"} {
		require.Equal(t, http.StatusNoContent, w.push(event+" "+attempt, "").StatusCode)
	}
	require.Len(t, w.temporal.hinted(), 3)
	require.Equal(t, http.StatusNoContent, w.push("e1 "+attempt, "right").StatusCode)
	require.Len(t, w.temporal.hinted(), 4, "who guessed the event's name does not stand in its way")
}

func TestCallbackBodyIsBounded(t *testing.T) {
	w, _, _ := pushing(t)
	a := w.push(strings.Repeat("x", 64<<10+1), "right")
	require.Equal(t, http.StatusRequestEntityTooLarge, a.StatusCode)
	require.Equal(t, http.StatusNoContent, w.push(strings.Repeat("x", 64<<10), "right").StatusCode)
}

// TestOrderThatCannotBeRememberedIsStartedAllTheSame, and one of a provider that
// does not call back is not remembered.
func TestOrderThatCannotBeRememberedIsStartedAllTheSame(t *testing.T) {
	w := newWorld(t)
	w.store.putOrder = fault.New(fault.Unavailable, "storage_unavailable", "The store is down.")
	w.temporal.place = func(*signing.Collection, workflows.StartAttempt) (string, providers.Order, error) {
		return "idkollen", providers.Order{Ref: "order-1", StartedAt: w.now()}, nil
	}
	m := w.createWith(nil)
	a := w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: qrRequest()})
	require.Equal(t, http.StatusCreated, a.StatusCode)
	require.Contains(t, w.logs.String(), "calls will not be understood")

	w = newWorld(t)
	m = w.create()
	w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: qrRequest()})
	require.Empty(t, w.store.orders)
}

// outside is the simulated world of the providers that call back, with their
// calls coming to the API.
type outside struct {
	*world
	simulator *simulator.World
	pki       *pki.PKI
	control   string
	back      *httptest.Server // the API as they reach it
}

var certificates = sync.OnceValues(func() (*pki.PKI, error) {
	return pki.Create(pki.Options{Clock: time.Now, Entropy: rand.Reader, CAKeyBits: 2048, StatusURL: "http://status.invalid"})
})

func newOutside(t *testing.T) *outside {
	t.Helper()
	p, err := certificates()
	require.NoError(t, err)
	w := &outside{world: newWorld(t), pki: p}
	w.back = httptest.NewTLSServer(w.api.Handler())
	t.Cleanup(w.back.Close)
	w.simulator, err = simulator.New(simulator.Options{
		PKI: p, Clock: time.Now, Entropy: rand.Reader, Callbacks: w.back.Client(),
		IDkollen: []simulatedidkollen.Account{{
			ID: "house", Secret: "planted account secret", CallbackKey: callbackKey,
			CallbackHosts: []string{strings.TrimPrefix(w.back.URL, "https://")},
		}},
	})
	require.NoError(t, err)
	t.Cleanup(w.simulator.Signicat().Close)
	control := httptest.NewServer(w.simulator.Control())
	t.Cleanup(control.Close)
	w.control = control.URL
	return w
}

// serve is the address of a provider's API.
func (w *outside) serve(h http.Handler, c *tls.Config) string {
	w.t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Listener = tls.NewListener(s.Listener, c)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	w.t.Cleanup(s.Close)
	return "https://" + s.Listener.Addr().String()
}

func (w *outside) tell(method, path string, body any) {
	w.t.Helper()
	b, err := json.Marshal(body)
	require.NoError(w.t, err)
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.control+path, bytes.NewReader(b))
	require.NoError(w.t, err)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	require.NoError(w.t, err)
	text, err := io.ReadAll(answer.Body)
	require.NoError(w.t, err)
	require.NoError(w.t, answer.Body.Close())
	require.Less(w.t, answer.StatusCode, 300, "%s", text)
}

// reader is the account of the house, and none else.
func (w *outside) reader(provider string, account providers.PushReader) {
	w.calls.read = func(p, a string, header http.Header, body []byte) (providers.Push, error) {
		if p != provider || a != "house" {
			return providers.Push{}, fault.New(fault.Unavailable, "account_gone", "There is no such account.")
		}
		return account.ReadPush(header, body)
	}
}

// TestIDkollensCallbacks are what the simulated IDkollen sends, right and wrong.
func TestIDkollensCallbacks(t *testing.T) {
	for name, row := range map[string]struct {
		fault string // of the simulator
		hints int
		wrong int // calls that are refused
	}{
		"as they should be": {"", 1, 0},
		"twice":             {string(simulatedidkollen.CallbackDuplicate), 1, 0},
		"another key":       {string(simulatedidkollen.CallbackWrongKey), 0, 1},
		"no signature":      {string(simulatedidkollen.CallbackUnsigned), 0, 1},
		"tampered with":     {string(simulatedidkollen.CallbackTampered), 0, 1},
		"lost":              {string(simulatedidkollen.CallbackLost), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newOutside(t)
			house := w.simulator.IDkollen()
			client, err := idkollen.New(idkollen.Config{
				BaseURL: w.serve(house.API(), house.TLSConfig()), AccountID: "house", SecretKey: "planted account secret",
				ServerRoots: w.pki.ServerRoots(), Environment: "simulator", Clock: time.Now,
				CallbackURL: w.back.URL + callback, CallbackKey: callbackKey,
			})
			require.NoError(t, err)
			t.Cleanup(client.Close)
			w.reader("idkollen", client)
			w.temporal.place = func(c *signing.Collection, cmd workflows.StartAttempt) (string, providers.Order, error) {
				p, _ := c.Participant(cmd.Participant)
				o, err := client.Start(context.Background(), providers.StartRequest{
					Collection: c.ID, Attempt: cmd.Attempt, Method: p.Method, Channel: cmd.Channel, Signer: p.PersonalNumber,
					Locale: p.Locale, VisibleText: c.VisibleText(p.Locale), EndUser: cmd.EndUser,
				})
				return "idkollen", o, err
			}
			m := w.createWith(nil)
			a := w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: sameDevice()})
			require.Equal(t, http.StatusCreated, a.StatusCode, "%s", a.body)
			if row.fault != "" {
				w.tell(http.MethodPost, "/v1/idkollen/faults", map[string]any{"kind": row.fault, "count": 1})
			}
			app := person.New(w.control, http.DefaultClient)
			require.NoError(t, app.Register(t.Context(), bankid.Person{PersonalNumber: numberAnna, GivenName: "Anna", Surname: "P"}))
			v, err := app.Open(t.Context(), numberAnna, a.json(t)["launch"].(map[string]any)["desktopLink"].(string))
			require.NoError(t, err)
			_, err = app.Sign(t.Context(), numberAnna, v.OrderRef)
			require.NoError(t, err)
			delivered := house.Deliver(t.Context())
			require.Equal(t, row.hints, min(1, delivered))
			require.Len(t, w.temporal.hinted(), row.hints)
			require.Equal(t, row.wrong, strings.Count(w.logs.String(), `"code":"callback_refused"`))
			if row.hints > 0 {
				attempt := a.json(t)["attempt"].(map[string]any)["id"].(string)
				require.True(t, strings.HasSuffix(w.temporal.hinted()[0], attempt))
			}
		})
	}
}

// TestSignicatsEvents are what the simulated Signicat sends, right and wrong.
func TestSignicatsEvents(t *testing.T) {
	for name, row := range map[string]struct {
		fault    string
		required bool // the account wants proof
		hints    int
		wrong    bool
	}{
		"as they should be":           {"", true, 1, false},
		"twice":                       {string(simulatedsignicat.WebhookDuplicate), true, 1, false},
		"forged":                      {string(simulatedsignicat.WebhookForged), true, 0, true},
		"no signature":                {string(simulatedsignicat.WebhookUnsigned), true, 0, true},
		"no signature, none asked of": {string(simulatedsignicat.WebhookUnsigned), false, 1, false},
		"lost":                        {string(simulatedsignicat.WebhookDropped), true, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newOutside(t)
			house, as := w.simulator.Signicat(), simulatedsignicat.DefaultClient()
			address := w.serve(house.API(), house.TLSConfig())
			client, err := signicat.New(signicat.Config{
				BaseURL: address + "/sign", TokenURL: address + "/auth/open/connect/token", ClientID: as.ID, ClientSecret: signing.Private(as.Secret),
				ServerRoots: w.pki.ServerRoots(), Webhook: signicat.Webhook{Secret: callbackKey, Required: row.required}, Clock: time.Now,
			})
			require.NoError(t, err)
			t.Cleanup(client.Close)
			w.reader("signicat", client)
			w.tell(http.MethodPut, "/v1/signicat/settings", map[string]any{"webhook": map[string]string{
				"url": w.server.URL + "/v1/callbacks/signicat/house", "secret": callbackKey, "header": "X-Signicat-Signature", "encoding": "hex",
			}})
			w.tell(http.MethodPost, "/v1/signicat/persons", simulatedsignicat.Person{NIN: ninKari, GivenName: "Kari", Surname: "N"})
			content := []byte("%PDF-1.7 planted")
			w.temporal.place = func(c *signing.Collection, cmd workflows.StartAttempt) (string, providers.Order, error) {
				p, _ := c.Participant(cmd.Participant)
				o, err := client.Start(context.Background(), providers.StartRequest{
					Collection: c.ID, Attempt: cmd.Attempt, Method: p.Method, Channel: cmd.Channel, Signer: p.PersonalNumber, Locale: p.Locale,
					ReturnURL: cmd.ReturnURL.Reveal(),
					Documents: []providers.Document{{
						Document: signing.Document{ID: c.Documents[0].ID, Title: "Avtale", Length: int64(len(content)), Digest: signing.DigestOf(content)},
						Open:     func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
					}},
				})
				return "signicat", o, err
			}
			m := w.createWith(kari)
			a := w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: sameDevice()})
			require.Equal(t, http.StatusCreated, a.StatusCode, "%s", a.body)
			if row.fault != "" {
				w.tell(http.MethodPost, "/v1/signicat/faults", map[string]any{"kind": row.fault, "count": 1})
			}
			attempt := a.json(t)["attempt"].(map[string]any)["id"].(string)
			w.temporal.mu.Lock()
			ref := w.temporal.collections[signing.CollectionID(m.id)].orders[signing.AttemptID(attempt)].Order.Ref
			w.temporal.mu.Unlock()
			w.tell(http.MethodPost, "/v1/signicat/sessions/"+string(ref)+"/reject", map[string]any{})
			settled := func() bool {
				refused := strings.Contains(w.logs.String(), `"code":"callback_refused"`)
				return len(w.temporal.hinted()) >= row.hints && refused == row.wrong
			}
			require.Eventually(t, settled, 5*time.Second, 10*time.Millisecond)
			w.simulator.Signicat().Close() // everything that was to be sent has been
			require.Len(t, w.temporal.hinted(), row.hints)
			if row.hints > 0 {
				require.True(t, strings.HasSuffix(w.temporal.hinted()[0], attempt))
			}
		})
	}
}
