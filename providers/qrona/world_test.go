package qrona_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/qrona"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator"
	simbankid "github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/person"
	"github.com/handslag/handslag/simulator/pki"
	simulated "github.com/handslag/handslag/simulator/qrona"
)

// certificates is one PKI for all tests: making it costs seconds, and no test
// changes it.
var certificates = sync.OnceValues(func() (*pki.PKI, error) {
	return pki.Create(pki.Options{Clock: time.Now, Entropy: rand.Reader, CAKeyBits: 2048})
})

// clock is a clock that a test moves.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

const token = "the-private-token-of-the-test"

// world is a running simulator, the people in it, and our account there.
type world struct {
	t       *testing.T
	clock   *clock
	app     *person.App
	control string
	config  qrona.Config
	people  []signing.PersonalNumber
}

func newWorld(t *testing.T) *world {
	t.Helper()
	p, err := certificates()
	require.NoError(t, err)
	w := &world{t: t, clock: &clock{}}
	s, err := simulator.New(simulator.Options{PKI: p, Clock: w.clock.Now, Entropy: rand.Reader})
	require.NoError(t, err)

	api := httptest.NewUnstartedServer(s.Qrona())
	api.Listener = tls.NewListener(api.Listener, s.QronaTLS())
	api.Config.ErrorLog = log.New(io.Discard, "", 0)
	api.Start()
	t.Cleanup(api.Close)
	control := httptest.NewServer(s.Control())
	t.Cleanup(control.Close)
	w.app, w.control = person.New(control.URL, control.Client()), control.URL
	w.settings(simulated.Settings{Token: token, AnswersOnce: true, Failed: simulated.FailedAsBankID})

	for i, number := range []string{"191212121212", "200211242383", "199908072391", "197010632391"} {
		parsed, err := signing.ParsePersonalNumber(number)
		require.NoError(t, err)
		w.people = append(w.people, parsed)
		require.NoError(t, w.app.Register(t.Context(), simbankid.Person{PersonalNumber: number, GivenName: "Ada", Surname: string(rune('A' + i))}))
	}
	w.config = qrona.Config{
		BaseURL: "https://" + api.Listener.Addr().String(), Token: token, Roots: p.ServerRoots(), Environment: "simulator",
		RequestTimeout: 10 * time.Second, Clock: w.clock.Now,
	}
	return w
}

// client returns the adapter, with the account changed as a test likes.
func (w *world) client(change func(*qrona.Config)) *qrona.Client {
	w.t.Helper()
	config := w.config
	if change != nil {
		change(&config)
	}
	c, err := qrona.New(config)
	require.NoError(w.t, err)
	w.t.Cleanup(c.Close)
	return c
}

func (w *world) send(method, path string, body any) {
	w.t.Helper()
	encoded, err := json.Marshal(body)
	require.NoError(w.t, err)
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.control+path, bytes.NewReader(encoded))
	require.NoError(w.t, err)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	require.NoError(w.t, err)
	_ = answer.Body.Close()
	require.Less(w.t, answer.StatusCode, 300, path)
}

func (w *world) settings(s simulated.Settings) { w.send(http.MethodPut, "/v1/qrona/settings", s) }

func (w *world) fault(f faults.Fault) {
	w.t.Helper()
	if f.Count == 0 {
		f.Count = 1
	}
	w.send(http.MethodPost, "/v1/qrona/faults", f)
}

func request(who signing.PersonalNumber, c signing.Channel) providers.StartRequest {
	return providers.StartRequest{
		Collection: "col_x", Attempt: "att_x", Method: signing.MethodBankIDSEIdentify, Channel: c, Signer: who, Locale: signing.LocaleSV,
		EndUser: providers.EndUser{IP: netip.MustParseAddr("192.0.2.1")}, CallInitiator: providers.CallByOwner,
	}
}

// open opens the app the way the channel has it.
func (w *world) open(ctx context.Context, c *qrona.Client, who signing.PersonalNumber, channel signing.Channel, o providers.Order) (simbankid.OrderView, error) {
	switch channel {
	case signing.ChannelQR:
		a, err := c.Collect(ctx, o.Ref) // where the page has the code from
		if err != nil {
			return simbankid.OrderView{}, err
		}
		return w.app.Scan(ctx, who.Reveal(), a.RelayedQR.Reveal())
	case signing.ChannelSameDevice:
		return w.app.Open(ctx, who.Reveal(), providers.LaunchURL(o.AutoStartToken, providers.DeviceMobile).Reveal())
	case signing.ChannelPhone:
		return w.app.OpenPhone(ctx, who.Reveal())
	}
	return simbankid.OrderView{}, errors.New("no such channel")
}

func (w *world) sign(ctx context.Context, c *qrona.Client, who signing.PersonalNumber, channel signing.Channel, o providers.Order) error {
	v, err := w.open(ctx, c, who, channel, o)
	if err != nil {
		return err
	}
	_, err = w.app.Sign(ctx, who.Reveal(), v.OrderRef)
	return err
}

// nowhere is an address that refuses connections.
func nowhere(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return "https://" + l.Addr().String()
}
