package sbab

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/handslag/handslag/simulator/faults"
)

// UnknownReason refuses a call with a reason code that no client can know.
const UnknownReason faults.Kind = "unknownReason"

// The paths. The sandbox has those of production below its own.
const (
	signingPath = "/partner/signing/1.0/"
	tokenPath   = "/api/auth/1.0/token" //nolint:gosec // a path
	sandboxPath = "/sandbox"
)

// maxBody is far above the largest request.
const maxBody = 16 << 10

// problem is an answer other than 200 (RFC 7807, with SBAB's reason).
type problem struct {
	status        int
	code, message string // of the reason; code may be empty
}

func (p *problem) Error() string { return p.code + ": " + p.message }

var (
	errInProgress = &problem{
		http.StatusConflict, "RFA4_SIGNING_IN_PROGRESS",
		"An identification or signing for this personal number is already started. Please try again",
	}
	errNoParticipant = &problem{http.StatusNotFound, "", "No such participant"}
	errNoSigning     = &problem{http.StatusNotFound, "", "No signing was started for the participant"}
)

// API serves the signing API, the token endpoint, and both below /sandbox.
func (s *Server) API() http.Handler { return http.HandlerFunc(s.serve) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	path, sandbox := strings.CutPrefix(r.URL.Path, sandboxPath)
	endpoint, signs := strings.CutPrefix(path, signingPath)
	if path == tokenPath {
		endpoint, signs = "token", true
	} else if endpoint == "token" {
		signs = false
	}
	if !signs || !slices.Contains(endpoints, endpoint) {
		s.refuse(w, endpoint, &problem{http.StatusNotFound, "", "No such resource"})
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		s.refuse(w, endpoint, &problem{http.StatusMethodNotAllowed, "", "Only POST is allowed"})
		return
	}
	if status := s.faults.Before(r.Context(), endpoint); status != 0 {
		if status == http.StatusBadGateway {
			http.Error(w, "<html><h1>502 Bad Gateway</h1></html>", status)
			return
		}
		s.refuse(w, endpoint, &problem{status, "", "Simulated"})
		return
	}
	if _, on := s.faults.Take(UnknownReason, endpoint, false); on {
		s.refuse(w, endpoint, &problem{http.StatusBadRequest, "RFA99_SIMULATED_UNKNOWN", "Simulated"})
		return
	}
	if endpoint == "token" {
		s.token(w, r, sandbox)
		return
	}
	body, terminal, err := s.answer(endpoint, r, sandbox)
	s.faults.After(endpoint, terminal)
	if err != nil {
		s.refuse(w, endpoint, err)
		return
	}
	write(w, http.StatusOK, "application/json", body)
}

func (s *Server) answer(endpoint string, r *http.Request, sandbox bool) (body any, terminal bool, err error) {
	if !s.authorised(r, sandbox) {
		return nil, false, &problem{http.StatusUnauthorized, "", "The token is missing, unknown or expired"}
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, false, &problem{http.StatusUnsupportedMediaType, "", "Content-Type must be application/json"}
	}
	var in struct {
		ParticipantID string `json:"participant_id"`
	}
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil || in.ParticipantID == "" {
		return nil, false, &problem{http.StatusBadRequest, "", "participant_id is required, and nothing else is taken"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	p, err := s.participant(in.ParticipantID, sandbox, now)
	if err != nil {
		return nil, false, err
	}
	switch endpoint {
	case "collect":
		return s.collect(p, now)
	case "cancel":
		return struct{}{}, false, s.cancel(p, now)
	default:
		body, err = s.start(p, endpoint == "start/phone", s.address(r), now)
		return body, false, err
	}
}

// refuse answers with a problem. Anything but a [problem] is a defect of the
// simulator.
func (s *Server) refuse(w http.ResponseWriter, endpoint string, err error) {
	var p *problem
	if !errors.As(err, &p) {
		p = &problem{http.StatusInternalServerError, "", err.Error()}
	}
	body := map[string]any{"title": http.StatusText(p.status), "status": p.status, "instance": "/signing/" + endpoint}
	if !s.set().WithoutType {
		body["type"] = "about:blank"
	}
	if p.code != "" {
		body["reason"] = map[string]string{"code": p.code, "message": p.message}
	} else {
		body["detail"] = p.message
	}
	write(w, p.status, "application/problem+json", body)
}

func (s *Server) set() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings
}

func write(w http.ResponseWriter, status int, kind string, body any) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone; nobody is left to tell
}

func decode(r io.Reader, into any) error {
	d := json.NewDecoder(io.LimitReader(r, maxBody))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
