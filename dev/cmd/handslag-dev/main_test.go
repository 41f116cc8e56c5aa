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

// mainVar makes the test binary the program. Its child processes have no
// environment but their own, and are known by their argument.
const mainVar = "HANDSLAG_DEV_TEST_MAIN"

// product is the product's binary, built for these tests.
var product string

func TestMain(m *testing.M) {
	if os.Getenv(mainVar) != "" || len(os.Args) > 1 && (os.Args[1] == "s3" || os.Args[1] == "temporal") {
		main()
		os.Exit(0)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "handslag-dev-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	product = filepath.Join(dir, "handslag")
	build := exec.Command("go", "build", "-o", product, "./cmd/handslag")
	build.Dir = filepath.Join("..", "..", "..")
	if said, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the product: %v\n%s", err, said)
		return 1
	}
	return m.Run()
}

func program(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], arguments...)
	cmd.Env = append(os.Environ(), mainVar+"=1")
	return cmd
}

func TestUp(t *testing.T) {
	parts := []struct{ flag, name string }{
		{"temporal", "Temporal"},
		{"temporal-ui", "the Temporal UI"},
		{"s3", "S3"},
		{"api", "the API"},
		{"bankid", "the simulated BankID"},
		{"person", "the simulated BankID app"},
		{"tsa", "the timestamp authority"},
		{"idkollen", "the simulated IDkollen"},
		{"sbab", "the simulated SBAB"},
		{"qrona", "the simulated Qrona"},
		{"signicat", "the simulated Signicat"},
		{"callbacks", "the entrance for callbacks"},
	}
	ports, err := loopback.Free(t.Context(), len(parts))
	require.NoError(t, err)
	state := filepath.Join(t.TempDir(), "state")
	onPorts := func(state string) []string {
		arguments := []string{"up", "--product", product, "--state", state}
		for i, p := range parts {
			arguments = append(arguments, fmt.Sprintf("--%s-port=%d", p.flag, ports[i]))
		}
		return arguments
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
	for i, p := range parts {
		require.Contains(t, string(elsewhere), fmt.Sprintf("port %d, which %s needs, is taken by ", ports[i], p.name))
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

func TestDemoLeavesNothingButItsResults(t *testing.T) {
	dir := t.TempDir()
	state, out, scratch := filepath.Join(dir, "demo"), filepath.Join(dir, "out"), filepath.Join(dir, "tmp")
	require.NoError(t, os.Mkdir(scratch, 0o700))
	demo := program(t, "demo", "--product", product, "--state", state, "--out", out, filepath.Join("..", "..", "demo", "hyresavtal.pdf"))
	demo.Env = append(demo.Env, "TMPDIR="+scratch)
	said, err := demo.CombinedOutput()
	require.NoError(t, err, string(said))
	require.Contains(t, string(said), "TOTAL-PASSED")
	require.NotContains(t, string(said), "199001012385", "the console masks personal numbers")

	require.FileExists(t, filepath.Join(out, "hyresavtal-signed.pdf"))
	anchors, err := filepath.Glob(filepath.Join(out, "trust", "*.simulator.pem"))
	require.NoError(t, err)
	require.Len(t, anchors, 4)
	for _, nothing := range []string{filepath.Join(state, "run-*"), filepath.Join(scratch, "*")} {
		left, err := filepath.Glob(nothing)
		require.NoError(t, err)
		require.Empty(t, left)
	}
	processes, err := exec.Command("ps", "-eo", "args").Output()
	require.NoError(t, err)
	require.NotContains(t, string(processes), product, "no process outlives the demo")
}
