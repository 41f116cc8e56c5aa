package simulator_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/simulator"
	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/person"
	"github.com/handslag/handslag/simulator/pki"
)

const (
	tolvan = "191212121212"
	test   = "200211242383"
)

// noon is when every test's world begins.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// certificates is one PKI for all tests: making it costs seconds, and no test
// changes it.
var certificates = sync.OnceValues(func() (*pki.PKI, error) {
	return pki.Create(pki.Options{Clock: func() time.Time { return noon }, Entropy: rand.Reader, CAKeyBits: 2048})
})

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// stage is a running world with one relying party and two persons.
type stage struct {
	t     *testing.T
	clock *clock
	pki   *pki.PKI
	world *simulator.World
	rp    *http.Client
	url   string // of the Relying Party API
	app   *person.App
	ctrl  string
	tsa   string
}

func start(t *testing.T, stateFile string) *stage {
	t.Helper()
	p, err := certificates()
	require.NoError(t, err)
	s := &stage{t: t, clock: &clock{now: noon}, pki: p}
	s.world, err = simulator.New(simulator.Options{PKI: p, Clock: s.clock.Now, Entropy: rand.Reader, StateFile: stateFile})
	require.NoError(t, err)

	api := httptest.NewUnstartedServer(s.world.RPAPI())
	api.Listener = tls.NewListener(api.Listener, s.world.RPTLS())
	api.Config.ErrorLog = quiet()
	api.Start()
	t.Cleanup(api.Close)
	s.url = "https://" + api.Listener.Addr().String() + "/rp/v6.0/"
	s.rp = s.client(p.RP())

	control := httptest.NewServer(s.world.Control())
	t.Cleanup(control.Close)
	s.ctrl = control.URL
	s.app = person.New(control.URL, control.Client())
	require.NoError(t, s.app.Register(t.Context(), bankid.Person{PersonalNumber: tolvan, GivenName: "Tolvan", Surname: "Tolvansson"}))
	require.NoError(t, s.app.Register(t.Context(), bankid.Person{PersonalNumber: test, GivenName: "Test", Surname: "Person"}))

	stamps := httptest.NewServer(s.world.Timestamp())
	t.Cleanup(stamps.Close)
	s.tsa = stamps.URL
	return s
}

func (s *stage) client(id pki.Identity) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: s.pki.ServerRoots(), Certificates: []tls.Certificate{id.TLS()}, MinVersion: tls.VersionTLS12,
		Time: s.clock.Now,
	}}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

type object = map[string]any

// post calls the Relying Party API as the default relying party.
func (s *stage) post(endpoint string, body any) (int, object) {
	s.t.Helper()
	code, answer, err := s.try(s.rp, endpoint, body)
	require.NoError(s.t, err)
	return code, answer
}

func (s *stage) try(c *http.Client, endpoint string, body any) (int, object, error) {
	s.t.Helper()
	encoded, ok := body.([]byte)
	if !ok {
		var err error
		encoded, err = json.Marshal(body)
		require.NoError(s.t, err)
	}
	answer, err := c.Post(s.url+endpoint, "application/json", bytes.NewReader(encoded))
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	require.NoError(s.t, err)
	var out object
	require.NoError(s.t, json.Unmarshal(content, &out), string(content))
	return answer.StatusCode, out, nil
}

type started struct{ ref, token, qrToken, qrSecret string }

// order starts an order and insists that it started.
func (s *stage) order(endpoint string, body object) started {
	s.t.Helper()
	code, answer := s.post(endpoint, body)
	require.Equal(s.t, http.StatusOK, code, answer)
	text := func(name string) string { v, _ := answer[name].(string); return v }
	return started{text("orderRef"), text("autoStartToken"), text("qrStartToken"), text("qrStartSecret")}
}

func signBody(more object) object {
	body := object{"endUserIp": "192.0.2.1", "userVisibleData": b64("Jag skriver under.")}
	maps.Copy(body, more)
	return body
}

func phoneBody(number string) object {
	return object{"personalNumber": number, "callInitiator": "user", "userVisibleData": b64("Jag skriver under.")}
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func (o started) qr(t int) string {
	mac := hmac.New(sha256.New, []byte(o.qrSecret))
	mac.Write([]byte(strconv.Itoa(t)))
	return "bankid." + o.qrToken + "." + strconv.Itoa(t) + "." + hex.EncodeToString(mac.Sum(nil))
}

// collect insists on an answer and returns status and hint.
func (s *stage) collect(ref string) (status, hint string) {
	s.t.Helper()
	code, answer := s.post("collect", object{"orderRef": ref})
	require.Equal(s.t, http.StatusOK, code, answer)
	require.Equal(s.t, ref, answer["orderRef"])
	status, _ = answer["status"].(string)
	hint, _ = answer["hintCode"].(string)
	return status, hint
}

func (s *stage) gone(ref string) {
	s.t.Helper()
	code, answer := s.post("collect", object{"orderRef": ref})
	require.Equal(s.t, http.StatusBadRequest, code)
	require.Equal(s.t, object{"errorCode": "invalidParameters", "details": "No such order"}, answer)
}

// signed runs an order to the end and returns its completionData.
func (s *stage) signed(endpoint string, body object) object {
	s.t.Helper()
	o := s.order(endpoint, body)
	v, err := s.app.Open(s.ctx(), tolvan, o.token)
	require.NoError(s.t, err)
	_, err = s.app.Sign(s.ctx(), tolvan, v.OrderRef)
	require.NoError(s.t, err)
	code, answer := s.post("collect", object{"orderRef": o.ref})
	require.Equal(s.t, http.StatusOK, code)
	require.Equal(s.t, "complete", answer["status"], answer)
	return answer["completionData"].(object)
}

func (s *stage) ctx() context.Context { return s.t.Context() }

// refused insists on a refusal of the person's app with the code.
func refused(t *testing.T, code string, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, fault.CodeOf(err), err)
}
