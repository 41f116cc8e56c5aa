package signicat

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// maxJSON is above any request but an upload.
const maxJSON = 1 << 20

// caller is who calls, with a valid token.
type caller struct{ account string }

type call func(c caller, r *http.Request) (status int, body any, err error)

// API serves the token endpoint and the Sign API. Its listener must use
// [Server.TLSConfig].
func (s *Server) API() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /auth/open/connect/token", s.token)
	for pattern, at := range map[string]struct {
		endpoint string
		call     call
	}{
		"POST /sign/documents":                   {EndpointUpload, s.upload},
		"GET /sign/documents/{id}":               {EndpointDownload, s.download},
		"DELETE /sign/documents/{id}":            {endpointDocumentsGone, s.deleteFile},
		"GET /sign/documents/{id}/metadata":      {EndpointMetadata, s.metadata},
		"PATCH /sign/documents/{id}/metadata":    {EndpointMetadata, s.describe},
		"POST /sign/document-collections":        {EndpointCollection, s.createCollection},
		"GET /sign/document-collections/{id}":    {EndpointCollection, s.showCollection},
		"DELETE /sign/document-collections/{id}": {EndpointCollection, s.deleteCollection},
		"POST /sign/signing-sessions":            {EndpointCreate, s.createSessions},
		"GET /sign/signing-sessions":             {EndpointList, s.listSessions},
		"GET /sign/signing-sessions/{id}":        {EndpointGet, s.showSession},
		"DELETE /sign/signing-sessions/{id}":     {EndpointDelete, s.deleteSession},
		"GET /sign/archive-documents/{id}":       {EndpointDownload, s.archived},
		"POST /sign/merchant-signing":            {EndpointMerchant, s.signAsMerchant},
	} {
		mux.HandleFunc(pattern, s.serve(at.endpoint, at.call))
	}
	return mux
}

// serve does what holds for every call of the Sign API: faults, the token, the
// rate, and answers.
func (s *Server) serve(endpoint string, do call) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if status := s.faults.Before(r.Context(), endpoint); status != 0 {
			s.writeProblem(w, transportProblem(status))
			return
		}
		c, err := s.authorise(r)
		if err != nil {
			s.writeProblem(w, err)
			return
		}
		status, body, err := do(c, r)
		terminal := false
		if v, ok := body.(view); ok {
			terminal = v.Lifecycle.Final
		}
		s.faults.After(endpoint, terminal)
		if err != nil {
			s.writeProblem(w, err)
			return
		}
		switch b := body.(type) {
		case nil:
			w.WriteHeader(status)
		case content:
			w.Header().Set("Content-Type", b.kind)
			w.WriteHeader(status)
			_, _ = w.Write(b.bytes)
		default:
			writeJSON(w, status, "application/json", body)
		}
	}
}

// content is an answer that is no JSON.
type content struct {
	kind  string
	bytes []byte
}

func transportProblem(status int) *problem {
	code := map[int]string{
		http.StatusInternalServerError: "internal_server_error", http.StatusUnauthorized: "invalid_token",
		http.StatusTooManyRequests: "too_many_requests", http.StatusServiceUnavailable: "service_unavailable",
	}[status]
	return refusal(status, code, "Simulated")
}

// body reads a JSON body strictly: what is misspelt is noticed.
func body(r *http.Request, into any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return refusal(http.StatusUnsupportedMediaType, "unsupported_media_type", "Content-Type must be application/json")
	}
	sent, err := io.ReadAll(io.LimitReader(r.Body, maxJSON))
	if err == nil {
		err = strictly(sent, into)
	}
	if err != nil {
		return badRequest("The request body could not be read: %s", err.Error())
	}
	return nil
}

func strictly(sent []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(sent))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return errors.New("there is something after it")
	}
	return nil
}

// newID draws an id.
func (s *Server) newID() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.drawn()
}

// drawn draws a UUIDv7 whose time is the simulated clock's, or a millisecond
// later than the last one's. The caller holds the lock.
func (s *Server) drawn() (string, error) {
	var id uuid.UUID
	if _, err := io.ReadFull(s.entropy, id[:]); err != nil {
		return "", err
	}
	ms := max(s.clock().UnixMilli(), s.lastID+1)
	s.lastID = ms
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id.String(), nil
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
