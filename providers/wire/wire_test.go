package wire_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/providers/wire"
)

func serve(t *testing.T, h http.HandlerFunc) (*wire.Caller, string) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c := wire.New(wire.Options{
		TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, RequestTimeout: 2 * time.Second, MaxBody: 100,
	})
	t.Cleanup(c.Close)
	return c, s.URL
}

func lost(t *testing.T, err error) *wire.Error {
	t.Helper()
	var e *wire.Error
	require.ErrorAs(t, err, &e)
	return e
}

// net/http repeats a GET by itself when a kept connection is cut. A provider
// that counts its calls would see one too many.
func TestNothingIsRepeated(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		t.Run(method, func(t *testing.T) {
			var calls atomic.Int32
			c, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if calls.Add(1) > 1 {
					panic(http.ErrAbortHandler)
				}
			})
			_, err := c.Do(t.Context(), wire.Call{Name: "first", Method: method, URL: url})
			require.NoError(t, err)
			_, err = c.Do(t.Context(), wire.Call{Name: "second", Method: method, URL: url})
			require.True(t, lost(t, err).Sent)
			require.EqualValues(t, 2, calls.Load())
		})
	}
}

// The next call finds another connection than the one that was barred.
func TestCallsGoOnAfterACut(t *testing.T) {
	var calls atomic.Int32
	c, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 2 {
			panic(http.ErrAbortHandler)
		}
	})
	for i := range 4 {
		_, err := c.Do(t.Context(), wire.Call{Name: "x", Method: http.MethodGet, URL: url})
		require.Equal(t, i != 1, err == nil, "%d: %v", i, err)
	}
}

func TestAnswers(t *testing.T) {
	for name, row := range map[string]struct {
		status int
		body   string
		lost   bool
	}{
		"success":              {200, "{}", false},
		"created":              {201, "{}", false},
		"as large as may be":   {200, strings.Repeat("x", 100), false},
		"too large":            {200, strings.Repeat("x", 101), true},
		"a refusal, too large": {404, strings.Repeat("x", 1000), false},
		"a redirect":           {302, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			c, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "https://elsewhere.invalid/")
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(row.status)
				_, _ = io.WriteString(w, row.body)
			})
			r, err := c.Do(t.Context(), wire.Call{Name: "x", Method: http.MethodGet, URL: url})
			if row.lost {
				require.True(t, lost(t, err).Sent)
				return
			}
			require.NoError(t, err)
			require.Equal(t, row.status, r.Status)
			require.Equal(t, 7*time.Second, r.RetryAfter())
		})
	}
}

func TestErrorsDoNotNameTheAddress(t *testing.T) {
	c, url := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, ctx := range map[string]context.Context{"cut": t.Context(), "ended": ended} {
		_, err := c.Do(ctx, wire.Call{Name: "status", Method: http.MethodGet, URL: url + "/secret?x=191212121212"})
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "secret")
		require.NotContains(t, err.Error(), "191212121212")
		require.Contains(t, err.Error(), "status")
		require.Equal(t, name == "cut", lost(t, err).Sent)
		require.Equal(t, name == "ended", errors.Is(err, context.Canceled), err)
	}
	_, err := c.Do(t.Context(), wire.Call{Name: "x", Method: http.MethodGet, URL: "http" + strings.TrimPrefix(url, "https")})
	require.False(t, lost(t, err).Sent, "cleartext")
	_, err = c.Do(t.Context(), wire.Call{Name: "x", Method: http.MethodGet, URL: "https://secret:port/"})
	require.NotContains(t, err.Error(), "secret")
}

func TestWord(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "alreadyInProgress": "alreadyInProgress", "RFA4_SIGNING_IN_PROGRESS": "RFA4_SIGNING_IN_PROGRESS",
		"for 191212121212": "unknown", "191212121212": "unknown", "no191212121212": "unknown", "1": "unknown",
		"åäö": "unknown", strings.Repeat("x", 64): strings.Repeat("x", 64), strings.Repeat("x", 65): "unknown",
	} {
		require.Equal(t, want, wire.Word(in), in)
	}
}
