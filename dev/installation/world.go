package installation

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/handslag/handslag/dev/loopback"
	"github.com/handslag/handslag/simulator"
	"github.com/handslag/handslag/simulator/idkollen"
	"github.com/handslag/handslag/simulator/person"
	"github.com/handslag/handslag/simulator/pki"
)

// World is the simulated world, in this process: each provider on a port of its
// own, by TLS as the real one.
type World struct {
	BankID         string // address of the Relying Party API
	IDkollen       string // addresses of the others' APIs
	SBAB           string
	SBABTokens     string
	Qrona          string
	Signicat       string
	SignicatTokens string
	Callbacks      string // address by which providers reach our API
	Person         string // address of the persons' apps: pages and a control API
	TSA            string // address of the timestamp authority
	SecondTSA      string // address of one under another root
	Status         string // address of the service that tells the status of certificates
	Certificates   *pki.PKI
	Credentials    Credentials

	forward *callbacks
	servers []*http.Server
	served  served
	ended   chan error
	stop    context.CancelFunc
	running sync.WaitGroup
}

// App returns a client that plays persons.
func (w *World) App() *person.App { return person.New(w.Person, &http.Client{Timeout: time.Minute}) }

// WorldPorts are the ports of a world. Zero finds a free one.
type WorldPorts struct {
	BankID, Person, TSA, IDkollen, SBAB, Qrona, Signicat, Callbacks int
}

func (p WorldPorts) named() map[string]int {
	return map[string]int{
		"the simulated BankID": p.BankID, "the simulated BankID app": p.Person, "the timestamp authority": p.TSA,
		"the simulated IDkollen": p.IDkollen, "the simulated SBAB": p.SBAB, "the simulated Qrona": p.Qrona,
		"the simulated Signicat": p.Signicat, "the entrance for callbacks": p.Callbacks,
	}
}

// WorldOptions say where a simulated world keeps what lasts and listens.
type WorldOptions struct {
	Certificates string // folder; making what is in it takes seconds
	Trust        string // folder that the trust anchors are written to
	Credentials  string // folder of the accounts' secrets
	// StateFile keeps BankID's persons, live orders and uncollected answers. What
	// the other providers know of an order does not outlive the world.
	StateFile string
	// Listen is the address to listen on, the loopback interface unless set, and
	// Hosts are further names that others reach it by.
	Listen string
	Hosts  []string
	Ports  WorldPorts
	// Watch is put around the Relying Party API, for measurements.
	Watch func(http.Handler) http.Handler
}

// StartWorld starts the simulators and writes their trust anchors. It listens
// before it has certificates, since these name an address that it serves.
func StartWorld(ctx context.Context, o WorldOptions) (*World, error) {
	if o.Listen == "" {
		o.Listen = loopback.Host
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	w := &World{ended: make(chan error, 1), forward: newCallbacks(), stop: stop}
	doors, err := open(ctx, o)
	if err == nil {
		err = w.start(ctx, running, o, doors)
	}
	if err != nil {
		w.Stop()
		doors.close() // those that are served are closed already
		return nil, err
	}
	return w, nil
}

func (w *World) start(ctx, running context.Context, o WorldOptions, d doors) error {
	w.name(d)
	var err error
	if w.Credentials, err = keepCredentials(o.Credentials); err != nil {
		return err
	}
	clock := simulator.NewClock(time.Now)
	w.Certificates, err = pki.Open(o.Certificates, pki.Options{
		Clock: clock.Now, Entropy: rand.Reader, Hosts: o.Hosts, StatusURL: w.Status,
	})
	if err != nil {
		return fmt.Errorf("open the simulated world's certificates: %w", err)
	}
	if err := w.Certificates.WriteTrust(o.Trust); err != nil {
		return fmt.Errorf("write trust anchors: %w", err)
	}
	account := idkollen.Demo()
	account.Secret, account.CallbackKey = w.Credentials.IDkollenSecret, w.Credentials.IDkollenCallbackKey
	account.CallbackHosts = []string{d.host(d.callbacks)}
	simulated, err := simulator.New(simulator.Options{
		PKI: w.Certificates, Hands: clock, Entropy: rand.Reader, StateFile: o.StateFile, IDkollen: []idkollen.Account{account},
		SBABSecret: w.Credentials.SBABSecret, QronaToken: w.Credentials.QronaToken, SignicatSecret: w.Credentials.SignicatSecret,
		Callbacks: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{
			RootCAs: w.Certificates.ServerRoots(), MinVersion: tls.VersionTLS12, Time: clock.Now,
		}}},
	})
	if err != nil {
		return fmt.Errorf("start the simulated world: %w", err)
	}
	w.open(simulated, d, o.Watch)
	w.running.Go(func() { simulated.IDkollen().Run(running) })
	context.AfterFunc(running, simulated.Signicat().Close)
	return w.setSignicat(ctx)
}

// open serves each part of the world at its door.
func (w *World) open(simulated *simulator.World, d doors, watch func(http.Handler) http.Handler) {
	authorities := http.NewServeMux()
	authorities.Handle("/tsa", simulated.Timestamp())
	authorities.Handle("/tsa2", simulated.SecondTimestamp())
	api := w.served.watch(simulated.RPAPI())
	if watch != nil {
		api = watch(api)
	}
	w.serve(api, tls.NewListener(d.bankID, simulated.RPTLS()))
	w.serve(simulated.IDkollen().API(), tls.NewListener(d.idkollen, simulated.IDkollen().TLSConfig()))
	w.serve(simulated.SBAB(), tls.NewListener(d.sbab, simulated.SBABTLS()))
	w.serve(simulated.Qrona(), tls.NewListener(d.qrona, simulated.QronaTLS()))
	w.serve(simulated.Signicat().API(), tls.NewListener(d.signicat, simulated.Signicat().TLSConfig()))
	w.serve(w.forward, tls.NewListener(d.callbacks, &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{w.Certificates.Server().TLS()},
	}))
	w.serve(simulated.Control(), d.person)
	w.serve(below("/status", simulated.Status(), authorities), d.tsa)
}

// setSignicat has the simulated Signicat's dashboard say where its people sign
// and whom it tells.
func (w *World) setSignicat(ctx context.Context) error {
	b, err := json.Marshal(map[string]any{"signUrl": w.Person, "webhook": map[string]string{
		"url": w.Callbacks + signicatCallbacks, "secret": w.Credentials.SignicatWebhook, "header": "X-Signicat-Signature", "encoding": "hex",
	}})
	if err != nil {
		return fmt.Errorf("encode Signicat's settings: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, w.Person+"/v1/signicat/settings", bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("set up the simulated Signicat: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := (&http.Client{Timeout: 10 * time.Second}).Do(r)
	if err != nil {
		return fmt.Errorf("set up the simulated Signicat: %w", err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("set up the simulated Signicat: it answers %s", answer.Status), err)
	}
	return nil
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
	w.stop()
	for _, s := range w.servers {
		_ = s.Close()
	}
	w.running.Wait()
}
