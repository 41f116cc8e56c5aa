package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf/pdfcpuchild"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/bankid"
	"github.com/handslag/handslag/seals"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/storage"
	"github.com/handslag/handslag/worker"
)

type workerCommand struct {
	shared      `embed:""`
	sealFlags   `embed:""`
	Environment string `required:"" enum:"live,test,simulator" help:"The world that signatures count in: live, test or simulator."`
	TrustDir    string `required:"" help:"Directory of trust anchors: <bankid-se|nbid|seal|tsa>.<environment>.pem." placeholder:"DIR"`

	BankidURL      string   `name:"bankid-url" required:"" help:"Address of BankID's Relying Party API, such as https://appapi2.bankid.com/rp/v6.0." placeholder:"URL"`
	BankidCA       string   `name:"bankid-ca" required:"" help:"PEM file with the CA of that server." placeholder:"FILE"`
	BankidCert     string   `name:"bankid-cert" required:"" help:"Relying party certificate: PEM, or PKCS #12 when no key file is given (passphrase in HANDSLAG_BANKID_PASSPHRASE or …_FILE)." placeholder:"FILE"`
	BankidKey      string   `name:"bankid-key" help:"PEM file with the key of that certificate." placeholder:"FILE"`
	BankidPin      bool     `name:"bankid-pin" help:"Require the security code even where the person allows biometrics."`
	BankidPolicies []string `name:"bankid-policies" help:"Certificate policies that may sign, by object identifier; empty for all."`
	BankidRisk     bool     `name:"bankid-risk" help:"Ask for BankID's risk assessment; it is kept in evidence and decides nothing."`
	BankidStrict   bool     `name:"bankid-strict-ocsp" help:"Refuse signatures whose OCSP nonce is not bound to them."`

	VerifierURL string `name:"verifier-url" default:"https://github.com/handslag/handslag#verify-a-document" help:"Address that the QR code on the evidence page leads to; empty for none." placeholder:"URL"`
}

// Run works until it is asked to stop.
func (c *workerCommand) Run(ctx context.Context, logger *slog.Logger, stdin io.Reader) error {
	ctx, cancel := c.lifetime(ctx, stdin)
	defer cancel()
	trust, err := loadTrust(c.TrustDir, c.Environment)
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
	p, err := c.connect(ctx, "handslag-worker", logger)
	if err != nil {
		return err
	}
	defer p.close(ctx)
	if err := errors.Join(keeper.Observe(otel.Meter(meter)), known.observe(otel.Meter(meter))); err != nil {
		return err
	}
	work, err := c.activities(p.store, trust, keeper)
	if err != nil {
		return err
	}
	if err := ensureSearchAttributes(ctx, p.temporal); err != nil {
		logger.Warn("search attributes", "error", err)
	}
	go keepSeals(ctx, keeper, known, logger)
	logger.Info("worker started", "environment", c.Environment, "pid", os.Getpid())
	return worker.Run(ctx, p.temporal, work, []string{bankidName})
}

const (
	bankidName = "bankid"
	meter      = "github.com/handslag/handslag"
)

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

func (c *workerCommand) activities(store *storage.Store, trust evidence.Trust, keeper *seals.Keeper) (worker.Activities, error) {
	var none worker.Activities
	provider, err := c.bankid(trust)
	if err != nil {
		return none, err
	}
	self, err := os.Executable()
	if err != nil {
		return none, fmt.Errorf("find our own executable: %w", err)
	}
	accounts, revisions := oneAccount{provider}, revisions{store}
	return worker.Activities{
		Attempts: &activities.Attempts{
			Providers: accounts, Specs: store, Evidence: store, Persons: store, Clock: time.Now, After: time.After,
		},
		Verification: &activities.Verification{Providers: accounts, Specs: store, Evidence: store},
		Records:      &activities.Records{Keeper: store},
		Sealing: &activities.Sealing{
			Specs: store, Evidence: store, Revisions: revisions, Seals: tenantSeals{keeper},
			Pages:    pdfcpuchild.New(self, pdfcpuChild),
			Trust:    trust,
			Verifier: c.VerifierURL,
			Clock:    time.Now,
		},
	}, nil
}

func (c *workerCommand) bankid(trust evidence.Trust) (*bankid.Client, error) {
	roots, err := bankid.LoadServerRoots(c.BankidCA)
	if err != nil {
		return nil, err
	}
	credentials, err := c.credentials()
	if err != nil {
		return nil, err
	}
	provider, err := bankid.New(bankid.Config{
		BaseURL: c.BankidURL, Credentials: credentials, ServerRoots: roots,
		Environment: bankidsig.Environment(c.Environment), Anchors: trust.BankID,
		RequirePIN: c.BankidPin, CertificatePolicies: c.BankidPolicies,
		ReturnRisk: c.BankidRisk, StrictOCSP: c.BankidStrict,
		// Under the workflow's own limit for a start, so that the adapter says what
		// happened before Temporal gives up on it.
		RequestTimeout: 10 * time.Second,
		Clock:          time.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the BankID account: %w", err)
	}
	return provider, nil
}

func (c *workerCommand) credentials() (tls.Certificate, error) {
	if c.BankidKey != "" {
		return bankid.LoadCredentials(c.BankidCert, c.BankidKey)
	}
	passphrase, err := secret("HANDSLAG_BANKID_PASSPHRASE")
	if err != nil {
		return tls.Certificate{}, err
	}
	return bankid.LoadPKCS12(c.BankidCert, passphrase)
}

var errNoProvider = fault.New(fault.Invalid, "provider_unknown", "The installation has no account at that provider.")

// oneAccount is an installation where every tenant uses one BankID account.
type oneAccount struct{ account providers.Provider }

// Provider implements activities.Providers.
func (o oneAccount) Provider(_ signing.TenantID, provider, _ string) (activities.Account, error) {
	if provider != o.account.Name() {
		return activities.Account{}, errNoProvider
	}
	return activities.Account{ID: provider, Provider: o.account}, nil
}

// revisions gives the store the shape that activities know.
type revisions struct{ *storage.Store }

// OpenRevision implements activities.Revisions.
func (r revisions) OpenRevision(ctx context.Context, ref signing.RevisionRef) (activities.Bytes, error) {
	return r.Store.OpenRevision(ctx, ref)
}
