package idkollen

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/handslag/handslag/fault"
)

const basePath = "/v3/bankid-se/"

// starts are the endpoints that create an order; the last word of each is where
// its status is.
var starts = []string{"auth", "sign", "phone/auth", "phone/sign"}

// maxBody is above the longest text and digest.
const maxBody = 512 << 10

// refusal is an answer other than success.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return r.message }

var (
	errInvalid = &refusal{http.StatusBadRequest, "invalidParameters"}
	errExpired = &refusal{http.StatusNotFound, "Invalid or expired"}
	errNowhere = &refusal{http.StatusNotFound, "notFound"}
)

// API serves /v3/bankid-se/.
func (s *Server) API() http.Handler { return http.HandlerFunc(s.serve) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	account, known := s.account(r)
	if !known {
		w.Header().Set("WWW-Authenticate", `Basic realm="idkollen"`)
		writeError(w, &refusal{http.StatusUnauthorized, "unauthorized"})
		return
	}
	endpoint, kind, id, err := route(w, r)
	if err != nil {
		writeError(w, err)
		return
	}
	if err := s.misbehave(w, r, endpoint); err != nil {
		writeError(w, err)
		return
	}
	code, body, terminal, err := s.answer(account, endpoint, kind, id, r)
	s.faults.After(endpoint, terminal)
	switch {
	case err != nil:
		writeError(w, err)
	case body == nil:
		w.WriteHeader(code)
	default:
		writeJSON(w, code, body)
	}
}

func (s *Server) account(r *http.Request) (Account, bool) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		return Account{}, false
	}
	for _, a := range s.o.Accounts {
		if a.ID == id && subtle.ConstantTimeCompare([]byte(a.Secret), []byte(secret)) == 1 {
			return a, true
		}
	}
	return Account{}, false
}

// route finds what a call is for. An order's status is under the kind of order
// that it is; there is no path for the status of phone orders.
func route(w http.ResponseWriter, r *http.Request) (endpoint, kind, id string, err error) {
	path, ours := strings.CutPrefix(r.URL.Path, basePath)
	if !ours || r.URL.RawQuery != "" {
		return "", "", "", errNowhere
	}
	if slices.Contains(starts, path) {
		if r.Method != http.MethodPost {
			return "", "", "", notAllowed(w, "POST")
		}
		return path, strings.TrimPrefix(path, "phone/"), "", nil
	}
	kind, id, _ = strings.Cut(path, "/")
	if kind != "auth" && kind != "sign" || id == "" || strings.Contains(id, "/") {
		return "", "", "", errNowhere
	}
	switch r.Method {
	case http.MethodGet:
		return status, kind, id, nil
	case http.MethodDelete:
		return cancel, kind, id, nil
	}
	return "", "", "", notAllowed(w, "GET, DELETE")
}

func notAllowed(w http.ResponseWriter, allowed string) error {
	w.Header().Set("Allow", allowed)
	return &refusal{http.StatusMethodNotAllowed, "methodNotAllowed"}
}

// misbehave applies the faults that strike before anything is done.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, endpoint string) error {
	code := s.faults.Before(r.Context(), endpoint)
	message := map[int]string{
		http.StatusServiceUnavailable: "maintenance", http.StatusInternalServerError: "internalError",
		http.StatusTooManyRequests: "tooManyRequests", http.StatusUnauthorized: "unauthorized",
	}[code]
	if _, on := s.faults.Take(UnknownError, endpoint, false); on && code == 0 {
		code, message = http.StatusBadRequest, UnknownCode
	}
	if _, on := s.faults.Take(GatewayPage, endpoint, false); on && code == 0 {
		code = http.StatusServiceUnavailable
	}
	if code == 0 {
		return nil
	}
	w.Header().Set("Retry-After", "1")
	return &refusal{code, message}
}

// answer does the work of one endpoint; terminal says that the answer tells the
// end of an order.
func (s *Server) answer(a Account, endpoint, kind, id string, r *http.Request) (code int, body any, terminal bool, err error) {
	switch endpoint {
	case status:
		body, terminal, err = s.status(a, kind, id)
		return http.StatusOK, body, terminal, err
	case cancel:
		return http.StatusNoContent, nil, false, s.cancel(a, kind, id)
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return 0, nil, false, &refusal{http.StatusUnsupportedMediaType, "unsupportedMediaType"}
	}
	sent, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(sent) > maxBody {
		return 0, nil, false, errInvalid
	}
	body, err = s.start(a, endpoint, kind, sent)
	return http.StatusCreated, body, false, err
}

// writeError answers with IDkollen's error body, or with a page where a proxy
// answers in its place.
func writeError(w http.ResponseWriter, err error) {
	var r *refusal
	refused, known := fault.As(err)
	switch {
	case errors.As(err, &r):
	case known: // BankID's own word is passed on
		r = &refusal{http.StatusBadRequest, refused.Code}
	default:
		r = &refusal{http.StatusInternalServerError, "internalError"}
	}
	if r.message == "" {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(r.status)
		_, _ = io.WriteString(w, "<html><head><title>The gateway is not well</title></head></html>\r\n")
		return
	}
	writeJSON(w, r.status, map[string]string{"message": r.message})
}

func writeJSON(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the client is gone; nobody is left to tell
}
