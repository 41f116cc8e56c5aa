package signicat

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// problem is an answer other than success, in the API's form.
type problem struct {
	Title   string    `json:"title"`
	Status  int       `json:"status"`
	Code    string    `json:"code"`
	Detail  string    `json:"detail"`
	TraceID string    `json:"traceId"`
	Invalid []invalid `json:"invalidParams,omitempty"`
}

type invalid struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

func (p *problem) Error() string { return p.Code + ": " + p.Detail }

func refusal(status int, code, format string, args ...any) *problem {
	return &problem{Title: http.StatusText(status), Status: status, Code: code, Detail: fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) *problem {
	return refusal(http.StatusBadRequest, "bad_request", format, args...)
}

func badParameter(name, reason string) *problem {
	p := refusal(http.StatusBadRequest, "invalid_request_parameter", "Invalid request parameter")
	p.Invalid = []invalid{{name, reason}}
	return p
}

func noDocument() *problem {
	return refusal(http.StatusNotFound, "document_not_found", "Could not find document")
}

func (s *Server) writeProblem(w http.ResponseWriter, err error) {
	var p *problem
	if !errors.As(err, &p) {
		p = refusal(http.StatusInternalServerError, "internal_server_error", "%s", err.Error())
	}
	answered := *p
	answered.TraceID, _ = s.newID()
	if p.Status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "2")
	}
	writeJSON(w, p.Status, "application/problem+json", answered)
}

func writeJSON(w http.ResponseWriter, status int, kind string, body any) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone; nobody is left to tell
}
