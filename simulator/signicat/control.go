package signicat

import (
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/handslag/handslag/fault"
)

//go:embed page/sign.html
var pages embed.FS

var signPage = template.Must(template.ParseFS(pages, "page/sign.html"))

// Mount adds the control API under /v1/signicat/. Mount it on loopback: it knows
// no passwords.
func (s *Server) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/signicat/settings", answer(func(*http.Request) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.settings, nil
	}))
	mux.HandleFunc("PUT /v1/signicat/settings", answer(s.changeSettings))
	mux.HandleFunc("GET /v1/signicat/persons", answer(func(*http.Request) (any, error) { return s.persons(), nil }))
	mux.HandleFunc("POST /v1/signicat/persons", answer(func(r *http.Request) (any, error) {
		var p Person
		if err := read(r, &p); err != nil {
			return nil, err
		}
		return s.register(p)
	}))
	mux.HandleFunc("GET /v1/signicat/sessions", answer(func(*http.Request) (any, error) { return s.listed(), nil }))
	mux.HandleFunc("GET /v1/signicat/sessions/{ref}", answer(func(r *http.Request) (any, error) { return s.opened(r.PathValue("ref")) }))
	for path, do := range map[string]func(r *http.Request, ref string, a Act) (SessionView, error){
		"sign":   func(r *http.Request, ref string, a Act) (SessionView, error) { return s.signAs(r.Context(), ref, a) },
		"reject": func(_ *http.Request, ref string, a Act) (SessionView, error) { return s.rejectAs(ref, a) },
		"cancel": func(_ *http.Request, ref string, _ Act) (SessionView, error) { return s.cancelAs(ref) },
	} {
		mux.HandleFunc("POST /v1/signicat/sessions/{ref}/"+path, answer(func(r *http.Request) (any, error) {
			var a Act
			if err := read(r, &a); err != nil {
				return nil, err
			}
			return do(r, r.PathValue("ref"), a)
		}))
	}
	mux.HandleFunc("GET /v1/signicat/documents", answer(func(*http.Request) (any, error) { return s.stored(), nil }))
	s.faults.Mount(mux, "/v1/signicat/faults")
}

// Pages serves the page where people sign, under /sign/, to which a session's
// signatureUrl leads. It takes forms, which the control API does not.
func (s *Server) Pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sign/", s.showPage)
	mux.HandleFunc("POST /sign/{do}", s.actOnPage)
	return mux
}

func (s *Server) changeSettings(r *http.Request) (any, error) {
	s.mu.Lock()
	v := s.settings // what is left out stays
	s.mu.Unlock()
	if err := read(r, &v); err != nil {
		return nil, err
	}
	if err := v.check(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings = v
	return v, nil
}

func (s *Server) persons() []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Person{}
	for _, p := range s.people {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Person) int { return strings.Compare(a.NIN, b.NIN) })
	return out
}

// Settle does what time has done by now.
func (s *Server) Settle() { s.listed() }

func (s *Server) listed() []SessionView {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(s.clock())
	out := []SessionView{}
	for _, n := range s.sessions {
		if n.deleted.IsZero() {
			out = append(out, s.viewFor(n))
		}
	}
	slices.SortFunc(out, func(a, b SessionView) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// Stored is a file as a test sees it.
type Stored struct {
	ID      string    `json:"id"`
	Session string    `json:"session,omitempty"`
	Deleted time.Time `json:"deleted,omitzero"`
	Purged  bool      `json:"purged,omitempty"`
}

func (s *Server) stored() []Stored {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(s.clock())
	out := []Stored{}
	for _, f := range s.files {
		out = append(out, Stored{f.id, f.session, f.deleted, f.bytes == nil})
	}
	slices.SortFunc(out, func(a, b Stored) int { return strings.Compare(a.ID, b.ID) })
	return out
}

func read(r *http.Request, into any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, 1<<16))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fault.New(fault.Invalid, "bad_json", "the body is not what this route takes")
	}
	return nil
}

func answer(do func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		out, err := do(r)
		if err == nil {
			writeJSON(w, http.StatusOK, "application/json", out)
			return
		}
		status, code, message := explain(err)
		writeJSON(w, status, "application/json", map[string]string{"code": code, "message": message})
	}
}

func explain(err error) (status int, code, message string) {
	var e *fault.Error
	if !errors.As(err, &e) {
		return http.StatusInternalServerError, "internal", err.Error()
	}
	status, known := map[fault.Kind]int{
		fault.Invalid: http.StatusBadRequest, fault.NotFound: http.StatusNotFound, fault.Conflict: http.StatusConflict,
	}[e.Kind]
	if !known {
		status = http.StatusInternalServerError
	}
	return status, e.Code, e.Message
}

// shown is what the page shows.
type shown struct {
	Session SessionView
	People  []Person
	Message string
}

func (s *Server) render(w http.ResponseWriter, status int, v shown) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	v.People = s.persons()
	w.WriteHeader(status)
	_ = signPage.Execute(w, v) // the client is gone; nobody is left to tell
}

func (s *Server) showPage(w http.ResponseWriter, r *http.Request) {
	v, err := s.openedPage(r)
	if err != nil {
		status, _, message := explain(err)
		s.render(w, status, shown{Message: message})
		return
	}
	s.render(w, http.StatusOK, shown{Session: v})
}

// actOnPage does what the form says, and sends the browser on where the session
// has an address for it.
func (s *Server) actOnPage(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	if err := r.ParseForm(); err != nil {
		s.render(w, http.StatusBadRequest, shown{Message: "the form cannot be read"})
		return
	}
	ref := r.PostForm.Get("session")
	a := Act{NIN: r.PostForm.Get("nin"), Substantial: r.PostForm.Get("login") == "substantial", Reason: r.PostForm.Get("reason")}
	var v SessionView
	err := error(fault.New(fault.NotFound, "act_unknown", "there is no such thing to do"))
	switch r.PathValue("do") {
	case "sign":
		v, err = s.signAs(r.Context(), ref, a)
	case "decline":
		a.Declines = true
		v, err = s.signAs(r.Context(), ref, a)
	case "reject":
		v, err = s.rejectAs(ref, a)
	case "cancel":
		v, err = s.cancelAs(ref)
	}
	switch {
	case err != nil:
		status, _, message := explain(err)
		s.render(w, status, shown{Session: v, Message: message})
	case v.Redirect != "":
		http.Redirect(w, r, v.Redirect, http.StatusSeeOther)
	default:
		s.render(w, http.StatusOK, shown{Session: v, Message: "It ended with: " + v.Outcome})
	}
}
