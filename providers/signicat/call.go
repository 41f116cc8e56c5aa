package signicat

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/handslag/handslag/providers/oauth"
	"github.com/handslag/handslag/providers/wire"
	"github.com/handslag/handslag/signing"
)

// token returns an access token. Nothing of an order is done by that, so whatever
// goes wrong may be tried again.
func (c *Client) token(ctx context.Context) (signing.Private, error) {
	token, err := c.tokens.Token(ctx)
	if err == nil {
		return token, nil
	}
	refusal, answered := errors.AsType[*oauth.RefusalError](err)
	if !answered {
		return "", errUnreachable.Because(err)
	}
	switch refusal.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		return "", errCredentials.From(name, refusal.Code).Because(err)
	}
	return "", errBusy.From(name, refusal.Code).Because(err).After(refusal.RetryAfter)
}

// call makes a call with a token, and once more with another where the first is
// refused: nothing was done then. Its error is a fault: Uncertain where the call
// may have been done.
func (c *Client) call(ctx context.Context, by *wire.Caller, call wire.Call) (wire.Reply, error) {
	var got wire.Reply
	header := call.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	for range 2 {
		token, err := c.token(ctx)
		if err != nil {
			return wire.Reply{}, err
		}
		header.Set("Authorization", "Bearer "+token.Reveal())
		call.Header = header
		if got, err = by.Do(ctx, call); err != nil {
			return wire.Reply{}, unanswered(err)
		}
		if got.Status != http.StatusUnauthorized {
			break
		}
		c.tokens.Refused(token)
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
