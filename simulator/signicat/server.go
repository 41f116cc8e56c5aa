package signicat

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/pki"
)

// Client is an API client of an account.
type Client struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
	// NoSignatures lacks the permission for the Signature API.
	NoSignatures bool `json:"noSignatures,omitempty"`
}

// DefaultClient is there unless [Options] name others.
func DefaultClient() Client {
	return Client{ID: "sandbox-simulated-angle-164", Secret: "simulated-secret"}
}

// Options assemble a server.
type Options struct {
	PKI     *pki.PKI         // required
	Clock   func() time.Time // required
	Entropy io.Reader        // required; must be safe for concurrent use
	Clients []Client         // empty is DefaultClient
	// Timestamp and Status are the world's services, which signatures are made
	// with. Status may be nil where the PKI names no address; then there is no B-LT.
	Timestamp, Status http.Handler
	// HTTP delivers events; nil delivers none.
	HTTP *http.Client
}

// Server is a simulated Signicat. It is safe for concurrent use.
type Server struct {
	pki     *pki.PKI
	clock   func() time.Time
	entropy io.Reader
	clients []Client
	signer  signer
	faults  *faults.Set
	http    *http.Client

	events  sync.WaitGroup
	closing context.Context
	close   context.CancelFunc

	mu       sync.Mutex
	settings Settings               // guarded by mu
	tokens   map[string]token       // guarded by mu
	files    map[string]*file       // guarded by mu
	groups   map[string]*collection // guarded by mu
	sessions map[string]*session    // guarded by mu
	people   map[string]Person      // guarded by mu, by NIN
	held     []delivery             // guarded by mu; events that wait for the next one
	lastID   int64                  // guarded by mu; ids are in order
	second   int64                  // guarded by mu; with calls, for the rate
	calls    int                    // guarded by mu
}

// Faults of results.
const (
	Rewritten   faults.Kind = "rewritten"   // the file is written anew, and signed: its start is another
	OtherPerson faults.Kind = "otherPerson" // somebody else's signature, whatever was validated
	Unsigned    faults.Kind = "unsigned"    // the file comes back as it was
	SignedTwice faults.Kind = "signedTwice" // two signatures of the person
	Swapped     faults.Kind = "swapped"     // the results of two documents change places
)

// Faults of events.
const (
	WebhookDropped   faults.Kind = "webhookDropped"
	WebhookDuplicate faults.Kind = "webhookDuplicate"
	WebhookDelayed   faults.Kind = "webhookDelayed" // by Delay
	WebhookHeld      faults.Kind = "webhookHeld"    // until another was delivered
	WebhookUnsigned  faults.Kind = "webhookUnsigned"
	WebhookForged    faults.Kind = "webhookForged" // signed with another secret
)

// Faults of answers.
const (
	UnknownState faults.Kind = "unknownState" // a session's state is a word that nobody knows
	DamagedFile  faults.Kind = "damagedFile"  // what was uploaded arrived otherwise
	PackageFails faults.Kind = "packageFails"
)

// The endpoints that a fault can be set for.
const (
	EndpointToken         = "token"
	EndpointUpload        = "upload"
	EndpointDownload      = "download"
	EndpointMetadata      = "metadata"
	EndpointCollection    = "collection"
	EndpointCreate        = "create"
	EndpointGet           = "get"
	EndpointList          = "list"
	EndpointDelete        = "delete"
	EndpointMerchant      = "merchant"
	endpointEvents        = "events"
	endpointDocumentsGone = "delete-document"
)

// New returns a server.
func New(o Options) (*Server, error) {
	if o.PKI == nil || o.Clock == nil || o.Entropy == nil || o.Timestamp == nil {
		return nil, errors.New("simulated signicat: PKI, Clock, Entropy and Timestamp are required")
	}
	if len(o.Clients) == 0 {
		o.Clients = []Client{DefaultClient()}
	}
	s := &Server{
		pki: o.PKI, clock: o.Clock, entropy: o.Entropy, clients: o.Clients, signer: newSigner(o), http: o.HTTP,
		settings: DefaultSettings(), tokens: map[string]token{}, files: map[string]*file{}, groups: map[string]*collection{},
		sessions: map[string]*session{}, people: map[string]Person{},
		faults: faults.NewSet(slices.Concat(faults.Transport(), []faults.Kind{
			Rewritten, OtherPerson, Unsigned, SignedTwice, Swapped, WebhookDropped, WebhookDuplicate, WebhookDelayed, WebhookHeld,
			WebhookUnsigned, WebhookForged, UnknownState, DamagedFile, PackageFails,
		}), []string{
			EndpointToken, EndpointUpload, EndpointDownload, EndpointMetadata, EndpointCollection, EndpointCreate, EndpointGet,
			EndpointList, EndpointDelete, EndpointMerchant, endpointEvents, endpointDocumentsGone,
		}),
	}
	s.closing, s.close = context.WithCancel(context.Background())
	return s, nil
}

// Close ends the delivery of events.
func (s *Server) Close() {
	s.close()
	s.events.Wait()
}

// TLSConfig is for the listener of [Server.API]. HTTP/1.1 alone is offered, so
// that a cut connection is one lost request.
func (s *Server) TLSConfig() *tls.Config {
	return s.faults.Handshake(&tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, Certificates: []tls.Certificate{s.pki.Server().TLS()},
	})
}

// Faults returns the server's switches.
func (s *Server) Faults() *faults.Set { return s.faults }

func (s *Server) struck(kind faults.Kind, endpoint string) bool {
	_, ok := s.faults.Take(kind, endpoint, false)
	return ok
}
