// Package temporalserver embeds a real Temporal server with its web UI in a
// development stack: all four services in this process, one SQLite file, every
// port on the loopback interface, no call to the outside.
//
// What it acknowledged is on disk, so the process may be killed at any moment:
// the next start goes on where the workflows were. It is for development. A
// real installation runs Temporal of its own, or Temporal Cloud.
package temporalserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/temporal"

	"github.com/handslag/handslag/dev/loopback"
)

// Options say how to run the server.
type Options struct {
	// Dir keeps the database. One process may use it at a time; whoever calls
	// [Start] sees to that.
	Dir string
	// LogFile receives the server's own log, JSON lines, appended.
	LogFile string
	// Port of the gRPC frontend and UIPort of the web UI; 0 finds a free one.
	Port, UIPort int
	// Namespace is made where it is missing, with the retention of closed
	// workflows, which later starts leave as it is.
	Namespace string
	Retention time.Duration
	// SearchAttributes are registered in the namespace where they are missing.
	SearchAttributes map[string]enumspb.IndexedValueType
	// CodecEndpoint is where the web UI has payloads decoded; empty means that
	// it shows them as they are stored.
	CodecEndpoint string
	// Fresh begins with an empty database where there is only one of another
	// server version, which stays where it is.
	Fresh bool
}

// Server is a running server.
type Server struct {
	// Address is host:port of the frontend, UI the address of the web UI.
	Address, UI string

	server temporal.Server
	web    *webUI
}

// Start starts the server and returns when it serves: the namespace is there,
// the search attributes can be used, the web UI answers. If the only database
// there is was made by another version, the fault is temporal_version_changed.
func Start(ctx context.Context, o Options) (*Server, error) {
	database, err := openDatabase(o)
	if err != nil {
		return nil, err
	}
	p, err := choosePorts(ctx, o)
	if err != nil {
		return nil, err
	}
	logger, err := fileLogger(o.LogFile)
	if err != nil {
		return nil, err
	}
	server, err := temporal.NewServer(
		temporal.WithConfig(serverConfig(database, p)),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(p.hosts()),
		temporal.WithDynamicConfigClient(settings()),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return authorization.NewNoopClaimMapper() }),
		temporal.WithLogger(logger),
	)
	if err != nil {
		return nil, fmt.Errorf("make Temporal server: %w", err)
	}
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("start Temporal server: %w", err)
	}
	s := &Server{Address: loopback.Address(p.frontend), server: server}
	if err := s.serve(ctx, o, p, logger); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// serve does what is to be done once the services run.
func (s *Server) serve(ctx context.Context, o Options, p ports, logger log.Logger) error {
	c, err := dial(ctx, client.Options{HostPort: s.Address, Namespace: o.Namespace, Logger: log.NewSdkLogger(logger)})
	if err != nil {
		return err
	}
	defer c.Close()
	if err := registerSearchAttributes(ctx, c, o.Namespace, o.SearchAttributes); err != nil {
		return err
	}
	s.web, err = startUI(ctx, s.Address, p.ui, o)
	if err != nil {
		return err
	}
	s.UI = s.web.address
	return nil
}

// Stop ends the server in order. Workflows stay as they are, on disk.
func (s *Server) Stop() error {
	if s.web != nil {
		s.web.stop()
	}
	if err := s.server.Stop(); err != nil {
		return fmt.Errorf("stop Temporal server: %w", err)
	}
	return nil
}

// fileLogger makes the server's logger. The file is made here, since the logger
// would hide the reason why it cannot be.
func fileLogger(path string) (log.Logger, error) {
	path, err := filepath.Abs(path) // a relative one is taken for a URL
	if err != nil {
		return nil, fmt.Errorf("resolve log of Temporal: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log of Temporal: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("open log of Temporal: %w", err)
	}
	return log.NewZapLogger(log.BuildZapLogger(log.Config{OutputFile: path, Level: "info"})), nil
}
