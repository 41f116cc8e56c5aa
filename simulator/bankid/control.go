package bankid

import (
	"embed"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/handslag/handslag/fault"
)

//go:embed page
var page embed.FS

// Control serves the person's side: the control API under /v1/ and the page of
// the simulated app at /, and whatever routes more adds. Mount it on loopback:
// it knows no passwords.
func (s *Server) Control(more func(*http.ServeMux)) http.Handler {
	mux := http.NewServeMux()
	for path, file := range map[string]string{"/{$}": "page/app.html", "/app.js": "page/app.js", "/app.css": "page/app.css"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'")
			w.Header().Set("Cache-Control", "no-store")
			http.ServeFileFS(w, r, page, file)
		})
	}
	mux.HandleFunc("GET /v1/persons", show(func(*http.Request) (any, error) { return s.persons(), nil }))
	mux.HandleFunc("POST /v1/persons", accept(func(_ *http.Request, p Person) (any, error) { return s.register(p) }))
	mux.HandleFunc("GET /v1/orders", show(func(*http.Request) (any, error) { return s.orders(), nil }))
	mux.HandleFunc("GET /v1/orders/{ref}", show(s.showOrder))
	mux.HandleFunc("PUT /v1/orders/{ref}/script", accept(func(r *http.Request, script Script) (any, error) {
		return script, s.script(r.PathValue("ref"), script)
	}))
	mux.HandleFunc("GET /v1/script", show(func(*http.Request) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.state.Script, nil
	}))
	mux.HandleFunc("PUT /v1/script", accept(func(_ *http.Request, script Script) (any, error) { return script, s.script("", script) }))
	mux.HandleFunc("GET /v1/settings", show(func(*http.Request) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.state.Settings, nil
	}))
	mux.HandleFunc("PUT /v1/settings", accept(func(_ *http.Request, v Settings) (any, error) { return v, s.settings(v) }))
	s.mountActions(mux)
	s.faults.Mount(mux, "/v1/faults")
	more(mux)
	return jsonOnly(mux)
}

// action is the body of everything that a person does.
type action struct {
	PersonalNumber string `json:"personalNumber"`
	QR             string `json:"qr,omitempty"`
	Token          string `json:"token,omitempty"`
	SecurityCode   string `json:"securityCode,omitempty"`
	Biometrics     bool   `json:"biometrics,omitempty"`
}

func (s *Server) mountActions(mux *http.ServeMux) {
	for path, do := range map[string]func(ref string, a action) (OrderView, error){
		"/v1/scan":                 func(_ string, a action) (OrderView, error) { return s.scan(a.PersonalNumber, a.QR) },
		"/v1/open":                 func(_ string, a action) (OrderView, error) { return s.open(a.PersonalNumber, a.Token) },
		"/v1/orders/{ref}/confirm": func(ref string, a action) (OrderView, error) { return s.confirm(a.PersonalNumber, ref) },
		"/v1/orders/{ref}/cancel": func(ref string, a action) (OrderView, error) {
			return s.cancelOrder(a.PersonalNumber, ref, failUserCancel)
		},
		"/v1/orders/{ref}/decline-call": func(ref string, a action) (OrderView, error) {
			return s.cancelOrder(a.PersonalNumber, ref, failDeclined)
		},
		"/v1/orders/{ref}/sign": func(ref string, a action) (OrderView, error) {
			return s.signOrder(a.PersonalNumber, ref, a.SecurityCode, a.Biometrics)
		},
	} {
		mux.HandleFunc("POST "+path, accept(func(r *http.Request, a action) (any, error) { return do(r.PathValue("ref"), a) }))
	}
}

func (s *Server) showOrder(r *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	s.forget(now)
	o, ok := s.state.Orders[r.PathValue("ref")]
	if !ok {
		return nil, errOrderUnknown
	}
	return o.view(now), nil
}

// script sets how one order goes, or with no reference all that have no script
// of their own.
func (s *Server) script(ref string, script Script) error {
	known := func(v string, allowed ...string) bool { return v == "" || slices.Contains(allowed, v) }
	steps := true
	for _, step := range script.Steps {
		steps = steps && slices.Contains([]string{hintMRTD, hintStepUp, hintFace}, step)
	}
	if !known(script.Outcome, append([]string{"complete"}, failures...)...) || !known(script.At, "pickUp", "confirm", "sign") ||
		!known(script.Risk, "low", "moderate", "high") || !known(script.Hint, pendings...) || !steps {
		return fault.New(fault.Invalid, "bad_script", "outcome, at, hint, risk or steps has an unknown value")
	}
	return s.change(func(time.Time) (bool, error) {
		if ref == "" {
			s.state.Script = script
			return true, nil
		}
		o, ok := s.state.Orders[ref]
		if !ok {
			return false, errOrderUnknown
		}
		o.Script = &script
		return true, nil
	})
}

func (s *Server) settings(v Settings) error {
	if !slices.Contains(failures, v.WrongPersonHint) {
		return fault.New(fault.Invalid, "bad_settings", "wrongPersonHint must be a hint code of a failed order")
	}
	return s.change(func(time.Time) (bool, error) {
		s.state.Settings = v
		return true, nil
	})
}

// jsonOnly refuses bodies that a form on another page could send.
func jsonOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost || r.Method == http.MethodPut {
			if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
				writeJSON(w, http.StatusUnsupportedMediaType, problem{"json_only", "send application/json"})
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// problem is the error body of the control API.
type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func show(do func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := do(r)
		respondControl(w, body, err)
	}
}

func accept[T any](do func(*http.Request, T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in T
		d := json.NewDecoder(io.LimitReader(r.Body, 1<<16))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil {
			writeJSON(w, http.StatusBadRequest, problem{"bad_json", "the body is not what this route takes"})
			return
		}
		body, err := do(r, in)
		respondControl(w, body, err)
	}
}

func respondControl(w http.ResponseWriter, body any, err error) {
	if err == nil {
		writeJSON(w, http.StatusOK, body)
		return
	}
	var e *fault.Error
	if !errors.As(err, &e) {
		writeJSON(w, http.StatusInternalServerError, problem{"internal", err.Error()})
		return
	}
	code := map[fault.Kind]int{
		fault.Invalid: http.StatusBadRequest, fault.NotFound: http.StatusNotFound,
		fault.Forbidden: http.StatusForbidden, fault.Conflict: http.StatusConflict,
	}[e.Kind]
	writeJSON(w, code, problem{e.Code, e.Message})
}
