package idkollen

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// OrderView is an order as a test sees it. Tokens are not part of it: a person
// has to be shown the QR code.
type OrderView struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"` // auth, sign
	RefID    string    `json:"refId,omitempty"`
	OrderRef string    `json:"orderRef"` // at the simulated BankID, where the person is
	Status   string    `json:"status"`
	Error    string    `json:"error,omitempty"`
	Created  time.Time `json:"created"`
}

// Mount adds the control API under a path such as /v1/idkollen: orders,
// settings, what is said of companies, faults, and deliver. The person acts
// through the control API of the simulated BankID.
func (s *Server) Mount(mux *http.ServeMux, path string) {
	s.faults.Mount(mux, path+"/faults")
	mux.HandleFunc("GET "+path+"/orders", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.views()) })
	mux.HandleFunc("GET "+path+"/settings", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		writeJSON(w, http.StatusOK, s.settings)
	})
	mux.HandleFunc("PUT "+path+"/settings", func(w http.ResponseWriter, r *http.Request) {
		v := DefaultSettings()
		if !read(w, r, &v) {
			return
		}
		if v.RateLimitStatus < 400 || v.RateLimitStatus > 599 {
			writeJSON(w, http.StatusBadRequest, problem{"bad_settings", "rateLimitStatus must be the status of a refusal"})
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.settings = v
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("PUT "+path+"/companies/{number}", func(w http.ResponseWriter, r *http.Request) {
		var v struct {
			SignatoryText string `json:"signatoryText"`
		}
		if !read(w, r, &v) {
			return
		}
		if !orgNumber.MatchString(r.PathValue("number")) {
			writeJSON(w, http.StatusBadRequest, problem{"bad_company", "a company's number looks like 559000-0948"})
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.signatory[r.PathValue("number")] = v.SignatoryText
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST "+path+"/deliver", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusOK, map[string]int{"delivered": s.Deliver(r.Context())})
	})
}

// problem is the error body of the control API.
type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(io.LimitReader(r.Body, 1<<16))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		writeJSON(w, http.StatusBadRequest, problem{"bad_json", "the body is not what this route takes"})
		return false
	}
	return true
}

// Settle brings every order up to date.
func (s *Server) Settle() { s.views() }

func (s *Server) views() []OrderView {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Clock()
	s.forget(now)
	out := make([]OrderView, 0, len(s.orders))
	for _, o := range s.orders {
		v := OrderView{ID: o.id, Kind: o.kind, RefID: o.request.RefID, OrderRef: o.ref, Status: pending, Created: o.created.UTC()}
		if o.end != nil {
			v.Status, v.Error = o.end.Status, o.end.Error
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b OrderView) int {
		if c := b.Created.Compare(a.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}
