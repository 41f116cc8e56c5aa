package oauth_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/providers/oauth"
	"github.com/handslag/handslag/providers/wire"
)

// clock is a clock that a test moves.
type clock struct{ ahead atomic.Int64 }

func (c *clock) Now() time.Time {
	return time.Unix(1_800_000_000, 0).Add(time.Duration(c.ahead.Load()))
}
func (c *clock) Advance(d time.Duration) { c.ahead.Add(int64(d)) }

func source(t *testing.T, h http.HandlerFunc) (*oauth.Source, *clock) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	caller := wire.New(wire.Options{TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, RequestTimeout: 5 * time.Second})
	t.Cleanup(caller.Close)
	c := &clock{}
	return oauth.New(oauth.Options{URL: s.URL + "/token", ClientID: "us:1", ClientSecret: "s%cret", Scope: "all", Caller: caller, Clock: c.Now}), c
}

func TestRequest(t *testing.T) {
	s, _ := source(t, func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		if r.ParseForm() != nil || r.Method != http.MethodPost || id != "us%3A1" || secret != "s%25cret" || r.PostForm.Encode() != "grant_type=client_credentials&scope=all" {
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = io.WriteString(w, `{"access_token":"a","expires_in":300,"token_type":"Bearer"}`)
	})
	token, err := s.Token(t.Context())
	require.NoError(t, err)
	require.Equal(t, "a", token.Reveal())
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		require.NotContains(t, fmt.Sprintf(verb, s), "s%cret")
	}
}

// A token is kept, and replaced before its end.
func TestRenewal(t *testing.T) {
	for body, life := range map[string]struct{ good, early time.Duration }{
		`{"access_token":"%d","expires_in":1800,"token_type":"bearer"}`:    {28 * time.Minute, 29*time.Minute + time.Second},
		`{"access_token":"%d","expires_in":"300"}`:                         {239 * time.Second, 241 * time.Second},
		`{"access_token":"%d","expires_in":5}`:                             {3 * time.Second, 4 * time.Second},
		`{"access_token":"%d"}`:                                            {47 * time.Second, 49 * time.Second},
		`{"access_token":"%d","expires_in":-1}`:                            {47 * time.Second, 49 * time.Second},
		`{"access_token":"%d","expires_in":999999999999999}`:               {23 * time.Hour, 24 * time.Hour},
		`{"access_token":"%d","expires_in":300,"scope":["x"],"more":null}`: {239 * time.Second, 241 * time.Second},
	} {
		t.Run(body, func(t *testing.T) {
			var calls atomic.Int32
			s, clock := source(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, body, calls.Add(1)) })
			for _, step := range []struct {
				after time.Duration
				want  string
			}{{0, "1"}, {life.good, "1"}, {life.early - life.good, "2"}, {life.good, "2"}} {
				clock.Advance(step.after)
				token, err := s.Token(t.Context())
				require.NoError(t, err)
				require.Equal(t, step.want, token.Reveal(), "after %v", step.after)
			}
		})
	}
}

func TestRefusedTokenIsReplaced(t *testing.T) {
	var calls atomic.Int32
	s, _ := source(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"access_token":"%d","expires_in":300}`, calls.Add(1))
	})
	first, err := s.Token(t.Context())
	require.NoError(t, err)
	s.Refused(first)
	second, err := s.Token(t.Context())
	require.NoError(t, err)
	require.Equal(t, "2", second.Reveal())
	s.Refused(first) // somebody is late: the new one stays
	third, err := s.Token(t.Context())
	require.NoError(t, err)
	require.Equal(t, "2", third.Reveal())
}

func TestManyWaitForOneCall(t *testing.T) {
	var calls atomic.Int32
	s, _ := source(t, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(50 * time.Millisecond)
		_, _ = fmt.Fprintf(w, `{"access_token":"%d","expires_in":300}`, calls.Add(1))
	})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { _, _ = s.Token(t.Context()) })
	}
	wg.Wait()
	require.EqualValues(t, 1, calls.Load())
}

// Who waits for another's call can still give up.
func TestGivingUp(t *testing.T) {
	release := make(chan struct{})
	s, _ := source(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	go func() { _, _ = s.Token(context.WithoutCancel(t.Context())) }()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := s.Token(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestNoToken(t *testing.T) {
	for _, row := range []struct {
		status      int
		body        string
		refusal     bool
		credentials bool
	}{
		{401, `{"error":"invalid_client"}`, true, true},
		{400, `{"error":"invalid_client"}`, true, true},
		{400, `{"error":"invalid_scope"}`, true, false},
		{403, "<html>", true, true},
		{429, "", true, false},
		{503, "", true, false},
		{302, "", true, false},
		{200, `{}`, false, false},
		{200, `<html>`, false, false},
		{200, `{"access_token":"a","token_type":"mac"}`, false, false},
		{200, `{"access_token":"a\r\nX: y"}`, false, false},
	} {
		s, _ := source(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "9")
			w.WriteHeader(row.status)
			_, _ = io.WriteString(w, row.body)
		})
		_, err := s.Token(t.Context())
		require.Error(t, err, row.body)
		var refusal *oauth.RefusalError
		if !row.refusal {
			require.NotErrorAs(t, err, &refusal)
			continue
		}
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, row.credentials, refusal.Credentials(), "%d %s", row.status, row.body)
		require.Equal(t, 9*time.Second, refusal.RetryAfter)
		require.NotContains(t, err.Error(), "s%cret")
	}
}
