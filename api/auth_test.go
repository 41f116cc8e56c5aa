package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/api"
)

// route is one operation with a request that its owner may make.
type route struct {
	method, path string
	body         any
	// link says that the signer link of Anna reaches it.
	link bool
	// forBo is the same for Bo, "" when the route is not about one participant.
	forBo string
}

func routesOf(m made) []route {
	anna, bo := m.of(m.anna), m.of(m.bo)
	return []route{
		{"POST", "/v1/documents", []byte("%PDF-1.7"), false, ""},
		{"GET", "/v1/documents/" + m.document, nil, true, ""},
		{"GET", "/v1/documents/" + m.document + "/content", nil, true, ""},
		{"POST", "/v1/collections", collectionBody(m.document), false, ""},
		{"GET", m.collection(), nil, false, ""},
		{"POST", m.collection() + "/cancel", nil, false, ""},
		{"GET", m.collection() + "/documents/" + m.document + "/content", nil, true, ""},
		{"GET", m.collection() + "/documents/" + m.document + "/result", nil, true, ""},
		{"GET", m.collection() + "/documents/" + m.document + "/evidence", nil, true, ""},
		{"POST", anna + "/attempts", map[string]any{"channel": "qr"}, true, bo + "/attempts"},
		{"GET", anna + "/attempts/live", nil, true, bo + "/attempts/live"},
		{"GET", anna + "/attempts/live/qr.svg", nil, true, bo + "/attempts/live/qr.svg"},
		{"DELETE", anna + "/attempts/live", nil, true, bo + "/attempts/live"},
		{"POST", anna + "/return", map[string]any{"nonce": "planted-nonce"}, true, bo + "/return"},
		{"POST", anna + "/links", nil, false, ""},
		{"GET", anna + "/consent", nil, true, bo + "/consent"},
		{"POST", anna + "/consent", map[string]any{
			"attempt": "att_x", "manifestSha256": hexDigest("m"), "textSha256": hexDigest("t"),
		}, true, bo + "/consent"},
		{"POST", anna + "/decline", nil, true, bo + "/decline"},
		{"GET", "/v1/providers", nil, false, ""},
	}
}

func TestMatrixCoversEveryRouteThatNeedsAKey(t *testing.T) {
	w := newWorld(t)
	guarded := 0
	for _, item := range w.contract.Paths.Map() {
		for _, op := range item.Operations() {
			if op.Security == nil || len(*op.Security) > 0 {
				guarded++
			}
		}
	}
	require.Len(t, routesOf(w.create()), guarded)
}

func TestWhoMayCallWhat(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	second := w.create()
	link, elsewhere := w.link(m, m.anna), w.link(second, second.anna)
	for _, r := range routesOf(m) {
		t.Run(r.method+" "+r.path, func(t *testing.T) {
			ask := func(path, token string) answer {
				return w.do(call{method: r.method, path: path, token: token, body: r.body})
			}
			refused := func(a answer, status int, code string) {
				t.Helper()
				require.Equal(t, status, a.StatusCode, "%s", a.body)
				require.Equal(t, code, a.code(t))
			}
			refused(ask(r.path, ""), 401, "credentials_missing")
			refused(ask(r.path, "hsk_wrong"), 401, "credentials_invalid")
			refused(ask(r.path, "hsl_wrong"), 401, "credentials_invalid")
			refused(ask(r.path, "somethingelse"), 401, "credentials_invalid")
			if strings.Count(r.path, "/") > 2 { // it names something of a tenant's
				require.Equal(t, http.StatusNotFound, ask(r.path, keyOther).StatusCode, "another tenant sees that it is there")
			}
			if !r.link {
				refused(ask(r.path, link), 403, "api_key_required")
				return
			}
			if r.forBo != "" {
				refused(ask(r.forBo, link), 403, "link_scope")
			}
			if strings.Contains(r.path, m.id) || second.document != m.document {
				refused(ask(r.path, elsewhere), 403, "link_scope")
			}
			a := ask(r.path, link)
			require.NotContains(t, []int{401, 403}, a.StatusCode, "%s", a.body)
		})
	}
}

func TestAnotherTenantsDocumentCannotBeSigned(t *testing.T) {
	w := newWorld(t)
	document := w.upload()
	a := w.do(call{method: "POST", path: "/v1/collections", token: keyOther, body: collectionBody(document)})
	require.Equal(t, http.StatusUnprocessableEntity, a.StatusCode)
	require.Equal(t, []string{"/documents/0/id unknown"}, fieldsOf(t, a))
}

func TestLinkEnds(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.SignerPage, c.LinkLife = "https://sign.example.com/", time.Hour })
	m := w.create()
	a := w.do(call{method: "POST", path: m.of(m.anna) + "/links", token: keyAcme})
	token := a.json(t)["token"].(string)
	require.Equal(t, "https://sign.example.com/#"+token, a.json(t)["url"])
	require.Len(t, token, len("hsl_")+43)
	live := call{method: "GET", path: m.of(m.anna) + "/attempts/live", token: token}
	require.Equal(t, "no_live_attempt", w.do(live).code(t))
	w.now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	require.Equal(t, "credentials_invalid", w.do(live).code(t))
	w.now = func() time.Time { return time.Now().Add(16 * 24 * time.Hour) }
	require.Equal(t, "collection_ended", w.do(call{method: "POST", path: m.of(m.anna) + "/links", token: keyAcme}).code(t))
}

// TestLinkOutlivesTheDeadline lets a signer follow and cancel the order that the
// deadline waits for, and download the result.
func TestLinkOutlivesTheDeadline(t *testing.T) {
	for name, row := range map[string]struct {
		grace, want time.Duration
	}{
		"unless set": {0, 24*time.Hour + 30*time.Minute},
		"set":        {time.Hour, 90 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *api.Config) { c.LinkGrace = row.grace })
			begin := time.Now()
			deadline := begin.Add(time.Hour).UTC().Truncate(time.Millisecond)
			w.now = func() time.Time { return begin }
			body := with(collectionBody(w.upload()), deadline.Format(time.RFC3339Nano), "deadline")
			created := w.do(call{method: "POST", path: "/v1/collections", token: keyAcme, body: body}).json(t)
			m := made{id: created["id"].(string), anna: created["participants"].([]any)[0].(map[string]any)["id"].(string)}
			link := call{method: "POST", path: m.of(m.anna) + "/links", token: keyAcme}
			answer := w.do(link).json(t)
			expires, err := time.Parse(time.RFC3339Nano, answer["expiresAt"].(string))
			require.NoError(t, err)
			require.WithinDuration(t, deadline.Add(row.want), expires, 0)

			token := answer["token"].(string)
			live := call{method: "GET", path: m.of(m.anna) + "/attempts/live", token: token}
			w.do(call{method: "POST", path: m.of(m.anna) + "/attempts", token: token, body: map[string]any{"channel": "qr"}})
			w.now = func() time.Time { return deadline.Add(10 * time.Minute) }
			require.Equal(t, http.StatusOK, w.do(live).StatusCode)
			live.method = "DELETE"
			require.Equal(t, http.StatusOK, w.do(live).StatusCode)
			require.Equal(t, http.StatusCreated, w.do(link).StatusCode, "the result can still be fetched")
			w.now = func() time.Time { return expires }
			require.Equal(t, "credentials_invalid", w.do(live).code(t))
			require.Equal(t, "collection_ended", w.do(link).code(t))
		})
	}
}

func TestKeysAreParsedStrictly(t *testing.T) {
	digest := hexDigest("hsk_x")
	for name, text := range map[string]string{
		"no digest": "acme", "bad tenant": "ACME " + digest, "short digest": "acme abcd", "three words": "acme " + digest + " more",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := api.ParseKeys(strings.NewReader("# first\n" + text))
			require.ErrorContains(t, err, "line 2")
		})
	}
}

func TestSignerAddressComesThroughTrustedProxies(t *testing.T) {
	for name, row := range map[string]struct {
		trusted []string
		headers []string
		want    string
	}{
		"nobody trusted":     {nil, []string{"198.51.100.9"}, "127.0.0.1"},
		"proxy trusted":      {[]string{"127.0.0.0/8"}, []string{"198.51.100.9"}, "198.51.100.9"},
		"claims to the left": {[]string{"127.0.0.0/8"}, []string{"6.6.6.6, 198.51.100.9"}, "198.51.100.9"},
		"two proxies":        {[]string{"127.0.0.0/8", "10.0.0.0/8"}, []string{"6.6.6.6, 198.51.100.9, 10.1.2.3"}, "198.51.100.9"},
		"two lines":          {[]string{"127.0.0.0/8"}, []string{"6.6.6.6", "198.51.100.9"}, "198.51.100.9"},
		"nonsense":           {[]string{"127.0.0.0/8"}, []string{"198.51.100.9, nonsense"}, "127.0.0.1"},
		"IPv6":               {[]string{"127.0.0.0/8"}, []string{"2001:db8::7"}, "2001:db8::7"},
		"IPv4 in IPv6":       {[]string{"127.0.0.0/8"}, []string{"::ffff:198.51.100.9"}, "198.51.100.9"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *api.Config) {
				for _, p := range row.trusted {
					c.TrustedProxies = append(c.TrustedProxies, mustPrefix(p))
				}
			})
			m := w.create()
			a := w.doWith(call{method: "POST", path: m.of(m.anna) + "/attempts", token: w.link(m, m.anna), body: map[string]any{"channel": "qr"}},
				func(r *http.Request) { r.Header["X-Forwarded-For"] = row.headers })
			require.Equal(t, http.StatusCreated, a.StatusCode, "%s", a.body)
			require.Equal(t, row.want, w.temporal.command(m.id).EndUser.IP.String())
			require.Equal(t, userAgent, w.temporal.command(m.id).EndUser.Web.UserAgent)
		})
	}
}
