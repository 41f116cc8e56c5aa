package installation

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/handslag/handslag/dev/loopback"
	"github.com/handslag/handslag/simulator"
	"github.com/handslag/handslag/simulator/person"
	"github.com/handslag/handslag/simulator/pki"
)

// World is the simulated world, in this process.
type World struct {
	BankID       string // address of the Relying Party API
	Person       string // address of the person's app: a page and a control API
	TSA          string // address of the timestamp authority
	Certificates *pki.PKI
	servers      []*http.Server
	served       served
}

// App returns a client that plays persons.
func (w *World) App() *person.App { return person.New(w.Person, &http.Client{Timeout: time.Minute}) }

// startWorld starts the simulators and writes their trust anchors.
func startWorld(ctx context.Context, o Options, trust string) (*World, error) {
	certificates, err := pki.Open(o.World, pki.Options{Clock: time.Now, Entropy: rand.Reader})
	if err != nil {
		return nil, fmt.Errorf("open the simulated world's certificates: %w", err)
	}
	if err := certificates.WriteTrust(trust); err != nil {
		return nil, fmt.Errorf("write trust anchors: %w", err)
	}
	simulated, err := simulator.New(simulator.Options{
		PKI: certificates, Clock: time.Now, Entropy: rand.Reader,
		StateFile: filepath.Join(o.Home.Dir(), "world.json"),
	})
	if err != nil {
		return nil, fmt.Errorf("start the simulated world: %w", err)
	}
	w := &World{Certificates: certificates}
	for _, part := range []struct {
		port    int
		handler http.Handler
		tls     *tls.Config
		url     *string
		form    string
	}{
		{o.Ports.BankID, w.served.watch(simulated.RPAPI()), simulated.RPTLS(), &w.BankID, "https://%s/rp/v6.0"},
		{o.Ports.Person, simulated.Control(), nil, &w.Person, "http://%s"},
		{o.Ports.TSA, simulated.Timestamp(), nil, &w.TSA, "http://%s/tsa"},
	} {
		var listen net.ListenConfig
		listener, err := listen.Listen(ctx, "tcp", loopback.Address(part.port))
		if err != nil {
			w.stop()
			return nil, fmt.Errorf("listen for the simulated world: %w", err)
		}
		*part.url = fmt.Sprintf(part.form, listener.Addr())
		if part.tls != nil {
			listener = tls.NewListener(listener, part.tls)
		}
		server := &http.Server{Handler: part.handler, ReadHeaderTimeout: 10 * time.Second}
		w.servers = append(w.servers, server)
		go func() { _ = server.Serve(listener) }() // ends with stop
	}
	return w, nil
}

func (w *World) stop() {
	for _, s := range w.servers {
		_ = s.Close()
	}
}
