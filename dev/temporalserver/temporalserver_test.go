package temporalserver_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/handslag/handslag/dev/loopback"
	"github.com/handslag/handslag/dev/supervisor"
	"github.com/handslag/handslag/dev/temporalserver"
	"github.com/handslag/handslag/fault"
)

// serveVar makes the test binary a process that runs the server with the options
// in it and prints its addresses. A server is a process here, as it is killed.
const serveVar = "TEMPORALSERVER_TEST_OPTIONS"

func TestMain(m *testing.M) {
	options, child := os.LookupEnv(serveVar)
	if !child {
		os.Exit(m.Run())
	}
	if err := serve(options); err != nil {
		fmt.Printf("%s %s\n", fault.CodeOf(err), err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(text string) error {
	ctx := supervisor.UntilEOF(context.Background(), os.Stdin)
	var o temporalserver.Options
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	s, err := temporalserver.Start(ctx, o)
	if err != nil {
		return err
	}
	fmt.Printf("serving %s %s\n", s.Address, s.UI)
	<-ctx.Done()
	return s.Stop()
}

type server struct {
	address, ui string
	kill        func()
	stop        func() error
}

func options(t *testing.T, dir string) temporalserver.Options {
	t.Helper()
	return temporalserver.Options{
		Dir: dir, LogFile: filepath.Join(dir, "temporal.log"), Namespace: "default", Retention: 48 * time.Hour,
		SearchAttributes: map[string]enumspb.IndexedValueType{
			"HandslagState":     enumspb.INDEXED_VALUE_TYPE_KEYWORD,
			"HandslagAttention": enumspb.INDEXED_VALUE_TYPE_BOOL,
		},
	}
}

// begin starts a server process and returns its first line instead, if that is
// not that it serves.
func begin(t *testing.T, o temporalserver.Options) (server, string) {
	t.Helper()
	text, err := json.Marshal(o)
	require.NoError(t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveVar+"="+string(text))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	s := server{
		kill: func() { _ = cmd.Process.Kill(); _ = cmd.Wait() },
		stop: func() error { _ = stdin.Close(); return cmd.Wait() },
	}
	t.Cleanup(s.kill)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	if _, err := fmt.Sscanf(line, "serving %s %s", &s.address, &s.ui); err != nil {
		return server{}, line
	}
	return s, ""
}

func start(t *testing.T, o temporalserver.Options) server {
	t.Helper()
	s, said := begin(t, o)
	require.Empty(t, said)
	return s
}

func dial(t *testing.T, address string) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: address, Namespace: "default", Logger: quiet()})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func quiet() sdklog.Logger { return sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)) }

// patience is a workflow that takes some seconds over ten steps, each an
// activity and a timer.
func patience(ctx workflow.Context) (int, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 5 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 100 * time.Millisecond, BackoffCoefficient: 1},
	})
	sum := 0
	for i := range 10 {
		var n int
		if err := workflow.ExecuteActivity(ctx, "double", i).Get(ctx, &n); err != nil {
			return 0, err
		}
		sum += n
		if err := workflow.Sleep(ctx, 100*time.Millisecond); err != nil {
			return 0, err
		}
	}
	return sum, nil
}

func double(_ context.Context, n int) (int, error) { return 2 * n, nil }

func TestWorkflowsGoOnAfterAKill(t *testing.T) {
	t.Parallel()

	o := options(t, filepath.Join(t.TempDir(), "a b%20#?c"))
	require.NoError(t, os.MkdirAll(o.Dir, 0o700))
	ports, err := loopback.Free(t.Context(), 1)
	require.NoError(t, err)
	o.Port = ports[0] // the same after every restart, for the worker's sake

	s := start(t, o)
	c := dial(t, s.address)
	w := worker.New(c, "patience", worker.Options{})
	w.RegisterWorkflow(patience)
	w.RegisterActivity(double)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)

	var runs []client.WorkflowRun
	for i := range 5 {
		run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: fmt.Sprint("patience-", i), TaskQueue: "patience"}, patience)
		require.NoError(t, err)
		runs = append(runs, run)
	}
	for range 2 {
		time.Sleep(300 * time.Millisecond)
		s.kill()
		s = start(t, o)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, run := range runs {
		var sum int
		require.NoError(t, run.Get(ctx, &sum), run.GetID())
		require.Equal(t, 90, sum)
	}
	require.NoError(t, s.stop())
}

func TestServer(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	o := options(t, dir)
	s := start(t, o)

	t.Run("the namespace keeps what was asked", func(t *testing.T) {
		c := dial(t, s.address)
		namespace, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "default"})
		require.NoError(t, err)
		require.Equal(t, o.Retention, namespace.Config.WorkflowExecutionRetentionTtl.AsDuration())
	})
	t.Run("the web UI shows it and calls nobody", func(t *testing.T) {
		page := get(t, s.ui+"/namespaces/default/workflows")
		require.Contains(t, page, "<html")
		settings := get(t, s.ui+"/api/v1/settings")
		require.Contains(t, settings, `"DefaultNamespace":"default"`)
		require.Contains(t, get(t, s.ui+"/api/v1/namespaces/default/workflows"), "{")
	})
	t.Run("the log is JSON in its file", func(t *testing.T) {
		text, err := os.ReadFile(o.LogFile)
		require.NoError(t, err)
		first, err := bufio.NewReader(bytes.NewReader(text)).ReadBytes('\n')
		require.NoError(t, err)
		require.True(t, json.Valid(first), "%s", first)
	})
	require.NoError(t, s.stop())

	t.Run("a later product registers its new search attributes", func(t *testing.T) {
		o.SearchAttributes["HandslagTenant"] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
		again := start(t, o)
		have, err := dial(t, again.address).OperatorService().ListSearchAttributes(t.Context(), &operatorservice.ListSearchAttributesRequest{Namespace: "default"})
		require.NoError(t, err)
		for name, kind := range o.SearchAttributes {
			require.Equal(t, kind, have.CustomAttributes[name], name)
		}
		require.NoError(t, again.stop())
	})
	t.Run("a search attribute does not change its type", func(t *testing.T) {
		o.SearchAttributes["HandslagState"] = enumspb.INDEXED_VALUE_TYPE_BOOL
		_, said := begin(t, o)
		require.Contains(t, said, "search_attribute_type")
		require.Contains(t, said, "HandslagState")
	})
}

func get(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode, "%s: %s", url, body)
	return string(body)
}

func TestAnotherVersionsDatabaseIsRefusedByName(t *testing.T) {
	t.Parallel()

	o := options(t, t.TempDir())
	old := filepath.Join(o.Dir, "1.29.1")
	require.NoError(t, os.MkdirAll(old, 0o700))
	for _, name := range []string{"temporal.db", "complete"} {
		require.NoError(t, os.WriteFile(filepath.Join(old, name), []byte(name), 0o600))
	}

	_, err := temporalserver.Start(t.Context(), o)
	require.Equal(t, "temporal_version_changed", fault.CodeOf(err))
	require.ErrorContains(t, err, "1.29.1")

	o.Fresh = true
	s := start(t, o)
	require.NoError(t, s.stop())
	kept, err := os.ReadFile(filepath.Join(old, "temporal.db"))
	require.NoError(t, err)
	require.Equal(t, "temporal.db", string(kept))

	o.Fresh = false // there is one of our own now
	require.NoError(t, start(t, o).stop())
}

func TestAnUnfinishedDatabaseIsMadeAgain(t *testing.T) {
	t.Parallel()

	o := options(t, t.TempDir())
	s := start(t, o)
	require.NoError(t, s.stop())
	complete, err := filepath.Glob(filepath.Join(o.Dir, "*", "complete"))
	require.NoError(t, err)
	require.Len(t, complete, 1)
	require.NoError(t, os.Remove(complete[0]))
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(complete[0]), "temporal.db"), []byte("half a schema"), 0o600))

	require.NoError(t, start(t, o).stop())
	require.FileExists(t, complete[0])
}

func TestATakenPortIsNamed(t *testing.T) {
	t.Parallel()

	o := options(t, t.TempDir())
	s := start(t, o)
	var ui int
	_, err := fmt.Sscanf(s.ui, "http://127.0.0.1:%d", &ui)
	require.NoError(t, err)

	second := options(t, t.TempDir())
	second.UIPort = ui
	_, said := begin(t, second)
	require.Contains(t, said, fmt.Sprintf("port %d, which the Temporal UI needs", ui))
	require.NoError(t, s.stop())
}
