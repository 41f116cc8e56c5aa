package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/handslag/handslag/simulator"
	"github.com/handslag/handslag/simulator/pki"
)

// worldCommand serves the simulated world alone, for an installation of
// containers. Unlike the rest of this program it may listen on more than the
// loopback interface: whoever lets it, keeps the network private.
type worldCommand struct {
	Dir    string   `required:"" help:"Folder of certificates, trust anchors (trust/) and state." type:"path"`
	Listen string   `default:"127.0.0.1" help:"Address to listen on."`
	Host   []string `help:"Further names that the world is reached by, for its certificate."`
	BankID int      `default:"8443" name:"bankid-port" help:"Port of the simulated BankID Relying Party API."`
	Person int      `default:"8444" name:"person-port" help:"Port of the simulated BankID app."`
	TSA    int      `default:"8445" name:"tsa-port" help:"Port of the timestamp authority."`
}

// Run is the command.
func (c *worldCommand) Run(ctx context.Context) error {
	certificates, err := pki.Open(c.Dir, pki.Options{Clock: time.Now, Entropy: rand.Reader, Hosts: c.Host})
	if err != nil {
		return fmt.Errorf("open the simulated world's certificates: %w", err)
	}
	if err := certificates.WriteTrust(filepath.Join(c.Dir, "trust")); err != nil {
		return fmt.Errorf("write trust anchors: %w", err)
	}
	simulated, err := simulator.New(simulator.Options{
		PKI: certificates, Clock: time.Now, Entropy: rand.Reader,
		StateFile: filepath.Join(c.Dir, "world.json"),
	})
	if err != nil {
		return fmt.Errorf("start the simulated world: %w", err)
	}
	return c.serve(ctx, map[int]http.Handler{
		c.BankID: simulated.RPAPI(), c.Person: simulated.Control(), c.TSA: simulated.Timestamp(),
	}, simulated.RPTLS())
}

// serve serves until ctx ends or a server does.
func (c *worldCommand) serve(ctx context.Context, parts map[int]http.Handler, bankid *tls.Config) error {
	ended := make(chan error, len(parts))
	for port, handler := range parts {
		address := net.JoinHostPort(c.Listen, fmt.Sprint(port))
		var listen net.ListenConfig
		listener, err := listen.Listen(ctx, "tcp", address)
		if err != nil {
			return fmt.Errorf("listen for the simulated world: %w", err)
		}
		if port == c.BankID {
			listener = tls.NewListener(listener, bankid)
		}
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
		defer server.Close() //nolint:errcheck // it ends with the process
		go func() { ended <- server.Serve(listener) }()
		fmt.Println("simulated world: listens on", address)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return errors.Join(errors.New("a server of the simulated world has ended"), err)
	}
}
