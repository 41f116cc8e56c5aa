// Package wire makes the HTTP calls of provider adapters.
//
// A start call must not be repeated blindly, so an adapter has to say of each
// failed call whether the provider may have seen it. A [Caller] knows: it counts
// what is written to its connections, and an [Error] says whether a byte of the
// call may have left us. A call that counts as unsent stays unsent.
//
// It repeats nothing by itself but the attempt to connect, follows no redirect,
// speaks HTTP/1.1 over TLS only, and reads no more of an answer than it is told.
package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	defaultConnectTimeout = 3 * time.Second
	defaultRequestTimeout = 15 * time.Second
	defaultMaxBody        = 1 << 20
)

// Options are how a Caller calls.
type Options struct {
	// TLS holds whom we trust and, with mutual TLS, who we are. It must not be
	// changed afterwards.
	TLS *tls.Config
	// ConnectTimeout limits each of three tries to connect; 0 is 3 s.
	ConnectTimeout time.Duration
	// RequestTimeout limits a whole call; 0 is 15 s.
	RequestTimeout time.Duration
	// MaxBody is how much of an answer is read, in bytes; 0 is 1 MiB. An answer
	// that is larger counts as lost.
	MaxBody int64
}

// Caller makes calls. It may be used from many goroutines.
type Caller struct {
	options Options
	http    *http.Client
}

// New returns a caller. It does not connect.
func New(o Options) *Caller {
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = defaultConnectTimeout
	}
	if o.RequestTimeout == 0 {
		o.RequestTimeout = defaultRequestTimeout
	}
	if o.MaxBody == 0 {
		o.MaxBody = defaultMaxBody
	}
	return &Caller{options: o, http: &http.Client{
		Transport:     newTransport(&dialer{config: o.TLS, timeout: o.ConnectTimeout}),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close drops idle connections. The caller stays usable.
func (c *Caller) Close() { c.http.CloseIdleConnections() }

// Reply is an answer, whatever its status.
type Reply struct {
	Status int
	Header http.Header
	// Body is whole when Status is 2xx. Of a refusal it is what arrived.
	Body []byte
}

// Error is a call without an answer. Its text names the call by what was asked
// for as the call's name, never by its address.
type Error struct {
	Sent    bool // a byte of the call may have left us
	Refused bool // the server did not accept our certificate
	cause   error
}

// Error implements error.
func (e *Error) Error() string { return e.cause.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Call is one call. Name is what errors call it: addresses may hold ids.
type Call struct {
	Name, Method, URL string
	Header            http.Header
	Body              []byte
}

// Do makes a call. Its error is an [*Error]. A success whose body did not arrive
// whole counts as lost.
func (c *Caller) Do(ctx context.Context, call Call) (Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.RequestTimeout)
	defer cancel()
	var watch sending
	watched := watch.trace(ctx)
	defer watch.giveUp()
	request, err := http.NewRequestWithContext(watched, call.Method, call.URL, bytes.NewReader(call.Body))
	if err != nil {
		return Reply{}, &Error{cause: fmt.Errorf("make request for %s: %w", call.Name, withoutAddress(err))}
	}
	maps.Copy(request.Header, call.Header)
	request.Header.Set("User-Agent", "handslag")
	response, err := c.http.Do(request)
	if err != nil {
		return Reply{}, &Error{
			Sent: watch.anything(), Refused: refusedCertificate(err), cause: fmt.Errorf("call %s: %w", call.Name, withoutAddress(err)),
		}
	}
	defer func() { _ = response.Body.Close() }()
	r := Reply{Status: response.StatusCode, Header: response.Header}
	r.Body, err = io.ReadAll(io.LimitReader(response.Body, c.options.MaxBody+1))
	switch {
	case r.Status < 200 || r.Status > 299:
		return r, nil // the status says enough
	case err != nil:
		return Reply{}, &Error{Sent: true, cause: fmt.Errorf("read answer of %s: %w", call.Name, err)}
	case int64(len(r.Body)) > c.options.MaxBody:
		return Reply{}, &Error{Sent: true, cause: fmt.Errorf("answer of %s is larger than %d bytes", call.Name, c.options.MaxBody)}
	}
	return r, nil
}

// withoutAddress takes the address out of an error of net/http, which quotes it.
func withoutAddress(err error) error {
	if quoting, ok := errors.AsType[*url.Error](err); ok {
		return quoting.Err
	}
	return err
}

// RetryAfter reads how long to wait, in seconds (RFC 9110 10.2.3), and for a
// rate limit also from RateLimit-Reset. It is 0 where the server does not tell,
// and for what is longer than an hour.
func (r Reply) RetryAfter() time.Duration {
	for _, header := range []string{"Retry-After", "RateLimit-Reset"} {
		if s, err := strconv.Atoi(r.Header.Get(header)); err == nil && s > 0 && s <= 3600 {
			return time.Duration(s) * time.Second
		}
	}
	return 0
}

// Word returns one of a provider's code words, or "unknown" for what cannot be
// one: codes are stored and logged, so that nothing else may ride along.
func Word(s string) string {
	if len(s) > 64 {
		return "unknown"
	}
	letters, digits := 0, 0
	for i := range len(s) {
		c := s[i] | 0x20
		switch {
		case c >= 'a' && c <= 'z':
			letters++
		case s[i] >= '0' && s[i] <= '9':
			digits++
		case s[i] != '_':
			return "unknown"
		}
	}
	if s != "" && letters == 0 || digits > 4 {
		return "unknown" // a long number may be somebody's
	}
	return s
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
