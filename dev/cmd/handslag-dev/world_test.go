package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/dev/loopback"
)

// The world of docker-compose.yml: in a folder of its own, reached by the name
// of its service, and the same again after a restart.
func TestWorldAlone(t *testing.T) {
	doors := []string{"bankid", "person", "tsa", "idkollen", "sbab", "qrona", "signicat", "callbacks"}
	ports, err := loopback.Free(t.Context(), len(doors))
	require.NoError(t, err)
	dir := t.TempDir()
	for range 2 {
		arguments := []string{"world", "--dir", dir, "--host", "simulator", "--listen", loopback.Host}
		for i, door := range doors {
			arguments = append(arguments, fmt.Sprintf("--%s-port=%d", door, ports[i]))
		}
		world := program(t, arguments...)
		stdout, err := world.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, world.Start())
		t.Cleanup(func() { _ = world.Process.Kill(); _ = world.Wait() })
		lines := bufio.NewReader(stdout)
		for range ports {
			until(t, lines, "listens on")
		}

		person, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+loopback.Address(ports[1])+"/", nil)
		require.NoError(t, err)
		page, err := (&http.Client{Timeout: time.Minute}).Do(person)
		require.NoError(t, err)
		require.NoError(t, page.Body.Close())
		require.Equal(t, http.StatusOK, page.StatusCode)

		// As the worker does it: with what is in the folder, by the service's name.
		root, err := os.ReadFile(filepath.Join(dir, "server-root.pem"))
		require.NoError(t, err)
		roots := x509.NewCertPool()
		require.True(t, roots.AppendCertsFromPEM(root))
		account, err := tls.LoadX509KeyPair(filepath.Join(dir, "rp.pem"), filepath.Join(dir, "rp.key"))
		require.NoError(t, err)
		dialer := &tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: "simulator", Certificates: []tls.Certificate{account}}}
		connection, err := dialer.DialContext(t.Context(), "tcp", loopback.Address(ports[0]))
		require.NoError(t, err)
		require.NoError(t, connection.Close())
		for _, file := range []string{"seal.pem", "seal.key", "trust/bankid-se.simulator.pem", "trust/seal.simulator.pem", "trust/tsa.simulator.pem", "secrets/signicat-secret"} {
			require.FileExists(t, filepath.Join(dir, file))
		}

		require.NoError(t, world.Process.Signal(syscall.SIGTERM))
		require.NoError(t, world.Wait())
	}
}
