package sbab

import (
	"net/http"

	"github.com/handslag/handslag/fault"
)

// Mount adds SBAB's part of the control API: /v1/sbab/participants, settings and
// faults. The person signs in the app.
func (s *Server) Mount(mux *http.ServeMux) {
	s.faults.Mount(mux, "/v1/sbab/faults")
	mux.HandleFunc("GET /v1/sbab/participants", func(w http.ResponseWriter, _ *http.Request) { tell(w, s.enrolled(), nil) })
	mux.HandleFunc("POST /v1/sbab/participants", func(w http.ResponseWriter, r *http.Request) {
		var in Participant
		if err := decode(r.Body, &in); err != nil {
			tell(w, nil, errBadJSON)
			return
		}
		made, err := s.enrol(in)
		tell(w, made, err)
	})
	mux.HandleFunc("GET /v1/sbab/settings", func(w http.ResponseWriter, _ *http.Request) { tell(w, s.set(), nil) })
	mux.HandleFunc("PUT /v1/sbab/settings", func(w http.ResponseWriter, r *http.Request) {
		in := s.first // what is left out is as at the beginning
		if err := decode(r.Body, &in); err != nil || in.FailedStatus == "" || in.FailedStatus == statusComplete || in.TokenLife <= 0 {
			tell(w, nil, errBadJSON)
			return
		}
		s.mu.Lock()
		s.settings = in
		s.mu.Unlock()
		tell(w, in, nil)
	})
	mux.HandleFunc("GET /v1/sbab/tokens", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		tell(w, map[string]int{"issued": s.issued}, nil)
	})
	mux.HandleFunc("DELETE /v1/sbab/tokens", func(w http.ResponseWriter, _ *http.Request) { // as if all were withdrawn
		s.mu.Lock()
		defer s.mu.Unlock()
		clear(s.tokens)
		tell(w, map[string]int{"issued": s.issued}, nil)
	})
}

var errBadJSON = fault.New(fault.Invalid, "bad_json", "the body is not what this route takes")

func tell(w http.ResponseWriter, body any, err error) {
	if err == nil {
		write(w, http.StatusOK, "application/json", body)
		return
	}
	status := http.StatusBadRequest
	if fault.KindOf(err) == fault.Internal {
		status = http.StatusInternalServerError
	}
	f, ok := fault.As(err)
	if !ok {
		f = fault.New(fault.Internal, "internal", "%s", err.Error())
	}
	write(w, status, "application/json", map[string]string{"code": f.Code, "message": f.Message})
}
