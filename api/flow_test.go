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

	a = w.do(call{method: "GET", path: m.collection() + "/documents/" + m.document + "/evidence", token: keyAcme})
	require.Equal(t, http.StatusNotFound, a.StatusCode)
	require.Equal(t, "evidence_in_result", a.code(t))

	a = w.do(call{method: "GET", path: "/v1/documents/" + m.document + "/content", token: keyAcme})
	require.Equal(t, "%PDF-1.7 planted", string(a.body))
}

// TestDocumentWithSeparateEvidence: an upload that is locked is its own result,
// and the evidence of it is another download.
func TestDocumentWithSeparateEvidence(t *testing.T) {
	w := newWorld(t)
	nature := signing.Nature{Signatures: 1, Locked: true, PDFA: "2B"}
	w.store.nature = nature
	m := w.create()
	a := w.do(call{method: "GET", path: "/v1/documents/" + m.document, token: keyAcme})
	require.EqualValues(t, 1, a.json(t)["signatures"])
	require.Equal(t, true, a.json(t)["locked"])
	require.Equal(t, "2B", a.json(t)["pdfa"])
	require.Equal(t, nature, w.store.specs["acme/"+m.id].Documents[0].Nature)
	a = w.do(call{method: "GET", path: m.collection(), token: keyAcme})
	require.Equal(t, "separate", a.json(t)["documents"].([]any)[0].(map[string]any)["assembly"])
	evidence := call{method: "GET", path: m.collection() + "/documents/" + m.document + "/evidence", token: keyAcme}
	require.Equal(t, "result_not_ready", w.do(evidence).code(t))

	view := w.temporal.finish(m.id)
	view.State = signing.StateCompleted
	upload, proof := []byte("%PDF-1.7 planted"), []byte("%PDF-1.7 evidence")
	view.Documents[0].Result = &signing.Result{
		Document: view.Documents[0].ID, Length: int64(len(upload)), Digest: signing.DigestOf(upload), SealedAt: w.now(), Unsealed: true,
		Evidence: &signing.EvidenceResult{Length: int64(len(proof)), Digest: signing.DigestOf(proof), SealedAt: w.now()},
	}
	w.store.outcomes["acme/"+m.id] = view
	a = w.do(call{method: "GET", path: m.collection(), token: keyAcme})
	result := a.json(t)["documents"].([]any)[0].(map[string]any)["result"].(map[string]any)
	require.Equal(t, false, result["sealed"])
	require.Equal(t, signing.DigestOf(proof).String(), result["evidence"].(map[string]any)["sha256"])
	a = w.do(call{method: "GET", path: m.collection() + "/documents/" + m.document + "/result", token: keyAcme})
	require.Equal(t, upload, a.body)
	a = w.do(evidence)
	require.Equal(t, proof, a.body)
	require.Equal(t, `"`+signing.DigestOf(proof).String()+`"`, a.Header.Get("ETag"))
	require.Contains(t, a.Header.Get("Content-Disposition"), m.document+"-evidence.pdf")
}
