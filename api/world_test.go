package api_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/api"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

const (
	keyAcme  = "hsk_acme-test-key-0123456789abcdef"
	keyOther = "hsk_other-test-key-0123456789abcdef"

	numberAnna = "199001012385"
	numberBo   = "198507099805"
	nameAnna   = "Anna Planterad"
	titlePlant = "Hemlig planterad titel"
	qrSecret   = "planted-qr-secret-5d3f"
	userAgent  = "PlantedAgent/7.1"

	redirectURL = "https://planted.sandbox.signicat.com/sign/?sessionId=planted-session"
)

// planted must be in no log.
var planted = []string{
	numberAnna, numberBo, ninKari, callbackKey, numberAnna[2:], nameAnna, "Planterad", titlePlant, qrSecret, userAgent, keyAcme, keyOther,
	"203.0.113.77", "planted-query", "planted-session", "planted-nonce", "hsl_",
}

// world is a server with everything around it held in memory.
type world struct {
	t        *testing.T
	server   *httptest.Server
	api      *api.Server
	contract *openapi3.T
	router   routers.Router
	logs     *lockedBuffer
	temporal *fakeOrchestrator
	store    *fakeStore
	accounts *fakeAccounts
	seen     fakeConditions
	calls    *fakeCallbacks
	now      func() time.Time
}

func newWorld(t *testing.T, changes ...func(*api.Config)) *world {
	t.Helper()
	w := &world{t: t, logs: &lockedBuffer{}, store: newFakeStore(), accounts: newFakeAccounts(), calls: &fakeCallbacks{}, now: time.Now}
	w.temporal = &fakeOrchestrator{collections: map[signing.CollectionID]*running{}, now: func() time.Time { return w.now() }}
	keys, err := api.ParseKeys(strings.NewReader("# keys\nacme " + hexDigest(keyAcme) + "\n\nother " + hexDigest(keyOther) + "\n"))
	require.NoError(t, err)
	config := api.Config{
		Intake: w.store, Documents: w.store, Records: w.store, Claims: w.store, Links: w.store,
		Orchestrator: w.temporal, Accounts: w.accounts, Conditions: &w.seen, Callbacks: w.calls, Orders: w.store, Keyed: testMAC{}, Keys: keys,
		Log: slog.New(slog.NewJSONHandler(w.logs, nil)), Clock: func() time.Time { return w.now() }, Entropy: rand.Reader,
	}
	for _, change := range changes {
		change(&config)
	}
	s, err := api.New(config)
	require.NoError(t, err)
	w.api, w.server = s, httptest.NewServer(s.Handler())
	w.contract, w.router = loadContract(t)
	t.Cleanup(func() {
		w.server.Close()
		for _, secret := range planted {
			require.NotContains(t, w.logs.String(), secret, "the log gives away personal data or a secret")
		}
	})
	return w
}

func hexDigest(s string) string { return signing.DigestOf([]byte(s)).String() }

func loadContract(t *testing.T) (*openapi3.T, routers.Router) {
	t.Helper()
	doc, router, err := readContract()
	require.NoError(t, err)
	return doc, router
}

// readContract is done once: it takes longer than most tests.
var readContract = onceContract()

func onceContract() func() (*openapi3.T, routers.Router, error) {
	var once sync.Once
	var doc *openapi3.T
	var router routers.Router
	var err error
	return func() (*openapi3.T, routers.Router, error) {
		once.Do(func() {
			for _, media := range []string{"application/pdf", "image/svg+xml", "text/html"} {
				openapi3filter.RegisterBodyDecoder(media, openapi3filter.FileBodyDecoder)
			}
			if doc, err = openapi3.NewLoader().LoadFromFile("openapi.yaml"); err != nil {
				return
			}
			if err = doc.Validate(context.Background()); err != nil {
				return
			}
			router, err = gorillamux.NewRouter(doc)
		})
		return doc, router, err
	}
}

// answer is a response that was read.
type answer struct {
	*http.Response
	body []byte
}

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal(a.body, &m), "%s", a.body)
	return m
}

func (a answer) code(t *testing.T) string {
	t.Helper()
	code, _ := a.json(t)["code"].(string)
	return code
}

// fieldsOf returns the wrong fields of a problem as "pointer code".
func fieldsOf(t *testing.T, a answer) []string {
	t.Helper()
	var fields []string
	errors, _ := a.json(t)["errors"].([]any)
	for _, e := range errors {
		field := e.(map[string]any)
		fields = append(fields, field["pointer"].(string)+" "+field["code"].(string))
	}
	return fields
}

type call struct {
	method, path, token string
	body                any // string, []byte or JSON
	header              map[string]string
}

// do sends a request and holds the answer against the contract, whatever it is.
func (w *world) do(c call) answer {
	w.t.Helper()
	return w.doWith(c, func(*http.Request) {})
}

func (w *world) doWith(c call, change func(*http.Request)) answer {
	w.t.Helper()
	var body io.Reader
	contentType := "application/json"
	switch b := c.body.(type) {
	case nil:
		contentType = ""
	case string:
		body = strings.NewReader(b)
	case []byte:
		body, contentType = bytes.NewReader(b), "application/pdf"
	default:
		encoded, err := json.Marshal(b)
		require.NoError(w.t, err)
		body = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), c.method, w.server.URL+c.path, body)
	require.NoError(w.t, err)
	r.Header.Set("User-Agent", userAgent)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for k, v := range c.header {
		r.Header.Set(k, v)
	}
	change(r)
	response, err := w.server.Client().Do(r)
	require.NoError(w.t, err)
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	a := answer{response, read}
	w.check(r, a)
	return a
}

// check holds an answer against the contract.
func (w *world) check(r *http.Request, a answer) {
	w.t.Helper()
	require.Regexp(w.t, `^req_[0-9a-f]{20}$`, a.Header.Get("X-Request-Id"))
	require.Equal(w.t, "nosniff", a.Header.Get("X-Content-Type-Options"))
	if a.StatusCode >= 400 && a.Header.Get("Content-Type") != "application/json" && r.Method != http.MethodHead {
		w.checkProblem(a)
	}
	for _, secret := range []string{numberAnna, numberBo, ninKari, nameAnna, qrSecret} {
		require.NotContains(w.t, string(a.body), secret)
	}
	route, parameters, err := w.router.FindRoute(r)
	if err != nil {
		require.Contains(w.t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, a.StatusCode)
		return
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: route, PathParams: parameters},
		Status:                 a.StatusCode, Header: a.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	input.SetBodyBytes(a.body)
	require.NoError(w.t, openapi3filter.ValidateResponse(r.Context(), input), "%s %s → %d %s", r.Method, r.URL.Path, a.StatusCode, a.body)
}

func (w *world) checkProblem(a answer) {
	w.t.Helper()
	require.Equal(w.t, "application/problem+json", a.Header.Get("Content-Type"), "%s", a.body)
	p := a.json(w.t)
	require.InDelta(w.t, a.StatusCode, p["status"], 0)
	require.Equal(w.t, a.Header.Get("X-Request-Id"), p["request_id"])
	require.Equal(w.t, "/problems/"+a.code(w.t), p["type"])
	require.Equal(w.t, "no-store", a.Header.Get("Cache-Control"))
	if a.StatusCode == http.StatusUnauthorized {
		require.Contains(w.t, a.Header.Get("WWW-Authenticate"), `Bearer realm="handslag"`)
	}
}

// upload stores a document and returns its id.
func (w *world) upload() string {
	w.t.Helper()
	a := w.do(call{method: "POST", path: "/v1/documents", token: keyAcme, body: []byte("%PDF-1.7 planted")})
	require.Equal(w.t, http.StatusCreated, a.StatusCode, "%s", a.body)
	return a.json(w.t)["id"].(string)
}

// collectionBody asks for Anna in step 1 and Bo in step 2.
func collectionBody(documents ...string) map[string]any {
	var list []any
	for _, id := range documents {
		list = append(list, map[string]any{"id": id, "title": titlePlant})
	}
	return map[string]any{
		"documents": list,
		"participants": []any{
			map[string]any{"name": nameAnna, "personalNumber": numberAnna, "step": 1, "locale": "sv"},
			map[string]any{"name": "Bo Planterad", "personalNumber": numberBo, "step": 2, "locale": "en"},
		},
	}
}

// made is a collection that was created.
type made struct{ id, document, anna, bo string }

func (w *world) create() made {
	w.t.Helper()
	document := w.upload()
	a := w.do(call{method: "POST", path: "/v1/collections", token: keyAcme, body: collectionBody(document)})
	require.Equal(w.t, http.StatusCreated, a.StatusCode, "%s", a.body)
	c := a.json(w.t)
	people := c["participants"].([]any)
	m := made{
		c["id"].(string), document,
		people[0].(map[string]any)["id"].(string), people[1].(map[string]any)["id"].(string),
	}
	require.Equal(w.t, "/v1/collections/"+m.id, a.Header.Get("Location"))
	return m
}

func (m made) collection() string { return "/v1/collections/" + m.id }
func (m made) of(p string) string { return m.collection() + "/participants/" + p }

func (w *world) link(m made, participant string) string {
	w.t.Helper()
	a := w.do(call{method: "POST", path: m.of(participant) + "/links", token: keyAcme})
	require.Equal(w.t, http.StatusCreated, a.StatusCode, "%s", a.body)
	return a.json(w.t)["token"].(string)
}

func qrRequest() map[string]any {
	return map[string]any{"channel": "qr", "endUserIp": "203.0.113.77", "web": map[string]any{"userAgent": userAgent}}
}

// running is a collection that the fake orchestrator carries, by the real rules.
type running struct {
	*signing.Collection
	live   map[signing.ParticipantID]workflows.Live
	orders map[signing.AttemptID]workflows.StartedAttempt
	faults map[signing.AttemptID]error // of starts that were carried out and failed
	last   workflows.StartAttempt
	nonces map[signing.Digest]bool
}

// Consent implements api.Orchestrator.
func (f *fakeOrchestrator) Consent(_ context.Context, id signing.CollectionID, cmd workflows.ConsentCommand) (signing.View, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.get(id)
	if err != nil {
		return signing.View{}, err
	}
	if err := c.CanConsent(cmd.Participant, cmd.Attempt, cmd.Manifest, f.now()); err != nil {
		return signing.View{}, err
	}
	if text := c.At(c.About(cmd.Participant)).ConsentText(cmd.Locale).Reveal(); signing.DigestOf([]byte(text)) != cmd.Text {
		return signing.View{}, signing.ErrConsentOther
	}
	if err := c.BeginConsent(cmd.Participant, cmd.Attempt, cmd.Manifest, f.now()); err != nil {
		return signing.View{}, err
	}
	c.EndConsent(cmd.Participant, signing.Consent{At: f.now(), Evidence: signing.DigestOf([]byte("kept"))})
	return c.View(), nil
}

// Hint implements api.Orchestrator.
func (f *fakeOrchestrator) Hint(_ context.Context, id signing.CollectionID, key string, h workflows.Hint) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.get(id); err != nil {
		return err
	}
	f.hints = append(f.hints, key+" "+string(h.Attempt))
	return nil
}

// hinted are the hints so far.
func (f *fakeOrchestrator) hinted() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.hints)
}

// fakeCallbacks reads calls as it is told to.
type fakeCallbacks struct {
	read func(provider, account string, header http.Header, body []byte) (providers.Push, error)
}

// ReadPush implements api.Callbacks.
func (f *fakeCallbacks) ReadPush(provider, account string, header http.Header, body []byte) (providers.Push, error) {
	if f.read == nil {
		return providers.Push{}, fault.New(fault.Unavailable, "account_gone", "There is no such account.")
	}
	return f.read(provider, account, header, body)
}

// fakeOrchestrator carries collections in memory. Fail, when set, is what every
// call answers; failStart fails Start alone; failOrder is what the provider
// answers to each order; loseAnswers loses the answer to a start.
type fakeOrchestrator struct {
	mu          sync.Mutex
	collections map[signing.CollectionID]*running
	started     int
	input       workflows.CollectionInput // of the latest start
	queries     int
	fail        error
	failStart   error
	failCancel  error
	// place, when set, makes the orders.
	place       func(*signing.Collection, workflows.StartAttempt) (provider string, order providers.Order, err error)
	hints       []string // "key attempt"
	failOrder   error
	loseAnswers bool
	orders      int
	now         func() time.Time
	idle        string // a provider that no worker polls
}

func (f *fakeOrchestrator) get(id signing.CollectionID) (*running, error) {
	if f.fail != nil {
		return nil, f.fail
	}
	c := f.collections[id]
	if c == nil {
		return nil, api.ErrNotRunning
	}
	return c, nil
}

func (f *fakeOrchestrator) Start(_ context.Context, in workflows.CollectionInput) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failStart != nil {
		return f.failStart
	}
	if f.collections[in.Spec.ID] != nil {
		return nil
	}
	c, err := signing.New(in.Spec)
	if err != nil {
		return err
	}
	f.input = in
	f.started++
	f.collections[in.Spec.ID] = &running{
		Collection: c, live: map[signing.ParticipantID]workflows.Live{}, orders: map[signing.AttemptID]workflows.StartedAttempt{},
		nonces: map[signing.Digest]bool{}, faults: map[signing.AttemptID]error{},
	}
	return nil
}

func (f *fakeOrchestrator) StartAttempt(_ context.Context, id signing.CollectionID, cmd workflows.StartAttempt) (started workflows.StartedAttempt, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.get(id)
	if err != nil {
		return workflows.StartedAttempt{}, err
	}
	if f.loseAnswers {
		defer func() {
			started, err = workflows.StartedAttempt{}, fault.New(fault.Unavailable, "try_again", "The answer took too long.")
		}()
	}
	// Temporal remembers how an Update ended, unless its validator refused it.
	if known, ok := c.orders[cmd.Attempt]; ok {
		return known, nil
	}
	if known, ok := c.faults[cmd.Attempt]; ok {
		return workflows.StartedAttempt{}, known
	}
	a := signing.Attempt{ID: cmd.Attempt, Participant: cmd.Participant, Provider: "bankid", Channel: cmd.Channel, StartedAt: f.now()}
	if err := c.StartAttempt(a); err != nil {
		return workflows.StartedAttempt{}, err
	}
	c.last = cmd
	if f.failOrder != nil {
		c.end(cmd.Participant, signing.AttemptResult{
			Outcome: signing.OutcomeFailed, Reason: signing.ReasonStartFailed, ProviderCode: fault.CodeOf(f.failOrder),
		}, f.now())
		c.faults[cmd.Attempt] = f.failOrder
		return workflows.StartedAttempt{}, f.failOrder
	}
	f.orders++
	order := providers.Order{Ref: "order-1", StartedAt: f.now(), AutoStartToken: "auto", QRToken: "qr-token", QRSecret: qrSecret}
	if f.place != nil {
		if a.Provider, order, err = f.place(c.Collection, cmd); err != nil {
			return workflows.StartedAttempt{}, err
		}
		order.Account = cmp.Or(order.Account, "house")
		c.Reroute(cmd.Participant, a.Provider)
	}
	if cmd.Channel == signing.ChannelPhone {
		order = providers.Order{Ref: "order-1", StartedAt: f.now()}
	}
	if p, _ := c.Participant(cmd.Participant); p.Method.SignsDocuments() && f.place == nil {
		order = providers.Order{Ref: "session-1", StartedAt: f.now(), RedirectURL: redirectURL}
	}
	if !cmd.ReturnNonce.IsZero() {
		c.nonces[cmd.ReturnNonce] = true
	}
	a, _ = c.LiveAttempt(cmd.Participant)
	c.live[cmd.Participant] = workflows.Live{Attempt: a.ID, Order: order, Hint: "outstandingTransaction", At: f.now()}
	c.orders[a.ID] = workflows.StartedAttempt{Attempt: a, Order: order}
	return c.orders[a.ID], nil
}

func (f *fakeOrchestrator) CancelAttempt(_ context.Context, id signing.CollectionID, cmd workflows.ParticipantCommand) (signing.Attempt, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.get(id)
	if err != nil {
		return signing.Attempt{}, err
	}
	if f.failCancel != nil {
		return signing.Attempt{}, f.failCancel
	}
	if _, err := c.LiveAttempt(cmd.Participant); err != nil {
		return signing.Attempt{}, err
	}
	return c.end(cmd.Participant, signing.AttemptResult{Outcome: signing.OutcomeCancelled}, f.now()), nil
}

func (r *running) end(p signing.ParticipantID, result signing.AttemptResult, at time.Time) signing.Attempt {
	_ = r.EndAttempt(p, result, at)
	delete(r.live, p)
	attempts := r.Progress(p).Attempts
	return attempts[len(attempts)-1]
}

func (f *fakeOrchestrator) Decline(_ context.Context, id signing.CollectionID, cmd workflows.ParticipantCommand) (signing.View, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.get(id)
	if err != nil {
		return signing.View{}, err
	}
	if err := c.Decline(cmd.Participant, f.now()); err != nil {
		return signing.View{}, err
	}
	return c.View(), nil
}

func (f *fakeOrchestrator) ConfirmReturn(_ context.Context, id signing.CollectionID, cmd workflows.ConfirmReturn) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.get(id)
	if err != nil {
		return err
	}
	if !c.nonces[cmd.Nonce] {
		return fault.New(fault.Invalid, "return_nonce_wrong", "The nonce does not belong to the participant's latest attempt.")
	}
	delete(c.nonces, cmd.Nonce)
	return nil
}

func (f *fakeOrchestrator) Cancel(_ context.Context, id signing.CollectionID) (signing.View, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.get(id)
	if err != nil {
		return signing.View{}, err
	}
	if err := c.Cancel(); err != nil {
		return signing.View{}, err
	}
	return c.View(), nil
}

func (f *fakeOrchestrator) Polled(_ context.Context, provider string, _ time.Time) (bool, error) {
	return provider != f.idle, f.fail
}

func (f *fakeOrchestrator) View(_ context.Context, id signing.CollectionID) (signing.View, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queries++
	c, err := f.get(id)
	if err != nil {
		return signing.View{}, err
	}
	return c.View(), nil
}

func (f *fakeOrchestrator) Followed(_ context.Context, id signing.CollectionID, p signing.ParticipantID) (*workflows.Live, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.get(id)
	if err != nil {
		return nil, err
	}
	if live, ok := c.live[p]; ok {
		return &live, nil
	}
	return nil, nil //nolint:nilnil // as the contract of Followed says
}

// sign ends a participant's live attempt with a signature.
func (f *fakeOrchestrator) sign(id, p string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.collections[signing.CollectionID(id)]
	participant := signing.ParticipantID(p)
	a, _ := c.LiveAttempt(participant)
	c.end(participant, signing.AttemptResult{Outcome: signing.OutcomeSigned, Signature: &signing.Signature{
		Participant: participant, Attempt: a.ID, Method: signing.MethodBankIDSE, Provider: "bankid",
		Assurance: signing.AssuranceVerified, SignedAt: f.now(), Environment: "simulator",
	}}, f.now())
}

// end ends a participant's live attempt.
func (f *fakeOrchestrator) end(id, p string, result signing.AttemptResult) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.collections[signing.CollectionID(id)].end(signing.ParticipantID(p), result, f.now())
}

// follow sets what is known of a participant's order; nil is that nobody follows.
func (f *fakeOrchestrator) follow(id, p string, live *workflows.Live) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.collections[signing.CollectionID(id)]
	delete(c.live, signing.ParticipantID(p))
	if live != nil {
		c.live[signing.ParticipantID(p)] = *live
	}
}

// command is the latest start that was asked for.
func (f *fakeOrchestrator) command(id string) workflows.StartAttempt {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.collections[signing.CollectionID(id)].last
}

// finish drops the workflow, as retention does, and returns its last view.
func (f *fakeOrchestrator) finish(id string) signing.View {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := f.collections[signing.CollectionID(id)].View()
	delete(f.collections, signing.CollectionID(id))
	return v
}

// fakeStore keeps what storage and intake keep.
type fakeStore struct {
	mu       sync.Mutex
	uploads  map[string]api.Upload
	contents map[string][]byte
	specs    map[string]signing.Spec
	outcomes map[string]signing.View
	nature   signing.Nature // of what is uploaded
	claims   map[string][2]string
	links    map[signing.Digest]api.Link
	receive  func(key string, body []byte) (api.Upload, error)
	fail     error
	putSpec  error
	orders   map[string]signing.Holder
	broken   io.Reader // what Open reads, where set
	putOrder error
	searches int // of orders
}

func newFakeStore() *fakeStore {
	return &fakeStore{
		uploads: map[string]api.Upload{}, contents: map[string][]byte{}, specs: map[string]signing.Spec{},
		outcomes: map[string]signing.View{}, claims: map[string][2]string{}, links: map[signing.Digest]api.Link{},
		orders: map[string]signing.Holder{},
	}
}

func at(tenant signing.TenantID, id string) string { return string(tenant) + "/" + id }

func (f *fakeStore) Receive(_ context.Context, tenant signing.TenantID, key string, body io.Reader) (api.Upload, error) {
	b, err := io.ReadAll(body)
	if err != nil {
		return api.Upload{}, fault.New(fault.Invalid, "body_incomplete", "The body ended before all of it had arrived.").Because(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.receive != nil {
		return f.receive(key, b)
	}
	id, err := signing.NewID(signing.DocumentPrefix, time.Now(), bytes.NewReader(sha(string(tenant), key, string(b))))
	if err != nil {
		return api.Upload{}, err
	}
	u := api.Upload{
		ID: signing.DocumentID(id), Length: int64(len(b)), Digest: signing.DigestOf(b), Pages: 1, PDFVersion: "1.7",
		SecondOpinion: "agreed", UploadedAt: time.Now(), Nature: f.nature,
	}
	f.uploads[at(tenant, id)], f.contents[at(tenant, id)] = u, b
	return u, nil
}

func sha(parts ...string) []byte {
	d := sha256.Sum256([]byte(strings.Join(parts, "|")))
	return d[:]
}

func (f *fakeStore) Upload(_ context.Context, tenant signing.TenantID, id signing.DocumentID) (api.Upload, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return api.Upload{}, f.fail
	}
	u, ok := f.uploads[at(tenant, string(id))]
	if !ok {
		return u, fault.New(fault.NotFound, "document_not_found", "There is no such document.")
	}
	return u, nil
}

func (f *fakeStore) Open(_ context.Context, ref signing.RevisionRef) (io.ReadCloser, int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	tenant, id := ref.Tenant, ref.Document
	b, ok := f.contents[at(tenant, string(id))]
	if !ok {
		return nil, 0, fault.New(fault.NotFound, "revision_not_found", "There is no such revision of the document.")
	}
	if f.broken != nil {
		return io.NopCloser(f.broken), f.uploads[at(tenant, string(id))].Length, nil
	}
	switch {
	case ref.Evidence:
		b = []byte("%PDF-1.7 evidence")
	case ref.Revision > 0:
		b = append(bytes.Clone(b), " sealed"...)
	}
	return io.NopCloser(bytes.NewReader(b)), int64(len(b)), nil
}

func (f *fakeStore) PutSpec(_ context.Context, s signing.Spec) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.putSpec != nil {
		return f.putSpec
	}
	known, ok := f.specs[at(s.Tenant, string(s.ID))]
	if ok {
		a, _ := json.Marshal(known)
		b, _ := json.Marshal(s)
		if !bytes.Equal(a, b) {
			return fault.New(fault.Corrupt, "stored_differs", "Something else is stored where this belongs.")
		}
	}
	f.specs[at(s.Tenant, string(s.ID))] = s
	return nil
}

func (f *fakeStore) GetSpec(_ context.Context, tenant signing.TenantID, id signing.CollectionID) (signing.Spec, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s, ok := f.specs[at(tenant, string(id))]; ok {
		return s, nil
	}
	return signing.Spec{}, fault.New(fault.NotFound, "collection_not_found", "There is no such collection.")
}

func (f *fakeStore) GetOutcome(_ context.Context, tenant signing.TenantID, id signing.CollectionID) (signing.View, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if v, ok := f.outcomes[at(tenant, string(id))]; ok {
		return v, nil
	}
	return signing.View{}, fault.New(fault.NotFound, "collection_not_found", "There is no such collection.")
}

func (f *fakeStore) Claim(_ context.Context, tenant signing.TenantID, key string, request signing.Digest, resource string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, ok := f.claims[at(tenant, key)]
	if !ok {
		f.claims[at(tenant, key)] = [2]string{request.String(), resource}
		return resource, nil
	}
	if known[0] != request.String() {
		return "", fault.New(fault.Invalid, "idempotency_key_reused", "The idempotency key was used for another request.")
	}
	return known[1], nil
}

func (f *fakeStore) Claimed(ctx context.Context, tenant signing.TenantID, key string, request signing.Digest) (string, error) {
	f.mu.Lock()
	_, ok := f.claims[at(tenant, key)]
	f.mu.Unlock()
	if !ok {
		return "", fault.New(fault.NotFound, "idempotency_key_unclaimed", "The idempotency key was not used yet.")
	}
	return f.Claim(ctx, tenant, key, request, "")
}

// PutOrder implements api.Orders.
func (f *fakeStore) PutOrder(_ context.Context, a signing.AccountRef, order string, h signing.Holder) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.putOrder != nil {
		return f.putOrder
	}
	f.orders[a.Provider+"/"+a.Account+"/"+order], f.orders[a.Provider+"/"+a.Account+"/"+string(h.Attempt)] = h, h
	return nil
}

// FindOrder implements api.Orders.
func (f *fakeStore) FindOrder(_ context.Context, a signing.AccountRef, refs ...string) (signing.Holder, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.searches++
	if f.fail != nil {
		return signing.Holder{}, f.fail
	}
	for _, ref := range refs {
		if h, ok := f.orders[a.Provider+"/"+a.Account+"/"+ref]; ok {
			return h, nil
		}
	}
	return signing.Holder{}, fault.New(fault.NotFound, "order_unfound", "No attempt is known that the order belongs to.")
}

func (f *fakeStore) PutLink(_ context.Context, token signing.Digest, l api.Link) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.links[token] = l
	return nil
}

func (f *fakeStore) GetLink(_ context.Context, token signing.Digest, now time.Time) (api.Link, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l, ok := f.links[token]
	if !ok || !now.Before(l.ExpiresAt) {
		return api.Link{}, fault.New(fault.Unauthenticated, "link_invalid", "The link is not valid, or not any more.")
	}
	return l, nil
}

type testMAC struct{}

func (testMAC) MAC(purpose string, data []byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, []byte("test key of the installation"))
	h.Write([]byte(purpose))
	h.Write(data)
	return [sha256.Size]byte(h.Sum(nil))
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func mustPrefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }
