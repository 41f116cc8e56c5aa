package signicat_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/signicat"
	"github.com/handslag/handslag/signing"
)

const secret = "hemmelig-nøkkel"

// scripted is an API with any behaviour, over the real TLS. Tokens are given
// unless the handler of their path says otherwise.
func scripted(t testing.TB, change func(*signicat.Config), routes map[string]http.HandlerFunc) *signicat.Client {
	t.Helper()
	p, err := certificates()
	require.NoError(t, err)
	mux := http.NewServeMux()
	standard := map[string]http.HandlerFunc{
		"POST /token":                     answer(200, `{"access_token":"abc","expires_in":600,"token_type":"Bearer"}`),
		"POST /sign/documents":            answer(201, `{"documentId":"d"}`),
		"PATCH /sign/documents/":          answer(200, `{}`),
		"POST /sign/document-collections": answer(201, `{"id":"c"}`),
	}
	maps.Copy(standard, routes)
	for pattern, h := range standard {
		mux.HandleFunc(pattern, h)
	}
	s := httptest.NewUnstartedServer(mux)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{p.Server().TLS()}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	config := signicat.Config{
		BaseURL: s.URL + "/sign", TokenURL: s.URL + "/token", ClientID: "id", ClientSecret: secret, ServerRoots: p.ServerRoots(), Clock: time.Now,
		RequestTimeout: 2 * time.Second,
	}
	if change != nil {
		change(&config)
	}
	c, err := signicat.New(config)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Retry-After", "7")
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const nin = "29124815345"

func someone(t testing.TB) signing.PersonalNumber {
	t.Helper()
	n, err := signing.ParseNIN(nin)
	require.NoError(t, err)
	return n
}

// What Signicat's answers mean, for each call.
func TestStatuses(t *testing.T) {
	problem := func(code string) string {
		return `{"title":"x","code":"` + code + `","detail":"No. ` + nin + `","traceId":"1"}`
	}
	const html = "<html>" + nin + "</html>"
	const session = `{"id":"x","signatureUrl":"https://a.example/sign/?sessionId=y","lifecycle":{"state":"%s","stateIsFinal":%t}}`
	for _, tc := range []struct {
		status                                     int
		body                                       string
		prepare, create, collect, cancel, revision fault.Kind
	}{
		{400, problem("bad_request"), fault.Invalid, fault.Invalid, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{401, problem("invalid_token"), fault.Forbidden, fault.Forbidden, fault.Forbidden, fault.Forbidden, fault.Forbidden},
		{403, html, fault.Forbidden, fault.Forbidden, fault.Forbidden, fault.Forbidden, fault.Forbidden},
		{404, problem("document_not_found"), fault.Unavailable, fault.Unavailable, fault.NotFound, fault.NotFound, fault.NotFound},
		{408, html, fault.Unavailable, fault.Uncertain, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{413, html, fault.Invalid, fault.Invalid, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{415, html, fault.Invalid, fault.Invalid, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{429, problem("slow_down"), fault.Unavailable, fault.Unavailable, fault.Unavailable, fault.Unavailable, fault.Unavailable},
		{500, problem("internal_server_error"), fault.Unavailable, fault.Uncertain, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{502, html, fault.Unavailable, fault.Uncertain, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{503, html, fault.Unavailable, fault.Uncertain, fault.Unavailable, fault.Unavailable, fault.Unavailable},
		{302, html, fault.Unavailable, fault.Uncertain, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{200, html, fault.Unavailable, fault.Uncertain, fault.Uncertain, fault.Uncertain, ""},
		{200, `{}`, fault.Unavailable, fault.Uncertain, fault.Uncertain, fault.Uncertain, ""},
		{200, `[]`, fault.Unavailable, fault.Uncertain, fault.Uncertain, fault.Uncertain, ""},
		{200, fmt.Sprintf(session, "READY", false), fault.Unavailable, fault.Uncertain, "", "", ""}, // an object where an array is due
		{200, "[" + fmt.Sprintf(session, "READY", false) + "]", fault.Unavailable, "", fault.Uncertain, fault.Uncertain, ""},
		{200, `[{"id":"x","signatureUrl":"javascript:alert(1)","lifecycle":{"state":"READY"}}]`, fault.Unavailable, fault.Uncertain, fault.Uncertain, fault.Uncertain, ""},
		{200, `[{"id":"x","signatureUrl":"http://a.example/"}]`, fault.Unavailable, fault.Uncertain, fault.Uncertain, fault.Uncertain, ""},
		{200, fmt.Sprintf(session, "SOMETHING_NEW", false), fault.Unavailable, fault.Uncertain, "", "", ""},
		{200, fmt.Sprintf(session, "SIGNED", true), fault.Unavailable, fault.Uncertain, "", fault.NotFound, ""}, // and no result yet
	} {
		t.Run(fmt.Sprintf("%d %.40s", tc.status, tc.body), func(t *testing.T) {
			all := answer(tc.status, tc.body)
			whole := scripted(t, nil, map[string]http.HandlerFunc{
				"POST /sign/documents": all, "/sign/signing-sessions/": all, "GET /sign/documents/": all,
			})
			made := scripted(t, nil, map[string]http.HandlerFunc{"POST /sign/signing-sessions": all})
			_, prepare := whole.Start(t.Context(), request(someone(t), signing.ChannelQR))
			_, create := made.Start(t.Context(), request(someone(t), signing.ChannelQR))
			_, collect := whole.Collect(t.Context(), "x")
			cancel := whole.Cancel(t.Context(), "x")
			_, revision := whole.Revision(t.Context(), "x", "y")
			for _, one := range []struct {
				call string
				err  error
				want fault.Kind
			}{{"prepare", prepare, tc.prepare}, {"create", create, tc.create}, {"collect", collect, tc.collect}, {"cancel", cancel, tc.cancel}, {"revision", revision, tc.revision}} {
				if one.want == "" {
					require.NoError(t, one.err, one.call)
					continue
				}
				f, ok := fault.As(one.err)
				require.True(t, ok, "%s: %v", one.call, one.err)
				require.Equal(t, one.want, f.Kind, "%s: %v", one.call, one.err)
				require.Equal(t, "signicat", f.Provider)
				require.NotContains(t, one.err.Error(), nin)
				require.NotContains(t, one.err.Error(), "127.0.0.1")
			}
		})
	}
}

// What cannot be an id becomes part of no address.
func TestIDsOfNothing(t *testing.T) {
	c := scripted(t, nil, map[string]http.HandlerFunc{"/": func(http.ResponseWriter, *http.Request) { t.Error("a call was made") }})
	for _, id := range []string{"", "..", "../documents/x", "a/b", "a?b", "a b", strings.Repeat("a", 200)} {
		_, err := c.Collect(t.Context(), providers.OrderRef(id))
		require.ErrorIs(t, err, providers.ErrResultLost)
		require.Equal(t, fault.NotFound, fault.KindOf(c.Cancel(t.Context(), providers.OrderRef(id))))
		_, err = c.Revision(t.Context(), "x", id)
		require.Equal(t, fault.NotFound, fault.KindOf(err))
	}
}

// A token is fetched once for many calls, anew when it runs out or is refused,
// and twice for no call.
func TestTokens(t *testing.T) {
	var given, refusals atomic.Int32
	w := &clock{}
	c := scripted(t, func(c *signicat.Config) { c.Clock = w.Now }, map[string]http.HandlerFunc{
		"POST /token": func(out http.ResponseWriter, r *http.Request) {
			id, key, ok := r.BasicAuth()
			if !ok || id != "id" || key != "hemmelig-n%C3%B8kkel" || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "signicat-api" || r.URL.RawQuery != "" {
				answer(401, `{"error":"invalid_client"}`)(out, r)
				return
			}
			answer(200, fmt.Sprintf(`{"access_token":"t%d","expires_in":60}`, given.Add(1)))(out, r)
		},
		"GET /sign/signing-sessions/": func(out http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != fmt.Sprintf("Bearer t%d", given.Load()) || refusals.Add(-1) >= 0 {
				answer(401, `{"code":"invalid_token"}`)(out, r)
				return
			}
			answer(200, `{"id":"x","lifecycle":{"state":"READY"}}`)(out, r)
		},
	})
	collect := func() error { _, err := c.Collect(t.Context(), "x"); return err }
	for range 3 {
		require.NoError(t, collect())
	}
	require.EqualValues(t, 1, given.Load())
	w.Advance(40 * time.Second)
	require.NoError(t, collect())
	require.EqualValues(t, 1, given.Load())
	w.Advance(15 * time.Second) // it is about to run out
	require.NoError(t, collect())
	require.EqualValues(t, 2, given.Load())
	refusals.Store(1)
	require.NoError(t, collect())
	require.EqualValues(t, 3, given.Load())
	refusals.Store(10)
	require.Equal(t, fault.Forbidden, fault.KindOf(collect()))
	require.EqualValues(t, 4, given.Load(), "a refused token is fetched anew once")
}

func TestWrongSecret(t *testing.T) {
	for _, status := range []int{400, 401} {
		w := newWorld(t)
		w.set(map[string]any{"invalidClientStatus": status})
		c := w.client(func(c *signicat.Config) { c.ClientSecret = "wrong-secret" })
		_, err := c.Start(t.Context(), request(w.people[0], signing.ChannelQR))
		f, ok := fault.As(err)
		require.True(t, ok)
		require.Equal(t, fault.Forbidden, f.Kind)
		require.Equal(t, "invalid_client", f.ProviderCode)
		require.NotContains(t, err.Error(), "wrong-secret")
	}
}

// A token may live for a second.
func TestShortTokens(t *testing.T) {
	w := newWorld(t)
	w.set(map[string]any{"tokenLife": "1s"})
	c := w.client(nil)
	for range 3 {
		_, err := c.Start(t.Context(), request(w.people[0], signing.ChannelQR))
		require.NoError(t, err)
		w.clock.Advance(time.Second)
	}
}

func expectation(t testing.TB, documents ...string) providers.Expectation {
	x := providers.Expectation{Order: "x", Method: signing.MethodNBIDPKI, Signer: someone(t), Documents: map[signing.DocumentID]string{}}
	for _, d := range documents {
		x.Documents[signing.DocumentID("doc_"+d)] = d
	}
	return x
}

func TestInterpret(t *testing.T) {
	c := scripted(t, nil, nil)
	signed := func(more string) string {
		return `{"id":"x","lifecycle":{"state":"SIGNED","stateIsFinal":true}` + more + `}`
	}
	results := func(all ...string) string {
		return signed(`,"output":{"signatures":[` + strings.Join(all, ",") + `],"packages":[]}`)
	}
	bare := func(id string) string { return `{"resultDocumentId":"` + id + `","signatureType":"PADES"}` }
	named := func(id, original string) string {
		return `{"resultDocumentId":"` + id + `","signatureType":"PADES","originalDocumentId":"` + original + `"}`
	}
	for name, tc := range map[string]struct {
		raw       string
		documents []string
		want      signing.Reason
		code      string
		revisions map[signing.DocumentID]string
		unplaced  []string
	}{
		"one":                {results(bare("r")), []string{"a"}, "", "", map[signing.DocumentID]string{"doc_a": "r"}, nil},
		"two, named":         {results(named("r", "b"), named("s", "a")), []string{"a", "b"}, "", "", map[signing.DocumentID]string{"doc_a": "s", "doc_b": "r"}, nil},
		"two, bare":          {results(bare("r"), bare("s")), []string{"a", "b"}, "", "", map[signing.DocumentID]string{}, []string{"r", "s"}},
		"unknown originals":  {results(named("r", "z")), nil, "", "", map[signing.DocumentID]string{}, []string{"r"}},
		"fields of later":    {strings.Replace(results(bare("r")), `"id"`, `"brandNew":[1],"signer":7,"createdAt":{},"id"`, 1), []string{"a"}, "", "", map[signing.DocumentID]string{"doc_a": "r"}, nil},
		"too few":            {results(bare("r")), []string{"a", "b"}, signing.ReasonVerificationFailed, "wrong_results", nil, nil},
		"too many":           {results(bare("r"), bare("s")), []string{"a"}, signing.ReasonVerificationFailed, "wrong_results", nil, nil},
		"twice the same":     {results(named("r", "a"), named("r", "b")), []string{"a", "b"}, signing.ReasonVerificationFailed, "wrong_results", nil, nil},
		"two of one":         {results(named("r", "a"), named("s", "a")), []string{"a", "b"}, signing.ReasonVerificationFailed, "wrong_results", nil, nil},
		"somebody else's":    {results(named("r", "z")), []string{"a"}, signing.ReasonVerificationFailed, "wrong_results", nil, nil},
		"no PDF":             {results(`{"resultDocumentId":"r","signatureType":"XADES"}`), []string{"a"}, signing.ReasonVerificationFailed, "no_pades", nil, nil},
		"another order":      {strings.Replace(results(bare("r")), `"x"`, `"y"`, 1), []string{"a"}, signing.ReasonVerificationFailed, "wrong_order", nil, nil},
		"another person":     {strings.Replace(results(bare("r")), `"id"`, `"signer":{"nationalIdentificationNumber":"27034698436"},"id"`, 1), []string{"a"}, signing.ReasonWrongSigner, "wrong_signer", nil, nil},
		"rejected":           {`{"id":"x","lifecycle":{"state":"REJECTED","stateIsFinal":true}}`, nil, signing.ReasonUserCancelled, "REJECTED", nil, nil},
		"expired":            {`{"id":"x","lifecycle":{"state":"EXPIRED","stateIsFinal":true}}`, nil, signing.ReasonTimeout, "EXPIRED", nil, nil},
		"an unknown ending":  {`{"id":"x","lifecycle":{"state":"SOMETHING_NEW","stateIsFinal":true}}`, nil, signing.ReasonProviderError, "SOMETHING_NEW", nil, nil},
		"a number for words": {`{"id":"x","lifecycle":{"state":"29124815345","stateIsFinal":true}}`, nil, signing.ReasonProviderError, "unknown", nil, nil},
		"no session":         {`{"id":"x"}`, nil, signing.ReasonProviderError, "malformed_answer", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := c.Interpret([]byte(tc.raw), expectation(t, tc.documents...))
			require.NoError(t, err)
			require.Equal(t, tc.want, r.Reason)
			require.Equal(t, tc.code, r.ProviderCode)
			require.Equal(t, tc.revisions, r.Revisions)
			require.Equal(t, tc.unplaced, r.Unplaced)
			require.Equal(t, tc.want == "", r.Outcome == signing.OutcomeSigned)
		})
	}
	for _, live := range []string{`{"id":"x","lifecycle":{"state":"READY"}}`, `{"id":"x","lifecycle":{"state":"BLOCKED"}}`, `{"id":"x","lifecycle":{"state":"NEW"}}`, signed("")} {
		_, err := c.Interpret([]byte(live), expectation(t, "a"))
		require.Equal(t, "answer_not_terminal", fault.CodeOf(err))
	}
}

// The list is what decides that there is no order, so it is believed only when it
// was seen whole.
func TestReconcileList(t *testing.T) {
	sessions := func(from, to int, ours ...int) string {
		var all []string
		for i := from; i < to; i++ {
			reference := fmt.Sprintf("att_other_%d", i)
			for _, n := range ours {
				if n == i {
					reference = "att_ours"
				}
			}
			all = append(all, fmt.Sprintf(`{"id":"s%d","externalReference":%q}`, i, reference))
		}
		return strings.Join(all, ",")
	}
	paged := func(total int, ours ...int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var offset int
			_, _ = fmt.Sscan(r.URL.Query().Get("offset"), &offset)
			end := min(total, offset+20) // fewer than are asked for
			answer(200, fmt.Sprintf(`{"data":[%s],"total":%d}`, sessions(min(offset, total), end, ours...), total))(w, r)
		}
	}
	const found = `{"id":"s%s","signatureUrl":"https://a.example/sign/?sessionId=y","externalReference":"att_ours","lifecycle":{"state":"READY"}}`
	for name, tc := range map[string]struct {
		list http.HandlerFunc
		want fault.Kind
	}{
		"the first":         {paged(3, 0), ""},
		"far down":          {paged(300, 299), ""},
		"none":              {paged(300), fault.NotFound},
		"none at all":       {answer(200, `{"data":[],"total":0}`), fault.NotFound},
		"two":               {paged(300, 7, 250), fault.Conflict},
		"the end is hidden": {answer(200, `{"data":[],"total":5}`), fault.Uncertain},
		"pages, not rows": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("offset") == "0" {
				answer(200, fmt.Sprintf(`{"data":[%s],"total":80}`, sessions(0, 50)))(w, r)
				return
			}
			answer(200, `{"data":[],"total":80}`)(w, r)
		}, fault.Uncertain},
		"no list":   {answer(200, `{}`), fault.Uncertain},
		"another":   {answer(200, `{"data":{}}`), fault.Uncertain},
		"no ids":    {answer(200, `{"data":[{"externalReference":"att_ours"}],"total":1}`), fault.Uncertain},
		"not found": {answer(404, `{}`), fault.Uncertain},
		"down":      {answer(503, ``), fault.Unavailable},
		"refused":   {answer(403, ``), fault.Forbidden},
		"many deleted": {func() http.HandlerFunc {
			var n atomic.Int32
			return func(w http.ResponseWriter, r *http.Request) {
				total := 100 - 30*int(n.Add(1))
				answer(200, fmt.Sprintf(`{"data":[%s],"total":%d}`, sessions(0, 20), total))(w, r)
			}
		}(), fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			c := scripted(t, nil, map[string]http.HandlerFunc{
				"GET /sign/signing-sessions": tc.list,
				"GET /sign/signing-sessions/{id}": func(w http.ResponseWriter, r *http.Request) {
					answer(200, fmt.Sprintf(found, strings.TrimPrefix(r.PathValue("id"), "s")))(w, r)
				},
			})
			r := request(someone(t), signing.ChannelQR)
			r.Attempt = "att_ours"
			_, err := c.Reconcile(t.Context(), r, time.Now().Add(-time.Hour))
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, tc.want, fault.KindOf(err), "%v", err)
		})
	}
}

func FuzzInterpret(f *testing.F) {
	f.Add([]byte(`{"id":"x","lifecycle":{"state":"SIGNED"},"output":{"signatures":[{"resultDocumentId":"r","signatureType":"PADES"}]}}`))
	f.Add([]byte(`{"id":"x","lifecycle":{"state":"REJECTED","stateIsFinal":true}}`))
	f.Add([]byte(`[]`))
	c := scripted(f, nil, nil)
	x := expectation(f, "a")
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := c.Interpret(raw, x)
		if err == nil && r.Outcome == signing.OutcomeSigned {
			require.True(t, json.Valid(raw))
			require.Equal(t, 1, len(r.Revisions)+len(r.Unplaced))
			require.Empty(t, r.Assurance)
		}
	})
}
