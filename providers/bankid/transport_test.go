package bankid_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/bankid"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator/pki"
)

// server is an API with any behaviour, over the real TLS.
func server(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	p, err := certificates()
	require.NoError(t, err)
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{
		Certificates: []tls.Certificate{p.Server().TLS()}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: p.RPRoots(),
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func account(t testing.TB, url string, change func(*bankid.Config)) *bankid.Client {
	t.Helper()
	p, err := certificates()
	require.NoError(t, err)
	config := bankid.Config{
		BaseURL: url, Credentials: p.RP().TLS(), ServerRoots: p.ServerRoots(), Environment: bankidsig.Simulator, Clock: time.Now,
		RequestTimeout: 2 * time.Second,
	}
	for _, root := range p.Anchors(pki.BankID) {
		config.Anchors = append(config.Anchors, bankidsig.Anchor{Environment: bankidsig.Simulator, Certificate: root})
	}
	if change != nil {
		change(&config)
	}
	c, err := bankid.New(config)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func someone(t *testing.T) signing.PersonalNumber {
	t.Helper()
	n, err := signing.ParsePersonalNumber("191212121212")
	require.NoError(t, err)
	return n
}

func start(t *testing.T, c *bankid.Client) (providers.Order, error) {
	t.Helper()
	return c.Start(t.Context(), request(someone(t), signing.ChannelQR))
}

const html = "<html><head><title>Oops</title></head><body>191212121212</body></html>"

// What BankID's answers mean, for each call (BankID, "Errors").
func TestStatuses(t *testing.T) {
	code := func(c string) string { return `{"errorCode":"` + c + `","details":"No. 191212121212"}` }
	for _, tc := range []struct {
		status                 int
		body                   string
		start, collect, cancel fault.Kind
	}{
		{400, code("alreadyInProgress"), fault.Conflict, fault.Uncertain, fault.Uncertain},
		{400, code("invalidParameters"), fault.Invalid, fault.NotFound, fault.NotFound},
		{400, code("somethingNew"), fault.Invalid, fault.Uncertain, fault.Uncertain},
		{400, html, fault.Invalid, fault.Uncertain, fault.Uncertain},
		{401, code("unauthorized"), fault.Forbidden, fault.Forbidden, fault.Forbidden},
		{403, html, fault.Forbidden, fault.Forbidden, fault.Forbidden},
		{404, code("notFound"), fault.Invalid, fault.Uncertain, fault.Uncertain},
		{405, code("methodNotAllowed"), fault.Invalid, fault.Uncertain, fault.Uncertain},
		{408, code("requestTimeout"), fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{413, html, fault.Invalid, fault.Uncertain, fault.Uncertain},
		{415, code("unsupportedMediaType"), fault.Invalid, fault.Uncertain, fault.Uncertain},
		{429, html, fault.Unavailable, fault.Unavailable, fault.Unavailable},
		{500, code("internalError"), fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{502, html, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{503, code("maintenance"), fault.Unavailable, fault.Unavailable, fault.Unavailable},
		{503, html, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{504, "", fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{302, html, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{200, html, fault.Uncertain, fault.Uncertain, ""},
		{200, `{}`, fault.Uncertain, fault.Uncertain, ""},
		{200, ``, fault.Uncertain, fault.Uncertain, ""},
		{200, `{"orderRef":"x","status":"somethingNew"}`, fault.Uncertain, fault.Uncertain, ""},
		{200, `{"orderRef":"x","status":"pending","hintCode":"somethingNew"}`, fault.Uncertain, "", ""},
	} {
		t.Run(fmt.Sprintf("%d %.30s", tc.status, tc.body), func(t *testing.T) {
			s := server(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", "7")
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			c := account(t, s.URL, nil)
			_, errStart := start(t, c)
			_, errCollect := c.Collect(t.Context(), "x")
			errCancel := c.Cancel(t.Context(), "x")
			for call, err := range map[fault.Kind]error{"start": errStart, "collect": errCollect, "cancel": errCancel} {
				want := map[fault.Kind]fault.Kind{"start": tc.start, "collect": tc.collect, "cancel": tc.cancel}[call]
				if want == "" {
					require.NoError(t, err, call)
					continue
				}
				f, ok := fault.As(err)
				require.True(t, ok, call)
				require.Equal(t, want, f.Kind, "%s: %v", call, err)
				require.Equal(t, "bankid", f.Provider)
				require.NotContains(t, err.Error(), "191212121212", call)
				if want == fault.Unavailable {
					require.Equal(t, 7*time.Second, f.RetryAfter, call)
				}
				if strings.HasPrefix(tc.body, `{"errorCode"`) {
					require.Contains(t, tc.body, `"`+f.ProviderCode+`"`, call)
				}
			}
		})
	}
}

func TestErrorCodeIsAWord(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"errorCode":"person 191212121212 is busy"}`)
	})
	_, err := start(t, account(t, s.URL, nil))
	f, _ := fault.As(err)
	require.Equal(t, "unknown", f.ProviderCode)
}

// hijack answers with raw bytes and cuts the connection.
func hijack(t *testing.T, raw string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, raw)
		_ = conn.Close()
	}
}

// Once a byte of a start has left, nobody knows.
func TestCutAnswers(t *testing.T) {
	for name, raw := range map[string]string{
		"no answer":        "",
		"half a header":    "HTTP/1.1 200 O",
		"half a body":      "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"orderRef\":",
		"a body too large": "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat(" ", 2<<20) + "{}",
	} {
		t.Run(name, func(t *testing.T) {
			c := account(t, server(t, hijack(t, raw)).URL, nil)
			_, err := start(t, c)
			require.Equal(t, fault.Uncertain, fault.KindOf(err), "%v", err)
			_, err = c.Collect(t.Context(), "x")
			require.Equal(t, fault.Uncertain, fault.KindOf(err), "%v", err)
		})
	}
}

func TestStatusSaysEnoughWithoutItsBody(t *testing.T) {
	c := account(t, server(t, hijack(t, "HTTP/1.1 403 Forbidden\r\nContent-Length: 1000\r\n\r\n<html>")).URL, nil)
	_, err := start(t, c)
	require.Equal(t, fault.Forbidden, fault.KindOf(err), "%v", err)
}

func TestSlowAnswerIsUncertain(t *testing.T) {
	release := make(chan struct{})
	s := server(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	c := account(t, s.URL, func(c *bankid.Config) { c.RequestTimeout = 100 * time.Millisecond })
	_, err := start(t, c)
	require.Equal(t, fault.Uncertain, fault.KindOf(err), "%v", err)
}

func TestUntrustedServerGetsNothing(t *testing.T) {
	var calls atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS() // with a certificate of somebody else
	t.Cleanup(s.Close)
	_, err := start(t, account(t, s.URL, nil))
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "%v", err)
	var untrusted *tls.CertificateVerificationError
	require.ErrorAs(t, err, &untrusted)
	require.Zero(t, calls.Load())
}

// In TLS 1.3 the refusal arrives after the request was written.
func TestRefusedCertificate(t *testing.T) {
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			p, err := certificates()
			require.NoError(t, err)
			s := httptest.NewUnstartedServer(http.NotFoundHandler())
			s.TLS = &tls.Config{
				Certificates: []tls.Certificate{p.Server().TLS()}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: p.ServerRoots(),
				MinVersion: version, MaxVersion: version, NextProtos: []string{"http/1.1"},
			}
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.StartTLS()
			t.Cleanup(s.Close)
			_, err = start(t, account(t, s.URL, nil))
			require.Equal(t, fault.Forbidden, fault.KindOf(err), "%v", err)
		})
	}
}

// flaky lets the first connections hang before the handshake.
type flaky struct {
	net.Listener
	hang  atomic.Int32
	tried atomic.Int32
}

func (f *flaky) Accept() (net.Conn, error) {
	for {
		conn, err := f.Listener.Accept()
		if err != nil {
			return nil, err
		}
		f.tried.Add(1)
		if f.hang.Add(-1) < 0 {
			return conn, nil
		}
		go func() { _, _ = io.Copy(io.Discard, conn) }() // and never a word
	}
}

func flakyServer(t *testing.T, hang int32) (*flaky, string) {
	t.Helper()
	p, err := certificates()
	require.NoError(t, err)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"orderRef":"a","autoStartToken":"b","qrStartToken":"c","qrStartSecret":"d"}`)
	}))
	f := &flaky{Listener: s.Listener}
	f.hang.Store(hang)
	s.Listener = f
	s.TLS = &tls.Config{Certificates: []tls.Certificate{p.Server().TLS()}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return f, s.URL
}

func TestHangingHandshakeIsTriedAgain(t *testing.T) {
	f, url := flakyServer(t, 2)
	c := account(t, url, func(c *bankid.Config) { c.ConnectTimeout, c.RequestTimeout = 300*time.Millisecond, 10*time.Second })
	_, err := start(t, c)
	require.NoError(t, err)
	require.EqualValues(t, 3, f.tried.Load())
	_, err = start(t, c)
	require.NoError(t, err)
	require.EqualValues(t, 3, f.tried.Load(), "the connection was not kept")
}

func TestHandshakeThatNeverEnds(t *testing.T) {
	f, url := flakyServer(t, 100)
	c := account(t, url, func(c *bankid.Config) { c.ConnectTimeout, c.RequestTimeout = 50*time.Millisecond, 10*time.Second })
	_, err := start(t, c)
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "%v", err)
	require.EqualValues(t, 3, f.tried.Load())
}

// A context that ends while we connect has sent nothing, and sends nothing
// afterwards.
func TestContextEndsWhileConnecting(t *testing.T) {
	_, url := flakyServer(t, 100)
	c := account(t, url, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Start(ctx, request(someone(t), signing.ChannelQR))
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "%v", err)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// Whatever the moment at which a call is given up: what it calls unsent, the
// server never saw.
func TestUnsentIsUnseen(t *testing.T) {
	var seen atomic.Int64
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		seen.Add(1)
		_, _ = io.WriteString(w, `{"orderRef":"a","autoStartToken":"b","qrStartToken":"c","qrStartSecret":"d"}`)
	})
	c := account(t, s.URL, nil)
	_, err := start(t, c) // one connection to reuse
	require.NoError(t, err)
	var maybe int64 = 1
	for i := range 300 {
		ctx, cancel := context.WithCancel(t.Context())
		timer := time.AfterFunc(time.Duration(i)*2*time.Microsecond, cancel)
		_, err := c.Start(ctx, request(someone(t), signing.ChannelQR))
		timer.Stop()
		cancel()
		if err == nil || fault.KindOf(err) == fault.Uncertain {
			maybe++
		} else {
			require.Equal(t, fault.Unavailable, fault.KindOf(err), "%v", err)
		}
	}
	time.Sleep(100 * time.Millisecond) // what was under way arrives
	require.LessOrEqual(t, seen.Load(), maybe, "a call that counts as unsent was seen")
}
