package installation

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
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
	SecondTSA    string // address of one under another root
	Status       string // address of the service that tells the status of certificates
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

// StartWorld starts the simulators and writes their trust anchors. It listens
// before it has certificates, since these name an address that it serves.
func StartWorld(ctx context.Context, o WorldOptions) (*World, error) {
	if o.Listen == "" {
		o.Listen = loopback.Host
	}
	w := &World{ended: make(chan error, 1)}
	listeners, err := listen(ctx, o.Listen, o.BankID, o.Person, o.TSA)
	if err != nil {
		return nil, err
	}
	if err := w.start(o, listeners); err != nil {
		w.Stop()
		for _, l := range listeners {
			_ = l.Close() // those that are served are closed already
		}
		return nil, err
	}
	return w, nil
}

func listen(ctx context.Context, host string, ports ...int) ([]net.Listener, error) {
	var all []net.Listener
	for _, port := range ports {
		var config net.ListenConfig
		l, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			for _, open := range all {
				_ = open.Close() // it served nobody
			}
			return nil, fmt.Errorf("listen for the simulated world: %w", err)
		}
		all = append(all, l)
	}
	return all, nil
}

func (w *World) start(o WorldOptions, listeners []net.Listener) error {
	bankID, person, stamps := listeners[0], listeners[1], listeners[2]
	w.BankID = fmt.Sprintf("https://%s/rp/v6.0", bankID.Addr())
	w.Person = fmt.Sprintf("http://%s", person.Addr())
	w.TSA = fmt.Sprintf("http://%s/tsa", stamps.Addr())
	w.SecondTSA = fmt.Sprintf("http://%s/tsa2", stamps.Addr())
	w.Status = fmt.Sprintf("http://%s/status", stamps.Addr())
	if len(o.Hosts) > 0 { // who reads the certificates knows the world by that name
		_, port, err := net.SplitHostPort(stamps.Addr().String())
		if err != nil {
			return fmt.Errorf("name the status service: %w", err)
		}
		w.Status = fmt.Sprintf("http://%s/status", net.JoinHostPort(o.Hosts[0], port))
	}
	var err error
	w.Certificates, err = pki.Open(o.Certificates, pki.Options{
		Clock: time.Now, Entropy: rand.Reader, Hosts: o.Hosts, StatusURL: w.Status,
	})
	if err != nil {
		return fmt.Errorf("open the simulated world's certificates: %w", err)
	}
	if err := w.Certificates.WriteTrust(o.Trust); err != nil {
		return fmt.Errorf("write trust anchors: %w", err)
	}
	simulated, err := simulator.New(simulator.Options{
		PKI: w.Certificates, Clock: time.Now, Entropy: rand.Reader, StateFile: o.StateFile,
	})
	if err != nil {
		return fmt.Errorf("start the simulated world: %w", err)
	}
	authorities := http.NewServeMux()
	authorities.Handle("/tsa", simulated.Timestamp())
	authorities.Handle("/tsa2", simulated.SecondTimestamp())
	w.serve(w.served.watch(simulated.RPAPI()), tls.NewListener(bankID, simulated.RPTLS()))
	w.serve(simulated.Control(), person)
	w.serve(below("/status", simulated.Status(), authorities), stamps)
	return nil
}

// below serves a path and all under it by one handler, the rest by another. A
// ServeMux would clean the paths, and an OCSP request in a path may hold "//".
func below(prefix string, handler, others http.Handler) http.Handler {
	stripped := http.StripPrefix(prefix, handler)
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, prefix+"/") {
			stripped.ServeHTTP(out, r)
			return
		}
		others.ServeHTTP(out, r)
	})
}

func (w *World) serve(handler http.Handler, listener net.Listener) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
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
