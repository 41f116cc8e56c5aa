package storagetest

import (
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// wire is a reverse proxy between a store and its server that breaks on demand,
// as a network does: the client never learns which side of the break the server
// was on.
type wire struct {
	proxy   *httputil.ReverseProxy
	carried atomic.Int64 // bytes of bodies, both ways

	mu   sync.Mutex
	rule *rule
}

// effect is what happens to a request that a rule matches.
type effect int

const (
	cutBefore effect = iota // the connection ends before the server sees the request
	cutAfter                // it ends after the server has done it, before the answer
	cutWithin               // it ends halfway through the answer's body
	flip                    // a bit of the answer's body changes
	conflict                // 409 ConditionalRequestConflict, as Amazon S3 may answer
	slowDown                // 503 SlowDown
)

func (e effect) String() string {
	return [...]string{"not persisted", "persisted", "cut within", "flip", "conflict", "slow down"}[e]
}

// rule strikes matching requests after the first skip of them, times times.
type rule struct {
	match       func(*http.Request) bool
	do          effect
	skip, times int
	struck      int
}

const forever = 1 << 30

func isWrite(r *http.Request) bool { return r.Method == http.MethodPut || r.Method == http.MethodPost }

func isRead(r *http.Request) bool { return r.Method == http.MethodGet }

// newWire starts a wire to the endpoint and returns its own.
func newWire(t *testing.T, endpoint string) (*wire, string) {
	t.Helper()
	target, err := url.Parse(endpoint)
	require.NoError(t, err)
	quiet := log.New(io.Discard, "", 0)
	w := &wire{proxy: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // the signature covers it
		},
		Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 32},
		ErrorLog:  quiet,
	}}
	server := httptest.NewUnstartedServer(w)
	server.Config.ErrorLog = quiet
	server.Start()
	t.Cleanup(server.Close)
	return w, server.URL
}

// strike sets the rule; the one before is forgotten.
func (w *wire) strike(match func(*http.Request) bool, do effect, skip, times int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rule = &rule{match: match, do: do, skip: skip, times: times}
}

// heal forgets the rule and reports how often it struck.
func (w *wire) heal() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	struck := 0
	if w.rule != nil {
		struck = w.rule.struck
	}
	w.rule = nil
	return struck
}

func (w *wire) judge(r *http.Request) (effect, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rule == nil || !w.rule.match(r) {
		return 0, false
	}
	if w.rule.skip > 0 {
		w.rule.skip--
		return 0, false
	}
	if w.rule.struck >= w.rule.times {
		return 0, false
	}
	w.rule.struck++
	return w.rule.do, true
}

// ServeHTTP implements http.Handler.
func (w *wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	do, struck := w.judge(r)
	r.Body = &countedBody{r.Body, &w.carried}
	out := &countedWriter{rw, &w.carried}
	if !struck {
		w.proxy.ServeHTTP(out, r)
		return
	}
	switch do {
	case cutBefore:
		panic(http.ErrAbortHandler)
	case cutAfter:
		w.proxy.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case cutWithin:
		b := w.ask(rw, r)
		_, _ = out.Write(b[:len(b)/2])
		panic(http.ErrAbortHandler)
	case flip:
		b := w.ask(rw, r)
		b[len(b)/2] ^= 1
		_, _ = out.Write(b)
	case conflict:
		refuse(rw, r, http.StatusConflict, "ConditionalRequestConflict")
	case slowDown:
		refuse(rw, r, http.StatusServiceUnavailable, "SlowDown")
	}
}

// ask answers with the server's headers and returns its body.
func (w *wire) ask(rw http.ResponseWriter, r *http.Request) []byte {
	answer := httptest.NewRecorder()
	w.proxy.ServeHTTP(answer, r)
	maps.Copy(rw.Header(), answer.Header())
	rw.WriteHeader(answer.Code)
	return answer.Body.Bytes()
}

func refuse(rw http.ResponseWriter, r *http.Request, status int, code string) {
	_, _ = io.Copy(io.Discard, r.Body)
	rw.Header().Set("Content-Type", "application/xml")
	rw.WriteHeader(status)
	_, _ = fmt.Fprintf(rw, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>struck</Message></Error>`, code)
}

type countedBody struct {
	io.ReadCloser
	count *atomic.Int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.count.Add(int64(n))
	return n, err
}

type countedWriter struct {
	http.ResponseWriter
	count *atomic.Int64
}

func (w *countedWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.count.Add(int64(n))
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *countedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
