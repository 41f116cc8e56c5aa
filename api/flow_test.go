package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/signing"
)

func TestCollectionFromUploadToResult(t *testing.T) {
	w := newWorld(t)
	m := w.create()

	a := w.do(call{method: "GET", path: m.collection(), token: keyAcme})
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.Equal(t, "in_progress", a.json(t)["state"])

	a = w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: qrRequest()})
	require.Equal(t, http.StatusCreated, a.StatusCode, "%s", a.body)
	require.Regexp(t, `^bankid\.qr-token\.0\.[0-9a-f]{64}$`, a.json(t)["qr"].(map[string]any)["text"])
	require.Equal(t, m.of(m.anna)+"/attempts/live", a.Header.Get("Location"))

	a = w.do(call{method: "GET", path: m.collection() + "/documents/" + m.document + "/result", token: keyAcme})
	require.Equal(t, http.StatusConflict, a.StatusCode)
	require.Equal(t, "result_not_ready", a.code(t))

	w.temporal.sign(m.id, m.anna)
	a = w.do(call{method: "GET", path: m.of(m.anna) + "/attempts/live", token: keyAcme})
	require.Equal(t, "ended", a.json(t)["state"])
	require.Equal(t, "signed", a.json(t)["attempt"].(map[string]any)["outcome"])

	w.do(call{method: "POST", path: m.of(m.bo) + "/attempts", token: keyAcme, body: qrRequest()})
	w.temporal.sign(m.id, m.bo)
	view := w.temporal.finish(m.id)
	view.State = signing.StateCompleted
	sealed := []byte("%PDF-1.7 planted sealed")
	view.Documents[0].Result = &signing.Result{
		Document: view.Documents[0].ID, Revision: 1, Length: int64(len(sealed)), Digest: signing.DigestOf(sealed), SealedAt: w.now(),
	}
	w.store.outcomes["acme/"+m.id] = view

	a = w.do(call{method: "GET", path: m.collection(), token: keyAcme})
	require.Equal(t, "completed", a.json(t)["state"])
	a = w.do(call{method: "GET", path: m.collection() + "/documents/" + m.document + "/result", token: keyAcme})
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.Equal(t, sealed, a.body)
	require.Equal(t, `"`+signing.DigestOf(sealed).String()+`"`, a.Header.Get("ETag"))

	a = w.do(call{method: "GET", path: "/v1/documents/" + m.document + "/content", token: keyAcme})
	require.Equal(t, "%PDF-1.7 planted", string(a.body))
}
