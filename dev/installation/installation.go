// Package installation is a whole Handslag on one machine: the stack (Temporal
// and S3), the simulated world (every provider with the persons who sign,
// timestamp authorities, the status of their certificates), and the product's
// own api and worker as processes of the product's own binary.
//
// What must survive a crash is on disk in its home: documents and evidence in
// S3, workflows in Temporal, the simulated world's certificates and orders,
// keys and credentials. Started again on the same home, it goes on.
package installation

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/handslag/handslag/dev/home"
	"github.com/handslag/handslag/dev/loopback"
	"github.com/handslag/handslag/dev/stack"
	"github.com/handslag/handslag/dev/supervisor"
	"github.com/handslag/handslag/keyring"
)

// Tenant is the one tenant of a development installation.
const Tenant = "demo"

// Ports of the parts on the loopback interface. Zero finds a free one.
type Ports struct {
	stack.Ports
	API   int
	World WorldPorts
}

func (p Ports) named() map[string]int {
	all := p.Ports.Named()
	maps.Copy(all, p.World.named())
	all["the API"] = p.API
	return all
}

// Options say how to run an installation.
type Options struct {
	// Home keeps the state. It stays the caller's to close, after Stop.
	Home *home.Home
	// World is the folder of the simulated world's certificates, which take
	// seconds to make; several homes may share it.
	World string
	// Product is the product's binary, StoreCommand runs the object store.
	Product      string
	StoreCommand []string
	Ports        Ports
	// FreshTemporal begins without the workflows of another Temporal version.
	FreshTemporal bool
	// OrderLife is how long a person has at Signicat; 0 is 15 minutes.
	OrderLife time.Duration
	// Environment is added to that of the API and the worker, such as OTEL_*.
	Environment []string
	// TemporalCommand is [stack.Options.TemporalCommand].
	TemporalCommand []string
	// Watch is put around the simulated BankID, for measurements. With it the
	// simulated world keeps its orders in memory alone, since it would otherwise
	// write all of them at each change of one.
	Watch func(http.Handler) http.Handler
	// Note is told what a person at the console should know, a line at a time.
	Note func(string)
}

// Installation is a running installation.
type Installation struct {
	*stack.Stack
	World  *World
	API    string // base URL
	APIKey string
	Trust  string // folder of the simulated world's trust anchors
	// Worker and Server are the product's processes.
	Worker, Server *supervisor.Child
}

// Start starts all parts and returns when the API serves. If it fails, it
// leaves nothing running.
func Start(ctx context.Context, o Options) (*Installation, error) {
	in := &Installation{Trust: filepath.Join(o.Home.Dir(), "trust")}
	if err := in.start(ctx, o); err != nil {
		return nil, errors.Join(err, in.Stop())
	}
	return in, nil
}

func (in *Installation) start(ctx context.Context, o Options) error {
	if err := loopback.Vacant(ctx, o.Ports.named()); err != nil {
		return err
	}
	state := filepath.Join(o.Home.Dir(), "world.json")
	if o.Watch != nil {
		state = ""
	}
	var err error
	in.World, err = StartWorld(ctx, WorldOptions{
		Certificates: o.World, Trust: in.Trust, StateFile: state, Watch: o.Watch,
		Credentials: filepath.Join(o.Home.SecretsDir(), "world"), Ports: o.Ports.World,
	})
	if err != nil {
		return err
	}
	in.Stack, err = stack.Start(ctx, stack.Options{
		Home: o.Home, StoreCommand: o.StoreCommand, TemporalCommand: o.TemporalCommand, Ports: o.Ports.Ports,
		FreshTemporal: o.FreshTemporal, Note: o.Note, Entropy: rand.Reader,
	})
	if err != nil {
		return err
	}
	return in.startProduct(ctx, o)
}

// Stop stops everything, the product first.
func (in *Installation) Stop() error {
	var err error
	if in.Stack != nil {
		err = in.Stack.Stop()
	}
	if in.World != nil {
		in.World.Stop()
	}
	return err
}

func (in *Installation) startProduct(ctx context.Context, o Options) error {
	secrets, err := in.secrets(o.Home)
	if err != nil {
		return err
	}
	port := o.Ports.API
	if port == 0 {
		free, err := loopback.Free(ctx, 1)
		if err != nil {
			return err
		}
		port = free[0]
	}
	in.API = "http://" + loopback.Address(port)
	if err := in.World.Forward(in.API); err != nil {
		return err
	}
	// The seal's certificate names this world's address: a copy of its own, since
	// another installation may share the folder of certificates.
	seal := filepath.Join(o.Home.Dir(), "seal.pem")
	if err := home.WriteDurably(seal, in.World.Certificates.Seal().CertificatePEM()); err != nil {
		return fmt.Errorf("keep the seal's certificate: %w", err)
	}
	accounts := filepath.Join(o.Home.Dir(), "accounts.yaml")
	settings, err := in.World.Accounts(o.World, in.World.Credentials.Dir, o.OrderLife)
	if err != nil {
		return err
	}
	if err := home.WriteDurably(accounts, settings); err != nil {
		return fmt.Errorf("keep the settings of accounts: %w", err)
	}
	shared := slices.Concat(secrets, []string{
		"HANDSLAG_ENVIRONMENT=simulator",
		"HANDSLAG_TRUST_DIR=" + in.Trust,
		"HANDSLAG_ACCOUNTS_FILE=" + accounts,
	})
	in.Worker, err = in.startProcess(ctx, o, "worker", slices.Concat(shared, []string{
		"HANDSLAG_SEAL_CERT=" + seal,
		"HANDSLAG_SEAL_KEY=" + filepath.Join(o.World, "seal.key"),
		"HANDSLAG_TSA_URLS=" + in.World.TSA,
	}), nil)
	if err != nil {
		return fmt.Errorf("start the worker: %w", err)
	}
	in.Server, err = in.startProcess(ctx, o, "api", slices.Concat(shared, []string{
		"HANDSLAG_LISTEN=" + loopback.Address(port),
		"HANDSLAG_PUBLIC_URL=http://" + loopback.Address(port),
		"HANDSLAG_API_KEYS_FILE=" + filepath.Join(o.Home.SecretsDir(), "api-keys"),
	}), in.apiReady)
	if err != nil {
		return fmt.Errorf("start the API: %w", err)
	}
	return nil
}

func (in *Installation) startProcess(ctx context.Context, o Options, name string, env []string, ready func(context.Context) error) (*supervisor.Child, error) {
	log, err := o.Home.LogFile(name)
	if err != nil {
		return nil, err
	}
	return in.Processes.Start(ctx, supervisor.Process{
		Name: name, Command: []string{o.Product, name}, LogFile: log, Ready: ready,
		Env: append([]string{
			"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(),
			"TEMPORAL_ADDRESS=" + in.Temporal.Address, "TEMPORAL_NAMESPACE=" + stack.Namespace,
			// No profile of the person at the console may lead elsewhere.
			"TEMPORAL_CONFIG_FILE=" + filepath.Join(o.Home.Dir(), "no-temporal-profile.toml"),
			"HANDSLAG_STOP_ON_STDIN_EOF=true",
		}, slices.Concat(o.Environment, env)...),
	})
}

// secrets makes the keys of the installation, once, and returns the settings
// that api and worker share.
func (in *Installation) secrets(h *home.Home) ([]string, error) {
	ring := filepath.Join(h.SecretsDir(), "keyring.json")
	if _, err := os.Stat(ring); errors.Is(err, os.ErrNotExist) {
		b, err := keyring.Generate(rand.Reader)
		if err != nil {
			return nil, err
		}
		if err := home.WriteDurably(ring, b); err != nil {
			return nil, fmt.Errorf("keep the key ring: %w", err)
		}
	}
	key, err := h.Secret("api-key", rand.Reader)
	if err != nil {
		return nil, err
	}
	in.APIKey = "hsk_" + key
	sum := sha256.Sum256([]byte(in.APIKey))
	line := Tenant + " " + hex.EncodeToString(sum[:]) + "\n"
	if err := home.WriteDurably(filepath.Join(h.SecretsDir(), "api-keys"), []byte(line)); err != nil {
		return nil, fmt.Errorf("keep the API keys: %w", err)
	}
	return []string{
		"HANDSLAG_KEYRING_FILE=" + ring,
		"HANDSLAG_S3_ENDPOINT=" + in.Objects.Endpoint,
		"HANDSLAG_S3_BUCKET=" + in.Objects.Bucket,
		"HANDSLAG_S3_ACCESS_KEY=" + in.Objects.AccessKey,
		"HANDSLAG_S3_SECRET_KEY=" + in.Objects.SecretKey,
		"HANDSLAG_S3_PATH_STYLE=true",
	}, nil
}

// apiReady asks our API, and is not fooled by another: the key is our own.
func (in *Installation) apiReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, in.API+"/health/ready", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the API answers %s", strings.ToLower(resp.Status))
	}
	return nil
}
