package bankid

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/pki"
)

// Options assemble a server.
type Options struct {
	PKI     *pki.PKI         // required
	Clock   func() time.Time // required
	Entropy io.Reader        // required; must be safe for concurrent use
	// StateFile keeps persons, live orders and uncollected results over a
	// restart; empty keeps them in memory.
	StateFile string
}

// Server is a simulated BankID. It is safe for concurrent use.
type Server struct {
	pki       *pki.PKI
	clock     func() time.Time
	entropy   io.Reader
	stateFile string
	faults    *faults.Set

	mu    sync.Mutex
	state state  // guarded by mu
	saved []byte // guarded by mu; the snapshot on disk
}

// Faults that only the Relying Party API has.
const (
	RequestTimeout  faults.Kind = "requestTimeout"  // 408
	TooManyRequests faults.Kind = "tooManyRequests" // 429
	Unauthorized    faults.Kind = "unauthorized"    // 401, as JSON
	UnknownError    faults.Kind = "unknownError"    // 400 with [UnknownCode]
	LateAnswer      faults.Kind = "lateAnswer"      // everything was done at once; the answer comes after Delay
)

var transportFaults = []faults.Kind{
	faults.Maintenance, faults.InternalError, RequestTimeout, TooManyRequests, Unauthorized, UnknownError,
	faults.Slow, LateAnswer, faults.CutBefore, faults.CutAfter, faults.HandshakeHang,
}

// New returns a server, with the state of the state file if there is one.
func New(o Options) (*Server, error) {
	if o.PKI == nil || o.Clock == nil || o.Entropy == nil {
		return nil, errors.New("simulated bankid: PKI, Clock and Entropy are required")
	}
	s := &Server{
		pki: o.PKI, clock: o.Clock, entropy: o.Entropy, stateFile: o.StateFile, state: newState(),
		faults: faults.NewSet(slices.Concat(transportFaults, resultFaults), endpoints),
	}
	if o.StateFile != "" {
		if err := s.load(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// TLSConfig is for the listener of [Server.API]. It asks for a client
// certificate and leaves the judgement to the API, which answers a wrong one
// with a page as BankID's front does. HTTP/1.1 alone is offered, so that a cut
// connection is one lost request.
func (s *Server) TLSConfig() *tls.Config {
	c := &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		Certificates: []tls.Certificate{s.pki.Server().TLS()},
		ClientAuth:   tls.RequestClientCert,
	}
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if f, hangs := s.faults.Take(faults.HandshakeHang, "", false); hangs {
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
