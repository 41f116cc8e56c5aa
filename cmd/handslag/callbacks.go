package main

import (
	"net/http"

	"github.com/handslag/handslag/accounts"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
)

// callbacks finds who can read a provider's call to us.
type callbacks struct{ keeper *accounts.Keeper }

var errCallsNobody = fault.New(fault.Forbidden, "callback_refused", "The provider does not call us.")

// ReadPush implements api.Callbacks.
func (c callbacks) ReadPush(provider, account string, header http.Header, body []byte) (providers.Push, error) {
	if account == "" { // which would be the one that serves nobody in particular
		return providers.Push{}, errCallsNobody
	}
	a, err := c.keeper.Provider("", provider, account)
	if err != nil {
		return providers.Push{}, err
	}
	reader, ok := a.Provider.(providers.PushReader)
	if !ok {
		return providers.Push{}, errCallsNobody
	}
	return reader.ReadPush(header, body)
}
