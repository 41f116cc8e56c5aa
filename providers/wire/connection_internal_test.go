package wire

import (
	"bytes"
	"net"
	"net/http/httptrace"
	"testing"

	"github.com/stretchr/testify/require"
)

// recorder is a connection that keeps what is written to it.
type recorder struct {
	net.Conn
	bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) { return r.Buffer.Write(p) }
func (r *recorder) Read(p []byte) (int, error)  { return r.Buffer.Read(p) }

// A call that is said to be unsent stays unsent, even when the transport gets to
// its write only afterwards.
func TestGivenUpCallCannotBeSentAnyMore(t *testing.T) {
	wire := &recorder{}
	conn := &meter{Conn: wire}
	_, err := conn.Write([]byte("an earlier call"))
	require.NoError(t, err)

	var call sending
	trace := httptrace.ContextClientTrace(call.trace(t.Context()))
	trace.GotConn(httptrace.GotConnInfo{Conn: conn})
	require.False(t, call.anything())
	_, err = conn.Write([]byte("too late"))
	require.ErrorIs(t, err, errBarred)
	require.Equal(t, "an earlier call", wire.String())
}

func TestWrittenCallCountsAsSent(t *testing.T) {
	conn := &meter{Conn: &recorder{}}
	var call sending
	trace := httptrace.ContextClientTrace(call.trace(t.Context()))
	trace.GotConn(httptrace.GotConnInfo{Conn: conn})
	_, err := conn.Write([]byte("P"))
	require.NoError(t, err)
	trace.GotConn(httptrace.GotConnInfo{Conn: &meter{Conn: &recorder{}}}) // tried again elsewhere
	require.True(t, call.anything())

	var other sending
	trace = httptrace.ContextClientTrace(other.trace(t.Context()))
	trace.GotConn(httptrace.GotConnInfo{Conn: &recorder{}})
	require.True(t, other.anything(), "a connection that does not count proves nothing")
}
