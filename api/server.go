package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	lru "github.com/hashicorp/golang-lru/v2"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/handslag/handslag/api/gen"
	"github.com/handslag/handslag/signing"
)

// Config is what a Server needs. Fields without a default are required.
type Config struct {
	Intake       Intake
	Documents    Documents
	Records      Records
	Claims       Claims
	Links        Links
	Orchestrator Orchestrator
	// Accounts says who can serve a tenant's participants, and how.
	Accounts Accounts
	// Conditions says how the workers find them.
	Conditions Conditions
	// Callbacks and Orders are for providers that call us back.
	Callbacks Callbacks
	Orders    Orders
	// Keyed makes the nonces of return URLs. Another key ring makes other ones,
	// so that returns under way are refused.
	Keyed Keyed

	// Keys lets tenants in. Without any, nobody gets in.
	Keys Keys
	// TrustedProxies are those whose X-Forwarded-For is believed. One too many
	// lets anybody claim any address; one too few makes all signers seem to sit
	// at the proxy. BankID shows and judges by the address.
	TrustedProxies []netip.Prefix
	// Dependencies are asked by /health/ready, by name.
	Dependencies map[string]func(context.Context) error

	// ProblemBase is put before a code to make a problem's type; /problems/
	// unless set, which this server answers itself.
	ProblemBase string
	// SignerPage is the address of the page that signer links open, or "".
	SignerPage string
	// PublicURL is the address at which this server can be reached from outside,
	// such as https://sign.example.com: people return to it, and providers call it.
	// Without it, a person who was sent to a provider's page stays there unless the
	// tenant says where to go.
	PublicURL string
	// LinkLife is how long a signer link is valid; 72 hours unless set.
	LinkLife time.Duration
	// LinkGrace is how long signers can download the result once no order can be
	// live any more, 30 minutes after the collection's deadline. No link is valid
	// for longer. 24 hours unless set.
	LinkGrace time.Duration
	// MaxUpload is the largest PDF taken, in bytes; 100 MiB unless set. Intake has
	// a limit of its own: the lower one holds.
	MaxUpload int64
	// UploadTime is how long an upload or a download may take; 15 minutes unless
	// set. Other requests have 15 seconds to arrive.
	UploadTime time.Duration
	// StopTime is how long requests under way may take when the server stops; 30
	// seconds unless set. Longer than the command deadline of the Orchestrator,
	// and no command is cut off.
	StopTime time.Duration

	Log     *slog.Logger
	Clock   func() time.Time
	Entropy io.Reader // of ids and tokens; must be cryptographically random
}

// The limits of a request that carries no document.
const (
	maxJSONBody      = 1 << 20
	maxHeader        = 16 << 10
	requestTime      = 15 * time.Second
	answerTime       = 60 * time.Second
	idleTime         = 2 * time.Minute
	defaultUpload    = 100 << 20
	specsInMemory    = 256
	attemptsInMemory = 1024
	readinessLimit   = 3 * time.Second
)

// Server answers the contract. It is safe for concurrent use.
type Server struct {
	config   Config
	contract *contract
	problems *problemTable
	returns  *returnPages
	// callbacks remembers calls of providers for a while.
	callbacks *callbacks
	engine    *gin.Engine
	// specs keeps some of the specs that live attempts ask for each second. A
	// spec never changes, so an entry never has to go.
	specs *lru.Cache[specKey, signing.Spec]
	// attempts keeps live attempts by id, for as long as their orders are
	// followed; what ended is never answered from here.
	attempts *lru.Cache[signing.AttemptID, signing.Attempt]
}

type specKey struct {
	tenant     signing.TenantID
	collection signing.CollectionID
}

var _ gen.StrictServerInterface = (*Server)(nil)

// New makes a Server, or says which field of its configuration is wrong.
func New(c Config) (*Server, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	s := &Server{config: c}
	var err error
	if s.contract, err = loadContract(); err != nil {
		return nil, err
	}
	if s.problems, err = loadProblems(); err != nil {
		return nil, err
	}
	if s.returns, err = loadReturnPages(); err != nil {
		return nil, err
	}
	if s.callbacks, err = newCallbacks(); err != nil {
		return nil, fmt.Errorf("make the memory of callbacks: %w", err)
	}
	if s.specs, err = lru.New[specKey, signing.Spec](specsInMemory); err != nil {
		return nil, fmt.Errorf("make the cache of specs: %w", err)
	}
	if s.attempts, err = lru.New[signing.AttemptID, signing.Attempt](attemptsInMemory); err != nil {
		return nil, fmt.Errorf("make the cache of attempts: %w", err)
	}
	s.engine = s.routes()
	return s, nil
}

func (c *Config) complete() error {
	for name, missing := range map[string]bool{
		"Intake": c.Intake == nil, "Documents": c.Documents == nil, "Records": c.Records == nil, "Claims": c.Claims == nil,
		"Links": c.Links == nil, "Orchestrator": c.Orchestrator == nil, "Accounts": c.Accounts == nil, "Conditions": c.Conditions == nil, "Keyed": c.Keyed == nil,
		"Callbacks": c.Callbacks == nil, "Orders": c.Orders == nil,
		"Log": c.Log == nil, "Clock": c.Clock == nil, "Entropy": c.Entropy == nil,
	} {
		if missing {
			return fmt.Errorf("api: %s is required", name)
		}
	}
	if page, err := url.Parse(c.SignerPage); c.SignerPage != "" && (err != nil || page.Host == "" || page.Fragment != "") {
		return errors.New("api: SignerPage must be an address without a fragment, such as https://sign.example.com/")
	}
	if c.PublicURL = strings.TrimSuffix(c.PublicURL, "/"); c.PublicURL != "" && (!validReturnURL(c.PublicURL) || strings.Contains(c.PublicURL, "?")) {
		return errors.New("api: PublicURL must be an https address, such as https://sign.example.com")
	}
	setDefault(&c.ProblemBase, "/problems/")
	setDefault(&c.LinkLife, 72*time.Hour)
	setDefault(&c.LinkGrace, 24*time.Hour)
	setDefault(&c.MaxUpload, defaultUpload)
	setDefault(&c.UploadTime, 15*time.Minute)
	setDefault(&c.StopTime, 30*time.Second)
	return nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// routes builds the one chain that every request passes.
func (s *Server) routes() *gin.Engine {
	gin.SetMode(gin.ReleaseMode) // its other modes print to standard output
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash, e.RedirectFixedPath = false, false
	e.ForwardedByClientIP = false // see clientIP
	// An encoded slash is part of an id, which it makes none, and not of the route:
	// a proxy that judges by the path must see the same one (RFC 3986 2.2).
	e.UseRawPath = true
	e.Use(s.account, s.recover)
	e.NoRoute(func(c *gin.Context) { s.problem(c, errNoRoute) })
	e.NoMethod(func(c *gin.Context) { s.problem(c, errNoMethod) })
	answers := e.Group("", s.authenticate, s.negotiate, s.limit, s.validate)
	toProblem := func(c *gin.Context, err error) { s.problem(c, err) }
	// Binding repeats what validate has done, so its errors say no more than
	// that a parameter is wrong; their texts would quote values.
	badParameter := func(c *gin.Context, _ error) { s.problem(c, errParameter) }
	gen.RegisterHandlersWithOptions(answers,
		gen.NewStrictHandlerWithOptions(s, nil, gen.StrictGinServerOptions{
			RequestErrorHandlerFunc:  func(c *gin.Context, _ error) { s.problem(c, errRequest) },
			HandlerErrorFunc:         toProblem,
			ResponseErrorHandlerFunc: toProblem,
		}),
		gen.GinServerOptions{ErrorHandler: func(c *gin.Context, err error, _ int) { badParameter(c, err) }})
	return e
}

// Handler returns the server's handler, with tracing around it.
func (s *Server) Handler() http.Handler {
	return otelhttp.NewHandler(s.engine, "http", otelhttp.WithSpanNameFormatter(
		func(_ string, r *http.Request) string { return r.Method }))
}

// Serve answers requests on l until ctx ends, then lets those under way finish,
// and closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: requestTime,
		ReadTimeout:       requestTime, // limit gives uploads more
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		// What net/http would answer by itself has neither our headers nor a log.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(s.config.Log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	release := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.StopTime)
		defer cancel()
		stopped <- server.Shutdown(grace)
	})
	defer release()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the API: %w", err)
	}
	if err := <-stopped; err != nil {
		_ = server.Close()
		return fmt.Errorf("stop the API: %w", err)
	}
	return nil
}
