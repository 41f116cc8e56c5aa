package idkollen

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/pki"
)

// Account is a customer of IDkollen.
type Account struct {
	ID, Secret string
	// CallbackKey signs callbacks. IDkollen gives it on request; without one,
	// callbacks are not signed.
	CallbackKey string
	// CallbackHosts are the hosts, with their ports, that a callback may go to.
	CallbackHosts []string
	// CompanySignatory says that orgNumber is enabled.
	CompanySignatory bool
}

// Demo is an account for the development stack, without callbacks.
func Demo() Account { return Account{ID: "simulated", Secret: "simulated", CompanySignatory: true} }

// Options assemble a server.
type Options struct {
	BankID   *bankid.Server   // required
	PKI      *pki.PKI         // required; who the API is in TLS
	Clock    func() time.Time // required
	Entropy  io.Reader        // required; must be safe for concurrent use
	Accounts []Account        // at least one
	// Callbacks sends callbacks; nil sends none.
	Callbacks *http.Client
}

// Server is a simulated IDkollen. It is safe for concurrent use.
type Server struct {
	o      Options
	broker *bankid.Broker
	faults *faults.Set

	mu         sync.Mutex
	settings   Settings             // guarded by mu
	orders     map[string]*order    // guarded by mu
	asked      map[string]time.Time // guarded by mu; when a status was last told, by id or account
	deliveries []*delivery          // guarded by mu
	signatory  map[string]string    // guarded by mu; what is said of a company, by its number
}

// Settings are assumptions about behaviour that IDkollen does not document.
type Settings struct {
	// PerAccount counts the one status call per second over all orders of an
	// account, instead of over each order.
	PerAccount bool `json:"perAccount"`
	// RateLimitStatus is the answer to a status call that comes too early.
	RateLimitStatus int `json:"rateLimitStatus"`
	// Retention is how long an order's status is told after it ended.
	Retention faults.Duration `json:"retention"`
	// CancelledIsGone makes the status of an order that its customer cancelled 404.
	CancelledIsGone bool `json:"cancelledIsGone"`
	// CancelEndedIsFine answers 204 to the cancellation of an order that had ended.
	CancelEndedIsFine bool `json:"cancelEndedIsFine"`
	// DigestAsIs sends digest to BankID as it is, instead of in base64.
	DigestAsIs bool `json:"digestAsIs"`
	// CallbackTries is how often a callback is sent that is not answered with 204,
	// and CallbackPause the time between two tries.
	CallbackTries int             `json:"callbackTries"`
	CallbackPause faults.Duration `json:"callbackPause"`
	// CallbackDelay is how long after the end of an order its callback is sent.
	CallbackDelay faults.Duration `json:"callbackDelay"`
}

// DefaultSettings is what a server starts with.
func DefaultSettings() Settings {
	return Settings{
		RateLimitStatus: http.StatusTooManyRequests, Retention: faults.Duration(10 * time.Minute),
		CallbackTries: 3, CallbackPause: faults.Duration(10 * time.Second),
	}
}

// Faults that only IDkollen has.
const (
	UnknownError faults.Kind = "unknownError" // 400 with [UnknownCode]
	GatewayPage  faults.Kind = "gatewayPage"  // 503 with a page, as a proxy would

	OtherPerson    faults.Kind = "otherPerson"    // COMPLETED by somebody else
	OtherOrder     faults.Kind = "otherOrder"     // an answer about another order
	UnknownStatus  faults.Kind = "unknownStatus"  // a status that is not known yet
	UnknownFailure faults.Kind = "unknownFailure" // FAILED with [UnknownCode]

	CallbackLost      faults.Kind = "callbackLost"      // never sent
	CallbackDuplicate faults.Kind = "callbackDuplicate" // sent twice
	CallbackLate      faults.Kind = "callbackLate"      // sent after Delay
	CallbackUnsigned  faults.Kind = "callbackUnsigned"  // without signature
	CallbackWrongKey  faults.Kind = "callbackWrongKey"  // signed with another key
	CallbackTampered  faults.Kind = "callbackTampered"  // changed after it was signed
)

// UnknownCode is an error that no client can know.
const UnknownCode = "SIMULATED_UNKNOWN"

var ours = []faults.Kind{
	UnknownError, GatewayPage, OtherPerson, OtherOrder, UnknownStatus, UnknownFailure,
	CallbackLost, CallbackDuplicate, CallbackLate, CallbackUnsigned, CallbackWrongKey, CallbackTampered,
}

// The endpoints, as faults name them.
const (
	status   = "status"
	cancel   = "cancel"
	callback = "callback"
)

// New returns a server.
func New(o Options) (*Server, error) {
	if o.BankID == nil || o.PKI == nil || o.Clock == nil || o.Entropy == nil || len(o.Accounts) == 0 {
		return nil, errors.New("simulated idkollen: BankID, PKI, Clock, Entropy and an account are required")
	}
	return &Server{
		o: o, broker: o.BankID.Broker("IDkollen"),
		faults:   faults.NewSet(slices.Concat(faults.Transport(), ours), slices.Concat(starts, []string{status, cancel, callback})),
		settings: DefaultSettings(), orders: map[string]*order{}, asked: map[string]time.Time{}, signatory: map[string]string{},
	}, nil
}

// TLSConfig is for the listener of [Server.API]. HTTP/1.1 alone is offered, so
// that a cut connection is one lost request.
func (s *Server) TLSConfig() *tls.Config {
	return s.faults.Handshake(&tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, Certificates: []tls.Certificate{s.o.PKI.Server().TLS()},
	})
}
