package simulator_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ocsp"

	"github.com/handslag/handslag/pdf/cms"
	"github.com/handslag/handslag/pdf/tsa"
	"github.com/handslag/handslag/simulator"
	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/idkollen"
	"github.com/handslag/handslag/simulator/pki"
	"github.com/handslag/handslag/simulator/qrona"
	"github.com/handslag/handslag/simulator/signicat"
)

// pass lets time pass in the whole world, by its control API alone.
func (s *stage) pass(d time.Duration) {
	s.t.Helper()
	require.NoError(s.t, s.app.Advance(s.ctx(), d))
}

func TestTheClockIsReadMovedAndReset(t *testing.T) {
	s := start(t, "")
	require.Equal(t, object{"now": "2026-11-22T12:00:00Z", "ahead": "0s"}, s.control("GET", "/v1/clock", nil))
	require.Equal(t, "31s", s.control("POST", "/v1/clock", object{"advance": "31s"})["ahead"])
	require.Equal(t, object{"now": "2026-11-22T12:01:31Z", "ahead": "1m31s"}, s.control("POST", "/v1/clock", object{"advance": "1m"}))
	for _, wrong := range []object{{"advance": "-1s"}, {"advance": 31}, {"now": "2026-11-22T12:00:00Z"}} {
		require.Equal(t, "bad_clock", s.control("POST", "/v1/clock", wrong)["code"], wrong)
	}
	require.NoError(t, s.app.ResetClock(s.ctx()))
	require.Equal(t, "2026-11-22T12:00:00Z", s.control("GET", "/v1/clock", nil)["now"])
}

// What has ended while the world was ahead stays so, even if nobody looked.
func TestTheClockGoesBackAndNothingComesToLife(t *testing.T) {
	s := start(t, "")
	o := s.order("sign", signBody(nil))
	s.pass(startWindow)
	require.NoError(t, s.app.ResetClock(s.ctx()))
	_, hint := s.collect(o.ref)
	require.Equal(t, "startFailed", hint)
	_, err := s.app.Open(s.ctx(), tolvan, o.token)
	require.Error(t, err)
}

// Every timing rule of BankID, of which the brokers have theirs too.
func TestBankIDFollowsTheClock(t *testing.T) {
	s := start(t, "")
	o := s.order("sign", signBody(nil))
	s.pass(4 * time.Second)
	_, err := s.app.Scan(s.ctx(), tolvan, o.qr(0))
	refused(t, "qr_stale", err)
	s.pass(startWindow - 4*time.Second)
	_, hint := s.collect(o.ref)
	require.Equal(t, "startFailed", hint)

	o = s.order("sign", signBody(nil))
	_, err = s.app.Open(s.ctx(), tolvan, o.token)
	require.NoError(t, err)
	s.pass(orderLife - time.Second)
	_, hint = s.collect(o.ref)
	require.Equal(t, "userSign", hint)
	s.pass(time.Second)
	_, hint = s.collect(o.ref)
	require.Equal(t, "expiredTransaction", hint)

	o = s.order("sign", signBody(nil))
	_, err = s.app.Open(s.ctx(), tolvan, o.token)
	require.NoError(t, err)
	_, err = s.app.Sign(s.ctx(), tolvan, o.ref)
	require.NoError(t, err)
	s.pass(3 * time.Minute) // a result waits no longer
	s.gone(o.ref)
}

func TestIDkollenFollowsTheClock(t *testing.T) {
	s := start(t, "")
	var told int
	owner := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		told++
		w.WriteHeader(http.StatusNoContent)
	}))
	defer owner.Close()
	var err error
	account := idkollen.Demo()
	account.CallbackHosts = []string{strings.TrimPrefix(owner.URL, "https://")}
	s.world, err = simulator.New(simulator.Options{
		PKI: s.pki, Clock: s.clock.Now, Entropy: rand.Reader, IDkollen: []idkollen.Account{account}, Callbacks: owner.Client(),
	})
	require.NoError(t, err)
	control := httptest.NewServer(s.world.Control())
	defer control.Close()
	s.ctrl = control.URL
	pass := func(d string) { require.NotEmpty(t, s.control("POST", "/v1/clock", object{"advance": d})["now"]) }

	f := s.face(s.world.IDkollen().API(), s.world.IDkollen().TLSConfig())
	ours := map[string]string{"Authorization": "Basic c2ltdWxhdGVkOnNpbXVsYXRlZA=="}
	require.NotNil(t, s.control("POST", "/v1/idkollen/faults", object{"kind": "callbackLate", "count": 1, "delay": "10m"})["id"])
	code, made := f.do("POST", "/v3/bankid-se/sign", object{"text": "Jag skriver under.", "callbackUrl": owner.URL + "/here"}, ours)
	require.Equal(t, 201, code, made)
	status := func() (int, object) { return f.do("GET", "/v3/bankid-se/sign/"+made["id"].(string), "", ours) }
	pass("29s")
	_, answer := status()
	require.Equal(t, "PENDING", answer["status"])
	pass("2s")
	_, answer = status()
	require.Equal(t, "FAILED", answer["status"], "nobody started the app")
	require.Zero(t, s.world.IDkollen().Deliver(s.ctx()))
	pass("9m")
	code, _ = status()
	require.Equal(t, 200, code, "it is still told")
	require.Zero(t, s.world.IDkollen().Deliver(s.ctx()))
	pass("1m")
	require.Equal(t, 1, s.world.IDkollen().Deliver(s.ctx()), "the late callback")
	require.Equal(t, 1, told)
	pass("1m")
	code, _ = status()
	require.Equal(t, 404, code, "it is told no more")
}

func TestSBABFollowsTheClock(t *testing.T) {
	s := start(t, "")
	f := s.face(s.world.SBAB(), s.world.SBABTLS())
	login := func() map[string]string {
		_, issued := f.token("/api/auth/1.0/token", basic, "grant_type=client_credentials")
		return map[string]string{"Authorization": "Bearer " + issued["access_token"].(string), "X-Person": "192.0.2.1"}
	}
	s.control("PUT", "/v1/sbab/settings", object{"endUserIpHeader": "X-Person"})
	ours := login()
	applicant := s.enrol(object{"personalNumber": tolvan})
	call := func(name string) int {
		code, _ := f.do("POST", signing+name, object{"participant_id": applicant}, ours)
		return code
	}
	// Two addresses: three minutes.
	require.Equal(t, 200, call("start"))
	ours["X-Person"] = "192.0.2.2"
	require.Equal(t, 409, call("start"))
	s.pass(3*time.Minute - time.Second)
	require.Equal(t, 409, call("start"))
	s.pass(time.Second)
	require.Equal(t, 200, call("start"))
	s.pass(startWindow)
	// Two calls: a minute.
	require.Equal(t, 200, call("start/phone"))
	require.Equal(t, 409, call("start/phone"))
	s.pass(time.Minute - time.Second)
	require.Equal(t, 409, call("start/phone"))
	s.pass(time.Second)
	require.Equal(t, 200, call("start/phone"))
	// Tokens: half an hour. Applications: 45 days.
	s.pass(30 * time.Minute)
	require.Equal(t, 401, call("collect"))
	s.pass(45 * 24 * time.Hour)
	ours = login()
	require.Equal(t, 404, call("start"))
}

// A phone call at Qrona lasts until the person's order is over.
func TestQronaFollowsTheClock(t *testing.T) {
	s := start(t, "")
	f := s.face(s.world.Qrona(), s.world.QronaTLS())
	ours := map[string]string{"Authorization": "Bearer " + qrona.Token}
	answered := make(chan object)
	go func() {
		_, answer := f.do("POST", "/auth-and-collect", object{"personalNumber": tolvan, "callInitiator": "user"}, ours)
		answered <- answer
	}()
	require.Eventually(t, func() bool { return len(s.orders()) == 1 }, 10*time.Second, time.Millisecond)
	s.pass(orderLife - time.Second)
	select {
	case answer := <-answered:
		require.Fail(t, "it lasts no longer", answer)
	case <-time.After(100 * time.Millisecond):
	}
	s.pass(time.Second)
	require.Equal(t, "expiredTransaction", (<-answered)["hintCode"])
}

func TestSignicatFollowsTheClock(t *testing.T) {
	s := start(t, "")
	api := httptest.NewServer(s.world.Signicat().API())
	defer api.Close()
	token := ""
	call := func(method, path, kind, body string) (int, object) {
		r, err := http.NewRequestWithContext(t.Context(), method, api.URL+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer func() { _ = answer.Body.Close() }()
		var out any
		_ = json.NewDecoder(answer.Body).Decode(&out) // some bodies are none
		if all, ok := out.([]any); ok {
			out = all[0]
		}
		o, _ := out.(object)
		return answer.StatusCode, o
	}
	login := func() {
		c := signicat.DefaultClient()
		token = ""
		_, out := call("POST", "/auth/open/connect/token", "application/x-www-form-urlencoded",
			"grant_type=client_credentials&scope=signicat-api&client_id="+c.ID+"&client_secret="+c.Secret)
		token, _ = out["access_token"].(string)
		require.NotEmpty(t, token)
	}
	upload := func() string {
		_, out := call("POST", "/sign/documents", "application/pdf", "%PDF-1.7\n%%EOF\n")
		return out["documentId"].(string)
	}
	there := func(document string) int {
		code, _ := call("GET", "/sign/documents/"+document, "application/json", "")
		return code
	}
	login()
	orphan, named := upload(), upload()
	code, group := call("POST", "/sign/document-collections", "application/json", `{"documents":[{"documentId":"`+named+`"}]}`)
	require.Equal(t, 201, code, group)
	due := noon.Add(2 * time.Hour).Format(time.RFC3339)
	code, made := call("POST", "/sign/signing-sessions", "application/json", `[{"title":"Avtale","dueDate":"`+due+`",
		"documents":[{"action":"SIGN","documentCollectionId":"`+group["id"].(string)+`","documentId":"`+named+`"}],
		"signingSetup":[{"signingFlow":"PKISIGNING","vendor":"NBID"}]}]`)
	require.Equal(t, 201, code, made)
	session := func() int {
		code, _ := call("GET", "/sign/signing-sessions/"+made["id"].(string), "application/json", "")
		return code
	}

	told := make(chan struct{}, 1)
	owner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { told <- struct{}{} }))
	defer owner.Close()
	defer s.world.Signicat().Close()
	s.control("PUT", "/v1/signicat/settings", object{"webhook": object{"url": owner.URL, "header": "X-Signature", "encoding": "hex"}})
	_, err := s.world.Signicat().Faults().Add(faults.Fault{Kind: signicat.WebhookDelayed, Count: 1, Delay: faults.Duration(10 * time.Minute)})
	require.NoError(t, err)
	page, err := url.Parse(made["signatureUrl"].(string))
	require.NoError(t, err)
	opened, err := http.Get(s.ctrl + "/sign/?" + page.RawQuery) // which Signicat tells us, late
	require.NoError(t, err)
	require.NoError(t, opened.Body.Close())

	s.pass(10*time.Minute - time.Second)
	select {
	case <-told:
		require.Fail(t, "the event is not late")
	case <-time.After(100 * time.Millisecond):
	}
	s.pass(time.Second)
	<-told
	require.Equal(t, 401, there(orphan), "the token has run out")
	login()
	s.pass(10*time.Minute - time.Second)
	require.Equal(t, 200, there(orphan))
	s.pass(10*time.Minute + time.Second)
	login()
	require.Equal(t, 404, there(orphan), "what is in no session lives for half an hour")
	require.Equal(t, 200, there(named))
	s.pass(90*time.Minute - time.Second)
	login()
	require.Equal(t, 200, session())
	s.pass(time.Second)
	require.Equal(t, 404, session(), "its due date")
	require.Equal(t, 404, there(named))
	stored := func() (purged []bool) {
		var all []signicat.Stored
		s.get("/v1/signicat/documents", &all)
		for _, f := range all {
			purged = append(purged, f.Purged)
		}
		return purged
	}
	s.pass(7*24*time.Hour - time.Second)
	require.Contains(t, stored(), false)
	s.pass(time.Second)
	require.Equal(t, []bool{true, true}, stored())
}

// Certificates, their status and timestamps are of the world's time.
func TestAuthoritiesFollowTheClock(t *testing.T) {
	hands := simulator.NewClock(func() time.Time { return noon })
	p, err := pki.Create(pki.Options{Clock: hands.Now, Entropy: rand.Reader, CAKeyBits: 2048, StatusURL: "http://status.invalid"})
	require.NoError(t, err)
	world, err := simulator.New(simulator.Options{PKI: p, Hands: hands, Entropy: rand.Reader})
	require.NoError(t, err)
	control, stamps, status := httptest.NewServer(world.Control()), httptest.NewServer(world.Timestamp()), httptest.NewServer(world.Status())
	for _, server := range []*httptest.Server{control, stamps, status} {
		t.Cleanup(server.Close)
	}
	s := &stage{t: t, ctrl: control.URL}
	require.Equal(t, "24h0m0s", s.control("POST", "/v1/clock", object{"advance": "24h"})["ahead"])
	tomorrow := noon.AddDate(0, 0, 1)

	kari, err := p.NorwegianPerson(pki.NorwegianLeaf{NIN: pki.SyntheticNIN(noon, 0), GivenName: "Kari", Surname: "Nordmann"})
	require.NoError(t, err)
	require.Equal(t, tomorrow.Add(-24*time.Hour), kari.Certificate.NotBefore)

	digest := sha256.Sum256([]byte("a document"))
	der, err := (&tsa.Client{URLs: []string{stamps.URL}, HTTP: stamps.Client(), Rand: rand.Reader}).Timestamp(t.Context(), digest[:])
	require.NoError(t, err)
	token, err := cms.VerifyTokenDigest(der, digest[:])
	require.NoError(t, err)
	require.WithinDuration(t, tomorrow, token.Time, time.Second)

	seal, _ := p.Authority(pki.SealCA)
	question, err := ocsp.CreateRequest(p.Seal().Certificate, seal.Certificate, nil)
	require.NoError(t, err)
	answer, err := http.Post(status.URL+"/ocsp/seal-ca", "application/ocsp-request", bytes.NewReader(question))
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	var said bytes.Buffer
	_, err = said.ReadFrom(answer.Body)
	require.NoError(t, err)
	r, err := ocsp.ParseResponse(said.Bytes(), nil)
	require.NoError(t, err)
	require.WithinDuration(t, tomorrow, r.ThisUpdate, time.Minute)
}
