package bankid

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/handslag/handslag/providers/wire"
)

// maxBody is what is read of an answer. A completed order is some 40 KiB, and up
// to 400 KiB where our own texts, which come back in the signature, are as large
// as BankID takes them.
const maxBody = 1 << 20

// reply is an answer of the API, whatever its status.
type reply struct{ wire.Reply }

// caller calls the API with our certificate, and trusts BankID's own CA alone.
func caller(c Config) *wire.Caller {
	credentials := c.Credentials
	return wire.New(wire.Options{
		TLS: &tls.Config{
			RootCAs: c.ServerRoots, MinVersion: tls.VersionTLS12,
			// Certificates would be left out where the server names other issuers,
			// and the refusal would not say why.
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &credentials, nil },
		},
		ConnectTimeout: c.ConnectTimeout, RequestTimeout: c.RequestTimeout, MaxBody: maxBody,
	})
}

// call posts body to a path. Where it was not answered, its error is a
// *wire.Error.
func (c *Client) call(ctx context.Context, path string, body any) (reply, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return reply{}, fmt.Errorf("encode %s: %w", path, err)
	}
	got, err := c.wire.Do(ctx, wire.Call{
		Name: path, Method: http.MethodPost, URL: c.base + path, Body: encoded,
		// BankID answers 415 to a charset parameter.
		Header: http.Header{"Content-Type": {"application/json"}},
	})
	return reply{got}, err
}
