package sbab

import (
	"cmp"
	"crypto/tls"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/pki"
)

// The credentials of the account until the settings say otherwise.
const (
	ClientID     = "simulated-client"
	ClientSecret = "simulated-client-secret"
	SandboxKey   = "simulated-sandbox-key"
)

// Options assemble a server. All but ClientSecret are required.
type Options struct {
	BankID  *bankid.Server
	PKI     *pki.PKI
	Clock   func() time.Time
	Entropy io.Reader // must be safe for concurrent use
	// ClientSecret is the account's, instead of [ClientSecret].
	ClientSecret string
}

// Settings are the account, and assumptions about what SBAB does not document.
type Settings struct {
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	SandboxKey   string `json:"sandboxKey"`
	// TokenLife is what expires_in says, and holds.
	TokenLife faults.Duration `json:"tokenLife"`
	// EndUserIPHeader is where SBAB has the address of the person from, for its
	// conflict rules; without it in a request, the address is the caller's.
	EndUserIPHeader string `json:"endUserIpHeader"`
	// InitiatedFor is how long a signing is INITIATED before it is PENDING.
	InitiatedFor faults.Duration `json:"initiatedFor"`
	// FailedStatus is what a failed BankID order becomes: COLLECT_ERROR, which
	// says no more, or FAILED with a hint, or any other word.
	FailedStatus string `json:"failedStatus"`
	// Misspelt has INITATED for INITIATED, and CamelHint hintCode for hint_code: both
	// spellings stand in SBAB's text.
	Misspelt  bool `json:"misspelt"`
	CamelHint bool `json:"camelHint"`
	// Echo adds participant_id to the answers of collect.
	Echo bool `json:"echo"`
	// WithoutType leaves type out of problem bodies, as one of SBAB's examples does.
	WithoutType bool `json:"withoutType"`
	// AddressBlock, PhoneBlock and MixedBlock are how long a person is blocked after
	// starts from two addresses, after two phone starts, and after one of each.
	AddressBlock faults.Duration `json:"addressBlock"`
	PhoneBlock   faults.Duration `json:"phoneBlock"`
	MixedBlock   faults.Duration `json:"mixedBlock"`
}

func defaults() Settings {
	return Settings{
		ClientID: ClientID, ClientSecret: ClientSecret, SandboxKey: SandboxKey,
		TokenLife: faults.Duration(30 * time.Minute), InitiatedFor: faults.Duration(time.Second), FailedStatus: statusError,
		AddressBlock: faults.Duration(3 * time.Minute), PhoneBlock: faults.Duration(time.Minute),
	}
}

// endpoints are the calls, and token.
var endpoints = []string{"start", "start/phone", "collect", "cancel", "token"}

// Server is a simulated SBAB. It is safe for concurrent use.
type Server struct {
	broker  *bankid.Broker
	pki     *pki.PKI
	clock   func() time.Time
	entropy io.Reader
	faults  *faults.Set
	first   Settings // what a server starts with

	mu           sync.Mutex
	settings     Settings                // guarded by mu
	participants map[string]*participant // guarded by mu, as is what they point to
	blocked      map[string]time.Time    // guarded by mu; person → until when
	tokens       map[string]token        // guarded by mu
	issued       int                     // guarded by mu; how many tokens were issued
}

// New returns a server.
func New(o Options) (*Server, error) {
	if o.BankID == nil || o.PKI == nil || o.Clock == nil || o.Entropy == nil {
		return nil, errors.New("simulated sbab: BankID, PKI, Clock and Entropy are required")
	}
	settings := defaults()
	settings.ClientSecret = cmp.Or(o.ClientSecret, settings.ClientSecret)
	return &Server{
		broker: o.BankID.Broker("Simulated SBAB"), pki: o.PKI, clock: o.Clock, entropy: o.Entropy,
		faults:   faults.NewSet(slices.Concat(faults.Transport(), []faults.Kind{UnknownReason}), endpoints),
		settings: settings, first: settings, participants: map[string]*participant{}, blocked: map[string]time.Time{}, tokens: map[string]token{},
	}, nil
}

// TLSConfig is for the listener of [Server.API].
func (s *Server) TLSConfig() *tls.Config {
	return s.faults.Handshake(&tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, Certificates: []tls.Certificate{s.pki.Server().TLS()},
	})
}
