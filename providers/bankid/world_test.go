package bankid_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/bankid"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator"
	simulated "github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
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

// world is a running simulator, the people in it, and our account there.
type world struct {
	t      *testing.T
	clock  *clock
	pki    *pki.PKI
	app    *person.App
	config bankid.Config
	people []signing.PersonalNumber
}

func newWorld(t *testing.T) *world {
	t.Helper()
	p, err := certificates()
	require.NoError(t, err)
	w := &world{t: t, clock: &clock{}, pki: p}
	s, err := simulator.New(simulator.Options{PKI: p, Clock: w.clock.Now, Entropy: rand.Reader})
	require.NoError(t, err)

	api := httptest.NewUnstartedServer(s.RPAPI())
	api.Listener = tls.NewListener(api.Listener, s.RPTLS())
	api.Config.ErrorLog = log.New(io.Discard, "", 0)
	api.Start()
	t.Cleanup(api.Close)
	control := httptest.NewServer(s.Control())
	t.Cleanup(control.Close)
	w.app = person.New(control.URL, control.Client())

	for i, number := range []string{"191212121212", "200211242383", "199908072391", "197010632391"} {
		parsed, err := signing.ParsePersonalNumber(number)
		require.NoError(t, err)
		w.people = append(w.people, parsed)
		require.NoError(t, w.app.Register(t.Context(), simulated.Person{PersonalNumber: number, GivenName: "Ada", Surname: string(rune('A' + i))}))
	}
	w.config = bankid.Config{
		BaseURL: "https://" + api.Listener.Addr().String() + "/rp/v6.0", Credentials: p.RP().TLS(), ServerRoots: p.ServerRoots(),
		Environment: bankidsig.Simulator, Clock: w.clock.Now,
	}
	for _, root := range p.Anchors(pki.BankID) {
		w.config.Anchors = append(w.config.Anchors, bankidsig.Anchor{Environment: bankidsig.Simulator, Certificate: root})
	}
	return w
}

// client returns the adapter, with the account changed as a test likes.
func (w *world) client(change func(*bankid.Config)) *bankid.Client {
	w.t.Helper()
	config := w.config
	if change != nil {
		change(&config)
	}
	c, err := bankid.New(config)
	require.NoError(w.t, err)
	w.t.Cleanup(c.Close)
	return c
}

func request(person signing.PersonalNumber, c signing.Channel) providers.StartRequest {
	return providers.StartRequest{
		Collection: "col_x", Attempt: "att_x", Method: signing.MethodBankIDSE, Channel: c, Signer: person, Locale: signing.LocaleSV,
		VisibleText: "# Underskrift\n\n+ Dokument 1: Avtal åäö\n", Manifest: []byte(`{"version":"handslag-manifest-1"}`),
		EndUser: providers.EndUser{
			IP: netip.MustParseAddr("192.0.2.1"), Web: &providers.WebDevice{ReferringDomain: "example.com", UserAgent: "test", DeviceIdentifier: "cookie"},
		},
		ReturnURL: "https://sign.example.com/back?nonce=x", CallInitiator: providers.CallByOwner,
	}
}

// open opens the app the way the channel has it.
func (w *world) open(ctx context.Context, who signing.PersonalNumber, c signing.Channel, o providers.Order) error {
	var err error
	switch c {
	case signing.ChannelQR:
		age := int(w.clock.Now().Sub(o.StartedAt) / time.Second)
		_, err = w.app.Scan(ctx, who.Reveal(), providers.QRText(o.QRToken, o.QRSecret, age).Reveal())
	case signing.ChannelSameDevice:
		_, err = w.app.Open(ctx, who.Reveal(), providers.LaunchURL(o.AutoStartToken, providers.DeviceComputer).Reveal())
	case signing.ChannelPhone:
		_, err = w.app.OpenPhone(ctx, who.Reveal())
	}
	return err
}

func (w *world) sign(ctx context.Context, who signing.PersonalNumber, c signing.Channel, o providers.Order) error {
	if err := w.open(ctx, who, c, o); err != nil {
		return err
	}
	_, err := w.app.Sign(ctx, who.Reveal(), string(o.Ref))
	return err
}

func (w *world) fault(f faults.Fault) {
	w.t.Helper()
	if f.Count == 0 {
		f.Count = 1
	}
	require.NoError(w.t, w.app.Fault(w.t.Context(), f))
}

// nowhere is an address that refuses connections.
func nowhere(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return "https://" + l.Addr().String() + "/rp/v6.0"
}
