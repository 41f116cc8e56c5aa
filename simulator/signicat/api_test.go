package signicat_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/simulator"
	"github.com/handslag/handslag/simulator/pki"
	"github.com/handslag/handslag/simulator/signicat"
)

var certificates = sync.OnceValues(func() (*pki.PKI, error) {
	return pki.Create(pki.Options{Clock: time.Now, Entropy: rand.Reader, CAKeyBits: 2048})
})

// world is a simulator whose API is spoken to without TLS, and its clock.
type world struct {
	t            *testing.T
	api, control string
	ahead        time.Duration
	token        string
	nin          string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	p, err := certificates()
	require.NoError(t, err)
	w := &world{t: t, nin: pki.SyntheticNIN(time.Date(1991, 3, 1, 0, 0, 0, 0, time.UTC), 0)}
	s, err := simulator.New(simulator.Options{PKI: p, Clock: func() time.Time { return time.Now().Add(w.ahead) }, Entropy: rand.Reader})
	require.NoError(t, err)
	t.Cleanup(s.Signicat().Close)
	api, control := httptest.NewServer(s.Signicat().API()), httptest.NewServer(s.Control())
	t.Cleanup(api.Close)
	t.Cleanup(control.Close)
	w.api, w.control = api.URL, control.URL
	w.tell("PUT", "/v1/signicat/settings", map[string]any{"signUrl": control.URL})
	w.tell("POST", "/v1/signicat/persons", signicat.Person{NIN: w.nin, GivenName: "Kari", Surname: "Nordmann", RSA: true})
	w.login()
	return w
}

func (w *world) do(method, address, kind string, body []byte) (int, []byte) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, address, bytes.NewReader(body))
	require.NoError(w.t, err)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if w.token != "" {
		r.Header.Set("Authorization", "Bearer "+w.token)
	}
	answer, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
	require.NoError(w.t, err)
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	require.NoError(w.t, err)
	if to := answer.Header.Get("Location"); to != "" {
		b = []byte(to)
	}
	return answer.StatusCode, b
}

func (w *world) call(method, path string, in any) (int, map[string]any) {
	w.t.Helper()
	b, err := json.Marshal(in)
	require.NoError(w.t, err)
	if s, ok := in.(string); ok {
		b = []byte(s)
	}
	status, got := w.do(method, w.api+"/sign"+path, "application/json", b)
	var out map[string]any
	_ = json.Unmarshal(got, &out)
	var array []map[string]any
	if json.Unmarshal(got, &array) == nil && len(array) > 0 {
		out = array[0]
	}
	return status, out
}

func (w *world) tell(method, path string, in any) map[string]any {
	w.t.Helper()
	b, err := json.Marshal(in)
	require.NoError(w.t, err)
	status, got := w.do(method, w.control+path, "application/json", b)
	require.Less(w.t, status, 300, "%s", got)
	var out map[string]any
	_ = json.Unmarshal(got, &out)
	return out
}

func (w *world) login() {
	w.t.Helper()
	c := signicat.DefaultClient()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"signicat-api"}, "client_id": {c.ID}, "client_secret": {c.Secret}}
	w.token = ""
	status, b := w.do("POST", w.api+"/auth/open/connect/token", "application/x-www-form-urlencoded", []byte(form.Encode()))
	require.Equal(w.t, 200, status)
	var out struct {
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
	}
	require.NoError(w.t, json.Unmarshal(b, &out))
	require.Positive(w.t, out.Expires)
	w.token = out.Token
}

func (w *world) upload(kind, text string) string {
	w.t.Helper()
	status, b := w.do("POST", w.api+"/sign/documents", kind, []byte(text))
	require.Equal(w.t, 201, status, "%s", b)
	var out struct {
		ID   string `json:"documentId"`
		Hash struct{ Hash, HashAlgorithm string }
	}
	require.NoError(w.t, json.Unmarshal(b, &out))
	return out.ID
}

func (w *world) group(more string, documents ...string) string {
	w.t.Helper()
	var members []string
	for _, d := range documents {
		members = append(members, fmt.Sprintf(`{"documentId":%q}`, d))
	}
	status, out := w.call("POST", "/document-collections", `{"documents":[`+strings.Join(members, ",")+`]`+more+`}`)
	require.Equal(w.t, 201, status, "%v", out)
	return out["id"].(string)
}

// element is a session's request, with members replaced or added.
func (w *world) element(group, document string, change map[string]any) map[string]any {
	out := map[string]any{
		"title": "Avtale", "documents": []any{map[string]any{"action": "SIGN", "documentCollectionId": group, "documentId": document}},
		"signingSetup": []any{map[string]any{"signingFlow": "PKISIGNING", "vendor": "NBID"}},
	}
	maps.Copy(out, change)
	return out
}

func (w *world) session(group, document string, change map[string]any) string {
	w.t.Helper()
	status, out := w.call("POST", "/signing-sessions", []any{w.element(group, document, change)})
	require.Equal(w.t, 201, status, "%v", out)
	require.NotContains(w.t, out["signatureUrl"], out["id"])
	return out["id"].(string)
}

func (w *world) state(id string) string {
	w.t.Helper()
	status, out := w.call("GET", "/signing-sessions/"+id, nil)
	if status == 404 {
		return "gone"
	}
	require.Equal(w.t, 200, status)
	return out["lifecycle"].(map[string]any)["state"].(string)
}

// pdf is the smallest document that can be signed.
var pdf = func() string {
	out, rows := "%PDF-1.7\n", ""
	for i, object := range []string{"<</Type /Catalog /Pages 2 0 R>>", "<</Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 9 9]>>", "<</Type /Page /Parent 2 0 R>>"} {
		rows += fmt.Sprintf("%010d 00000 n\r\n", len(out))
		out += fmt.Sprintf("%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	return out + fmt.Sprintf("xref\n0 4\n0000000000 65535 f\r\n%strailer\n<</Size 4 /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", rows, len(out))
}()

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	doc, text := w.upload("application/pdf", pdf), w.upload("text/plain", "text")
	g, mixed, packaged := w.group("", doc), w.group("", text), w.group(`,"packageTo":["PADES_CONTAINER"]`, doc)
	setup := func(v map[string]any) map[string]any { return map[string]any{"signingSetup": []any{v}} }
	auth := map[string]any{"signingFlow": "AUTHENTICATION_BASED", "identityProviders": []any{map[string]any{"idpName": "nbid"}}}
	w.session(mixed, text, setup(auth))
	one := func(change map[string]any) any { return []any{w.element(g, doc, change)} }
	for name, tc := range map[string]struct {
		method, path string
		body         any
		status       int
	}{
		"an object":              {"POST", "/signing-sessions", w.element(g, doc, nil), 400},
		"an empty array":         {"POST", "/signing-sessions", "[]", 400},
		"language no":            {"POST", "/signing-sessions", one(map[string]any{"ui": map[string]any{"language": "no"}}), 400},
		"an unknown member":      {"POST", "/signing-sessions", one(map[string]any{"userInteractionSetup": 1}), 400},
		"no title":               {"POST", "/signing-sessions", one(map[string]any{"title": ""}), 400},
		"noUse":                  {"POST", "/signing-sessions", one(map[string]any{"restrictedUse": "noUse"}), 400},
		"NO_USE":                 {"POST", "/signing-sessions", one(map[string]any{"restrictedUse": "NO_USE"}), 400},
		"a package":              {"POST", "/signing-sessions", one(map[string]any{"packageTo": []string{"PADES_CONTAINER"}}), 400},
		"a packaged collection":  {"POST", "/signing-sessions", []any{w.element(packaged, doc, nil)}, 400},
		"no vendor":              {"POST", "/signing-sessions", one(setup(map[string]any{"signingFlow": "PKISIGNING"})), 400},
		"a small vendor":         {"POST", "/signing-sessions", one(setup(map[string]any{"signingFlow": "PKISIGNING", "vendor": "nbid"})), 400},
		"an unknown flow":        {"POST", "/signing-sessions", one(setup(map[string]any{"signingFlow": "OTHER"})), 400},
		"methods mixed":          {"POST", "/signing-sessions", []any{w.element(mixed, text, nil)}, 400},
		"text by PKI":            {"POST", "/signing-sessions", []any{w.element(w.group("", text), text, nil)}, 400},
		"not in the collection":  {"POST", "/signing-sessions", []any{w.element(mixed, doc, nil)}, 400},
		"two redirects":          {"POST", "/signing-sessions", one(map[string]any{"redirectSettings": map[string]any{"success": "https://a.example/", "cancel": "https://a.example/"}}), 400},
		"validation of nobody":   {"POST", "/signing-sessions", one(map[string]any{"signer": map[string]any{"validations": []string{"NATIONAL_IDENTIFICATION_NUMBER"}}}), 400},
		"a date too far":         {"POST", "/signing-sessions", one(map[string]any{"dueDate": time.Now().Add(31 * 24 * time.Hour).UTC()}), 400},
		"a date that is over":    {"POST", "/signing-sessions", one(map[string]any{"dueDate": time.Now().Add(-time.Hour).UTC()}), 400},
		"an archive for no time": {"POST", "/signing-sessions", one(map[string]any{"archive": map[string]any{"sendSignatureResultsToArchive": true}}), 400},
		"an unknown document":    {"POST", "/signing-sessions", []any{w.element(g, "x", nil)}, 404},
		"an unknown collection":  {"POST", "/signing-sessions", []any{w.element("x", doc, nil)}, 404},
		"after nobody":           {"POST", "/signing-sessions", one(map[string]any{"subsequentTo": []string{"x"}}), 404},
		"a patch":                {"PATCH", "/signing-sessions/x", "{}", 405},
		"a guessed base":         {"POST", "/v2/documents", "{}", 404},
		"a document as JSON":     {"POST", "/documents", "{}", 415},
		"a title too long":       {"PATCH", "/documents/" + doc + "/metadata", map[string]string{"title": strings.Repeat("å", 256)}, 400},
		"an empty collection":    {"POST", "/document-collections", `{"documents":[]}`, 400},
		"a strange sort":         {"GET", "/signing-sessions?sort=-title", nil, 400},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			status, out := w.call(tc.method, tc.path, tc.body)
			require.Equal(t, tc.status, status, "%v", out)
			if tc.status == 400 {
				require.NotEmpty(t, out["code"])
				require.NotEmpty(t, out["traceId"])
			}
		})
	}
	w.t = t
	w.session(g, doc, map[string]any{"dueDate": time.Now().Add(29 * 24 * time.Hour).UTC(), "ui": map[string]any{"language": "nb"}})
	w.tell("PUT", "/v1/signicat/settings", map[string]any{"maxDocument": 10})
	status, _ := w.do("POST", w.api+"/sign/documents", "application/pdf", []byte(pdf))
	require.Equal(t, 413, status)
	w.tell("PUT", "/v1/signicat/settings", map[string]any{"requestsPerSecond": 1})
	limited := false
	for range 4 {
		status, _ = w.call("GET", "/signing-sessions", nil)
		limited = limited || status == 429
	}
	require.True(t, limited)
	w.tell("PUT", "/v1/signicat/settings", map[string]any{"requestsPerSecond": 0})
	w.ahead += 10 * time.Minute
	status, _ = w.call("GET", "/signing-sessions", nil)
	require.Equal(t, 401, status, "the token has run out")
}

// Time takes what nobody signs, and later its bytes.
func TestTime(t *testing.T) {
	w := newWorld(t)
	orphan, kept := w.upload("application/pdf", pdf), w.upload("application/pdf", pdf)
	id := w.session(w.group("", kept), kept, map[string]any{"dueDate": time.Now().Add(2 * time.Hour).UTC()})
	there := func(document string) int {
		status, _ := w.do("GET", w.api+"/sign/documents/"+document, "", nil)
		return status
	}
	w.ahead += 29 * time.Minute
	w.login()
	require.Equal(t, 200, there(orphan))
	w.ahead += 2 * time.Minute
	require.Equal(t, 404, there(orphan))
	require.Equal(t, 200, there(kept))
	require.Equal(t, "READY", w.state(id))
	w.ahead += 2 * time.Hour
	w.login()
	require.Equal(t, "gone", w.state(id))
	require.Equal(t, 404, there(kept))
	purged := func() (n int) {
		_, b := w.do("GET", w.control+"/v1/signicat/documents", "", nil)
		var all []signicat.Stored
		require.NoError(t, json.Unmarshal(b, &all))
		for _, f := range all {
			require.False(t, f.Deleted.IsZero())
			if f.Purged {
				n++
			}
		}
		return n
	}
	require.Zero(t, purged())
	w.ahead += 8 * 24 * time.Hour
	require.Equal(t, 2, purged())
}

func (w *world) act(id, do string, a signicat.Act) map[string]any {
	w.t.Helper()
	return w.tell("POST", "/v1/signicat/sessions/"+id+"/"+do, a)
}

// What a person may do, and how the session stands then.
func TestPerson(t *testing.T) {
	w := newWorld(t)
	drawn := map[any]bool{}
	for range 3 {
		drawn[w.tell("POST", "/v1/signicat/persons", signicat.Person{GivenName: "Ola", Surname: "Nordmann"})["nin"]] = true
	}
	require.Len(t, drawn, 3, "who has no number is given one of their own")
	doc := w.upload("application/pdf", pdf)
	g := w.group("", doc)
	back := map[string]any{"success": "https://a.example/s", "cancel": "https://a.example/c", "error": "https://a.example/e"}
	validated := map[string]any{
		"redirectSettings": back,
		"signer":           map[string]any{"nationalIdentificationNumber": w.nin, "validations": []string{"NATIONAL_IDENTIFICATION_NUMBER"}},
	}
	other := pki.SyntheticNIN(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), 3)
	w.tell("POST", "/v1/signicat/persons", signicat.Person{NIN: other, GivenName: "Ola", Surname: "Nordmann"})

	id := w.session(g, doc, validated)
	after := w.session(g, doc, map[string]any{"subsequentTo": []string{id}})
	require.Equal(t, "BLOCKED", w.state(after))
	for _, tc := range []struct {
		do   string
		act  signicat.Act
		want string
	}{
		{"cancel", signicat.Act{}, "https://a.example/c"},
		{"sign", signicat.Act{NIN: other}, "https://a.example/e"},
		{"sign", signicat.Act{NIN: w.nin, Substantial: true}, "https://a.example/e"},
		{"sign", signicat.Act{NIN: w.nin, Declines: true}, "https://a.example/c"},
	} {
		require.Equal(t, tc.want, w.act(id, tc.do, tc.act)["redirect"])
		require.Equal(t, "READY", w.state(id))
	}
	require.Equal(t, "https://a.example/s", w.act(id, "sign", signicat.Act{NIN: w.nin})["redirect"])
	require.Equal(t, "SIGNED", w.state(id))
	require.Equal(t, "READY", w.state(after))
	_, out := w.call("GET", "/signing-sessions/"+id, nil)
	result := out["output"].(map[string]any)["signatures"].([]any)[0].(map[string]any)
	require.Len(t, result, 2, "the documented result has two members")
	require.Equal(t, "PADES", result["signatureType"])
	_, b := w.do("GET", w.api+"/sign/documents/"+result["resultDocumentId"].(string), "", nil)
	require.True(t, bytes.HasPrefix(b, []byte(pdf)))
	require.Equal(t, 1, bytes.Count(b, []byte("ETSI.CAdES.detached")))

	w.act(after, "reject", signicat.Act{Reason: "Nei"})
	require.Equal(t, "REJECTED", w.state(after))
	never := w.session(g, doc, map[string]any{"subsequentTo": []string{after}})
	require.Equal(t, "BLOCKED", w.state(never))

	w.tell("PUT", "/v1/signicat/settings", map[string]any{"mismatchRejects": true, "showsReason": true})
	id = w.session(g, doc, validated)
	w.act(id, "sign", signicat.Act{NIN: other})
	require.Equal(t, "REJECTED", w.state(id))
}

// A browser gets the page, and is sent back.
func TestPage(t *testing.T) {
	w := newWorld(t)
	doc := w.upload("application/pdf", pdf)
	id := w.session(w.group("", doc), doc, map[string]any{
		"title":            "<script>",
		"redirectSettings": map[string]any{"success": "https://a.example/s", "cancel": "https://a.example/c", "error": "https://a.example/e"},
	})
	_, out := w.call("GET", "/signing-sessions/"+id, nil)
	status, b := w.do("GET", out["signatureUrl"].(string), "", nil)
	require.Equal(t, 200, status)
	require.Contains(t, string(b), "Kari Nordmann")
	require.NotContains(t, string(b), "<script>")
	_, session, _ := strings.Cut(out["signatureUrl"].(string), "sessionId=")
	form := url.Values{"session": {session}, "nin": {w.nin}, "login": {"high"}}
	status, b = w.do("POST", w.control+"/sign/sign", "application/x-www-form-urlencoded", []byte(form.Encode()))
	require.Equal(t, 303, status, "%s", b)
	require.Equal(t, "https://a.example/s", string(b))
	require.Equal(t, "SIGNED", w.state(id))
	status, _ = w.do("POST", w.control+"/sign/sign", "application/x-www-form-urlencoded", []byte(form.Encode()))
	require.Equal(t, 409, status)
}

// The merchant's own signature, the archive and packages.
func TestBesideSessions(t *testing.T) {
	w := newWorld(t)
	doc := w.upload("application/pdf", pdf)
	status, out := w.call("POST", "/merchant-signing", map[string]string{"documentId": doc, "vendor": "NBID"})
	require.Equal(t, 200, status, "%v", out)
	status, b := w.do("GET", w.api+"/sign/documents/"+out["documentResultId"].(string), "", nil)
	require.Equal(t, 200, status)
	require.True(t, bytes.HasPrefix(b, []byte(pdf)))

	g := w.group(`,"packageTo":["PADES_CONTAINER"]`, doc)
	id := w.session(g, doc, map[string]any{
		"signingSetup": []any{map[string]any{"signingFlow": "AUTHENTICATION_BASED", "identityProviders": []any{map[string]any{"idpName": "nbid"}}}},
		"archive":      map[string]any{"sendSignatureResultsToArchive": true, "retentionPeriod": "P10Y"},
	})
	w.act(id, "sign", signicat.Act{NIN: w.nin})
	_, out = w.call("GET", "/signing-sessions/"+id, nil)
	require.Equal(t, "XADES", out["output"].(map[string]any)["signatures"].([]any)[0].(map[string]any)["signatureType"])
	archived := out["archiveDocumentId"].(string)
	packages := func() []any {
		_, out := w.call("GET", "/document-collections/"+g, nil)
		return out["output"].(map[string]any)["packages"].([]any)
	}
	require.Empty(t, packages(), "packaging takes its time")
	w.ahead += 4 * time.Second
	require.Len(t, packages(), 1)
	status, _ = w.call("POST", "/signing-sessions", []any{w.element(g, doc, nil)})
	require.Equal(t, 400, status, "a packaged collection is closed")

	status, _ = w.call("DELETE", "/signing-sessions/"+id, nil)
	require.Equal(t, 204, status)
	require.Equal(t, "gone", w.state(id))
	status, _ = w.do("GET", w.api+"/sign/archive-documents/"+archived, "", nil)
	require.Equal(t, 200, status)
}
