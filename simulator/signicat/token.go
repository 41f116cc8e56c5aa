package signicat

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// token is an access token that was given out.
type token struct {
	client  Client
	expires time.Time
}

const scope = "signicat-api"

// token answers the client credentials grant (RFC 6749 4.4), with the client in
// HTTP Basic or in the form.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if status := s.faults.Before(r.Context(), EndpointToken); status != 0 {
		http.Error(w, http.StatusText(status), status)
		return
	}
	refuse := func(status int, code string) {
		writeJSON(w, status, "application/json", map[string]string{"error": code})
	}
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/x-www-form-urlencoded" {
		refuse(http.StatusUnsupportedMediaType, "invalid_request")
		return
	}
	if err := r.ParseForm(); err != nil {
		refuse(http.StatusBadRequest, "invalid_request")
		return
	}
	s.mu.Lock()
	settings := s.settings
	s.mu.Unlock()
	id, secret := credentials(r)
	i := slices.IndexFunc(s.clients, func(c Client) bool { return c.ID == id && c.Secret == secret && secret != "" })
	switch {
	case i < 0:
		refuse(settings.InvalidClientStatus, "invalid_client")
		return
	case r.PostForm.Get("grant_type") != "client_credentials":
		refuse(http.StatusBadRequest, "unsupported_grant_type")
		return
	case r.PostForm.Get("scope") != scope:
		refuse(http.StatusBadRequest, "invalid_scope")
		return
	}
	given, err := s.newID()
	if err != nil {
		refuse(http.StatusInternalServerError, "server_error")
		return
	}
	life := time.Duration(settings.TokenLife)
	s.mu.Lock()
	s.tokens[given] = token{s.clients[i], s.clock().Add(life)}
	s.mu.Unlock()
	s.faults.After(EndpointToken, false)
	writeJSON(w, http.StatusOK, "application/json", map[string]any{
		"access_token": given, "expires_in": int(life / time.Second), "token_type": "Bearer", "scope": scope,
	})
}

// credentials reads the client: in HTTP Basic each part is form-encoded (RFC
// 6749 2.3.1).
func credentials(r *http.Request) (id, secret string) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		return r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	id, errID := url.QueryUnescape(id)
	secret, errSecret := url.QueryUnescape(secret)
	if errID != nil || errSecret != nil {
		return "", ""
	}
	return id, secret
}

func (s *Server) authorise(r *http.Request) (caller, error) {
	given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	t, known := s.tokens[given]
	if !bearer || !known || !now.Before(t.expires) {
		delete(s.tokens, given)
		return caller{}, refusal(http.StatusUnauthorized, "invalid_token", "The access token is missing, unknown or expired")
	}
	if t.client.NoSignatures {
		return caller{}, refusal(http.StatusForbidden, "forbidden", "The client may not use the Signature API")
	}
	if s.tooFast(now) {
		return caller{}, refusal(http.StatusTooManyRequests, "too_many_requests", "Too many requests")
	}
	s.settle(now)
	return caller{t.client.ID}, nil
}
