package installation

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
)

// callbacks is what stands before the API for the providers that call us, as a
// reverse proxy does in production: providers call by HTTPS alone, and the API
// of a development installation has no TLS. Nothing but callbacks passes it.
type callbacks struct {
	api   atomic.Pointer[url.URL]
	proxy httputil.ReverseProxy
}

func newCallbacks() *callbacks {
	c := &callbacks{}
	c.proxy.Rewrite = func(r *httputil.ProxyRequest) {
		r.SetURL(c.api.Load())
		r.SetXForwarded()
	}
	c.proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) {
		w.WriteHeader(http.StatusBadGateway) // the provider will try again
	}
	return c
}

// ServeHTTP implements http.Handler.
func (c *callbacks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, CallbacksPath) || path.Clean(r.URL.Path) != r.URL.Path:
		http.NotFound(w, r)
	case c.api.Load() == nil:
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		c.proxy.ServeHTTP(w, r)
	}
}

// Forward lets providers' callbacks through to an API.
func (w *World) Forward(api string) error {
	to, err := url.Parse(api)
	if err != nil {
		return fmt.Errorf("forward callbacks: %w", err)
	}
	w.forward.api.Store(to)
	return nil
}
