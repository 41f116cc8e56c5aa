package qrona

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/simulator/bankid"
)

const (
	// maxBody is far above the largest request.
	maxBody = 16 << 10
	// keepFor is how long an answer can be had again, unless it is given once.
	keepFor = 3 * time.Minute
	// lookEvery is how often a phone call looks whether the person is done.
	lookEvery = 20 * time.Millisecond
)

// refusal is an answer other than 200. Its body is BankID's, by assumption.
type refusal struct {
	status        int
	code, details string
}

func (e *refusal) Error() string { return e.code + ": " + e.details }

func invalid(details string) error {
	return &refusal{http.StatusBadRequest, "invalidParameters", details}
}

// API serves Qrona's calls at the root, as bankid.qrona.se does.
func (s *Server) API() http.Handler { return http.HandlerFunc(s.serve) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	endpoint := strings.TrimPrefix(r.URL.Path, "/")
	if !slices.Contains(endpoints, endpoint) { // sign is one of these
		refuse(w, &refusal{http.StatusNotFound, "notFound", "No such call"})
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, &refusal{http.StatusMethodNotAllowed, "methodNotAllowed", "Only POST is allowed"})
		return
	}
	if status := s.faults.Before(r.Context(), endpoint); status != 0 {
		if status == http.StatusBadGateway {
			http.Error(w, "<html><h1>502 Bad Gateway</h1></html>", status)
			return
		}
		code := map[int]string{http.StatusServiceUnavailable: "maintenance", http.StatusInternalServerError: "internalError", http.StatusUnauthorized: "unauthorized"}[status]
		refuse(w, &refusal{status, code, "Simulated"})
		return
	}
	body, terminal, err := s.answer(endpoint, r)
	if errors.Is(err, context.Canceled) {
		// The client of a phone call is gone; the person's order goes on. To return
		// would answer 200 with nothing, which may reach a client that is leaving.
		panic(http.ErrAbortHandler)
	}
	s.faults.After(endpoint, terminal)
	if err != nil {
		refuse(w, err)
		return
	}
	if raw, ok := body.([]byte); ok {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(raw) //nolint:gosec // JSON, or nearly, and never a page
		return
	}
	write(w, http.StatusOK, body)
}

func refuse(w http.ResponseWriter, err error) {
	var e *refusal
	if f, ok := fault.As(err); ok {
		e = &refusal{http.StatusBadRequest, f.Code, f.Message}
	} else if !errors.As(err, &e) {
		e = &refusal{http.StatusInternalServerError, "internalError", err.Error()}
	}
	write(w, e.status, map[string]string{"errorCode": e.code, "details": e.details})
}

func (s *Server) answer(endpoint string, r *http.Request) (body any, terminal bool, err error) {
	if r.Header.Get("Authorization") != "Bearer "+s.set().Token {
		return nil, false, &refusal{http.StatusUnauthorized, "unauthorized", "Access denied"}
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, false, &refusal{http.StatusUnsupportedMediaType, "unsupportedMediaType", "Content-Type must be application/json"}
	}
	sent := http.MaxBytesReader(nil, r.Body, maxBody)
	switch endpoint {
	case "auth":
		body, err = s.auth(sent)
		return body, false, err
	case "collect":
		ref, err := reference(sent)
		if err != nil {
			return nil, false, err
		}
		return s.collect(ref)
	case "cancel":
		ref, err := reference(sent)
		if err != nil {
			return nil, false, err
		}
		return struct{}{}, false, s.broker.Cancel(ref)
	default:
		return s.authAndCollect(r.Context(), sent)
	}
}

// decode reads a request and refuses members that Qrona does not have.
func decode(sent io.Reader, into any) error {
	d := json.NewDecoder(sent)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return invalid("The body is not what this call takes")
	}
	return nil
}

func reference(sent io.Reader) (string, error) {
	var in struct {
		OrderRef string `json:"orderRef"`
	}
	if err := decode(sent, &in); err != nil {
		return "", err
	}
	if in.OrderRef == "" {
		return "", invalid("orderRef is required")
	}
	return in.OrderRef, nil
}

var twelveDigits = regexp.MustCompile(`^[0-9]{12}$`)

func (s *Server) auth(sent io.Reader) (any, error) {
	var in struct {
		EndUserIP      string `json:"endUserIp"`
		PersonalNumber string `json:"personalNumber"`
	}
	if err := decode(sent, &in); err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(in.EndUserIP); err != nil {
		return nil, invalid("endUserIp must be an address")
	}
	if in.PersonalNumber != "" && (!s.set().PersonalNumberOnAuth || !twelveDigits.MatchString(in.PersonalNumber)) {
		return nil, invalid("personalNumber is not taken here")
	}
	started, err := s.broker.Start(bankid.BrokerOrder{PersonalNumber: in.PersonalNumber, EndUserIP: in.EndUserIP})
	if err != nil {
		return nil, err
	}
	return map[string]string{"orderRef": started.Ref, "autoStartToken": started.AutoStartToken}, nil
}

// authAndCollect asks the person in a call, and answers when they are done.
func (s *Server) authAndCollect(ctx context.Context, sent io.Reader) (any, bool, error) {
	var in struct {
		PersonalNumber string `json:"personalNumber"`
		CallInitiator  string `json:"callInitiator"` // "user", or else it was us
	}
	if err := decode(sent, &in); err != nil {
		return nil, false, err
	}
	if !twelveDigits.MatchString(in.PersonalNumber) || in.CallInitiator != "" && in.CallInitiator != "user" {
		return nil, false, invalid("personalNumber must be 12 digits, and callInitiator user or empty")
	}
	started, err := s.broker.Start(bankid.BrokerOrder{Phone: true, PersonalNumber: in.PersonalNumber, CalledByUser: in.CallInitiator == "user"})
	if err != nil {
		return nil, false, err
	}
	if _, cut := s.faults.Take(CutWaiting, "auth-and-collect", false); cut {
		panic(http.ErrAbortHandler)
	}
	for {
		body, terminal, err := s.collect(started.Ref)
		if terminal || err != nil {
			return body, terminal, err
		}
		select {
		case <-ctx.Done():
			return nil, false, context.Canceled
		case <-time.After(lookEvery):
		}
	}
}
