package installation

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strconv"
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
	ended        chan error
}

// App returns a client that plays persons.
func (w *World) App() *person.App { return person.New(w.Person, &http.Client{Timeout: time.Minute}) }

// WorldOptions say where a simulated world keeps what lasts and listens.
type WorldOptions struct {
	Certificates string // folder; making what is in it takes seconds
	Trust        string // folder that the trust anchors are written to
	StateFile    string // persons, live orders and uncollected answers
	// Listen is the address to listen on, the loopback interface unless set, and
	// Hosts are further names that others reach it by.
	Listen              string
	Hosts               []string
	BankID, Person, TSA int // ports; zero finds a free one
}

// StartWorld starts the simulators and writes their trust anchors.
func StartWorld(ctx context.Context, o WorldOptions) (*World, error) {
	certificates, err := pki.Open(o.Certificates, pki.Options{Clock: time.Now, Entropy: rand.Reader, Hosts: o.Hosts})
	if err != nil {
		return nil, fmt.Errorf("open the simulated world's certificates: %w", err)
	}
	if err := certificates.WriteTrust(o.Trust); err != nil {
		return nil, fmt.Errorf("write trust anchors: %w", err)
	}
	simulated, err := simulator.New(simulator.Options{
		PKI: certificates, Clock: time.Now, Entropy: rand.Reader, StateFile: o.StateFile,
	})
	if err != nil {
		return nil, fmt.Errorf("start the simulated world: %w", err)
	}
	if o.Listen == "" {
		o.Listen = loopback.Host
	}
	w := &World{Certificates: certificates, ended: make(chan error, 1)}
	for _, part := range []struct {
		port    int
		handler http.Handler
		tls     *tls.Config
		url     *string
		form    string
	}{
		{o.BankID, w.served.watch(simulated.RPAPI()), simulated.RPTLS(), &w.BankID, "https://%s/rp/v6.0"},
		{o.Person, simulated.Control(), nil, &w.Person, "http://%s"},
		{o.TSA, simulated.Timestamp(), nil, &w.TSA, "http://%s/tsa"},
	} {
		var listen net.ListenConfig
		listener, err := listen.Listen(ctx, "tcp", net.JoinHostPort(o.Listen, strconv.Itoa(part.port)))
		if err != nil {
			w.Stop()
			return nil, fmt.Errorf("listen for the simulated world: %w", err)
		}
		*part.url = fmt.Sprintf(part.form, listener.Addr())
		if part.tls != nil {
			listener = tls.NewListener(listener, part.tls)
		}
		w.serve(&http.Server{Handler: part.handler, ReadHeaderTimeout: 10 * time.Second}, listener)
	}
	return w, nil
}

func (w *World) serve(server *http.Server, listener net.Listener) {
	w.servers = append(w.servers, server)
	go func() {
		err := server.Serve(listener)
		select {
		case w.ended <- err:
		default: // another one ended first
		}
	}()
}

// Ended yields why the first of the world's servers ended.
func (w *World) Ended() <-chan error { return w.ended }

// Stop ends the world at once.
func (w *World) Stop() {
	for _, s := range w.servers {
		_ = s.Close()
	}
}
