package signicat

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/handslag/handslag/providers/wire"
	"github.com/handslag/handslag/signing"
)

// tokens holds the access token. Whoever finds it used up fetches the next, and
// the others wait.
type tokens struct {
	turn  chan struct{} // holds one element while nobody has the fields below
	value signing.Private
	until time.Time
}

func newTokens() tokens {
	t := tokens{turn: make(chan struct{}, 1)}
	t.turn <- struct{}{}
	return t
}

// token returns an access token that is not the refused one.
func (c *Client) token(ctx context.Context, refused signing.Private) (signing.Private, error) {
	select {
	case <-c.tokens.turn:
	case <-ctx.Done():
		return "", errUnreachable.Because(ctx.Err())
	}
	defer func() { c.tokens.turn <- struct{}{} }()
	now := c.config.Clock()
	if t := &c.tokens; t.value != "" && t.value != refused && now.Before(t.until) {
		return t.value, nil
	}
	value, life, err := c.fetchToken(ctx)
	if err != nil {
		return "", err
	}
	c.tokens.value, c.tokens.until = value, now.Add(life-min(30*time.Second, life/10))
	return value, nil
}

// fetchToken makes the client credentials grant (RFC 6749 4.4). Nothing of an
// order is done by it, so whatever goes wrong may be tried again.
func (c *Client) fetchToken(ctx context.Context) (signing.Private, time.Duration, error) {
	client := url.QueryEscape(c.config.ClientID) + ":" + url.QueryEscape(c.config.ClientSecret.Reveal()) // RFC 6749 2.3.1
	got, err := c.api.Do(ctx, wire.Call{
		Name: "token", Method: http.MethodPost, URL: c.config.TokenURL,
		Header: http.Header{
			"Content-Type":  {"application/x-www-form-urlencoded"},
			"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(client))},
		},
		Body: []byte(url.Values{"grant_type": {"client_credentials"}, "scope": {"signicat-api"}}.Encode()),
	})
	if err != nil {
		return "", 0, errUnreachable.Because(err)
	}
	switch got.Status {
	case http.StatusOK:
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		return "", 0, errCredentials.From(name, oauthError(got)).Because(statusError(got.Status))
	default:
		return "", 0, errBusy.From(name, oauthError(got)).Because(statusError(got.Status)).After(got.RetryAfter())
	}
	var body struct {
		Token   signing.Private `json:"access_token"`
		Expires int64           `json:"expires_in"`
	}
	if err := json.Unmarshal(got.Body, &body); err != nil || body.Token == "" {
		return "", 0, errBusy.From(name, "no_token")
	}
	return body.Token, time.Duration(max(0, min(body.Expires, 24*3600))) * time.Second, nil
}

func oauthError(r wire.Reply) string {
	var body struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return ""
	}
	return wire.Word(body.Error)
}

// call makes a call with a token, and once more with another where the first is
// refused: nothing was done then. Its error is a fault: Uncertain where the call
// may have been done.
func (c *Client) call(ctx context.Context, by *wire.Caller, call wire.Call) (wire.Reply, error) {
	var token signing.Private
	var got wire.Reply
	for range 2 {
		var err error
		if token, err = c.token(ctx, token); err != nil {
			return wire.Reply{}, err
		}
		header := call.Header.Clone()
		if header == nil {
			header = http.Header{}
		}
		header.Set("Authorization", "Bearer "+token.Reveal())
		header.Set("Accept", "*/*")
		once := call
		once.Header = header
		if got, err = by.Do(ctx, once); err != nil {
			return wire.Reply{}, unanswered(err)
		}
		if got.Status != http.StatusUnauthorized {
			break
		}
	}
	return got, nil
}

// callJSON is call with a JSON body.
func (c *Client) callJSON(ctx context.Context, what, method, path string, body any) (wire.Reply, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return wire.Reply{}, errUnreachable.Because(err)
	}
	return c.call(ctx, c.api, wire.Call{
		Name: what, Method: method, URL: c.base + path, Body: encoded, Header: http.Header{"Content-Type": {"application/json"}},
	})
}
