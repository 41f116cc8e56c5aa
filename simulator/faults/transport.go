package faults

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"time"
)

// Further faults of transport, for simulators that use [Set.Before].
const (
	TooManyRequests Kind = "tooManyRequests" // 429
	Unauthorized    Kind = "unauthorized"    // 401, as if the credentials were withdrawn
	BadGateway      Kind = "badGateway"      // 502, by something that stands before the service
)

// Transport lists the faults that [Set.Before], [Set.After] and [Set.Handshake]
// apply.
func Transport() []Kind {
	return []Kind{
		Maintenance, InternalError, TooManyRequests, Unauthorized, BadGateway, Slow, CutBefore, CutAfter, HandshakeHang,
	}
}

// Before applies what strikes before anything is done: it waits, cuts the
// connection (with the panic that net/http knows), or returns the status of the
// refusal that the simulator must answer with, which is 0 for none.
func (s *Set) Before(ctx context.Context, endpoint string) (status int) {
	if f, ok := s.Take(Slow, endpoint, false); ok {
		pause(ctx, time.Duration(f.Delay), 5*time.Second)
	}
	if _, ok := s.Take(CutBefore, endpoint, false); ok {
		panic(http.ErrAbortHandler)
	}
	for _, row := range []struct {
		kind   Kind
		status int
	}{
		{Maintenance, http.StatusServiceUnavailable},
		{InternalError, http.StatusInternalServerError},
		{TooManyRequests, http.StatusTooManyRequests},
		{Unauthorized, http.StatusUnauthorized},
		{BadGateway, http.StatusBadGateway},
	} {
		if _, ok := s.Take(row.kind, endpoint, false); ok {
			return row.status
		}
	}
	return 0
}

// After cuts the connection when everything is done and nothing answered yet.
// terminal says whether the answer at hand ends an order.
func (s *Set) After(endpoint string, terminal bool) {
	if _, cut := s.Take(CutAfter, endpoint, terminal); cut {
		panic(http.ErrAbortHandler)
	}
}

// Handshake returns c with handshakes that hang when told to.
func (s *Set) Handshake(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if f, hangs := s.Take(HandshakeHang, "", false); hangs {
			pause(hello.Context(), time.Duration(f.Delay), time.Minute)
			return nil, errors.New("simulated: the handshake hung")
		}
		return nil, nil // go on with this configuration
	}
	return c
}

// pause waits for d, or for otherwise when d is zero, or until ctx ends. It
// follows real time: a fault of transport is felt by real clients.
func pause(ctx context.Context, d, otherwise time.Duration) {
	if d == 0 {
		d = otherwise
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
