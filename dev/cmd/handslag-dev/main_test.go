package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/dev/loopback"
)

// mainVar makes the test binary the program. Its child process, the store, has
// no environment but its own, and is known by its argument.
const mainVar = "HANDSLAG_DEV_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(mainVar) != "" || len(os.Args) == 2 && os.Args[1] == "s3" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func program(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], arguments...)
	cmd.Env = append(os.Environ(), mainVar+"=1")
	return cmd
}

func TestUp(t *testing.T) {
	ports, err := loopback.Free(t.Context(), 3)
	require.NoError(t, err)
	state := filepath.Join(t.TempDir(), "state")
	onPorts := func(state string) []string {
		return []string{
			"up", "--state", state, fmt.Sprint("--temporal-port=", ports[0]),
			fmt.Sprint("--temporal-ui-port=", ports[1]), fmt.Sprint("--s3-port=", ports[2]),
		}
	}
	up := program(t, onPorts(state)...)
	stdout, err := up.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, up.Start())
	t.Cleanup(func() { _ = up.Process.Kill(); _ = up.Wait() })
	lines := bufio.NewReader(stdout)
	said := until(t, lines, "Ready after")
	for _, port := range ports {
		require.Contains(t, said, loopback.Address(port))
	}
	require.NotContains(t, said, secret(t, state))

	again, err := program(t, onPorts(state)...).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(again), fmt.Sprintf("is in use by process %d, since ", up.Process.Pid))

	elsewhere, err := program(t, onPorts(state+"2")...).CombinedOutput()
	require.Error(t, err)
	for i, part := range []string{"Temporal", "the Temporal UI", "S3"} {
		require.Contains(t, string(elsewhere), fmt.Sprintf("port %d, which %s needs, is taken by ", ports[i], part))
	}

	require.NoError(t, up.Process.Signal(syscall.SIGINT))
	rest, err := io.ReadAll(lines)
	require.NoError(t, err)
	require.Contains(t, string(rest), "Stopping.")
	require.NoError(t, up.Wait())
}

func secret(t *testing.T, state string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(state, "secrets", "s3"))
	require.NoError(t, err)
	return strings.TrimSpace(string(text))
}

func until(t *testing.T, lines *bufio.Reader, last string) string {
	t.Helper()
	var said strings.Builder
	for {
		line, err := lines.ReadString('\n')
		said.WriteString(line)
		require.NoError(t, err, "%q was not said: %s", last, said.String())
		if strings.Contains(line, last) {
			return said.String()
		}
	}
}

func TestDemoLeavesNothing(t *testing.T) {
	state := filepath.Join(t.TempDir(), "demo")
	said, err := program(t, "demo", "--state", state).CombinedOutput()
	require.NoError(t, err, string(said))
	require.Contains(t, string(said), "http://127.0.0.1:")
	left, err := filepath.Glob(filepath.Join(state, "run-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}
