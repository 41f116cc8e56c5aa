package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/api"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

// createWith creates a collection in which Anna is replaced by somebody who signs
// otherwise, with a policy of any assurance.
func (w *world) createWith(change map[string]any) made {
	w.t.Helper()
	document := w.upload()
	body := with(collectionBody(document), map[string]any{"accept": []any{"verified", "attested", "identified", "attested-process"}}, "policy")
	for k, v := range change {
		body = with(body, v, "participants", 0, k)
	}
	a := w.do(call{method: "POST", path: "/v1/collections", token: keyAcme, body: body})
	require.Equal(w.t, http.StatusCreated, a.StatusCode, "%s", a.body)
	people := a.json(w.t)["participants"].([]any)
	return made{
		a.json(w.t)["id"].(string), document,
		people[0].(map[string]any)["id"].(string), people[1].(map[string]any)["id"].(string),
	}
}

var kari = map[string]any{"name": "Kari", "personalNumber": ninKari, "method": "nbid-pki", "locale": "nb"}

func sameDevice() map[string]any {
	return map[string]any{"channel": "same-device", "endUserIp": "203.0.113.77"}
}

func public(c *api.Config) { c.PublicURL = "https://sign.example.com/" }

// TestPersonIsSentToTheProvidersPage, and told so in their language.
func TestPersonIsSentToTheProvidersPage(t *testing.T) {
	w := newWorld(t, public)
	m := w.createWith(kari)
	a := w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: sameDevice()})
	require.Equal(t, http.StatusCreated, a.StatusCode, "%s", a.body)
	for _, told := range []map[string]any{
		a.json(t), w.do(call{method: "GET", path: m.of(m.anna) + "/attempts/live", token: keyAcme}).json(t),
	} {
		require.Equal(t, map[string]any{"redirectUrl": redirectURL}, told["launch"])
		require.Nil(t, told["qr"])
		require.Equal(t, "HS5", told["message"].(map[string]any)["id"])
		require.Equal(t, "nb", told["message"].(map[string]any)["language"])
	}
	require.Nil(t, a.json(t)["returnNonce"], "a page of ours has nobody to present a nonce")
	a = w.do(call{method: "GET", path: m.of(m.anna) + "/attempts/live/qr.svg", token: keyAcme})
	require.Equal(t, "qr_not_available", a.code(t))
	require.Equal(t, "https://sign.example.com/return/{outcome}?lang=nb", w.temporal.command(m.id).ReturnURL.Reveal())
	require.True(t, w.temporal.command(m.id).ReturnNonce.IsZero())
}

// TestWhereAPersonReturnsTo: to the tenant's page with a nonce, to ours without, or
// nowhere.
func TestWhereAPersonReturnsTo(t *testing.T) {
	own := sameDevice()
	own["returnUrl"] = "https://example.com/done?case=1"
	for name, row := range map[string]struct {
		person map[string]any
		body   map[string]any
		change func(*api.Config)
		want   string // a beginning, where it ends with …
	}{
		"redirect, ours":          {kari, sameDevice(), public, "https://sign.example.com/return/{outcome}?lang=nb"},
		"redirect, the tenant's":  {kari, own, public, "https://example.com/done?case=1#nonce=…"},
		"redirect, nothing known": {kari, sameDevice(), func(*api.Config) {}, ""},
		"an app, ours":            {nil, sameDevice(), public, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, row.change)
			m := w.createWith(row.person)
			a := w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: row.body})
			require.Equal(t, http.StatusCreated, a.StatusCode, "%s", a.body)
			got := w.temporal.command(m.id).ReturnURL.Reveal()
			if start, cut := strings.CutSuffix(row.want, "…"); cut {
				require.True(t, strings.HasPrefix(got, start), got)
				require.Len(t, a.json(t)["returnNonce"], 43)
				return
			}
			require.Equal(t, row.want, got)
		})
	}
}

// TestChannelThatNobodyHas is refused before anybody is asked for an order.
func TestChannelThatNobodyHas(t *testing.T) {
	w := newWorld(t)
	m := w.createWith(kari)
	for name, body := range map[string]map[string]any{
		"phone": {"channel": "phone", "endUserIp": "203.0.113.77", "callInitiator": "user"},
		"qr":    qrRequest(),
	} {
		t.Run(name, func(t *testing.T) {
			a := w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: body, header: map[string]string{"Idempotency-Key": "k-" + name}})
			require.Equal(t, http.StatusUnprocessableEntity, a.StatusCode, "%s", a.body)
			require.Equal(t, []string{"/channel unavailable"}, fieldsOf(t, a))
			require.Contains(t, string(a.body), "by signicat; same-device always can.")
		})
	}
	require.Zero(t, w.temporal.orders)
	require.Empty(t, w.store.claims, "a request that cannot succeed has claimed a key")
}

// TestRelayedQR shows what the provider sent last.
func TestRelayedQR(t *testing.T) {
	w := newWorld(t)
	m := w.createWith(map[string]any{"method": "bankid-se-identify"})
	w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: qrRequest()})
	live := w.temporal.collections[signing.CollectionID(m.id)].live[signing.ParticipantID(m.anna)]
	for _, text := range []signing.Private{"bankid.first.0", "bankid.second.1"} {
		live.Order.QRToken, live.Order.QRSecret, live.Order.RelayedQR, live.Hint = "", "", text, "outstandingTransaction"
		w.temporal.follow(m.id, m.anna, &live)
		told := w.do(call{method: "GET", path: m.of(m.anna) + "/attempts/live", token: keyAcme}).json(t)
		require.Equal(t, text.Reveal(), told["qr"].(map[string]any)["text"])
		a := w.do(call{method: "GET", path: m.of(m.anna) + "/attempts/live/qr.svg", token: keyAcme})
		require.Equal(t, http.StatusOK, a.StatusCode)
		require.Contains(t, string(a.body), "<svg")
	}
	live.Order.RelayedQR = "" // as when the code was scanned
	w.temporal.follow(m.id, m.anna, &live)
	require.Nil(t, w.do(call{method: "GET", path: m.of(m.anna) + "/attempts/live", token: keyAcme}).json(t)["qr"])
}

// TestWhenToTryAgain is told in a header, and by the clock.
func TestWhenToTryAgain(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	w.now = func() time.Time { return time.Date(2026, 11, 22, 8, 0, 0, 500, time.UTC) }
	for _, row := range []struct {
		fault  *fault.Error
		header string
		at     string
	}{
		{fault.New(fault.Conflict, "sbab_in_progress", "The person is blocked. Try again in 2m0s.").After(2 * time.Minute), "120", "2026-11-22T08:02:00Z"},
		{signing.ErrRevisionBusy.After(899500 * time.Millisecond), "900", "2026-11-22T08:15:00Z"},
	} {
		w.temporal.fail = row.fault
		a := w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: qrRequest()})
		require.Equal(t, http.StatusConflict, a.StatusCode)
		require.Equal(t, row.fault.Code, a.code(t))
		require.Equal(t, row.header, a.Header.Get("Retry-After"))
		require.Equal(t, row.at, a.json(t)["retryAt"])
	}
}

// TestCallThatOnlyThePersonCanEnd goes on, and whoever cancels it is told so.
func TestCallThatOnlyThePersonCanEnd(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: map[string]any{
		"channel": "phone", "endUserIp": "203.0.113.77", "callInitiator": "owner",
	}})
	w.temporal.failCancel = fault.New(fault.Conflict, "call_runs", "The call cannot be taken back.")
	a := w.do(call{method: "DELETE", path: m.of(m.anna) + "/attempts/live", token: keyAcme})
	require.Equal(t, http.StatusConflict, a.StatusCode)
	require.Equal(t, "call_runs", a.code(t), "%s", a.body)
	require.Empty(t, a.Header.Get("Retry-After"))
	require.Equal(t, "pending", w.do(call{method: "GET", path: m.of(m.anna) + "/attempts/live", token: keyAcme}).json(t)["state"])

	// It ended while the cancel was on its way: that is the answer.
	w.temporal.end(m.id, m.anna, signing.AttemptResult{Outcome: signing.OutcomeFailed, Reason: signing.ReasonTimeout})
	a = w.do(call{method: "DELETE", path: m.of(m.anna) + "/attempts/live", token: keyAcme})
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.Equal(t, "ended", a.json(t)["state"])
}

// TestSignerReadsWhatTheySign: the current revision, by its digest, which is not
// the upload any more once somebody has signed in it.
func TestSignerReadsWhatTheySign(t *testing.T) {
	w := newWorld(t)
	m := w.createWith(kari)
	upload := "%PDF-1.7 planted"
	content := m.collection() + "/documents/" + m.document + "/content"
	read := func(path, token, want string) {
		t.Helper()
		a := w.do(call{method: "GET", path: path, token: token})
		require.Equal(t, http.StatusOK, a.StatusCode, "%s", a.body)
		require.Equal(t, want, string(a.body))
		require.Equal(t, `"`+signing.DigestOf([]byte(want)).String()+`"`, a.Header.Get("ETag"))
	}
	link := w.link(m, m.bo)
	read(content, link, upload)
	w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: sameDevice()})
	signed := upload + " sealed" // as the store makes of it
	w.temporal.end(m.id, m.anna, signing.AttemptResult{Outcome: signing.OutcomeSigned, Signature: &signing.Signature{
		Participant: signing.ParticipantID(m.anna), Method: signing.MethodNBIDPKI, Provider: "signicat",
		Assurance: signing.AssuranceVerified, Level: signing.LevelQES, SignedAt: w.now(), Environment: "simulator",
		Revisions: []signing.Current{{
			Document: signing.DocumentID(m.document), Revision: 1, Length: int64(len(signed)), Digest: signing.DigestOf([]byte(signed)),
		}},
	}})
	read(content, link, signed)
	read(content+"?version=current", keyAcme, signed)
	read(content+"?version=original", link, upload)

	a := w.do(call{method: "GET", path: m.collection(), token: keyAcme})
	document := a.json(t)["documents"].([]any)[0].(map[string]any)
	require.Equal(t, map[string]any{
		"number": 1.0, "length": float64(len(signed)), "sha256": signing.DigestOf([]byte(signed)).String(),
	}, document["current"])
	require.Equal(t, signing.DigestOf([]byte(upload)).String(), document["sha256"])
	person := a.json(t)["participants"].([]any)[0].(map[string]any)
	require.Equal(t, "qes", person["signature"].(map[string]any)["level"])

	other := w.create()
	for path, code := range map[string]string{
		content + "?version=sealed":                                      "parameter_invalid",
		m.collection() + "/documents/" + other.document + "/content":     "document_not_found",
		other.collection() + "/documents/" + other.document + "/content": "link_scope",
	} {
		require.Equal(t, code, w.do(call{method: "GET", path: path, token: link}).code(t), path)
	}
	require.Equal(t, "collection_not_found", w.do(call{method: "GET", path: content, token: keyOther}).code(t))
}

// TestWhatWasDoneHasItsRightName: only a signature is called one.
func TestWhatWasDoneHasItsRightName(t *testing.T) {
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for name, row := range map[string]struct {
		person    map[string]any
		signature signing.Signature
		field     string
		state     string
		want      map[string]any
	}{
		"signature": {
			nil,
			signing.Signature{Method: signing.MethodBankIDSE, Assurance: signing.AssuranceAttested},
			"signature", "signed",
			map[string]any{"assurance": "attested", "level": "aes", "signedAt": "2026-11-22T08:00:00Z"},
		},
		"consent": {
			map[string]any{"method": "bankid-se-identify"},
			signing.Signature{
				Method: signing.MethodBankIDSEIdentify, Assurance: signing.AssuranceIdentified,
				Consent: &signing.Consent{At: at.Add(time.Minute), Evidence: signing.DigestOf([]byte("consent"))},
			},
			"consent", "consented",
			map[string]any{
				"identifiedAt": "2026-11-22T08:00:00Z", "consentedAt": "2026-11-22T08:01:00Z",
				"evidenceSha256": signing.DigestOf([]byte("consent")).String(),
			},
		},
		"related process": {
			map[string]any{"method": "bankid-se-process", "providerParticipant": "p-1"},
			signing.Signature{Method: signing.MethodBankIDSEProcess, Assurance: signing.AssuranceAttestedProcess},
			"relatedProcess", "process_completed",
			map[string]any{"completedAt": "2026-11-22T08:00:00Z"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			m := w.createWith(row.person)
			w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: qrRequest()})
			s := row.signature
			s.Participant, s.Provider, s.SignedAt, s.Environment = signing.ParticipantID(m.anna), "planted", at, "simulator"
			w.temporal.end(m.id, m.anna, signing.AttemptResult{Outcome: signing.OutcomeSigned, Signature: &s})
			a := w.do(call{method: "GET", path: m.collection(), token: keyAcme})
			person := a.json(t)["participants"].([]any)[0].(map[string]any)
			require.Equal(t, row.state, person["state"])
			for _, field := range []string{"signature", "consent", "relatedProcess"} {
				require.Equal(t, field == row.field, person[field] != nil, "%s in %s", field, a.body)
			}
			for k, v := range row.want {
				require.Equal(t, v, person[row.field].(map[string]any)[k], k)
			}
		})
	}
}

func TestReturnPages(t *testing.T) {
	w := newWorld(t)
	page := map[string]string{"Accept": "text/html,application/xhtml+xml;q=0.9"}
	seen := map[string]bool{}
	for _, row := range []struct{ path, accept, language, says string }{
		{"/return/success?lang=sv", "", "sv", "Gå tillbaka till sidan där du började."},
		{"/return/cancel?lang=nb", "en", "nb", "Gå tilbake til siden der du begynte."},
		{"/return/error?lang=en", "sv", "en", "Go back to the page where you started."},
		{"/return/success", "no", "nb", "ingen bekreftelse"},
		{"/return/cancel?lang=%3Cscript%3E", "sv;q=0.5, de", "sv", "ingen bekräftelse"},
		{"/return/cancel", "", "en", "no confirmation"},
	} {
		header := map[string]string{"Accept": page["Accept"]}
		if row.accept != "" {
			header["Accept-Language"] = row.accept
		}
		a := w.do(call{method: "GET", path: row.path, header: header})
		require.Equal(t, http.StatusOK, a.StatusCode, "%s", a.body)
		require.Equal(t, "text/html", strings.Split(a.Header.Get("Content-Type"), ";")[0])
		require.Equal(t, row.language, a.Header.Get("Content-Language"))
		require.Contains(t, string(a.body), `<html lang="`+row.language+`">`)
		require.Contains(t, string(a.body), row.says)
		require.NotContains(t, string(a.body), "script")
		policy := a.Header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'; style-src 'sha256-")
		require.NotContains(t, policy, "unsafe")
		require.False(t, seen[string(a.body)], "two pages are the same")
		seen[string(a.body)] = true
	}
	require.Equal(t, "route_not_found", w.do(call{method: "GET", path: "/return/signed"}).code(t))
	require.Equal(t, "not_acceptable", w.do(call{method: "GET", path: "/return/success", header: map[string]string{"Accept": "image/png"}}).code(t))
}

func TestPublicAddressIsRefused(t *testing.T) {
	for _, address := range []string{
		"http://sign.example.com", "sign.example.com", "https://sign.example.com/?a=b", "https://sign.example.com/#x", "https://a:b@sign.example.com",
	} {
		newWorld(t, func(c *api.Config) {
			wrong := *c
			wrong.PublicURL = address
			_, err := api.New(wrong)
			require.ErrorContains(t, err, "PublicURL", address)
		})
	}
}
