package signicat

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/wire"
)

// Revision implements providers.RevisionReturner. The document is in memory when
// it returns.
func (c *Client) Revision(ctx context.Context, _ providers.OrderRef, resultID string) (io.ReadCloser, error) {
	if !isID(resultID) {
		return nil, errNoResult
	}
	got, err := c.call(ctx, c.transfer, documentCall("download document", c.base, resultID, ""))
	if err != nil {
		return nil, err
	}
	if got.Status != http.StatusOK {
		return nil, lookFault(got, errNoResult)
	}
	return io.NopCloser(bytes.NewReader(got.Body)), nil
}

func documentCall(what, base, id, part string) wire.Call {
	return wire.Call{Name: what, Method: http.MethodGet, URL: base + "/documents/" + id + part}
}
