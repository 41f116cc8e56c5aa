package bankid

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// maxBody is what is read of an answer. A completed order is some 40 KiB, and up
// to 400 KiB where our own texts, which come back in the signature, are as large
// as BankID takes them.
const maxBody = 1 << 20

// reply is an answer of the API, whatever its status.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// callError is a call without an answer.
type callError struct {
	sent    bool // a byte of it may have left us
	refused bool // the server did not accept our certificate
	cause   error
}

func (e *callError) Error() string { return e.cause.Error() }
func (e *callError) Unwrap() error { return e.cause }

// call posts body to a path. Its error is a *callError. An answer whose status
// arrived and whose body did not counts as lost.
func (c *Client) call(ctx context.Context, path string, body any) (reply, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return reply{}, &callError{cause: fmt.Errorf("encode %s: %w", path, err)}
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.RequestTimeout)
	defer cancel()
	var watch sending
	request, err := http.NewRequestWithContext(watch.trace(ctx), http.MethodPost, c.base+path, bytes.NewReader(encoded))
	if err != nil {
		return reply{}, &callError{cause: fmt.Errorf("make request for %s: %w", path, err)}
	}
	// BankID answers 415 to a charset parameter.
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "handslag")
	response, err := c.http.Do(request)
	if err != nil {
		return reply{}, &callError{sent: watch.anything(), refused: refusedCertificate(err), cause: fmt.Errorf("post %s: %w", path, err)}
	}
	defer func() { _ = response.Body.Close() }()
	r := reply{status: response.StatusCode, header: response.Header}
	r.body, err = io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	switch {
	case response.StatusCode != http.StatusOK:
		return r, nil // the status says enough
	case err != nil:
		return reply{}, &callError{sent: true, cause: fmt.Errorf("read answer of %s: %w", path, err)}
	case len(r.body) > maxBody:
		return reply{}, &callError{sent: true, cause: fmt.Errorf("answer of %s is larger than %d bytes", path, maxBody)}
	}
	return r, nil
}

// refusedCertificate reports whether the server ended the handshake over our
// certificate. In TLS 1.3 that arrives after our request was written, and yet
// nobody read it (RFC 8446 4.4.2.4). crypto/tls does not export the type of a
// received alert, so the words of it are compared.
func refusedCertificate(err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return false
	}
	text := op.Err.Error()
	for _, alert := range []string{"certificate", "unknown certificate authority", "access denied"} {
		if strings.Contains(text, alert) {
			return true
		}
	}
	return false
}
