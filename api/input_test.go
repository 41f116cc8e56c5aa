package api_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/api"
	"github.com/handslag/handslag/fault"
)

// with returns a body with one member replaced; the path is of keys and indexes.
func with(body map[string]any, value any, path ...any) map[string]any {
	var at any = body
	for i, step := range path {
		last := i == len(path)-1
		switch s := step.(type) {
		case string:
			if last {
				if value == nil {
					delete(at.(map[string]any), s)
				} else {
					at.(map[string]any)[s] = value
				}
				return body
			}
			at = at.(map[string]any)[s]
		case int:
			if last {
				at.([]any)[s] = value
				return body
			}
			at = at.([]any)[s]
		}
	}
	return body
}

func TestCollectionRequestsThatAreWrong(t *testing.T) {
	w := newWorld(t)
	document := w.upload()
	body := func() map[string]any { return collectionBody(document) }
	person := func(field string, value any) map[string]any { return with(body(), value, "participants", 0, field) }
	for name, row := range map[string]struct {
		body   any
		status int
		code   string
		fields []string
	}{
		"not JSON":               {"{", 400, "json_invalid", []string{" syntax"}},
		"empty":                  {"", 400, "json_invalid", []string{" syntax"}},
		"two values":             {"{} {}", 400, "json_invalid", []string{" trailing"}},
		"not UTF-8":              {"{\"a\":\"\xff\"}", 400, "json_invalid", []string{" utf8"}},
		"repeated member":        {`{"documents":[],"documents":[]}`, 400, "json_invalid", []string{"/documents repeated"}},
		"deep":                   {strings.Repeat("[", 5000), 400, "json_invalid", []string{strings.Repeat("/0", 32) + " depth"}},
		"a list":                 {"[]", 422, "request_invalid", []string{" type"}},
		"nothing in it":          {"{}", 422, "request_invalid", []string{"/documents required", "/participants required"}},
		"unknown field":          {with(body(), 1, "extra"), 422, "request_invalid", []string{"/extra unknown_field"}},
		"unknown inner field":    {person("ssn", "x"), 422, "request_invalid", []string{"/participants/0/ssn unknown_field"}},
		"field with a slash":     {with(body(), 1, "a/b~c"), 422, "request_invalid", []string{"/a~1b~0c unknown_field"}},
		"no documents":           {with(body(), []any{}, "documents"), 422, "request_invalid", []string{"/documents count"}},
		"wrong type":             {person("step", "one"), 422, "request_invalid", []string{"/participants/0/step type"}},
		"null":                   {`{"documents":null,"participants":null}`, 422, "request_invalid", []string{"/documents type", "/participants type"}},
		"unknown method":         {person("method", "smoke"), 422, "request_invalid", []string{"/participants/0/method unknown"}},
		"unknown locale":         {with(body(), "de", "locale"), 422, "request_invalid", []string{"/locale unknown"}},
		"step 0":                 {person("step", 0), 422, "request_invalid", []string{"/participants/0/step range"}},
		"deadline is no time":    {with(body(), "tomorrow", "deadline"), 422, "request_invalid", []string{"/deadline format"}},
		"no personal number":     {person("personalNumber", nil), 422, "request_invalid", []string{"/participants/0/personalNumber required"}},
		"number of ten digits":   {person("personalNumber", "9001012385"), 422, "collection_invalid", []string{"/participants/0/personalNumber format"}},
		"number with no date":    {person("personalNumber", "199013012385"), 422, "collection_invalid", []string{"/participants/0/personalNumber date"}},
		"wrong check digit":      {person("personalNumber", "199001012384"), 422, "collection_invalid", []string{"/participants/0/personalNumber checksum"}},
		"same person twice":      {person("personalNumber", numberBo), 422, "collection_invalid", []string{"/participants/1/personalNumber repeated"}},
		"invisible name":         {person("name", "\u200b\u202e"), 422, "collection_invalid", []string{"/participants/0/name name"}},
		"long title":             {with(body(), strings.Repeat("å", 101), "documents", 0, "title"), 422, "collection_invalid", []string{"/documents/0/title title"}},
		"unknown document":       {collectionBody("doc_" + strings.Repeat("0", 26)), 422, "collection_invalid", []string{"/documents/0/id unknown"}},
		"id that is none":        {collectionBody("../../secret"), 422, "collection_invalid", []string{"/documents/0/id unknown"}},
		"document twice":         {collectionBody(document, document), 422, "collection_invalid", []string{"/documents/1/id repeated"}},
		"deadline in the past":   {with(body(), "2020-01-01T00:00:00Z", "deadline"), 422, "collection_invalid", []string{"/deadline past"}},
		"deadline far away":      {with(body(), "2090-01-01T00:00:00Z", "deadline"), 422, "collection_invalid", []string{"/deadline range"}},
		"time zone of nowhere":   {with(body(), "Europe/Lund", "timeZone"), 422, "collection_invalid", []string{"/timeZone unknown"}},
		"time zone as a path":    {with(body(), "../etc/passwd", "timeZone"), 422, "collection_invalid", []string{"/timeZone unknown"}},
		"policy of nothing":      {with(body(), map[string]any{"accept": []any{}}, "policy"), 422, "request_invalid", []string{"/policy/accept count"}},
		"policy nobody can meet": {with(body(), map[string]any{"accept": []any{"attested-process"}}, "policy"), 422, "collection_invalid", []string{"/policy/accept unmet"}},
		"policy unknown":         {with(body(), map[string]any{"accept": []any{"qes"}}, "policy"), 422, "request_invalid", []string{"/policy/accept/0 unknown"}},
		"every field at once":    {with(person("personalNumber", "1"), "\u200b", "documents", 0, "title"), 422, "collection_invalid", []string{"/documents/0/title title", "/participants/0/personalNumber format"}},
		"more than the contract": {`"` + strings.Repeat("x", 2<<20) + `"`, 413, "body_too_large", nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := w.do(call{method: "POST", path: "/v1/collections", token: keyAcme, body: row.body})
			require.Equal(t, row.status, a.StatusCode, "%s", a.body)
			require.Equal(t, row.code, a.code(t))
			require.Equal(t, row.fields, fieldsOf(t, a))
		})
	}
	require.Zero(t, w.temporal.started, "a refused request started something")
	require.Empty(t, w.store.specs)
}

func TestAttemptRequestsThatAreWrong(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	link := w.link(m, m.anna)
	for name, row := range map[string]struct {
		token string
		body  map[string]any
		field string
	}{
		"no channel":              {keyAcme, with(qrRequest(), nil, "channel"), "/channel required"},
		"unknown channel":         {keyAcme, with(qrRequest(), "fax", "channel"), "/channel unknown"},
		"no address":              {keyAcme, with(qrRequest(), nil, "endUserIp"), "/endUserIp required"},
		"address of a name":       {keyAcme, with(qrRequest(), "example.com", "endUserIp"), "/endUserIp format"},
		"address with a zone":     {keyAcme, with(qrRequest(), "fe80::1%eth0", "endUserIp"), "/endUserIp format"},
		"address of nobody":       {keyAcme, with(qrRequest(), "0.0.0.0", "endUserIp"), "/endUserIp format"},
		"address with a link":     {link, map[string]any{"channel": "qr", "endUserIp": "203.0.113.77"}, "/endUserIp excluded"},
		"web and app":             {keyAcme, with(qrRequest(), map[string]any{"appIdentifier": "x"}, "app"), "/app excluded"},
		"call without initiator":  {keyAcme, with(qrRequest(), "phone", "channel"), "/callInitiator required"},
		"initiator without call":  {keyAcme, with(qrRequest(), "user", "callInitiator"), "/callInitiator excluded"},
		"return URL with QR":      {keyAcme, with(qrRequest(), "https://example.com/", "returnUrl"), "/returnUrl excluded"},
		"return URL in clear":     {keyAcme, returning("http://example.com/"), "/returnUrl format"},
		"return URL fragment":     {keyAcme, returning("https://example.com/#x"), "/returnUrl format"},
		"return URL with user":    {keyAcme, returning("https://a:b@example.com/"), "/returnUrl format"},
		"return URL of a script":  {keyAcme, returning("javascript:alert(1)"), "/returnUrl format"},
		"return URL with newline": {keyAcme, returning("https://example.com/\nX: y"), "/returnUrl format"},
	} {
		t.Run(name, func(t *testing.T) {
			a := w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: row.token, body: row.body})
			require.Equal(t, http.StatusUnprocessableEntity, a.StatusCode, "%s", a.body)
			require.Equal(t, "request_invalid", a.code(t))
			require.Equal(t, []string{row.field}, fieldsOf(t, a))
		})
	}
	require.Empty(t, w.temporal.command(m.id).Attempt, "a refused request started an attempt")
}

func returning(address string) map[string]any {
	return map[string]any{"channel": "same-device", "endUserIp": "203.0.113.77", "returnUrl": address}
}

func TestRequestsAtTheEdge(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.MaxUpload = 1000 })
	m := w.create()
	small := []byte("%PDF-1.7")
	for name, row := range map[string]struct {
		call   call
		status int
		code   string
	}{
		"no such route":        {call{method: "GET", path: "/v1/nothing?name=planted-query"}, 404, "route_not_found"},
		"encoded slash":        {call{method: "POST", path: m.collection() + "%2fcancel", token: keyAcme}, 405, "method_not_allowed"},
		"encoded letter":       {call{method: "GET", path: "/v1/%63ollections/" + m.id, token: keyAcme}, 404, "route_not_found"},
		"NUL in an id":         {call{method: "GET", path: m.collection() + "%00", token: keyAcme}, 404, "collection_not_found"},
		"HEAD":                 {call{method: "HEAD", path: m.collection(), token: keyAcme}, 405, ""},
		"OPTIONS":              {call{method: "OPTIONS", path: m.collection(), header: map[string]string{"Origin": "https://example.com"}}, 405, "method_not_allowed"},
		"TRACE":                {call{method: "TRACE", path: m.collection(), token: keyAcme}, 405, "method_not_allowed"},
		"trailing slash":       {call{method: "GET", path: m.collection() + "/", token: keyAcme}, 404, "route_not_found"},
		"wrong method":         {call{method: "PUT", path: m.collection(), token: keyAcme}, 405, "method_not_allowed"},
		"made-up method":       {call{method: "PLANTED", path: m.collection(), token: keyAcme}, 405, "method_not_allowed"},
		"id that is none":      {call{method: "GET", path: "/v1/collections/..%2f..%2fx", token: keyAcme}, 404, "collection_not_found"},
		"id with dots":         {call{method: "GET", path: "/v1/collections/col_..", token: keyAcme}, 404, "collection_not_found"},
		"id of something else": {call{method: "GET", path: "/v1/collections/" + m.document, token: keyAcme}, 404, "collection_not_found"},
		"unknown participant":  {call{method: "GET", path: m.of("par_x") + "/attempts/live", token: keyAcme}, 404, "participant_not_found"},
		"unknown document":     {call{method: "GET", path: "/v1/documents/doc_x", token: keyAcme}, 404, "document_not_found"},
		"JSON as a PDF":        {call{method: "POST", path: "/v1/documents", token: keyAcme, body: "{}"}, 415, "media_type_unsupported"},
		"PDF as JSON":          {call{method: "POST", path: "/v1/collections", token: keyAcme, body: small}, 415, "media_type_unsupported"},
		"JSON in Latin-1": {call{
			method: "POST", path: "/v1/collections", token: keyAcme, body: "{}",
			header: map[string]string{"Content-Type": "application/json; charset=iso-8859-1"},
		}, 415, "media_type_unsupported"},
		"compressed body": {call{
			method: "POST", path: "/v1/collections", token: keyAcme, body: "{}", header: map[string]string{"Content-Encoding": "gzip"},
		}, 415, "media_type_unsupported"},
		"Accept of a picture": {call{
			method: "GET", path: m.collection(), token: keyAcme, header: map[string]string{"Accept": "image/png, application/*;q=0"},
		}, 406, "not_acceptable"},
		"PDF over the limit": {call{method: "POST", path: "/v1/documents", token: keyAcme, body: make([]byte, 1001)}, 413, "body_too_large"},
		"bad idempotency key": {call{
			method: "POST", path: "/v1/documents", token: keyAcme, body: small, header: map[string]string{"Idempotency-Key": "two words"},
		}, 400, "parameter_invalid"},
		"long idempotency key": {call{
			method: "POST", path: "/v1/documents", token: keyAcme, body: small, header: map[string]string{"Idempotency-Key": strings.Repeat("k", 256)},
		}, 400, "parameter_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			a := w.do(row.call)
			require.Equal(t, row.status, a.StatusCode, "%s", a.body)
			if row.call.method != http.MethodHead { // whose answer has no body
				require.Equal(t, row.code, a.code(t))
			}
			if row.status == http.StatusMethodNotAllowed {
				require.Equal(t, "GET", a.Header.Get("Allow"))
				require.Empty(t, a.Header.Get("Access-Control-Allow-Origin"))
			}
			if row.status == http.StatusRequestEntityTooLarge {
				require.Contains(t, a.json(t)["detail"], "1000 bytes")
			}
		})
	}
}

// TestHeadersThatAreGivenTwice could be read in two ways, by a proxy and by us.
func TestHeadersThatAreGivenTwice(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	for name, row := range map[string]struct {
		header string
		values []string
		code   string
	}{
		"Authorization":              {"Authorization", []string{"Bearer " + keyAcme, "Bearer " + keyOther}, "credentials_invalid"},
		"Authorization and nonsense": {"Authorization", []string{"", "Bearer " + keyAcme}, "credentials_invalid"},
		"Content-Type":               {"Content-Type", []string{"application/json", "text/plain"}, "media_type_unsupported"},
		"charset":                    {"Content-Type", []string{"application/json; charset=utf-8; charset=utf-7"}, "media_type_unsupported"},
		"Content-Encoding":           {"Content-Encoding", []string{"", "gzip"}, "media_type_unsupported"},
		"Idempotency-Key":            {"Idempotency-Key", []string{"one", "two"}, "parameter_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			a := w.doWith(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: qrRequest()},
				func(r *http.Request) { r.Header[row.header] = row.values })
			require.Equal(t, row.code, a.code(t), "%s", a.body)
		})
	}
	require.Empty(t, w.temporal.command(m.id).Attempt)
}

// TestBodyOfVeryManyValuesIsCheapToRefuse is of bodies within the limit of size
// that took seconds and gigabytes.
func TestBodyOfVeryManyValuesIsCheapToRefuse(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	var members strings.Builder
	for i := range 80_000 {
		fmt.Fprintf(&members, `,"%x":1`, i)
	}
	name := `{"` + strings.Repeat("\U0001d54f", 64) + `":`
	for form, body := range map[string]string{
		"objects": `{"documents":[` + strings.Repeat("{},", 340_000) + "{}]}",
		"members": `{"channel":"qr"` + members.String() + "}",
		"deep":    strings.Repeat(name, 30) + "[" + strings.Repeat("0,", 450_000) + "0]" + strings.Repeat("}", 30),
	} {
		t.Run(form, func(t *testing.T) {
			require.Less(t, len(body), 1<<20)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			a := w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: keyAcme, body: body})
			runtime.ReadMemStats(&after)
			require.Equal(t, "json_invalid", a.code(t))
			require.Contains(t, fieldsOf(t, a)[0], " values")
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(200<<20))
		})
	}
}

// TestUploadThatGrowsPastTheLimit has no Content-Length to go by.
func TestUploadThatGrowsPastTheLimit(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.MaxUpload = 1000 })
	a := w.doWith(call{method: "POST", path: "/v1/documents", token: keyAcme, body: make([]byte, 5000)},
		func(r *http.Request) { r.ContentLength = -1 })
	require.Equal(t, http.StatusRequestEntityTooLarge, a.StatusCode)
	require.Contains(t, a.json(t)["detail"], "1000 bytes")
	require.Empty(t, w.store.uploads)
}

// TestClientThatSendsBeforeItListens gets the problem all the same.
func TestClientThatSendsBeforeItListens(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.MaxUpload = 4 << 20 })
	connection, err := net.Dial("tcp", w.server.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = connection.Close() }()
	_, err = fmt.Fprintf(connection, "POST /v1/documents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/pdf\r\nContent-Length: %d\r\n\r\n", keyAcme, 12<<20)
	require.NoError(t, err)
	_, err = connection.Write(make([]byte, 12<<20))
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
}

func TestFaultsBecomeProblems(t *testing.T) {
	w := newWorld(t)
	for kind, status := range map[fault.Kind]int{
		fault.Invalid: 422, fault.Unauthenticated: 401, fault.Forbidden: 403, fault.Conflict: 409,
		fault.TooLarge: 413, fault.Unavailable: 503, fault.Corrupt: 500, fault.Internal: 500,
	} {
		t.Run(string(kind), func(t *testing.T) {
			w.store.receive = func(string, []byte) (api.Upload, error) {
				return api.Upload{}, fault.New(kind, "some_code", "A message.").After(1500*time.Millisecond).From("bankid", "hint").Because(errCause)
			}
			a := w.do(call{method: "POST", path: "/v1/documents", token: keyAcme, body: []byte("%PDF")})
			require.Equal(t, status, a.StatusCode)
			p := a.json(t)
			require.Equal(t, "some_code", p["code"])
			require.Equal(t, "bankid", p["provider"])
			require.Equal(t, "hint", p["providerCode"])
			require.Equal(t, "2", a.Header.Get("Retry-After"))
			require.NotContains(t, string(a.body), "the cause")
			if kind == fault.Corrupt || kind == fault.Internal {
				require.Nil(t, p["detail"])
			}
			if status >= 500 {
				require.Equal(t, 1, strings.Count(w.logs.String(), `"msg":"request failed","request_id":"`+a.Header.Get("X-Request-Id")))
			}
		})
	}
}

func TestUnknownErrorsSayNothing(t *testing.T) {
	w := newWorld(t)
	for name, fail := range map[string]func(string, []byte) (api.Upload, error){
		"error": func(string, []byte) (api.Upload, error) { return api.Upload{}, errCause },
		"panic": func(string, []byte) (api.Upload, error) { panic("planted-query") }, // it is what is tested
	} {
		t.Run(name, func(t *testing.T) {
			w.store.receive = fail
			a := w.do(call{method: "POST", path: "/v1/documents", token: keyAcme, body: []byte("%PDF")})
			require.Equal(t, http.StatusInternalServerError, a.StatusCode)
			require.Equal(t, "internal", a.code(t))
			require.NotContains(t, string(a.body), "cause")
			require.Contains(t, w.logs.String(), a.Header.Get("X-Request-Id"))
		})
	}
}

var errCause = fault.New(fault.Internal, "hidden", "").Because(http.ErrServerClosed).Unwrap()

func FuzzJSONBody(f *testing.F) {
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	require.NoError(f, err)
	schema := doc.Components.Schemas["CollectionRequest"].Value
	good, err := json.Marshal(collectionBody("doc_0"))
	require.NoError(f, err)
	for _, seed := range []string{string(good), "{", "[[[[", `{"a":1,"a":2}`, `{"documents":[{}]}`, "\xff", `"\ud800"`, "1e999", "null", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		err := api.CheckJSON(body, schema)
		if err == nil {
			require.True(t, json.Valid(body), "what is not JSON was let in")
			return
		}
		problem, ok := fault.As(err)
		require.True(t, ok, "a body led to an error that is no fault: %v", err)
		require.Contains(t, []string{"json_invalid", "request_invalid"}, problem.Code)
		require.NotEmpty(t, problem.Fields)
	})
}
