package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/handslag/handslag/dev/home"
	"github.com/handslag/handslag/dev/installation"
	"github.com/handslag/handslag/dev/objectstore"
	"github.com/handslag/handslag/dev/supervisor"
)

// The test binary is the object store, or a whole installation over the home
// named by an argument, which tests may kill.
const (
	storeArg        = "serve-s3"
	installationArg = "run-installation"
)

// orderLife is how long a Norwegian has: the least that the account takes, since
// tests wait for it to pass.
const orderLife = time.Minute

// Made once for all tests.
var (
	product string // the product's binary
	worlds  string // the simulated world's certificates, which take seconds to make
	shared  *installation.Installation
	state   string // the shared installation's home
	logs    string // the folder of its logs
	told    telemetry
)

func TestMain(m *testing.M) {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == storeArg:
		err = serveStore()
	case len(os.Args) == 5 && os.Args[1] == installationArg:
		err = runInstallation(os.Args[2], os.Args[3], os.Args[4])
	default:
		var code int
		code, err = run(m)
		if err == nil {
			os.Exit(code)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serveStore() error {
	c, err := objectstore.ConfigFromEnv(os.Getenv)
	if err != nil {
		return err
	}
	return objectstore.Serve(supervisor.UntilEOF(context.Background(), os.Stdin), c)
}

// run runs the tests over one installation, whose logs stay when a test fails.
func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "handslag-e2e-*")
	if err != nil {
		return 1, fmt.Errorf("make a folder for the tests: %w", err)
	}
	product, worlds = filepath.Join(dir, "handslag"), filepath.Join(dir, "world")
	build := exec.Command("go", "build", "-o", product, "./cmd/handslag")
	build.Dir = filepath.Join("..", "..")
	if said, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build the product: %w\n%s", err, said)
	}
	h, err := home.Open(filepath.Join(dir, "home"), time.Now)
	if err != nil {
		return 1, err
	}
	state, logs = h.Dir(), h.LogDir()
	collector := httptest.NewServer(&told)
	defer collector.Close()
	shared, err = start(context.Background(), h, worlds, product, exportTo(collector.URL)...)
	if err != nil {
		return 1, fmt.Errorf("%w (logs in %s)", err, logs)
	}
	code := m.Run()
	if err := shared.Stop(); err != nil {
		return 1, err
	}
	if err := h.Close(); err != nil {
		return 1, err
	}
	if code != 0 {
		fmt.Fprintln(os.Stderr, "The logs are in", logs)
		return code, nil
	}
	return code, os.RemoveAll(dir)
}

func start(ctx context.Context, h *home.Home, world, product string, environment ...string) (*installation.Installation, error) {
	return installation.Start(ctx, installation.Options{
		Home: h, World: world, Product: product, StoreCommand: []string{os.Args[0], storeArg}, OrderLife: orderLife,
		Environment: environment,
		Note:        func(line string) { fmt.Fprintln(os.Stderr, time.Now().Format(time.TimeOnly), line) },
	})
}

// address is what an installation process prints: all that a client needs.
type address struct {
	API, Key, Person string
	Worker           int
}

func runInstallation(dir, world, product string) error {
	h, err := home.Open(dir, time.Now)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(supervisor.UntilEOF(context.Background(), os.Stdin), syscall.SIGTERM)
	defer stop()
	in, err := start(ctx, h, world, product)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(address{in.API, in.APIKey, in.World.Person, in.Worker.PID()}); err != nil {
		return err
	}
	<-ctx.Done()
	if err := in.Stop(); err != nil {
		return err
	}
	return h.Close()
}
