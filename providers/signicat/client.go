package signicat

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/oauth"
	"github.com/handslag/handslag/providers/wire"
	"github.com/handslag/handslag/signing"
)

const name = "signicat"

// resultRoom is what signatures may add to a document, proofs of status and
// timestamps for the archive included.
const resultRoom = 32 << 20

// Client is one account at Signicat. It may be used from many goroutines.
type Client struct {
	config   Config
	base     string // without a slash at its end
	api      *wire.Caller
	transfer *wire.Caller // of documents
	tokens   *oauth.Source
}

var (
	_ providers.Provider         = (*Client)(nil)
	_ providers.RevisionReturner = (*Client)(nil)
	_ providers.Reconciler       = (*Client)(nil)
	_ providers.PushReader       = (*Client)(nil)
)

// New returns a client. It does not connect.
func New(config Config) (*Client, error) {
	config = config.withDefaults()
	if err := config.check(); err != nil {
		return nil, err
	}
	trust := &tls.Config{RootCAs: config.ServerRoots, MinVersion: tls.VersionTLS12}
	api := wire.New(wire.Options{TLS: trust, ConnectTimeout: config.ConnectTimeout, RequestTimeout: config.RequestTimeout})
	return &Client{
		config: config, base: strings.TrimSuffix(config.BaseURL, "/"), api: api,
		tokens: oauth.New(oauth.Options{
			URL: config.TokenURL, ClientID: config.ClientID, ClientSecret: config.ClientSecret, Scope: "signicat-api", Caller: api, Clock: config.Clock,
		}),
		transfer: wire.New(wire.Options{
			TLS: trust, ConnectTimeout: config.ConnectTimeout, RequestTimeout: config.TransferTimeout, MaxBody: config.MaxDocument + resultRoom,
		}),
	}, nil
}

// Close drops idle connections. The client stays usable.
func (c *Client) Close() {
	c.api.Close()
	c.transfer.Close()
}

// Name implements providers.Provider.
func (c *Client) Name() string { return name }

// Capabilities implements providers.Provider.
func (c *Client) Capabilities() providers.Capabilities {
	return providers.Capabilities{
		Methods: []signing.Method{signing.MethodNBIDPKI}, Assurance: signing.AssuranceVerified, Level: signing.LevelQES, ReturnsPDF: true,
		MaxDocument: c.config.MaxDocument, QR: providers.QRNone, Redirect: true, Pushes: true,
		CollectEvery: c.config.CollectEvery, OrderLife: c.config.OrderLife,
	}
}

// Collect implements providers.Provider. The hint is the session's state.
func (c *Client) Collect(ctx context.Context, ref providers.OrderRef) (providers.Answer, error) {
	if !isID(string(ref)) {
		return providers.Answer{}, providers.ErrResultLost.From(name, "")
	}
	got, err := c.call(ctx, c.api, sessionCall("get session", http.MethodGet, c.base, string(ref)))
	if err != nil {
		return providers.Answer{}, err
	}
	if got.Status != http.StatusOK {
		return providers.Answer{}, lookFault(got, providers.ErrResultLost)
	}
	s, err := decodeSession(got.Body)
	if err != nil {
		return providers.Answer{}, errUnreadable.Because(err)
	}
	return providers.Answer{Raw: got.Body, Terminal: s.ended(), Hint: wire.Word(s.Lifecycle.State)}, nil
}

// Cancel implements providers.Provider. It deletes a session that it has just
// found open, since a deletion takes a signature with it.
func (c *Client) Cancel(ctx context.Context, ref providers.OrderRef) error {
	a, err := c.Collect(ctx, ref)
	switch {
	case err != nil:
		return endedFor(err)
	case a.Terminal || a.Hint == stateSigned:
		return errOrderEnded.From(name, a.Hint)
	}
	got, err := c.call(ctx, c.api, sessionCall("delete session", http.MethodDelete, c.base, string(ref)))
	switch {
	case err != nil:
		return err
	case got.Status/100 != 2:
		return lookFault(got, errOrderEnded)
	}
	return nil
}

func sessionCall(what, method, base, id string) wire.Call {
	return wire.Call{Name: what, Method: method, URL: base + "/signing-sessions/" + id}
}
