package api_test

import (
	"encoding/xml"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

func TestQRTextFollowsTheClockAndKeepsItsSecret(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	start := time.Now()
	w.now = func() time.Time { return start }
	w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: qrRequest()})
	for seconds := range 3 {
		w.now = func() time.Time { return start.Add(time.Duration(seconds)*time.Second + 900*time.Millisecond) }
		a := w.do(call{method: "GET", path: m.of(m.anna) + "/attempts/live", token: keyAcme})
		live := a.json(t)
		require.Equal(t, "pending", live["state"])
		require.Equal(t, "outstandingTransaction", live["hint"])
		require.Equal(t, providers.QRText("qr-token", qrSecret, seconds).Reveal(), live["qr"].(map[string]any)["text"])
		require.Equal(t, map[string]any{
			"universalLink": "https://app.bankid.com/?autostarttoken=auto",
			"desktopLink":   "bankid:///?autostarttoken=auto&redirect=null",
		}, live["launch"])
	}
	a := w.do(call{method: "GET", path: m.of(m.anna) + "/attempts/live/qr.svg", token: keyAcme})
	require.Equal(t, "image/svg+xml", a.Header.Get("Content-Type"))
	require.NoError(t, xml.Unmarshal(a.body, new(struct{})))
	require.Contains(t, string(a.body), `d="M4 4h1v1h-1z`, "the finder pattern starts inside a quiet zone of four modules")
}

func TestMessagesSpeakThePersonsLanguage(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: qrRequest()})
	for accept, want := range map[string]string{
		"": "sv", "en-GB,sv;q=0.5": "en", "no": "nb", "nn;q=0.9, de": "nb", "de, fr": "sv", "%%%": "sv", "de;q=1, en;q=0.2": "en",
	} {
		a := w.do(call{
			method: "GET", path: m.of(m.anna) + "/attempts/live", token: keyAcme, header: map[string]string{"Accept-Language": accept},
		})
		message := a.json(t)["message"].(map[string]any)
		require.Equal(t, want, message["language"], accept)
		require.Equal(t, providers.MessageID(message["id"].(string)).Text(signing.Locale(want)), message["text"])
	}
}

func TestLiveStates(t *testing.T) {
	live := func(change func(*workflows.Live)) *workflows.Live {
		l := &workflows.Live{
			Order: providers.Order{Ref: "o", StartedAt: time.Now(), AutoStartToken: "auto", QRToken: "t", QRSecret: qrSecret},
			Hint:  "userSign", At: time.Now(),
		}
		change(l)
		return l
	}
	for name, row := range map[string]struct {
		live  *workflows.Live
		state string
		qr    bool
	}{
		"followed":          {live(func(*workflows.Live) {}), "pending", true},
		"not heard of yet":  {&workflows.Live{}, "starting", false},
		"not asked yet":     {live(func(l *workflows.Live) { l.Hint = "" }), "starting", true},
		"nobody follows":    {nil, "settling", false},
		"answer not stored": {live(func(l *workflows.Live) { l.Answer = new(activities.StoredAnswer) }), "settling", false},
		"relayed QR":        {live(func(l *workflows.Live) { l.Order.QRSecret, l.Order.RelayedQR = "", "relayed" }), "pending", true},
		"of another try":    {live(func(l *workflows.Live) { l.Attempt = "att_other" }), "settling", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			m := w.create()
			w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: qrRequest()})
			w.temporal.follow(m.id, m.anna, row.live)
			a := w.do(call{method: "GET", path: m.of(m.anna) + "/attempts/live", token: keyAcme})
			require.Equal(t, row.state, a.json(t)["state"], "%s", a.body)
			require.Equal(t, row.qr, a.json(t)["qr"] != nil)
			a = w.do(call{method: "GET", path: m.of(m.anna) + "/attempts/live/qr.svg", token: keyAcme})
			if !row.qr {
				require.Equal(t, "qr_not_available", a.code(t))
			}
		})
	}
}

// TestLiveNeedsNoQueryWhileFollowed keeps the poll of each second cheap.
func TestLiveNeedsNoQueryWhileFollowed(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: qrRequest()})
	for range 5 {
		w.do(call{method: "GET", path: m.of(m.anna) + "/attempts/live", token: keyAcme})
	}
	require.Equal(t, 1, w.temporal.queries)
	w.temporal.sign(m.id, m.anna)
	require.Equal(t, "ended", w.do(call{method: "GET", path: m.of(m.anna) + "/attempts/live", token: keyAcme}).json(t)["state"])
}

func TestOutcomesTellThePerson(t *testing.T) {
	for name, row := range map[string]struct {
		result  signing.AttemptResult
		message any
	}{
		"cancelled": {signing.AttemptResult{Outcome: signing.OutcomeCancelled}, "RFA6"},
		"lost":      {signing.AttemptResult{Outcome: signing.OutcomeResultLost}, "RFA5"},
		"timed out": {signing.AttemptResult{Outcome: signing.OutcomeFailed, Reason: signing.ReasonTimeout, ProviderCode: "expiredTransaction"}, "RFA8"},
		"unknown":   {signing.AttemptResult{Outcome: signing.OutcomeFailed, Reason: signing.ReasonProviderError, ProviderCode: "brandNew"}, "RFA22"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			m := w.create()
			w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: qrRequest()})
			w.temporal.end(m.id, m.anna, row.result)
			a := w.do(call{method: "GET", path: m.of(m.anna) + "/attempts/live", token: keyAcme})
			require.Equal(t, "ended", a.json(t)["state"])
			require.Equal(t, row.message, a.json(t)["message"].(map[string]any)["id"])
			require.Nil(t, a.json(t)["qr"])
		})
	}
}

func TestAttemptsOutOfOrder(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	start := func(p string) answer {
		return w.do(call{method: "POST", path: m.of(p) + "/attempts", token: keyAcme, body: qrRequest()})
	}
	require.Equal(t, "not_your_turn", start(m.bo).code(t))
	require.Equal(t, http.StatusCreated, start(m.anna).StatusCode)
	require.Equal(t, "attempt_live", start(m.anna).code(t))
	w.temporal.sign(m.id, m.anna)
	require.Equal(t, "already_signed", start(m.anna).code(t))
	require.Equal(t, http.StatusOK, w.do(call{method: "POST", path: m.collection() + "/cancel", token: keyAcme}).StatusCode)
	a := start(m.bo)
	require.Equal(t, http.StatusGone, a.StatusCode)
	require.Equal(t, "collection_ended", a.code(t))
	w.store.outcomes["acme/"+m.id] = w.temporal.finish(m.id)
	a = start(m.bo)
	require.Equal(t, http.StatusGone, a.StatusCode)
	require.Equal(t, "collection_ended", a.code(t))
}

func TestCancelAttemptMayBeRepeated(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	cancel := call{method: "DELETE", path: m.of(m.anna) + "/attempts/live", token: keyAcme}
	require.Equal(t, "no_live_attempt", w.do(cancel).code(t))
	w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: qrRequest()})
	for range 2 {
		a := w.do(cancel)
		require.Equal(t, http.StatusOK, a.StatusCode, "%s", a.body)
		require.Equal(t, "cancelled", a.json(t)["attempt"].(map[string]any)["outcome"])
	}
	w.store.outcomes["acme/"+m.id] = w.temporal.finish(m.id)
	require.Equal(t, http.StatusOK, w.do(cancel).StatusCode)
}

func TestDeclineAndCancelMayBeRepeated(t *testing.T) {
	w := newWorld(t)
	m, other := w.create(), w.create()
	for range 3 {
		a := w.do(call{method: "POST", path: m.of(m.anna) + "/decline", token: keyAcme})
		require.Equal(t, http.StatusOK, a.StatusCode, "%s", a.body)
		require.Equal(t, "declined", a.json(t)["state"])
		a = w.do(call{method: "POST", path: other.collection() + "/cancel", token: keyAcme})
		require.Equal(t, http.StatusOK, a.StatusCode, "%s", a.body)
		require.Equal(t, "cancelled", a.json(t)["state"])
		for _, c := range []made{m, other} { // the last round finds no workflow
			if w.temporal.collections[signing.CollectionID(c.id)] != nil && w.store.outcomes["acme/"+c.id].ID == "" {
				w.store.outcomes["acme/"+c.id] = w.temporal.collections[signing.CollectionID(c.id)].View()
				continue
			}
			delete(w.temporal.collections, signing.CollectionID(c.id))
		}
	}
	a := w.do(call{method: "POST", path: m.collection() + "/cancel", token: keyAcme})
	require.Equal(t, "collection_ended", a.code(t))
	a = w.do(call{method: "POST", path: m.of(m.bo) + "/decline", token: keyAcme})
	require.Equal(t, "collection_ended", a.code(t))
}

func TestReturnNonceWorksOnce(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	a := w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: returning("https://example.com/done?x=1")})
	require.Equal(t, http.StatusCreated, a.StatusCode, "%s", a.body)
	nonce := a.json(t)["returnNonce"].(string)
	require.Equal(t, "https://example.com/done?x=1#nonce="+nonce, w.temporal.command(m.id).ReturnURL.Reveal())
	confirm := func(nonce string) answer {
		return w.do(call{method: "POST", path: m.of(m.anna) + "/return", token: keyAcme, body: map[string]any{"nonce": nonce}})
	}
	require.Equal(t, "return_nonce_wrong", confirm("planted-nonce").code(t))
	require.Equal(t, http.StatusNoContent, confirm(nonce).StatusCode)
	require.Equal(t, http.StatusUnprocessableEntity, confirm(nonce).StatusCode)
}

func TestSignerPageIsNotToldTheNonce(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	body := map[string]any{"channel": "same-device", "returnUrl": "https://example.com/"}
	a := w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: w.link(m, m.anna), body: body})
	require.Equal(t, http.StatusCreated, a.StatusCode, "%s", a.body)
	require.Nil(t, a.json(t)["returnNonce"])
	require.Contains(t, w.temporal.command(m.id).ReturnURL.Reveal(), "#nonce=")
}

func TestPhoneAttemptHasNothingToShow(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	a := w.do(call{
		method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme,
		body: map[string]any{"channel": "phone", "endUserIp": "203.0.113.77", "callInitiator": "owner"},
	})
	require.Equal(t, http.StatusCreated, a.StatusCode, "%s", a.body)
	require.Nil(t, a.json(t)["qr"])
	require.Nil(t, a.json(t)["launch"])
	require.Equal(t, providers.CallByOwner, w.temporal.command(m.id).CallInitiator)
}

func TestRepeatsWithAKey(t *testing.T) {
	w := newWorld(t)
	document := w.upload()
	create := func(key string, body any) answer {
		return w.do(call{
			method: "POST", path: "/v1/collections", token: keyAcme, body: body, header: map[string]string{"Idempotency-Key": key},
		})
	}
	refused := create("k0", with(collectionBody(document), "1", "participants", 0, "personalNumber"))
	require.Equal(t, http.StatusUnprocessableEntity, refused.StatusCode)
	require.Equal(t, http.StatusCreated, create("k0", collectionBody(document)).StatusCode, "a refused request used up its key")

	// Failed and not persisted, then failed but persisted.
	w.store.putSpec = fault.New(fault.Unavailable, "storage_unavailable", "The document store cannot be reached just now.")
	require.Equal(t, http.StatusServiceUnavailable, create("k1", collectionBody(document)).StatusCode)
	w.store.putSpec = nil
	w.temporal.failStart = fault.New(fault.Unavailable, "try_again", "The answer took too long.")
	require.Equal(t, http.StatusServiceUnavailable, create("k1", collectionBody(document)).StatusCode)
	w.temporal.failStart = nil
	w.now = func() time.Time { return time.Now().Add(time.Minute) }
	first := create("k1", collectionBody(document))
	require.Equal(t, http.StatusCreated, first.StatusCode, "%s", first.body)
	again := create("k1", collectionBody(document))
	require.JSONEq(t, string(first.body), string(again.body))
	require.Equal(t, 2, w.temporal.started)
	require.Len(t, w.store.specs, 2)

	other := create("k1", with(collectionBody(document), "en", "locale"))
	require.Equal(t, http.StatusUnprocessableEntity, other.StatusCode)
	require.Equal(t, "idempotency_key_reused", other.code(t))
}

func TestRepeatedStartIsOneOrder(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	start := func() answer {
		return w.do(call{
			method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: returning("https://example.com/"),
			header: map[string]string{"Idempotency-Key": "start-1"},
		})
	}
	first, again := start(), start()
	require.Equal(t, http.StatusCreated, again.StatusCode, "%s", again.body)
	require.Equal(t, first.json(t)["attempt"], again.json(t)["attempt"])
	require.Equal(t, first.json(t)["returnNonce"], again.json(t)["returnNonce"])
}

// startWith starts an attempt of Anna under an idempotency key.
func (w *world) startWith(m made, token, key string) answer {
	w.t.Helper()
	body := qrRequest()
	if token != keyAcme {
		body = map[string]any{"channel": "qr"}
	}
	return w.do(call{
		method: "POST", path: m.of(m.anna) + "/attempts", token: token, body: body, header: map[string]string{"Idempotency-Key": key},
	})
}

// TestStartThatMadeNoOrderIsNotRemembered repeats, with the same key, what
// certainly failed: as often as it takes, and not once more.
func TestStartThatMadeNoOrderIsNotRemembered(t *testing.T) {
	for _, no := range []*fault.Error{
		fault.New(fault.Unavailable, "bankid_unavailable", "BankID cannot take orders now."),
		fault.New(fault.Conflict, "person_busy", "Already started.").After(3 * time.Minute),
		fault.New(fault.Conflict, "bankid_in_progress", "The person has another BankID order."),
		fault.New(fault.Invalid, "bankid_refused", "BankID refused the order."),
		fault.New(fault.Unavailable, "storage_unavailable", "The document store cannot be reached just now."),
	} {
		t.Run(no.Code, func(t *testing.T) {
			w := newWorld(t)
			m := w.create()
			now := time.Now()
			w.now = func() time.Time { return now } // tries must differ by more than their time
			w.temporal.failOrder = no
			for range 3 {
				require.Equal(t, no.Code, w.startWith(m, keyAcme, "k").code(t))
			}
			w.temporal.failOrder = nil
			first, again := w.startWith(m, keyAcme, "k"), w.startWith(m, keyAcme, "k")
			require.Equal(t, http.StatusCreated, first.StatusCode, "%s", first.body)
			require.Equal(t, http.StatusCreated, again.StatusCode, "%s", again.body)
			require.Equal(t, first.json(t)["attempt"], again.json(t)["attempt"])
			require.InDelta(t, 4, first.json(t)["attempt"].(map[string]any)["number"], 0, "each repeat is one attempt")
			require.Equal(t, 1, w.temporal.orders)

			// What ends after it began stays what the key stands for.
			w.temporal.end(m.id, m.anna, signing.AttemptResult{Outcome: signing.OutcomeFailed, Reason: signing.ReasonTimeout})
			ended := w.startWith(m, keyAcme, "k")
			require.Equal(t, http.StatusCreated, ended.StatusCode, "%s", ended.body)
			require.Equal(t, "ended", ended.json(t)["state"])
			require.Nil(t, ended.json(t)["qr"], "the order is over")
			require.Nil(t, ended.json(t)["launch"])
			require.Equal(t, first.json(t)["attempt"].(map[string]any)["id"], ended.json(t)["attempt"].(map[string]any)["id"])
			require.Equal(t, 1, w.temporal.orders)
		})
	}
}

// TestStartThatIsRefusedBeforeItBeginsIsNotRemembered is of commands that their
// validator refuses.
func TestStartThatIsRefusedBeforeItBeginsIsNotRemembered(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	start := func() answer {
		return w.do(call{
			method: "POST", path: m.of(m.bo) + "/attempts", token: keyAcme, body: qrRequest(), header: map[string]string{"Idempotency-Key": "k"},
		})
	}
	require.Equal(t, "not_your_turn", start().code(t))
	w.startWith(m, keyAcme, "anna")
	w.temporal.sign(m.id, m.anna)
	a := start()
	require.Equal(t, http.StatusCreated, a.StatusCode, "%s", a.body)
}

// TestStartThatMayHaveMadeAnOrderIsRemembered must never make a second one.
func TestStartThatMayHaveMadeAnOrderIsRemembered(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	w.temporal.failOrder = fault.New(fault.Uncertain, "bankid_uncertain", "Whether BankID created the order is not known.")
	require.Equal(t, http.StatusBadGateway, w.startWith(m, keyAcme, "k").StatusCode)
	w.temporal.failOrder = nil
	w.temporal.loseAnswers = true
	require.Equal(t, "try_again", w.startWith(m, keyAcme, "k").code(t), "a time-out says nothing of the attempt")
	w.temporal.loseAnswers = false
	require.Equal(t, "bankid_uncertain", w.startWith(m, keyAcme, "k").code(t))
	require.Zero(t, w.temporal.orders)
	require.Equal(t, http.StatusCreated, w.startWith(m, keyAcme, "another").StatusCode)
}

// TestStartWhoseAnswerWasLost is the same attempt when it is sent again; the
// order it asked for may exist.
func TestStartWhoseAnswerWasLost(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	w.temporal.loseAnswers = true
	require.Equal(t, "try_again", w.startWith(m, keyAcme, "k").code(t))
	w.temporal.loseAnswers = false
	a := w.startWith(m, keyAcme, "k")
	require.Equal(t, http.StatusCreated, a.StatusCode, "%s", a.body)
	require.InDelta(t, 1, a.json(t)["attempt"].(map[string]any)["number"], 0)
	require.Equal(t, 1, w.temporal.orders)
}

// TestConcurrentRepeatsMakeOneOrder repeats a start that failed from many places
// at once.
func TestConcurrentRepeatsMakeOneOrder(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	w.temporal.failOrder = fault.New(fault.Unavailable, "bankid_unavailable", "BankID cannot take orders now.")
	require.Equal(t, http.StatusServiceUnavailable, w.startWith(m, keyAcme, "k").StatusCode)
	w.temporal.failOrder = nil
	answers := make(chan answer, 8)
	for range 8 {
		go func() { answers <- w.startWith(m, keyAcme, "k") }()
	}
	attempts := map[any]bool{}
	for range 8 {
		a := <-answers
		require.Equal(t, http.StatusCreated, a.StatusCode, "%s", a.body)
		attempts[a.json(t)["attempt"].(map[string]any)["id"]] = true
	}
	require.Len(t, attempts, 1)
	require.Equal(t, 1, w.temporal.orders)
}

// TestSignersHaveKeysOfTheirOwn lets no signer take a key of the tenant's server
// or of another signer, nor learn which are in use.
func TestSignersHaveKeysOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	m, other := w.create(), w.create()
	signer := w.startWith(m, w.link(m, m.anna), "k")
	require.Equal(t, http.StatusCreated, signer.StatusCode, "%s", signer.body)
	again := w.startWith(m, w.link(m, m.anna), "k")
	require.Equal(t, signer.json(t)["attempt"], again.json(t)["attempt"], "links of one participant share their keys")
	elsewhere := w.startWith(other, w.link(other, other.anna), "k")
	require.Equal(t, http.StatusCreated, elsewhere.StatusCode, "%s", elsewhere.body)
	tenant := w.do(call{
		method: "POST", path: "/v1/collections", token: keyAcme, body: collectionBody(m.document), header: map[string]string{"Idempotency-Key": "k"},
	})
	require.Equal(t, http.StatusCreated, tenant.StatusCode, "%s", tenant.body)
}

func TestOrchestratorThatIsDown(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	w.temporal.fail = fault.New(fault.Unavailable, "try_again", "The answer took too long.").After(time.Second)
	for _, c := range []call{
		{method: "GET", path: m.collection()},
		{method: "POST", path: m.collection() + "/cancel"},
		{method: "GET", path: m.of(m.anna) + "/attempts/live"},
		{method: "DELETE", path: m.of(m.anna) + "/attempts/live"},
		{method: "POST", path: m.of(m.anna) + "/decline"},
		{method: "POST", path: m.of(m.anna) + "/attempts", body: qrRequest()},
	} {
		c.token = keyAcme
		a := w.do(c)
		require.Equal(t, http.StatusServiceUnavailable, a.StatusCode, "%s %s", c.method, c.path)
		require.Equal(t, "try_again", a.code(t))
		require.Equal(t, "1", a.Header.Get("Retry-After"))
	}
}

// TestNothingPersonalGetsOut is the planting test: what newWorld looks for in
// the log is in every place of these requests.
func TestNothingPersonalGetsOut(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	w.do(call{method: "POST", path: "/v1/collections?name=" + "planted-query", token: keyAcme, body: "{\"x\":\"" + numberAnna})
	w.do(call{method: "POST", path: "/v1/collections", token: keyAcme, body: map[string]any{numberAnna[2:]: 1, "documents": nameAnna}})
	w.do(call{method: "GET", path: "/v1/collections/planted-query", token: keyAcme})
	w.do(call{method: "GET", path: m.of("planted-query") + "/attempts/live?number=" + "planted-query", token: keyAcme})
	w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: qrRequest(), header: map[string]string{
		"X-Request-Id": "planted-query", "Idempotency-Key": "planted-query", "Referer": "https://planted-query/",
	}})
	w.store.receive = nil
	w.store.fail = fault.New(fault.Internal, "storage_refused", "The document store refused a request.")
	w.do(call{method: "GET", path: "/v1/documents/" + m.document, token: keyAcme})
	require.GreaterOrEqual(t, strings.Count(w.logs.String(), `"msg":"request"`), 8)
	require.Contains(t, w.logs.String(), `"route":"/v1/collections/:collectionId/participants/:participantId/attempts","status":201`)
	require.Contains(t, w.logs.String(), `"tenant":"acme"`)
}
