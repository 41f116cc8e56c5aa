package qrona

import (
	"cmp"
	"crypto/tls"
	"encoding/json"
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

// Token is the account's token until the settings say otherwise.
const Token = "simulated-private-token"

// Options assemble a server. All but Token are required.
type Options struct {
	BankID *bankid.Server
	PKI    *pki.PKI
	Clock  func() time.Time
	// Token is the account's, instead of [Token].
	Token string
}

// Settings are the account, and assumptions about what Qrona does not document.
type Settings struct {
	Token string `json:"token"`
	// PersonalNumberOnAuth lets auth name the person, as an older page had it.
	PersonalNumberOnAuth bool `json:"personalNumberOnAuth"`
	// AnswersOnce hands a terminal answer out once, as BankID does.
	AnswersOnce bool `json:"answersOnce"`
	// Failed is how an order that failed looks.
	Failed FailedShape `json:"failed"`
}

// FailedShape is a form of the answer to a failed order.
type FailedShape string

// The shapes.
const (
	FailedAsBankID FailedShape = "bankid" // status failed with a hintCode
	FailedBare     FailedShape = "bare"   // status failed and nothing else
	FailedError    FailedShape = "error"  // 400 with the hint as errorCode
)

// Faults of Qrona alone.
const (
	OtherPerson  faults.Kind = "otherPerson"  // the answer names another person
	NoPerson     faults.Kind = "noPerson"     // the answer is complete and names nobody
	MissingComma faults.Kind = "missingComma" // the pending answer exactly as printed on Qrona's page, which is no JSON
	CutWaiting   faults.Kind = "cutWaiting"   // a phone call's connection is cut while the person is asked
)

var endpoints = []string{"auth", "collect", "auth-and-collect", "cancel"}

// Server is a simulated Qrona. It is safe for concurrent use.
type Server struct {
	broker *bankid.Broker
	pki    *pki.PKI
	clock  func() time.Time
	faults *faults.Set

	mu       sync.Mutex
	settings Settings        // guarded by mu
	kept     map[string]kept // guarded by mu; terminal answers, unless AnswersOnce
}

type kept struct {
	reply any
	until time.Time
}

// New returns a server.
func New(o Options) (*Server, error) {
	if o.BankID == nil || o.PKI == nil || o.Clock == nil {
		return nil, errors.New("simulated qrona: BankID, PKI and Clock are required")
	}
	return &Server{
		broker: o.BankID.Broker("Simulated Qrona customer"), pki: o.PKI, clock: o.Clock, kept: map[string]kept{},
		faults:   faults.NewSet(slices.Concat(faults.Transport(), []faults.Kind{OtherPerson, NoPerson, MissingComma, CutWaiting}), endpoints),
		settings: Settings{Token: cmp.Or(o.Token, Token), AnswersOnce: true, Failed: FailedAsBankID},
	}, nil
}

// TLSConfig is for the listener of [Server.API].
func (s *Server) TLSConfig() *tls.Config {
	return s.faults.Handshake(&tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, Certificates: []tls.Certificate{s.pki.Server().TLS()},
	})
}

// Mount adds Qrona's part of the control API: /v1/qrona/settings and
// /v1/qrona/faults.
func (s *Server) Mount(mux *http.ServeMux) {
	s.faults.Mount(mux, "/v1/qrona/faults")
	mux.HandleFunc("GET /v1/qrona/settings", func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, s.set()) })
	mux.HandleFunc("PUT /v1/qrona/settings", func(w http.ResponseWriter, r *http.Request) {
		var in Settings
		d := json.NewDecoder(io.LimitReader(r.Body, maxBody))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil || in.Token == "" || !slices.Contains([]FailedShape{FailedAsBankID, FailedBare, FailedError}, in.Failed) {
			write(w, http.StatusBadRequest, map[string]string{"code": "bad_settings", "message": "send token, personalNumberOnAuth, answersOnce, and failed as bankid, bare or error"})
			return
		}
		s.mu.Lock()
		s.settings = in
		s.mu.Unlock()
		write(w, http.StatusOK, in)
	})
}

func (s *Server) set() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone; nobody is left to tell
}
