package idkollen_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/idkollen"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator"
	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
	simulated "github.com/handslag/handslag/simulator/idkollen"
	"github.com/handslag/handslag/simulator/person"
	"github.com/handslag/handslag/simulator/pki"
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

// pushed is a callback that arrived.
type pushed struct {
	header http.Header
	body   []byte
}

// world is a running simulator, the people in it, our account there, and the
// server that is called back.
type world struct {
	t       *testing.T
	clock   *clock
	server  *simulated.Server
	app     *person.App
	control string
	config  idkollen.Config
	people  []signing.PersonalNumber

	mu     sync.Mutex
	pushes []pushed
	refuse int // how many callbacks to answer with 500
}

const callbackKey = "gemensam nyckel"

func quiet(s *httptest.Server) { s.Config.ErrorLog = log.New(io.Discard, "", 0) }

func newWorld(t *testing.T) *world {
	t.Helper()
	p, err := certificates()
	require.NoError(t, err)
	w := &world{t: t, clock: &clock{}}
	callbacks := httptest.NewTLSServer(http.HandlerFunc(w.receive))
	quiet(callbacks)
	t.Cleanup(callbacks.Close)
	account := simulated.Account{
		ID: "konto-1", Secret: "hemlig nyckel", CallbackKey: callbackKey, CompanySignatory: true,
		CallbackHosts: []string{strings.TrimPrefix(callbacks.URL, "https://")},
	}
	s, err := simulator.New(simulator.Options{
		PKI: p, Clock: w.clock.Now, Entropy: rand.Reader, IDkollen: []simulated.Account{account}, Callbacks: callbacks.Client(),
	})
	require.NoError(t, err)
	w.server = s.IDkollen()

	api := httptest.NewUnstartedServer(w.server.API())
	api.Listener = tls.NewListener(api.Listener, w.server.TLSConfig())
	quiet(api)
	api.Start()
	t.Cleanup(api.Close)
	control := httptest.NewServer(s.Control())
	t.Cleanup(control.Close)
	w.control = control.URL
	w.app = person.New(control.URL, control.Client())
	for i, number := range []string{"191212121212", "200211242383", "199908072391"} {
		parsed, err := signing.ParsePersonalNumber(number)
		require.NoError(t, err)
		w.people = append(w.people, parsed)
		require.NoError(t, w.app.Register(t.Context(), bankid.Person{PersonalNumber: number, GivenName: "Ada", Surname: string(rune('A' + i))}))
	}
	w.config = idkollen.Config{
		BaseURL: "https://" + api.Listener.Addr().String(), AccountID: account.ID, SecretKey: signing.Private(account.Secret),
		ServerRoots: p.ServerRoots(), Environment: "simulator", CallbackURL: callbacks.URL + "/back", CallbackKey: callbackKey, Clock: w.clock.Now,
	}
	return w
}

func (w *world) receive(out http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse > 0 {
		w.refuse--
		out.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.pushes = append(w.pushes, pushed{r.Header, body})
	out.WriteHeader(http.StatusNoContent)
}

// arrived delivers what is due and returns every callback so far.
func (w *world) arrived() []pushed {
	w.server.Deliver(w.t.Context())
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]pushed(nil), w.pushes...)
}

// client returns the adapter, with the account changed as a test likes.
func (w *world) client(change func(*idkollen.Config)) *idkollen.Client {
	w.t.Helper()
	config := w.config
	if change != nil {
		change(&config)
	}
	c, err := idkollen.New(config)
	require.NoError(w.t, err)
	w.t.Cleanup(c.Close)
	return c
}

func request(person signing.PersonalNumber, c signing.Channel) providers.StartRequest {
	return providers.StartRequest{
		Collection: "col_x", Attempt: "att_x", Method: signing.MethodBankIDSE, Channel: c, Signer: person, Locale: signing.LocaleSV,
		VisibleText: "Jag skriver under Avtal åäö.", Manifest: []byte(`{"version":"handslag-manifest-1"}`),
		EndUser: providers.EndUser{IP: netip.MustParseAddr("192.0.2.1")}, CallInitiator: providers.CallByOwner,
	}
}

// open opens the app the way the channel has it, and returns the order at BankID.
func (w *world) open(ctx context.Context, who signing.PersonalNumber, c signing.Channel, o providers.Order) (string, error) {
	var v bankid.OrderView
	var err error
	switch c {
	case signing.ChannelQR:
		age := int(w.clock.Now().Sub(o.StartedAt) / time.Second)
		v, err = w.app.Scan(ctx, who.Reveal(), providers.QRText(o.QRToken, o.QRSecret, age).Reveal())
	case signing.ChannelSameDevice:
		v, err = w.app.Open(ctx, who.Reveal(), providers.LaunchURL(o.AutoStartToken, providers.DeviceComputer).Reveal())
	case signing.ChannelPhone:
		v, err = w.app.OpenPhone(ctx, who.Reveal())
	}
	return v.OrderRef, err
}

func (w *world) sign(ctx context.Context, who signing.PersonalNumber, c signing.Channel, o providers.Order) error {
	ref, err := w.open(ctx, who, c, o)
	if err != nil {
		return err
	}
	_, err = w.app.Sign(ctx, who.Reveal(), ref)
	return err
}

// put changes the simulated IDkollen by its control API.
func (w *world) put(method, path, body string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.control+"/v1/idkollen"+path, strings.NewReader(body))
	require.NoError(w.t, err)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	require.NoError(w.t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(w.t, err)
	require.Less(w.t, answer.StatusCode, 300, string(text))
}

func (w *world) fault(kind faults.Kind, more string) {
	w.t.Helper()
	w.put(http.MethodPost, "/faults", `{"kind":"`+string(kind)+`","count":1`+more+`}`)
}

// nowhere is an address that refuses connections.
func nowhere(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return "https://" + l.Addr().String()
}

var errNoPush = errors.New("no callback arrived")
