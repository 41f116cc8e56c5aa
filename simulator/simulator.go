package simulator

import (
	"cmp"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/idkollen"
	"github.com/handslag/handslag/simulator/pki"
	"github.com/handslag/handslag/simulator/qrona"
	"github.com/handslag/handslag/simulator/revocation"
	"github.com/handslag/handslag/simulator/sbab"
	"github.com/handslag/handslag/simulator/signicat"
	"github.com/handslag/handslag/simulator/tsa"
)

// Options assemble a world.
type Options struct {
	PKI     *pki.PKI         // required
	Clock   func() time.Time // required, unless Hands is set
	Entropy io.Reader        // required; must be safe for concurrent use
	// Hands is the world's clock itself, for who gives the PKI the same; nil makes
	// one over Clock.
	Hands *Clock
	// StateFile keeps BankID's persons, live orders and uncollected results over
	// a restart. Empty keeps them in memory.
	StateFile string
	// IDkollen is who has an account at IDkollen; empty is [idkollen.Demo] alone.
	IDkollen []idkollen.Account
	// SBABSecret, QronaToken and SignicatSecret are what our accounts there are
	// told by; empty is what their packages say.
	SBABSecret, QronaToken, SignicatSecret string
	// Callbacks sends what providers tell by callback. Nil sends nothing of
	// IDkollen's, and Signicat's events by the system's trust in servers.
	Callbacks *http.Client
}

// World is the assembled simulators. It is safe for concurrent use.
type World struct {
	bankid      *bankid.Server
	qrona       *qrona.Server
	idkollen    *idkollen.Server
	sbab        *sbab.Server
	tsa         *tsa.Authority
	second      *tsa.Authority
	status      *revocation.Service
	signicat    *signicat.Server
	revocations revocations
	clock       *Clock
}

// eventTimeout bounds a call by which a simulated provider pushes.
const eventTimeout = 5 * time.Second

// New returns a world.
func New(o Options) (*World, error) {
	if o.Hands == nil && o.Clock == nil {
		return nil, errors.New("simulator: Clock is required")
	}
	if o.Hands == nil {
		o.Hands = NewClock(o.Clock)
	}
	w := &World{clock: o.Hands}
	clock := w.clock.Now
	var err error
	w.bankid, err = bankid.New(bankid.Options{PKI: o.PKI, Clock: clock, Entropy: o.Entropy, StateFile: o.StateFile})
	if err != nil {
		return nil, err
	}
	w.qrona, err = qrona.New(qrona.Options{BankID: w.bankid, PKI: o.PKI, Clock: clock, Token: o.QronaToken})
	if err != nil {
		return nil, err
	}
	accounts := o.IDkollen
	if len(accounts) == 0 {
		accounts = []idkollen.Account{idkollen.Demo()}
	}
	w.idkollen, err = idkollen.New(idkollen.Options{
		BankID: w.bankid, PKI: o.PKI, Clock: clock, Entropy: o.Entropy, Accounts: accounts, Callbacks: o.Callbacks,
	})
	if err != nil {
		return nil, err
	}
	w.sbab, err = sbab.New(sbab.Options{BankID: w.bankid, PKI: o.PKI, Clock: clock, Entropy: o.Entropy, ClientSecret: o.SBABSecret})
	if err != nil {
		return nil, err
	}
	w.tsa, err = tsa.New(tsa.Options{PKI: o.PKI, Clock: clock, Entropy: o.Entropy})
	if err != nil {
		return nil, err
	}
	another := o.PKI.SecondTSA()
	w.second, err = tsa.New(tsa.Options{PKI: o.PKI, Clock: clock, Entropy: o.Entropy, Identity: &another})
	if err != nil {
		return nil, err
	}
	w.status, err = revocation.New(revocation.Options{PKI: o.PKI, Clock: clock, Entropy: o.Entropy})
	if err != nil {
		return nil, err
	}
	account := signicat.DefaultClient()
	account.Secret = cmp.Or(o.SignicatSecret, account.Secret)
	if o.Callbacks == nil {
		o.Callbacks = &http.Client{Timeout: eventTimeout}
	}
	w.signicat, err = signicat.New(signicat.Options{
		PKI: o.PKI, Clock: clock, Entropy: o.Entropy, Timestamp: w.tsa, Status: w.status, HTTP: o.Callbacks,
		Clients: []signicat.Client{account},
	})
	if err != nil {
		return nil, err
	}
	w.revocations = revocations{o.PKI, clock}
	return w, nil
}

// RPAPI serves BankID's Relying Party API under /rp/v6.0/, on a listener with
// [World.RPTLS].
func (w *World) RPAPI() http.Handler { return w.bankid.API() }

// RPTLS is for the listener of [World.RPAPI]: mutual TLS, HTTP/1.1.
func (w *World) RPTLS() *tls.Config { return w.bankid.TLSConfig() }

// Qrona serves Qrona's API at the root, on a listener with [World.QronaTLS].
func (w *World) Qrona() http.Handler { return w.qrona.API() }

// QronaTLS is for the listener of [World.Qrona].
func (w *World) QronaTLS() *tls.Config { return w.qrona.TLSConfig() }

// IDkollen is the broker: its API, the TLS of that, and its callbacks.
func (w *World) IDkollen() *idkollen.Server { return w.idkollen }

// SBAB serves SBAB's Signing API, its token endpoint, and its sandbox below
// /sandbox, on a listener with [World.SBABTLS].
func (w *World) SBAB() http.Handler { return w.sbab.API() }

// SBABTLS is for the listener of [World.SBAB].
func (w *World) SBABTLS() *tls.Config { return w.sbab.TLSConfig() }

// Timestamp serves RFC 3161 on every path.
func (w *World) Timestamp() http.Handler { return w.tsa }

// SecondTimestamp serves RFC 3161 on every path, by an authority of another root.
func (w *World) SecondTimestamp() http.Handler { return w.second }

// Status serves OCSP, CRLs and the certificates of authorities. It belongs at
// the address that the PKI was given as StatusURL.
func (w *World) Status() http.Handler { return w.status }

// Signicat serves the Sign API, on a listener with its own TLS configuration.
// Its people sign at /sign/ of [World.Control].
func (w *World) Signicat() *signicat.Server { return w.signicat }

// Control serves the control API of the whole world under /v1/, at / the page of
// the simulated BankID app, and at /sign/ that of the simulated Norwegian one.
// Mount it on loopback: it knows no passwords.
func (w *World) Control() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/sign/", w.signicat.Pages())
	mux.Handle("/", w.control())
	return mux
}

func (w *World) control() http.Handler {
	return w.bankid.Control(func(mux *http.ServeMux) {
		w.qrona.Mount(mux)
		w.idkollen.Mount(mux, "/v1/idkollen")
		w.sbab.Mount(mux)
		w.tsa.Faults().Mount(mux, "/v1/tsa/faults")
		w.second.Faults().Mount(mux, "/v1/tsa2/faults")
		w.status.Faults().Mount(mux, "/v1/status/faults")
		w.signicat.Mount(mux)
		mux.HandleFunc("GET /v1/revocations", w.revocations.list)
		mux.HandleFunc("POST /v1/revocations", w.revocations.revoke)
		w.mountClock(mux)
	})
}
