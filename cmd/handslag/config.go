package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/keyring"
	"github.com/handslag/handslag/storage"
	"github.com/handslag/handslag/telemetry"
	"github.com/handslag/handslag/worker"
)

// shared is what api and worker have in common. Both must be given the same.
// The S3 variables are named here since kong would make S_3 of them.
type shared struct {
	KeyringFile string `help:"File with the key ring that encrypts payloads and evidence (see 'handslag keyring')." placeholder:"FILE"`

	S3Endpoint     string `name:"s3-endpoint" env:"HANDSLAG_S3_ENDPOINT" help:"URL of the S3 server; empty for Amazon S3." placeholder:"URL"`
	S3Region       string `name:"s3-region" env:"HANDSLAG_S3_REGION" default:"eu-north-1" help:"Region of the S3 server."`
	S3Bucket       string `name:"s3-bucket" env:"HANDSLAG_S3_BUCKET" help:"Bucket that holds everything which must last."`
	S3AccessKey    string `name:"s3-access-key" env:"HANDSLAG_S3_ACCESS_KEY" help:"Access key; its secret is read from HANDSLAG_S3_SECRET_KEY or HANDSLAG_S3_SECRET_KEY_FILE. Empty for the AWS default chain."`
	S3PathStyle    bool   `name:"s3-path-style" env:"HANDSLAG_S3_PATH_STYLE" help:"Put the bucket in the path, as most S3 servers but Amazon's need."`
	S3CreateBucket bool   `name:"s3-create-bucket" env:"HANDSLAG_S3_CREATE_BUCKET" help:"Create the bucket when it is missing; for development."`

	StopOnStdinEOF bool `name:"stop-on-stdin-eof" hidden:"" help:"Stop when standard input ends, as it does when the parent process dies."`
}

// platform is what every process of the product stands on.
type platform struct {
	ring     *keyring.Ring
	store    *storage.Store
	temporal client.Client
	stop     func(context.Context) error // of telemetry
}

// connect sets up telemetry, reads the key ring, opens the store and connects
// to Temporal. service is the process's name in traces and metrics.
func (s *shared) connect(ctx context.Context, service string, logger *slog.Logger) (*platform, error) {
	stop, err := telemetry.Start(ctx, service)
	if err != nil {
		return nil, err
	}
	p := &platform{stop: stop}
	if p.ring, err = s.ring(); err == nil {
		p.store, err = s.store(ctx, p.ring)
	}
	if err == nil {
		p.temporal, err = worker.Dial(ctx, p.ring, logger)
	}
	if err != nil {
		p.close(ctx)
		return nil, err
	}
	return p, nil
}

// close ends what connect began, ctx having ended or not.
func (p *platform) close(ctx context.Context) {
	if p.temporal != nil {
		p.temporal.Close()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	_ = p.stop(ctx) // what could not be exported is lost, and nobody waits for it
}

// closeTime is how long the last traces and metrics may take.
const closeTime = 5 * time.Second

func (s *shared) ring() (*keyring.Ring, error) {
	if s.KeyringFile == "" {
		return nil, errors.New("HANDSLAG_KEYRING_FILE must name the file with the key ring")
	}
	b, err := os.ReadFile(s.KeyringFile)
	if err != nil {
		return nil, fmt.Errorf("read HANDSLAG_KEYRING_FILE: %w", err)
	}
	ring, err := keyring.Parse(b, rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("read HANDSLAG_KEYRING_FILE: %w", err)
	}
	return ring, nil
}

func (s *shared) store(ctx context.Context, ring *keyring.Ring) (*storage.Store, error) {
	if s.S3Bucket == "" {
		return nil, errors.New("HANDSLAG_S3_BUCKET must name the bucket")
	}
	secretKey, err := secret("HANDSLAG_S3_SECRET_KEY")
	if err != nil {
		return nil, err
	}
	store, err := storage.Open(ctx, storage.Config{
		Endpoint: s.S3Endpoint, Region: s.S3Region, Bucket: s.S3Bucket,
		AccessKey: s.S3AccessKey, SecretKey: storage.Secret(secretKey),
		PathStyle: s.S3PathStyle, CreateBucket: s.S3CreateBucket, Ring: ring,
	})
	if err != nil {
		return nil, fmt.Errorf("open the S3 store: %w", err)
	}
	return store, nil
}

// lifetime is ctx, and ends with standard input where that was asked for.
func (s *shared) lifetime(ctx context.Context, stdin io.Reader) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if s.StopOnStdinEOF {
		go func() {
			_, _ = io.Copy(io.Discard, stdin)
			cancel()
		}()
	}
	return ctx, cancel
}

// secret reads a secret from the environment variable name, or from the file
// that name_FILE names. It returns "" when neither is set.
func secret(name string) (string, error) {
	if v := os.Getenv(name); v != "" {
		return v, nil
	}
	file := os.Getenv(name + "_FILE")
	if file == "" {
		return "", nil
	}
	b, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	if err != nil {
		return "", fmt.Errorf("read %s_FILE: %w", name, err)
	}
	return strings.TrimSpace(string(b)), nil
}

// loadTrust reads the trust anchors of one environment. Those of another one
// are refused: an installation that is live must not take a test signature.
func loadTrust(dir, environment string) (evidence.Trust, error) {
	trust, err := evidence.LoadTrust(dir)
	if err != nil {
		return trust, err
	}
	for _, env := range trust.Environments() {
		if env != bankidsig.Environment(environment) {
			return trust, fmt.Errorf("the trust anchors in %s are of the environment %s, but HANDSLAG_ENVIRONMENT is %s", dir, env, environment)
		}
	}
	return trust, nil
}

type keyringCommand struct{}

// Run prints a new key ring.
func (keyringCommand) Run(stdout io.Writer) error {
	b, err := keyring.Generate(rand.Reader)
	if err != nil {
		return err
	}
	if _, err := stdout.Write(b); err != nil {
		return fmt.Errorf("print the key ring: %w", err)
	}
	return nil
}
