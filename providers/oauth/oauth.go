// Package oauth obtains access tokens by the client credentials grant (RFC 6749
// 4.4), and keeps them for as long as they are good.
//
// A token call creates nothing at a provider, so whatever becomes of it, the call
// that the token was for was certainly not made.
package oauth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/handslag/handslag/providers/wire"
	"github.com/handslag/handslag/signing"
)

const (
	// defaultLife is taken for a token that does not say how long it lives.
	defaultLife = time.Minute
	// maxEarly is how long before its end a token is replaced; one that lives for
	// less than five times that is replaced when a fifth of its life is left.
	maxEarly = time.Minute
	// maxLife bounds what a server claims.
	maxLife = 24 * time.Hour
)

// Options are an account at a token endpoint.
type Options struct {
	// URL is the token endpoint.
	URL string
	// ClientID and ClientSecret go in the Authorization header (RFC 6749 2.3.1).
	ClientID     string
	ClientSecret signing.Private
	// Scope is asked for, unless it is empty.
	Scope string
	// Caller makes the calls.
	Caller *wire.Caller
	// Clock tells the time.
	Clock func() time.Time
}

// Source hands out tokens. It may be used from many goroutines; however many
// wait for a token, one call is made.
type Source struct {
	options Options
	turn    chan struct{} // holds one element: whose has it may use what is below
	token   signing.Private
	renew   time.Time
}

// New returns a source. It does not connect.
func New(o Options) *Source {
	s := &Source{options: o, turn: make(chan struct{}, 1)}
	s.turn <- struct{}{}
	return s
}

// Format implements fmt.Formatter and shows no secret, whatever the verb.
func (s *Source) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "{token source}") }

// RefusalError is an answer of the token endpoint without a token.
type RefusalError struct {
	Status int
	Code   string // RFC 6749 5.2, such as invalid_client, or ""
	// RetryAfter is how long the endpoint asks to wait, or 0.
	RetryAfter time.Duration
}

// Error implements error.
func (r *RefusalError) Error() string {
	return fmt.Sprintf("the token endpoint answers status %d %s", r.Status, r.Code)
}

// Credentials reports whether it is our credentials that are refused.
func (r *RefusalError) Credentials() bool {
	switch r.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return true
	case http.StatusBadRequest:
		return r.Code == "invalid_client" || r.Code == "unauthorized_client" || r.Code == "invalid_grant"
	}
	return false
}

var errNoToken = errors.New("the token endpoint answers no bearer token")

// Token returns a token that is good for a while. Its errors are a [*RefusalError], a
// [*wire.Error], that of the context, or none of these where the answer has no
// token.
func (s *Source) Token(ctx context.Context) (signing.Private, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	select {
	case <-s.turn:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { s.turn <- struct{}{} }()
	if s.token != "" && s.options.Clock().Before(s.renew) {
		return s.token, nil
	}
	token, life, err := s.fetch(ctx)
	if err != nil {
		return "", err
	}
	s.token, s.renew = token, s.options.Clock().Add(life-min(maxEarly, life/5))
	return token, nil
}

// Refused says that a provider did not accept the token, which is not handed out
// again then.
func (s *Source) Refused(token signing.Private) {
	<-s.turn
	if s.token == token {
		s.token = ""
	}
	s.turn <- struct{}{}
}

func (s *Source) fetch(ctx context.Context) (signing.Private, time.Duration, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if s.options.Scope != "" {
		form.Set("scope", s.options.Scope)
	}
	// Both are form-encoded before they are joined (RFC 6749 2.3.1).
	pair := url.QueryEscape(s.options.ClientID) + ":" + url.QueryEscape(s.options.ClientSecret.Reveal())
	got, err := s.options.Caller.Do(ctx, wire.Call{
		Name: "token", Method: http.MethodPost, URL: s.options.URL, Body: []byte(form.Encode()),
		Header: http.Header{
			"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"},
			"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(pair))},
		},
	})
	if err != nil {
		return "", 0, err
	}
	var body struct {
		AccessToken signing.Private `json:"access_token"`
		TokenType   string          `json:"token_type"`
		ExpiresIn   json.Number     `json:"expires_in"` // a string at some servers
		Error       string          `json:"error"`
	}
	decodeErr := json.Unmarshal(got.Body, &body)
	if got.Status != http.StatusOK {
		return "", 0, &RefusalError{got.Status, wire.Word(body.Error), got.RetryAfter()}
	}
	// Bearer is what anybody uses who carries it; another type would need more than that.
	if decodeErr != nil || body.AccessToken == "" || body.TokenType != "" && !strings.EqualFold(body.TokenType, "bearer") {
		return "", 0, errNoToken
	}
	if strings.ContainsFunc(body.AccessToken.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", 0, errNoToken // it could not stand in a header
	}
	life := defaultLife
	if seconds, err := body.ExpiresIn.Int64(); err == nil && seconds > 0 {
		life = time.Duration(min(seconds, int64(maxLife/time.Second))) * time.Second
	}
	return body.AccessToken, life, nil
}
