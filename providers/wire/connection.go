package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

const (
	// connectTries is how often a connection is tried before a call gives up;
	// nothing of the call has been sent then.
	connectTries = 3
	// idleTimeout is how long an unused connection is kept. It is short: a
	// connection that a firewall forgot in the meantime would make a start
	// uncertain.
	idleTimeout = 20 * time.Second
	// idleConns is how many unused connections are kept. Five hundred orders that
	// are asked for each second, over a line of 100 ms, use fifty at a time; those
	// that are not kept would cost a handshake with client certificates each.
	idleConns = 128
)

// meter is a TLS connection that counts what was written to it after the
// handshake. A write that fails counts as well: some of it may have left.
type meter struct {
	net.Conn

	mu      sync.Mutex
	written int64 // guarded by mu
	barred  bool  // guarded by mu; nothing may be written any more
}

var errBarred = errors.New("the call on this connection was given up")

func (m *meter) Write(p []byte) (int, error) {
	m.mu.Lock()
	barred := m.barred
	if !barred {
		m.written += int64(len(p))
	}
	m.mu.Unlock()
	if barred {
		return 0, errBarred
	}
	return m.Conn.Write(p)
}

func (m *meter) count() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.written
}

// bar reports whether nothing was written since the count was before, and makes
// sure that this stays so: the transport may still be about to write for a call
// whose context ended. A barred connection that is used again fails before it
// writes, which makes the transport take another.
func (m *meter) bar(before int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.written != before {
		return false
	}
	m.barred = true
	return true
}

// newTransport returns a transport that speaks HTTP/1.1 over connections from
// dialer. HTTP/1.1 has one request at a time on a connection, which is what makes
// the meter tell.
func newTransport(d *dialer) *http.Transport {
	return &http.Transport{
		DialTLSContext:      d.dial,
		DialContext:         refuseCleartext,
		MaxIdleConns:        idleConns,
		MaxIdleConnsPerHost: idleConns,
		IdleConnTimeout:     idleTimeout,
	}
}

func refuseCleartext(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("providers are spoken to over TLS only")
}

type dialer struct {
	config  *tls.Config
	timeout time.Duration
}

// dial connects and shakes hands, and tries again where that hangs or breaks.
// Where one side does not trust the other, it stays so.
func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var failures []error
	for range connectTries {
		conn, err := d.once(ctx, network, address)
		if err == nil {
			return &meter{Conn: conn}, nil
		}
		failures = append(failures, err)
		var untrusted *tls.CertificateVerificationError
		if errors.As(err, &untrusted) || refusedCertificate(err) || ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("connect %d times: %w", len(failures), errors.Join(failures...))
}

func (d *dialer) once(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	t := &tls.Dialer{NetDialer: &net.Dialer{Timeout: d.timeout}, Config: d.config}
	return t.DialContext(ctx, network, address)
}

// sending watches one call: the connection that it was tried on last, and how
// much had been written to that before.
type sending struct {
	conn   *meter
	before int64
	sent   bool // written on a connection that was given up, or on one that does not count
	giveUp context.CancelFunc
}

// trace returns ctx with a watch. The transport calls GotConn again when it
// tries another connection. For a POST it does so only where nothing was written
// to the first; a GET it would repeat by itself, beside whatever pace the
// provider asks for, so that is stopped here.
func (s *sending) trace(ctx context.Context) context.Context {
	ctx, s.giveUp = context.WithCancel(ctx)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		s.settle()
		m, ok := info.Conn.(*meter)
		switch {
		case !ok:
			s.sent = true // not ours to count: assume the worst
		case s.sent:
			m.bar(m.count())
			s.giveUp()
		default:
			s.conn, s.before = m, m.count()
		}
	}})
}

func (s *sending) settle() {
	if s.conn != nil && !s.conn.bar(s.before) {
		s.sent = true
	}
	s.conn = nil
}

// anything reports whether a byte of the call may have left us. It is asked once,
// when the call has failed.
func (s *sending) anything() bool {
	s.settle()
	return s.sent
}
