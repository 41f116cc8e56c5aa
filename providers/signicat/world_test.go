package signicat_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/signicat"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator"
	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/pki"
	simulated "github.com/handslag/handslag/simulator/signicat"
)

// certificates is one PKI for all tests: making it costs seconds, and no test
// changes it.
var certificates = sync.OnceValues(func() (*pki.PKI, error) {
	return pki.Create(pki.Options{Clock: time.Now, Entropy: rand.Reader, CAKeyBits: 2048, StatusURL: "http://status.invalid"})
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

// pushed is an event that arrived.
type pushed struct {
	header http.Header
	body   []byte
}

// world is a running simulator, the people in it, and our account there.
type world struct {
	t       *testing.T
	clock   *clock
	pki     *pki.PKI
	control string
	config  signicat.Config
	people  []signing.PersonalNumber
	events  chan pushed
}

func newWorld(t *testing.T) *world {
	t.Helper()
	p, err := certificates()
	require.NoError(t, err)
	w := &world{t: t, clock: &clock{}, pki: p, events: make(chan pushed, 100)}
	s, err := simulator.New(simulator.Options{PKI: p, Clock: w.clock.Now, Entropy: rand.Reader})
	require.NoError(t, err)

	api := httptest.NewUnstartedServer(s.Signicat().API())
	api.Listener = tls.NewListener(api.Listener, s.Signicat().TLSConfig())
	api.Config.ErrorLog = log.New(io.Discard, "", 0)
	api.Start()
	t.Cleanup(api.Close)
	control := httptest.NewServer(s.Control())
	t.Cleanup(control.Close)
	w.control = control.URL
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.events <- pushed{r.Header, b}
	}))
	t.Cleanup(hook.Close)
	t.Cleanup(s.Signicat().Close)

	for i := range 3 {
		nin := pki.SyntheticNIN(time.Date(1990+i, 3, 1, 0, 0, 0, 0, time.UTC), i)
		n, err := signing.ParseNIN(nin)
		require.NoError(t, err)
		w.people = append(w.people, n)
		w.tell(http.MethodPost, "/v1/signicat/persons", simulated.Person{NIN: nin, GivenName: "Ada", Surname: string(rune('A' + i))})
	}
	w.set(map[string]any{
		"signUrl": control.URL,
		"webhook": map[string]string{"url": hook.URL, "secret": "hush", "header": "X-Signicat-Signature", "encoding": "hex"},
	})
	client := simulated.DefaultClient()
	w.config = signicat.Config{
		BaseURL: "https://" + api.Listener.Addr().String() + "/sign", TokenURL: "https://" + api.Listener.Addr().String() + "/auth/open/connect/token",
		ClientID: client.ID, ClientSecret: signing.Private(client.Secret), ServerRoots: p.ServerRoots(), SenderDisplayName: "Handslag",
		Webhook: signicat.Webhook{Secret: "hush"}, Clock: w.clock.Now,
	}
	return w
}

// client returns the adapter, with the account changed as a test likes.
func (w *world) client(change func(*signicat.Config)) *signicat.Client {
	w.t.Helper()
	config := w.config
	if change != nil {
		change(&config)
	}
	c, err := signicat.New(config)
	require.NoError(w.t, err)
	w.t.Cleanup(c.Close)
	return c
}

// control calls the control API.
func (w *world) call(ctx context.Context, method, path string, in, out any) error {
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, w.control+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %s", method, path, answer.StatusCode, got)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(got, out)
}

func (w *world) tell(method, path string, in any) {
	w.t.Helper()
	require.NoError(w.t, w.call(w.t.Context(), method, path, in, nil))
}

// set changes settings of the simulator and leaves the rest.
func (w *world) set(v map[string]any) {
	w.t.Helper()
	w.tell(http.MethodPut, "/v1/signicat/settings", v)
}

func (w *world) fault(f faults.Fault) {
	w.t.Helper()
	f.Count = max(f.Count, 1)
	w.tell(http.MethodPost, "/v1/signicat/faults", f)
}

// act does something on the page of an order, and insists on how it goes.
func (w *world) act(ctx context.Context, o providers.Order, do string, a simulated.Act, outcome string) (simulated.SessionView, error) {
	var v simulated.SessionView
	if err := w.call(ctx, http.MethodPost, "/v1/signicat/sessions/"+string(o.Ref)+"/"+do, a, &v); err != nil {
		return v, err
	}
	if v.Outcome != outcome {
		return v, errors.New("the page ended with " + v.Outcome)
	}
	return v, nil
}

func (w *world) sign(ctx context.Context, who signing.PersonalNumber, _ signing.Channel, o providers.Order) error {
	_, err := w.act(ctx, o, "sign", simulated.Act{NIN: who.Reveal()}, "success")
	return err
}

// document is a document of ours to be signed.
func document(id string, b []byte) providers.Document {
	return providers.Document{
		Document: signing.Document{ID: signing.DocumentID(id), Title: "Avtale «hemmelig»", Length: int64(len(b)), Digest: signing.DigestOf(b)},
		Open:     func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil },
	}
}

// page is a small PDF with a text of its own.
func page(text string) []byte {
	var b bytes.Buffer
	var at []int
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	content := fmt.Sprintf("BT /F1 18 Tf 72 700 Td (%s) Tj ET", text)
	for i, object := range []string{
		"<</Type /Catalog /Pages 2 0 R>>",
		"<</Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 595 842] /Resources <</Font <</F1 5 0 R>>>>>>",
		"<</Type /Page /Parent 2 0 R /Contents 4 0 R>>",
		fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", len(content), content),
		"<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>",
	} {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f\r\n", len(at)+1)
	for _, offset := range at {
		fmt.Fprintf(&b, "%010d 00000 n\r\n", offset)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, start)
	return b.Bytes()
}

var attempts struct {
	sync.Mutex
	n int
}

func request(person signing.PersonalNumber, c signing.Channel) providers.StartRequest {
	attempts.Lock()
	attempts.n++
	attempt := signing.AttemptID(fmt.Sprintf("att_%d", attempts.n))
	attempts.Unlock()
	return providers.StartRequest{
		Collection: "col_x", Attempt: attempt, Method: signing.MethodNBIDPKI, Channel: c, Signer: person, Locale: signing.LocaleNB,
		ReturnURL: "https://sign.example.com/back?nonce=x", Documents: []providers.Document{document("doc_a", page("A")), document("doc_b", page("B"))},
	}
}

// nowhere is an address that refuses connections.
func nowhere(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return "https://" + l.Addr().String()
}

// push waits for the event of an order's end.
func (w *world) push(ctx context.Context, o providers.Order) (http.Header, []byte, error) {
	for {
		select {
		case p := <-w.events:
			if bytes.Contains(p.body, []byte(`"signing-session.completed"`)) && bytes.Contains(p.body, []byte(o.Ref)) {
				return p.header, p.body, nil
			}
		case <-time.After(5 * time.Second):
			return nil, nil, errors.New("no event arrived")
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}
