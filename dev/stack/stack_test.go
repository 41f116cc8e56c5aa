package stack_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"

	"github.com/handslag/handslag/dev/home"
	"github.com/handslag/handslag/dev/loopback"
	"github.com/handslag/handslag/dev/objectstore"
	"github.com/handslag/handslag/dev/stack"
	"github.com/handslag/handslag/dev/supervisor"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/workflows"
)

// The test binary is the store, or a whole stack over the home named by an
// argument, which prints what a client has to know.
const (
	serveArg = "serve-s3"
	stackArg = "run-stack"
)

func TestMain(m *testing.M) {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == serveArg:
		err = serveStore()
	case len(os.Args) == 3 && os.Args[1] == stackArg:
		err = runStack(os.Args[2])
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serveStore() error {
	c, err := objectstore.ConfigFromEnv(os.Getenv)
	if err != nil {
		return err
	}
	return objectstore.Serve(supervisor.UntilEOF(context.Background(), os.Stdin), c)
}

// running is what a stack process prints.
type running struct {
	Temporal, UI string
	Store        objectstore.Store
	StorePID     int
}

func runStack(dir string) error {
	h, err := home.Open(dir, time.Now)
	if err != nil {
		return err
	}
	ctx := supervisor.UntilEOF(context.Background(), os.Stdin)
	s, err := stack.Start(ctx, options(h))
	if err != nil {
		return err
	}
	r := running{Temporal: s.Temporal.Address, UI: s.Temporal.UI, Store: *s.Objects, StorePID: s.Objects.Child.PID()}
	r.Store.Child = nil
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		return err
	}
	<-ctx.Done()
	return s.Stop()
}

func options(h *home.Home) stack.Options {
	return stack.Options{Home: h, StoreCommand: []string{os.Args[0], serveArg}, Note: func(string) {}, Entropy: rand.Reader}
}

func begin(t *testing.T, dir string) (running, *exec.Cmd, io.Closer) {
	t.Helper()
	cmd := exec.Command(os.Args[0], stackArg, dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	require.NoError(t, err)
	var r running
	require.NoError(t, json.Unmarshal(line, &r))
	return r, cmd, stdin
}

func TestAKilledStackLosesNothing(t *testing.T) {
	dir := t.TempDir()
	r, cmd, _ := begin(t, dir)
	c := dial(t, r)
	_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: "waiting", TaskQueue: "nobody",
		TypedSearchAttributes: searchAttributes(),
	}, "Waiting")
	require.NoError(t, err)
	key := "t/acme/one.pdf"
	_, err = r.Store.Client().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &r.Store.Bucket, Key: &key, Body: strings.NewReader("signed")})
	require.NoError(t, err)

	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	require.Eventually(t, func() bool { return syscall.Kill(r.StorePID, 0) != nil }, 5*time.Second, 10*time.Millisecond,
		"the store outlives the stack")

	again, cmd, stdin := begin(t, dir)
	require.Equal(t, r.Store.SecretKey, again.Store.SecretKey)
	described, err := dial(t, again).DescribeWorkflowExecution(t.Context(), "waiting", "")
	require.NoError(t, err)
	require.Equal(t, "Running", described.WorkflowExecutionInfo.Status.String())
	object, err := again.Store.Client().GetObject(t.Context(), &s3.GetObjectInput{Bucket: &again.Store.Bucket, Key: &key})
	require.NoError(t, err)
	body, err := io.ReadAll(object.Body)
	require.NoError(t, err)
	require.Equal(t, "signed", string(body))

	require.NoError(t, stdin.Close())
	require.NoError(t, cmd.Wait())
	require.Error(t, syscall.Kill(again.StorePID, 0), "the store outlives the stack")
}

func dial(t *testing.T, r running) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{
		HostPort: r.Temporal, Namespace: stack.Namespace,
		Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// searchAttributes sets every attribute of the product, which the server
// refuses if one is not registered.
func searchAttributes() temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		workflows.SearchCollection.ValueSet("c"), workflows.SearchTenant.ValueSet("t"),
		workflows.SearchState.ValueSet("draft"), workflows.SearchAttention.ValueSet(false),
	)
}

func TestEveryTakenPortIsNamed(t *testing.T) {
	var ports []int
	for range 2 {
		l, err := net.Listen("tcp4", loopback.Address(0))
		require.NoError(t, err)
		t.Cleanup(func() { _ = l.Close() })
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	h, err := home.Open(t.TempDir(), time.Now)
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	o := options(h)
	o.Ports.Temporal, o.Ports.S3 = ports[0], ports[1]

	_, err = stack.Start(t.Context(), o)
	require.ErrorContains(t, err, fmt.Sprintf("port %d, which Temporal needs", ports[0]))
	require.ErrorContains(t, err, fmt.Sprintf("port %d, which S3 needs", ports[1]))
}

func TestAStackThatDoesNotStartLeavesNothingRunning(t *testing.T) {
	h, err := home.Open(t.TempDir(), time.Now)
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	other := filepath.Join(h.TemporalDir(), "1.0.0")
	require.NoError(t, os.MkdirAll(other, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(other, "complete"), nil, 0o600))

	_, err = stack.Start(t.Context(), options(h)) // after the store has started
	require.Equal(t, "temporal_version_changed", fault.CodeOf(err))
	threads, err := filepath.Glob("/proc/self/task/*/children") // only Linux has it
	require.NoError(t, err)
	for _, path := range threads {
		children, err := os.ReadFile(path)
		if err == nil { // or else the thread has ended
			require.Empty(t, strings.TrimSpace(string(children)))
		}
	}
}
