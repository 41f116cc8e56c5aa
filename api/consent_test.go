package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/signing"
)

// identified is a world in which Anna has proven who she is, at a time.
func identified(t *testing.T) (w *world, m made, at *time.Time) {
	t.Helper()
	w = newWorld(t)
	now := time.Now().UTC().Truncate(time.Second)
	at = &now
	w.now = func() time.Time { return *at }
	m = w.createWith(map[string]any{"method": "bankid-se-identify"})
	w.identify(m)
	return w, m, at
}

// identify has Anna prove who she is.
func (w *world) identify(m made) {
	w.t.Helper()
	a := w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: qrRequest()})
	require.Equal(w.t, http.StatusCreated, a.StatusCode, "%s", a.body)
	w.temporal.mu.Lock()
	c := w.temporal.collections[signing.CollectionID(m.id)]
	live, err := c.LiveAttempt(signing.ParticipantID(m.anna))
	require.NoError(w.t, err)
	manifest, err := c.At(c.About(signing.ParticipantID(m.anna))).Manifest(signing.ParticipantID(m.anna)).Encode()
	require.NoError(w.t, err)
	w.temporal.mu.Unlock()
	w.temporal.end(m.id, m.anna, signing.AttemptResult{Outcome: signing.OutcomeIdentified, Signature: &signing.Signature{
		Participant: signing.ParticipantID(m.anna), Attempt: live.ID, Method: signing.MethodBankIDSEIdentify, Provider: "qrona",
		Assurance: signing.AssuranceIdentified, Level: signing.LevelAny, SignedAt: w.now(), Environment: "simulator",
		Manifest: signing.DigestOf(manifest), Evidence: signing.DigestOf([]byte("answer")),
	}})
}

func agreed(offer map[string]any) map[string]any {
	return map[string]any{
		"attempt": offer["attempt"], "manifestSha256": offer["manifestSha256"], "textSha256": offer["textSha256"],
	}
}

// TestConsentToWhatWasShown, by the signer's link, once and as often as it is sent.
func TestConsentToWhatWasShown(t *testing.T) {
	w, m, at := identified(t)
	link := w.link(m, m.anna)
	a := w.do(call{method: "GET", path: m.collection(), token: keyAcme})
	anna := a.json(t)["participants"].([]any)[0].(map[string]any)
	require.Equal(t, "identified", anna["state"])
	require.Equal(t, "identified", anna["attempts"].([]any)[0].(map[string]any)["outcome"])
	require.Nil(t, anna["signature"])
	require.Nil(t, anna["consent"])
	live := w.do(call{method: "GET", path: m.of(m.anna) + "/attempts/live", token: link}).json(t)
	require.Equal(t, "HS8", live["message"].(map[string]any)["id"])

	a = w.do(call{method: "GET", path: m.of(m.anna) + "/consent", token: link})
	require.Equal(t, http.StatusOK, a.StatusCode, "%s", a.body)
	offer := a.json(t)
	text := offer["text"].(string)
	require.Contains(t, text, titlePlant, "they must be able to read what it is about")
	document := signing.DigestOf([]byte("%PDF-1.7 planted"))
	require.Contains(t, text, document.String())
	require.Equal(t, signing.DigestOf([]byte(text)).String(), offer["textSha256"])
	require.Equal(t, "sv", offer["locale"])
	require.Equal(t, at.Add(15*time.Minute).Format(time.RFC3339), offer["until"])
	require.Equal(t, []any{map[string]any{
		"id": m.document, "number": 0.0, "length": 16.0, "sha256": document.String(),
	}}, offer["documents"])

	*at = at.Add(time.Minute)
	post := call{method: "POST", path: m.of(m.anna) + "/consent", token: link, body: agreed(offer)}
	for range 2 {
		a = w.do(post)
		require.Equal(t, http.StatusOK, a.StatusCode, "%s", a.body)
		anna = a.json(t)
		require.Equal(t, "consented", anna["state"])
		require.Nil(t, anna["signature"])
		consent := anna["consent"].(map[string]any)
		require.Equal(t, at.Add(-time.Minute).Format(time.RFC3339), consent["identifiedAt"])
		require.Equal(t, at.Format(time.RFC3339), consent["consentedAt"])
		require.Equal(t, offer["manifestSha256"], consent["manifestSha256"])
		require.Equal(t, "qrona", consent["provider"])
	}
	require.Equal(t, "already_signed", w.do(call{method: "GET", path: m.of(m.anna) + "/consent", token: link}).code(t))

	w.store.outcomes["acme/"+m.id] = w.temporal.finish(m.id)
	require.Equal(t, http.StatusOK, w.do(post).StatusCode, "the same consent, once the collection runs no more")
	other := with(agreed(offer), hexDigest("other"), "manifestSha256")
	require.Equal(t, "already_signed", w.do(call{method: "POST", path: m.of(m.anna) + "/consent", token: link, body: other}).code(t))
}

func TestConsentThatDoesNotCount(t *testing.T) {
	offer := func(w *world, m made) map[string]any {
		a := w.do(call{method: "GET", path: m.of(m.anna) + "/consent", token: keyAcme})
		require.Equal(w.t, http.StatusOK, a.StatusCode, "%s", a.body)
		return agreed(a.json(w.t))
	}
	for name, row := range map[string]struct {
		body   func(w *world, m made, at *time.Time) map[string]any
		status int
		code   string
	}{
		"to other documents": {func(w *world, m made, _ *time.Time) map[string]any {
			return with(offer(w, m), hexDigest("x"), "manifestSha256")
		}, 409, "consent_other_documents"},
		"to another text": {func(w *world, m made, _ *time.Time) map[string]any {
			return with(offer(w, m), hexDigest("x"), "textSha256")
		}, 409, "consent_other_documents"},
		"of another attempt": {func(w *world, m made, _ *time.Time) map[string]any {
			return with(offer(w, m), "att_x", "attempt")
		}, 409, "not_identified"},
		"after an identification that is begun anew": {func(w *world, m made, _ *time.Time) map[string]any {
			before := offer(w, m)
			w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: qrRequest()})
			return before
		}, 409, "not_identified"},
		"too late": {func(w *world, m made, at *time.Time) map[string]any {
			before := offer(w, m)
			*at = at.Add(15*time.Minute + time.Second)
			a := w.do(call{method: "GET", path: m.of(m.anna) + "/consent", token: keyAcme})
			require.Equal(w.t, "identification_too_old", a.code(w.t))
			return before
		}, 409, "identification_too_old"},
		"after the end": {func(w *world, m made, _ *time.Time) map[string]any {
			before := offer(w, m)
			w.do(call{method: "POST", path: m.collection() + "/cancel", token: keyAcme})
			require.Equal(w.t, "collection_ended", w.do(call{method: "GET", path: m.of(m.anna) + "/consent", token: keyAcme}).code(w.t))
			return before
		}, 410, "collection_ended"},
		"digest that is none": {func(w *world, m made, _ *time.Time) map[string]any {
			return with(offer(w, m), "zz", "textSha256")
		}, 422, "request_invalid"},
		"nothing": {func(*world, made, *time.Time) map[string]any { return map[string]any{} }, 422, "request_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			w, m, at := identified(t)
			a := w.do(call{method: "POST", path: m.of(m.anna) + "/consent", token: keyAcme, body: row.body(w, m, at)})
			require.Equal(t, row.status, a.StatusCode, "%s", a.body)
			require.Equal(t, row.code, a.code(t))
			anna := w.do(call{method: "GET", path: m.collection(), token: keyAcme}).json(t)["participants"].([]any)[0].(map[string]any)
			require.Nil(t, anna["consent"])
		})
	}
}

func TestConsentOfWhoHasNothingToConsentTo(t *testing.T) {
	w, m, _ := identified(t)
	a := w.do(call{method: "GET", path: m.of(m.bo) + "/consent", token: keyAcme})
	require.Equal(t, http.StatusConflict, a.StatusCode)
	require.Equal(t, "not_identified", a.code(t))
	require.Equal(t, "link_scope", w.do(call{method: "GET", path: m.of(m.anna) + "/consent", token: w.link(m, m.bo)}).code(t))
}

// TestConsentIsToWhatTheyWereShown although somebody has signed in the document
// since: the text and the digests are those of the identification.
func TestConsentIsToWhatTheyWereShown(t *testing.T) {
	w := newWorld(t)
	document := w.upload()
	body := collectionBody(document)
	people := body["participants"].([]any)
	people[0].(map[string]any)["method"] = "bankid-se-identify"
	people[1] = map[string]any{"name": "Kari", "personalNumber": ninKari, "method": "nbid-pki", "step": 1}
	body["policy"] = map[string]any{"accept": []any{"verified", "identified"}}
	a := w.do(call{method: "POST", path: "/v1/collections", token: keyAcme, body: body})
	require.Equal(t, http.StatusCreated, a.StatusCode, "%s", a.body)
	listed := a.json(t)["participants"].([]any)
	m := made{a.json(t)["id"].(string), document, listed[0].(map[string]any)["id"].(string), listed[1].(map[string]any)["id"].(string)}
	w.identify(m)
	before := w.do(call{method: "GET", path: m.of(m.anna) + "/consent", token: keyAcme}).json(t)
	w.do(call{method: "POST", path: m.of(m.bo) + "/attempts", token: keyAcme, body: sameDevice()})
	w.temporal.end(m.id, m.bo, signing.AttemptResult{Outcome: signing.OutcomeSigned, Signature: &signing.Signature{
		Participant: signing.ParticipantID(m.bo), Method: signing.MethodNBIDPKI, Assurance: signing.AssuranceVerified, Level: signing.LevelQES,
		Revisions: []signing.Current{{Document: signing.DocumentID(document), Revision: 1, Length: 99, Digest: signing.DigestOf([]byte("signed"))}},
	}})
	require.Equal(t, before, w.do(call{method: "GET", path: m.of(m.anna) + "/consent", token: keyAcme}).json(t))
	a = w.do(call{method: "POST", path: m.of(m.anna) + "/consent", token: keyAcme, body: agreed(before)})
	require.Equal(t, http.StatusOK, a.StatusCode, "%s", a.body)
	require.NotNil(t, a.json(t)["consent"])
}
