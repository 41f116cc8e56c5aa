package online_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ocsp"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf/internal/pdftest"
	"github.com/handslag/handslag/pdf/revocation"
	"github.com/handslag/handslag/pdf/revocation/online"
)

// service answers at /ocsp and /crl of one address.
type service struct {
	*httptest.Server
	ocsp, crl http.HandlerFunc
	asked     atomic.Int64
}

func serve(t *testing.T) *service {
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		switch {
		case r.URL.Path == "/ocsp" && s.ocsp != nil:
			assert.Equal(t, http.MethodPost, r.Method)
			assert.Equal(t, "application/ocsp-request", r.Header.Get("Content-Type"))
			s.ocsp(rw, r)
		case r.URL.Path == "/crl" && s.crl != nil:
			assert.Equal(t, http.MethodGet, r.Method)
			s.crl(rw, r)
		default:
			http.NotFound(rw, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func answer(der []byte) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) { rw.Write(der) }
}

func named(t *testing.T, w *pdftest.World, ocsp, crl []string) *x509.Certificate {
	return w.Issue(t, pdftest.P256(t), "Named", func(c *x509.Certificate) { c.OCSPServer, c.CRLDistributionPoints = ocsp, crl }).Cert
}

func client(w *pdftest.World) *online.Client {
	return &online.Client{HTTP: &http.Client{}, Clock: func() time.Time { return w.Now }, Timeout: 300 * time.Millisecond}
}

func TestClientAsksUntilSomebodyKnows(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	responder := w.Responder(t, nil)
	slow := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not see who hangs up
		<-r.Context().Done()
	}
	type certificate = *x509.Certificate
	good := func(c certificate) []byte { return w.OCSP(t, c, responder, nil) }
	revoked := func(c certificate) []byte {
		return w.OCSP(t, c, responder, func(r *pdftest.Response) { r.Singles[0].RevokedAt = w.Now.Add(-time.Hour) })
	}
	stale := func(c certificate) []byte {
		return w.OCSP(t, c, responder, func(r *pdftest.Response) {
			r.Singles[0].NextUpdate = w.Now.Add(-time.Second)
			r.Singles[0].ThisUpdate = w.Now.Add(-time.Hour)
		})
	}
	list := func(...certificate) http.HandlerFunc { return answer(w.CRL(t, nil)) }
	for name, c := range map[string]struct {
		ocsp func(certificate) http.HandlerFunc
		crl  func(...certificate) http.HandlerFunc
		want revocation.Kind
		code string
	}{
		"OCSP":                  {ocsp: func(c certificate) http.HandlerFunc { return answer(good(c)) }, want: revocation.OCSP},
		"OCSP down, list":       {crl: list, want: revocation.CRL},
		"OCSP slow, list":       {ocsp: func(certificate) http.HandlerFunc { return slow }, crl: list, want: revocation.CRL},
		"OCSP stale, list":      {ocsp: func(c certificate) http.HandlerFunc { return answer(stale(c)) }, crl: list, want: revocation.CRL},
		"OCSP of another, list": {ocsp: func(certificate) http.HandlerFunc { return answer(good(w.Seal.Cert)) }, crl: list, want: revocation.CRL},
		"OCSP too large, list":  {ocsp: func(certificate) http.HandlerFunc { return answer(bytes.Repeat([]byte{'x'}, 300<<10)) }, crl: list, want: revocation.CRL},
		"revoked":               {ocsp: func(c certificate) http.HandlerFunc { return answer(revoked(c)) }, crl: list, code: "certificate_revoked"},
		"revoked on the list":   {crl: func(c ...certificate) http.HandlerFunc { return answer(w.CRL(t, nil, c...)) }, code: "certificate_revoked"},
		"both down":             {code: "revocation_unavailable"},
		"nothing but junk":      {ocsp: func(certificate) http.HandlerFunc { return answer([]byte("junk")) }, crl: func(...certificate) http.HandlerFunc { return answer([]byte("junk")) }, code: "revocation_unavailable"},
		"elsewhere": {ocsp: func(c certificate) http.HandlerFunc {
			return func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, "ftp://127.0.0.1/x", http.StatusFound)
			}
		}, code: "revocation_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			directories := slices.Repeat([]string{"ldap://nowhere/cn=CA?certificateRevocationList"}, 8)
			cert := named(t, w, []string{"ldap://nowhere/", s.URL + "/ocsp"}, append(directories, s.URL+"/gone", s.URL+"/crl"))
			if c.ocsp != nil {
				s.ocsp = c.ocsp(cert)
			}
			if c.crl != nil {
				s.crl = c.crl(cert)
			}
			p, err := client(w).Revocation(context.Background(), cert, w.Root.Cert)
			if c.code != "" {
				require.Equal(t, c.code, fault.CodeOf(err), "%v", err)
				// What says that it is revoked comes along: it may be needed to tell since when.
				require.Equal(t, c.code == "certificate_revoked", p.OCSP != nil || p.CRL != nil)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want == revocation.OCSP, p.OCSP != nil)
			require.Equal(t, c.want == revocation.CRL, p.CRL != nil)
			if p.OCSP != nil {
				require.Equal(t, [][]byte{responder.Cert.Raw}, p.Certificates)
			}
		})
	}
}

func TestClientAsksWhatTheGoProjectUnderstands(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	s := serve(t)
	cert := named(t, w, []string{s.URL + "/ocsp"}, nil)
	s.ocsp = func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		q, err := ocsp.ParseRequest(body)
		if assert.NoError(t, err) {
			assert.Equal(t, cert.SerialNumber, q.SerialNumber)
			assert.Equal(t, crypto.SHA1, q.HashAlgorithm)
		}
		want, err := ocsp.CreateRequest(cert, w.Root.Cert, nil)
		assert.NoError(t, err)
		assert.Equal(t, want, body)
		rw.Write(w.OCSP(t, cert, w.Root, nil))
	}
	p, err := client(w).Revocation(context.Background(), cert, w.Root.Cert)
	require.NoError(t, err)
	require.Empty(t, p.Certificates, "the issuer itself answered")
}

func TestClientProvesTheResponder(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	s := serve(t)
	responder := w.Responder(t, func(c *x509.Certificate) { c.ExtraExtensions, c.CRLDistributionPoints = nil, []string{s.URL + "/crl"} })
	cert := named(t, w, []string{s.URL + "/ocsp"}, nil)
	s.ocsp = answer(w.OCSP(t, cert, responder, nil))
	_, err := client(w).Revocation(context.Background(), cert, w.Root.Cert)
	require.Equal(t, "revocation_unavailable", fault.CodeOf(err))

	s.crl = answer(w.CRL(t, nil))
	p, err := client(w).Revocation(context.Background(), cert, w.Root.Cert)
	require.NoError(t, err)
	require.NotNil(t, p.OCSP)

	s.crl = answer(w.CRL(t, nil, responder.Cert))
	_, err = client(w).Revocation(context.Background(), cert, w.Root.Cert)
	require.Error(t, err)
}

func TestClientKeepsAnswersWhileTheyAreCurrent(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	s := serve(t)
	cert := named(t, w, []string{s.URL + "/ocsp"}, nil)
	other := named(t, w, nil, []string{s.URL + "/crl"})
	s.ocsp = func(rw http.ResponseWriter, r *http.Request) { rw.Write(w.OCSP(t, cert, w.Root, nil)) }
	s.crl = func(rw http.ResponseWriter, r *http.Request) { rw.Write(w.CRL(t, nil)) }
	var now atomic.Pointer[time.Time]
	at := w.Now
	now.Store(&at)
	c := client(w)
	c.Clock = func() time.Time { return *now.Load() }
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for _, one := range []*x509.Certificate{cert, other} {
				_, err := c.Revocation(context.Background(), one, w.Root.Cert)
				assert.NoError(t, err)
			}
		})
	}
	all.Wait()
	before := s.asked.Load()
	require.LessOrEqual(t, before, int64(16))
	_, err := c.Revocation(context.Background(), cert, w.Root.Cert)
	require.NoError(t, err)
	require.Equal(t, before, s.asked.Load(), "it was kept")
	late := w.Now.Add(2 * time.Hour)
	now.Store(&late)
	w.Now = late
	_, err = c.Revocation(context.Background(), cert, w.Root.Cert)
	require.NoError(t, err)
	require.Equal(t, before+1, s.asked.Load(), "and is asked for again")
}
