package loopback_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/dev/loopback"
	"github.com/handslag/handslag/fault"
)

func TestCheckNamesWhoHasThePort(t *testing.T) {
	l, err := net.Listen("tcp4", loopback.Address(0))
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	port := l.Addr().(*net.TCPAddr).Port

	err = loopback.Check(t.Context(), "the Temporal server", port)
	require.Equal(t, "port_taken", fault.CodeOf(err))
	require.ErrorContains(t, err, fmt.Sprintf("port %d, which the Temporal server needs", port))
	if runtime.GOOS == "linux" {
		require.ErrorContains(t, err, fmt.Sprintf("process %d (", os.Getpid()))
	}

	require.NoError(t, l.Close())
	require.NoError(t, loopback.Check(context.Background(), "the Temporal server", port))
}

func TestFreePortsDiffer(t *testing.T) {
	ports, err := loopback.Free(t.Context(), 20)
	require.NoError(t, err)
	seen := map[int]bool{}
	for _, p := range ports {
		require.False(t, seen[p], "port %d twice", p)
		seen[p] = true
		require.NoError(t, loopback.Check(t.Context(), "a test", p))
	}
}
