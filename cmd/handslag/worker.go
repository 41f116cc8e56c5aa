package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"

	"github.com/handslag/handslag/accounts"
	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/pdf/pdfcpuchild"
	"github.com/handslag/handslag/seals"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/storage"
	"github.com/handslag/handslag/worker"
)

type workerCommand struct {
	shared       `embed:""`
	sealFlags    `embed:""`
	worldFlags   `embed:""`
	accountFlags `embed:""`
	profileFlags `embed:""`

	Followers int `default:"5000" help:"How many live orders this worker follows at each provider. Further ones wait for another worker, or for an order here to end."`
	Workflows int `default:"200" help:"How many collections this worker keeps in memory, some 50 KB each; others are read from Temporal when something happens to them."`

	VerifierURL string `name:"verifier-url" default:"https://github.com/handslag/handslag#verify-a-document" help:"Address that the QR code on the evidence page leads to; empty for none." placeholder:"URL"`
}

// Run works until it is asked to stop.
func (c *workerCommand) Run(ctx context.Context, logger *slog.Logger, stdin io.Reader) error {
	ctx, cancel := c.lifetime(ctx, stdin)
	defer cancel()
	if err := c.profile(ctx, logger); err != nil {
		return err
	}
	trust, err := c.anchors()
	if err != nil {
		return err
	}
	known, err := readAnchors(c.TrustDir, c.Environment)
	if err != nil {
		return err
	}
	keeper, err := c.open(ctx, trust, known, bankidsig.Environment(c.Environment))
	if err != nil {
		return err
	}
	defer keeper.Close()
	through, err := c.openAccounts(c.worldFlags, trust)
	if err != nil {
		return err
	}
	p, err := c.connect(ctx, "handslag-worker", logger)
	if err != nil {
		return err
	}
	defer p.close(ctx)
	if err := errors.Join(keeper.Observe(otel.Meter(meter)), through.Observe(otel.Meter(meter)), known.observe(otel.Meter(meter))); err != nil {
		return err
	}
	work, err := c.activities(p.store, trust, keeper, through)
	if err != nil {
		return err
	}
	reporter, err := newReporter(through, p.store, rand.Reader, logger)
	if err != nil {
		return err
	}
	work.Attempts.Signals, work.Attempts.Beats = p.temporal, p.temporal
	if err := ensureSearchAttributes(ctx, p.temporal); err != nil {
		logger.Warn("search attributes", "error", err)
	}
	go keepSeals(ctx, keeper, known, logger)
	serve := make(chan string)
	go keepAccounts(ctx, through, serve, logger)
	logger.Info("worker started", "environment", c.Environment, "pid", os.Getpid())
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		reporter.run(ctx)
	}()
	err = worker.Run(ctx, p.temporal, work, worker.Options{Providers: serve, Followers: c.Followers, Workflows: c.Workflows})
	cancel()
	<-reported
	return err
}

const meter = "github.com/handslag/handslag"

func ensureSearchAttributes(ctx context.Context, c client.Client) error {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return fmt.Errorf("read TEMPORAL_* settings: %w", err)
	}
	namespace := options.Namespace
	if namespace == "" {
		namespace = client.DefaultNamespace
	}
	return worker.EnsureSearchAttributes(ctx, c, namespace)
}

func (c *workerCommand) activities(store *storage.Store, trust evidence.Trust, keeper *seals.Keeper, through *accounts.Keeper) (worker.Activities, error) {
	self, err := os.Executable()
	if err != nil {
		return worker.Activities{}, fmt.Errorf("find our own executable: %w", err)
	}
	accountsOf, revisions := tenantAccounts{through}, revisions{store}
	return worker.Activities{
		Attempts: &activities.Attempts{
			Providers: accountsOf, Specs: store, Evidence: store, Persons: store, Revisions: revisions,
			Breaker: through, Pace: through, Clock: time.Now, After: time.After,
		},
		Verification: &activities.Verification{
			Providers: accountsOf, Specs: store, Evidence: store, Revisions: revisions, Returned: store,
			Seals: tenantSeals{keeper}, Trust: trust, Clock: time.Now,
		},
		Records: &activities.Records{Keeper: store, Evidence: store},
		Sealing: &activities.Sealing{
			Specs: store, Evidence: store, Revisions: revisions, Seals: tenantSeals{keeper},
			Pages:    pdfcpuchild.New(self, pdfcpuChild),
			Trust:    trust,
			Verifier: c.VerifierURL,
			Clock:    time.Now,
		},
	}, nil
}

// revisions gives the store the shape that activities know.
type revisions struct{ *storage.Store }

// OpenRevision implements activities.Revisions.
func (r revisions) OpenRevision(ctx context.Context, ref signing.RevisionRef) (activities.Bytes, error) {
	return r.Store.OpenRevision(ctx, ref)
}
