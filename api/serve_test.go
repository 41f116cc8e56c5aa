package api_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handslag/handslag/api"
	"github.com/handslag/handslag/signing"
)

func TestConfigIsRefusedByName(t *testing.T) {
	_, err := api.New(api.Config{})
	require.ErrorContains(t, err, "is required")
	_, err = api.NewTemporal(api.TemporalConfig{})
	require.ErrorContains(t, err, "required")
}

func TestReadinessNamesWhatIsDown(t *testing.T) {
	var down error
	w := newWorld(t, func(c *api.Config) {
		c.Dependencies = map[string]func(context.Context) error{
			"storage": func(context.Context) error { return nil }, "temporal": func(context.Context) error { return down },
		}
	})
	require.Equal(t, http.StatusOK, w.do(call{method: "GET", path: "/health/live"}).StatusCode)
	require.Equal(t, http.StatusOK, w.do(call{method: "GET", path: "/health/ready"}).StatusCode)
	down = errors.New("no connection")
	a := w.do(call{method: "GET", path: "/health/ready"})
	require.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
	require.Equal(t, map[string]any{"storage": "ok", "temporal": "unavailable"}, a.json(t)["dependencies"])
	require.NotContains(t, string(a.body), "no connection")
}

// TestServerFinishesWhatItHasBegun stops the server while a request is under way.
func TestServerFinishesWhatItHasBegun(t *testing.T) {
	w := newWorld(t)
	entered, release := make(chan struct{}), make(chan struct{})
	w.store.receive = func(string, []byte) (api.Upload, error) {
		close(entered)
		<-release
		return api.Upload{ID: "doc_x", SecondOpinion: "agreed", UploadedAt: time.Now()}, nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- w.api.Serve(ctx, listener) }()

	address := "http://" + listener.Addr().String()
	answered := make(chan int, 1)
	sender := &http.Client{}
	go func() {
		r, _ := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, address+"/v1/documents", strings.NewReader("%PDF"))
		r.Header.Set("Content-Type", "application/pdf")
		r.Header.Set("Authorization", "Bearer "+keyAcme)
		response, err := sender.Do(r)
		if err != nil {
			answered <- 0
			return
		}
		defer func() { _ = response.Body.Close() }()
		answered <- response.StatusCode
	}()
	<-entered
	stop()
	select {
	case <-served:
		t.Fatal("the server stopped while a request was under way")
	case <-time.After(100 * time.Millisecond):
	}
	close(release)
	require.Equal(t, http.StatusCreated, <-answered)
	require.NoError(t, <-served)
	sender.CloseIdleConnections()
	goleak.VerifyNone(t, goleak.IgnoreCurrent())
}

// TestNothingIsAnsweredBesideTheServer asks what net/http would answer itself.
func TestNothingIsAnsweredBesideTheServer(t *testing.T) {
	w := newWorld(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- w.api.Serve(ctx, listener) }()
	connection, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	_, err = io.WriteString(connection, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.NoError(t, connection.Close())
	require.Equal(t, http.StatusNotFound, response.StatusCode)
	require.NotEmpty(t, response.Header.Get("X-Request-Id"))
	stop()
	require.NoError(t, <-served)
}

// TestDownloadThatBreaksOff must not look like a whole file, nor carry a problem
// inside a PDF.
func TestDownloadThatBreaksOff(t *testing.T) {
	w := newWorld(t)
	document := w.upload()
	u := w.store.uploads["acme/"+document]
	u.Length = 1 << 20
	w.store.uploads["acme/"+document] = u
	w.store.broken = io.MultiReader(strings.NewReader(strings.Repeat("x", 100_000)), brokenReader{})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.server.URL+"/v1/documents/"+document+"/content", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+keyAcme)
	response, err := w.server.Client().Do(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.Error(t, err)
	require.NotContains(t, string(body), "request_id")
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("the store broke off") }

// TestStoredLengthMustBeTheRecordedOne catches a revision that was replaced.
func TestStoredLengthMustBeTheRecordedOne(t *testing.T) {
	w := newWorld(t)
	document := w.upload()
	u := w.store.uploads["acme/"+document]
	u.Length++
	w.store.uploads["acme/"+document] = u
	a := w.do(call{method: "GET", path: "/v1/documents/" + document + "/content", token: keyAcme})
	require.Equal(t, "stored_differs", a.code(t))
}

// TestBodyThatEndsEarly sends less than it announces.
func TestBodyThatEndsEarly(t *testing.T) {
	w := newWorld(t)
	connection, err := net.Dial("tcp", w.server.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = connection.Close() }()
	_, err = io.WriteString(connection, "POST /v1/documents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+keyAcme+
		"\r\nContent-Type: application/pdf\r\nContent-Length: 100\r\n\r\n%PDF-1.7")
	require.NoError(t, err)
	require.NoError(t, connection.(*net.TCPConn).CloseWrite())
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
	require.Contains(t, string(body), "body_incomplete")
	require.Empty(t, w.store.uploads)
}

func TestResultOfACollectionThatEndedWithoutOne(t *testing.T) {
	w := newWorld(t)
	m := w.create()
	w.do(call{method: "POST", path: m.collection() + "/cancel", token: keyAcme})
	result := call{method: "GET", path: m.collection() + "/documents/" + m.document + "/result", token: keyAcme}
	a := w.do(result)
	require.Equal(t, http.StatusGone, a.StatusCode)
	require.Equal(t, "result_none", a.code(t))
	w.store.outcomes["acme/"+m.id] = w.temporal.finish(m.id)
	require.Equal(t, "result_none", w.do(result).code(t))
	delete(w.store.outcomes, "acme/"+m.id)
	require.Equal(t, "collection_not_found", w.do(result).code(t), string(signing.StateCancelled))
}
