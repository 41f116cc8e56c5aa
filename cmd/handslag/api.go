package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/handslag/handslag/accounts"
	"github.com/handslag/handslag/api"
	"github.com/handslag/handslag/intake"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/pdfcpuchild"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/storage"
	"github.com/handslag/handslag/worker"
)

type apiCommand struct {
	shared         `embed:""`
	worldFlags     `embed:""`
	accountFlags   `embed:""`
	Listen         string         `default:"127.0.0.1:8080" help:"Address to listen on."`
	APIKeysFile    string         `name:"api-keys-file" required:"" help:"File of lines 'tenant sha256hex', one for each API key." placeholder:"FILE"`
	TrustedProxies []netip.Prefix `name:"trusted-proxies" help:"Networks of reverse proxies whose X-Forwarded-For is believed."`
	MaxUpload      int64          `name:"max-upload" default:"104857600" help:"Largest PDF, in bytes."`
	UploadPolicy   pdf.Policy     `name:"upload-policy" mapsep:"," help:"What to do about what an upload may do or hide: rule=refuse or rule=report, with commas between; the rules are in docs/uploads.md." placeholder:"RULE=ACTION,…"`
	SpoolDir       string         `name:"spool-dir" help:"Directory for uploads while they are checked; empty for the system's." placeholder:"DIR"`
	PublicURL      string         `name:"public-url" help:"Address of this API as people's browsers and providers reach it, such as https://sign.example.com: for return pages and callbacks." placeholder:"URL"`
	SignerPage     string         `name:"signer-page" help:"Address of your page for signers; a signer link's token is appended to it." placeholder:"URL"`
}

// Run serves until it is asked to stop.
func (c *apiCommand) Run(ctx context.Context, logger *slog.Logger, stdin io.Reader) error {
	ctx, cancel := c.lifetime(ctx, stdin)
	defer cancel()
	trust, err := c.anchors()
	if err != nil {
		return err
	}
	keeper, err := c.openAccounts(c.worldFlags, trust)
	if err != nil {
		return err
	}
	p, err := c.connect(ctx, "handslag-api", logger)
	if err != nil {
		return err
	}
	defer p.close(ctx)
	go keepAccounts(ctx, keeper, nil, logger)
	server, err := c.server(p, keeper, logger)
	if err != nil {
		return err
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on HANDSLAG_LISTEN: %w", err)
	}
	logger.Info("api started", "address", listener.Addr().String(), "pid", os.Getpid())
	return server.Serve(ctx, listener)
}

func (c *apiCommand) server(p *platform, keeper *accounts.Keeper, logger *slog.Logger) (*api.Server, error) {
	keys, err := c.keys()
	if err != nil {
		return nil, err
	}
	receiver, err := c.receiver(p.store)
	if err != nil {
		return nil, err
	}
	orchestrator, err := api.NewTemporal(api.TemporalConfig{
		Client: p.temporal, Converter: worker.DataConverter(p.ring), Entropy: rand.Reader,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the orchestrator: %w", err)
	}
	server, err := api.New(api.Config{
		Intake: uploads{receiver}, Documents: documents{p.store}, Records: p.store, Claims: p.store,
		Links: links{p.store}, Orchestrator: orchestrator, Accounts: offers{keeper}, Conditions: findings{p.store},
		Callbacks: callbacks{keeper}, Orders: p.store, Keyed: p.ring, Keys: keys,
		TrustedProxies: c.TrustedProxies, SignerPage: c.SignerPage, PublicURL: c.PublicURL, MaxUpload: c.MaxUpload,
		Dependencies: map[string]func(context.Context) error{
			"storage": p.store.Ready,
			"temporal": func(ctx context.Context) error {
				_, err := p.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
				return err
			},
		},
		Log: logger, Clock: time.Now, Entropy: rand.Reader,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the API: %w", err)
	}
	return server, nil
}

func (c *apiCommand) keys() (api.Keys, error) {
	var none api.Keys
	f, err := os.Open(c.APIKeysFile)
	if err != nil {
		return none, fmt.Errorf("read HANDSLAG_API_KEYS_FILE: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	keys, err := api.ParseKeys(f)
	if err != nil {
		return none, fmt.Errorf("read HANDSLAG_API_KEYS_FILE: %w", err)
	}
	return keys, nil
}

func (c *apiCommand) receiver(store *storage.Store) (*intake.Receiver, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find our own executable: %w", err)
	}
	if err := c.UploadPolicy.Validate(); err != nil {
		return nil, fmt.Errorf("read HANDSLAG_UPLOAD_POLICY: %w", err)
	}
	receiver, err := intake.New(intake.Config{
		Store: store, Claims: store, SecondReader: pdfcpuchild.New(self, pdfcpuChild),
		Directory: c.SpoolDir, MaxBytes: c.MaxUpload, Policy: c.UploadPolicy, Clock: time.Now, Entropy: rand.Reader,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the intake: %w", err)
	}
	return receiver, nil
}

// uploads, documents, links and offers give what they wrap the shapes that the
// API knows.
type (
	offers    struct{ keeper *accounts.Keeper }
	uploads   struct{ *intake.Receiver }
	documents struct{ store *storage.Store }
	links     struct{ store *storage.Store }
)

// Offers implements api.Accounts.
func (o offers) Offers(tenant signing.TenantID) map[signing.Method][]api.Offer {
	all := map[signing.Method][]api.Offer{}
	for method, route := range o.keeper.Offers(tenant) {
		for _, at := range route {
			all[method] = append(all[method], api.Offer{
				Provider: at.Provider, Account: at.Account, Environment: at.Environment, Capabilities: at.Capabilities,
				Until: at.Term.Until, Expired: at.Term.Err != nil,
			})
		}
	}
	return all
}

// Receive implements api.Intake.
func (u uploads) Receive(ctx context.Context, tenant signing.TenantID, key string, body io.Reader) (api.Upload, error) {
	d, err := u.Receiver.Receive(ctx, intake.Request{Tenant: tenant, Key: key, Body: body})
	return api.Upload(d), err
}

// Upload implements api.Documents.
func (d documents) Upload(ctx context.Context, tenant signing.TenantID, id signing.DocumentID) (api.Upload, error) {
	u, err := d.store.GetUpload(ctx, tenant, id)
	if err != nil {
		return api.Upload{}, err
	}
	return api.Upload(intake.Describe(u)), nil
}

// Open implements api.Documents.
func (d documents) Open(ctx context.Context, ref signing.RevisionRef) (io.ReadCloser, int64, error) {
	object, err := d.store.OpenRevision(ctx, ref)
	if err != nil {
		return nil, 0, err
	}
	content, err := object.NewReader(ctx)
	return content, object.Size(), err
}

// PutLink implements api.Links.
func (l links) PutLink(ctx context.Context, token signing.Digest, link api.Link) error {
	return l.store.PutLink(ctx, token, storage.Link(link))
}

// GetLink implements api.Links.
func (l links) GetLink(ctx context.Context, token signing.Digest, now time.Time) (api.Link, error) {
	link, err := l.store.GetLink(ctx, token, now)
	return api.Link(link), err
}
