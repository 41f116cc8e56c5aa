package sbab

import (
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
)

// token is one that was issued.
type token struct {
	until   time.Time
	sandbox bool
}

// token issues one by the client credentials grant (RFC 6749 4.4): for the
// client's secret, and in the sandbox for the personal key.
func (s *Server) token(w http.ResponseWriter, r *http.Request, sandbox bool) {
	fail := func(status int, code string) {
		write(w, status, "application/json", map[string]string{"error": code}) // RFC 6749 5.2
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" || r.ParseForm() != nil {
		fail(http.StatusBadRequest, "invalid_request")
		return
	}
	set := s.set()
	id, secret, basic := r.BasicAuth()
	known := basic && id == url.QueryEscape(set.ClientID) && secret == url.QueryEscape(set.ClientSecret) // RFC 6749 2.3.1
	if sandbox {
		known = r.Header.Get("Authorization") == "Bearer "+set.SandboxKey
	}
	switch {
	case !known:
		w.Header().Set("WWW-Authenticate", "Basic")
		fail(http.StatusUnauthorized, "invalid_client")
		return
	case r.PostForm.Get("grant_type") != "client_credentials":
		fail(http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	drawn, err := uuid.NewRandomFromReader(s.entropy)
	if err != nil {
		fail(http.StatusInternalServerError, "server_error")
		return
	}
	s.mu.Lock()
	now := s.clock()
	for old, t := range s.tokens {
		if now.After(t.until) {
			delete(s.tokens, old)
		}
	}
	s.tokens[drawn.String()] = token{now.Add(time.Duration(set.TokenLife)), sandbox}
	s.issued++
	s.mu.Unlock()
	s.faults.After("token", false)
	write(w, http.StatusOK, "application/json", map[string]any{
		"access_token": drawn.String(), "expires_in": int(time.Duration(set.TokenLife).Seconds()), "token_type": "bearer",
	})
}

// authorised judges the bearer. In the sandbox that is the personal key itself,
// never the token that was issued for it.
func (s *Server) authorised(r *http.Request, sandbox bool) bool {
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if sandbox {
		return bearer == s.settings.SandboxKey
	}
	t, known := s.tokens[bearer]
	return known && !t.sandbox && s.clock().Before(t.until)
}

// address is the address of the person as far as SBAB knows. The caller holds
// the lock.
func (s *Server) address(r *http.Request) string {
	if s.settings.EndUserIPHeader != "" {
		if ip, err := netip.ParseAddr(r.Header.Get(s.settings.EndUserIPHeader)); err == nil {
			return ip.String()
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
