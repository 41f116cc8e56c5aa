package sbab_test

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
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/sbab"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator"
	simbankid "github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/person"
	"github.com/handslag/handslag/simulator/pki"
	simqrona "github.com/handslag/handslag/simulator/qrona"
	simulated "github.com/handslag/handslag/simulator/sbab"
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

// world is a running simulator, the people in it, and our account there.
type world struct {
	t       *testing.T
	clock   *clock
	app     *person.App
	control string
	config  sbab.Config
	people  []signing.PersonalNumber
	other   http.Handler                      // another relying party
	ids     map[signing.PersonalNumber]string // as participants of a loan application
}

func newWorld(t *testing.T) *world {
	t.Helper()
	p, err := certificates()
	require.NoError(t, err)
	w := &world{t: t, clock: &clock{}, ids: map[signing.PersonalNumber]string{}}
	s, err := simulator.New(simulator.Options{PKI: p, Clock: w.clock.Now, Entropy: rand.Reader})
	require.NoError(t, err)

	api := httptest.NewUnstartedServer(s.SBAB())
	api.Listener = tls.NewListener(api.Listener, s.SBABTLS())
	api.Config.ErrorLog = log.New(io.Discard, "", 0)
	api.Start()
	t.Cleanup(api.Close)
	control := httptest.NewServer(s.Control())
	t.Cleanup(control.Close)
	w.other = s.Qrona()
	w.app, w.control = person.New(control.URL, control.Client()), control.URL

	for i, number := range []string{"191212121212", "200211242383", "199908072391", "197010632391"} {
		parsed, err := signing.ParsePersonalNumber(number)
		require.NoError(t, err)
		w.people = append(w.people, parsed)
		require.NoError(t, w.app.Register(t.Context(), simbankid.Person{PersonalNumber: number, GivenName: "Ada", Surname: string(rune('A' + i))}))
		w.ids[parsed] = w.enrol(simulated.Participant{PersonalNumber: number})
	}
	w.config = sbab.Config{
		BaseURL: "https://" + api.Listener.Addr().String() + "/partner/signing/1.0", ClientID: simulated.ClientID, ClientSecret: simulated.ClientSecret,
		Roots: p.ServerRoots(), Environment: "simulator", RequestTimeout: 10 * time.Second, Clock: w.clock.Now,
	}
	return w
}

// client returns the adapter, with the account changed as a test likes.
func (w *world) client(change func(*sbab.Config)) *sbab.Client {
	w.t.Helper()
	config := w.config
	if change != nil {
		change(&config)
	}
	c, err := sbab.New(config)
	require.NoError(w.t, err)
	w.t.Cleanup(c.Close)
	return c
}

func (w *world) send(method, path string, body, out any) {
	w.t.Helper()
	encoded, err := json.Marshal(body)
	require.NoError(w.t, err)
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.control+path, bytes.NewReader(encoded))
	require.NoError(w.t, err)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	require.NoError(w.t, err)
	defer func() { _ = answer.Body.Close() }()
	require.Less(w.t, answer.StatusCode, 300, path)
	if out != nil {
		require.NoError(w.t, json.NewDecoder(answer.Body).Decode(out))
	}
}

// settings changes some of the simulator's settings; the rest is as it began.
func (w *world) settings(s map[string]any) { w.send(http.MethodPut, "/v1/sbab/settings", s, nil) }

// enrol has SBAB's process give somebody an id.
func (w *world) enrol(p simulated.Participant) string {
	w.t.Helper()
	var made simulated.Participant
	w.send(http.MethodPost, "/v1/sbab/participants", p, &made)
	return made.ID
}

// tokens is how many were issued.
func (w *world) tokens() int {
	w.t.Helper()
	var out struct {
		Issued int `json:"issued"`
	}
	w.send(http.MethodGet, "/v1/sbab/tokens", nil, &out)
	return out.Issued
}

func (w *world) fault(f faults.Fault) {
	w.t.Helper()
	if f.Count == 0 {
		f.Count = 1
	}
	w.send(http.MethodPost, "/v1/sbab/faults", f, nil)
}

func (w *world) request(who signing.PersonalNumber, c signing.Channel) providers.StartRequest {
	r := request(c)
	r.Signer, r.ProviderParticipant = who, w.ids[who]
	return r
}

func request(c signing.Channel) providers.StartRequest {
	return providers.StartRequest{
		Collection: "col_x", Attempt: "att_x", Method: signing.MethodBankIDSEProcess, Channel: c, Locale: signing.LocaleSV,
		ProviderParticipant: "b9052a54-7e40-11ee-b962-0242ac120002", EndUser: providers.EndUser{IP: netip.MustParseAddr("192.0.2.1")},
		VisibleText: "our text, which SBAB never gets", Manifest: []byte("nor this"),
	}
}

// open opens the app the way the channel has it.
func (w *world) open(ctx context.Context, c *sbab.Client, who signing.PersonalNumber, channel signing.Channel, o providers.Order) (simbankid.OrderView, error) {
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

func (w *world) sign(ctx context.Context, c *sbab.Client, who signing.PersonalNumber, channel signing.Channel, o providers.Order) error {
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
	return "https://" + l.Addr().String() + "/partner/signing/1.0"
}

// busyElsewhere has the first person in the middle of an order at another
// relying party, and returns its reference.
func (w *world) busyElsewhere() string {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/auth", strings.NewReader(`{"endUserIp":"192.0.2.7"}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+simqrona.Token)
	answer := httptest.NewRecorder()
	w.other.ServeHTTP(answer, r)
	var order struct {
		OrderRef       string `json:"orderRef"`
		AutoStartToken string `json:"autoStartToken"`
	}
	require.NoError(w.t, json.Unmarshal(answer.Body.Bytes(), &order))
	_, err := w.app.Open(w.t.Context(), w.people[0].Reveal(), order.AutoStartToken)
	require.NoError(w.t, err)
	return order.OrderRef
}
