package bankid

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/pki"
)

// basePath is BankID's own; a client changes only the host.
const basePath = "/rp/v6.0/"

var endpoints = []string{string(auth), string(sign), string(phoneAuth), string(phoneSign), "collect", "cancel"}

// maxBody is above the largest order: 240,000 characters of text and the rest.
const maxBody = 512 << 10

// API serves the Relying Party API under /rp/v6.0/. Its listener must use
// [Server.TLSConfig].
func (s *Server) API() http.Handler { return http.HandlerFunc(s.serve) }

// forbidden is what stands before BankID's API answers without a valid client
// certificate: a page, not JSON.
const forbidden = "<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1></center>\r\n" +
	"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	rp, err := s.relyingParty(r)
	if err != nil {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, forbidden)
		return
	}
	endpoint, known := strings.CutPrefix(r.URL.Path, basePath)
	if !known || !slices.Contains(endpoints, endpoint) {
		writeError(w, &apiError{http.StatusNotFound, "notFound", "The requested path does not exist"})
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		writeError(w, &apiError{http.StatusMethodNotAllowed, "methodNotAllowed", "Only POST is allowed"})
		return
	}
	if err := s.misbehave(r, endpoint); err != nil {
		writeError(w, err)
		return
	}
	body, terminal, err := s.answer(rp, endpoint, r)
	if _, cut := s.faults.Take(faults.CutAfter, endpoint, terminal); cut {
		panic(http.ErrAbortHandler) // everything is done; the answer is lost on the way
	}
	if f, ok := s.faults.Take(LateAnswer, endpoint, terminal); ok {
		pause(r.Context(), time.Duration(f.Delay), 5*time.Second)
	}
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, body)
}

// misbehave applies the faults that strike before anything is done.
func (s *Server) misbehave(r *http.Request, endpoint string) error {
	if f, ok := s.faults.Take(faults.Slow, endpoint, false); ok {
		pause(r.Context(), time.Duration(f.Delay), 5*time.Second)
	}
	if _, ok := s.faults.Take(faults.CutBefore, endpoint, false); ok {
		panic(http.ErrAbortHandler)
	}
	for _, row := range []struct {
		kind   faults.Kind
		answer *apiError
	}{
		{faults.Maintenance, &apiError{http.StatusServiceUnavailable, "maintenance", "The service is temporarily unavailable"}},
		{faults.InternalError, &apiError{http.StatusInternalServerError, "internalError", "Internal error"}},
		{RequestTimeout, &apiError{http.StatusRequestTimeout, "requestTimeout", "The request took too long"}},
		{TooManyRequests, &apiError{http.StatusTooManyRequests, "tooManyRequests", "Too many requests"}},
		{Unauthorized, &apiError{http.StatusUnauthorized, "unauthorized", "Access denied"}},
		{UnknownError, &apiError{http.StatusBadRequest, UnknownCode, "A code that is not known yet"}},
	} {
		if _, ok := s.faults.Take(row.kind, endpoint, false); ok {
			return row.answer
		}
	}
	return nil
}

// answer does the work of one endpoint; terminal says that the answer ends an order.
func (s *Server) answer(rp relyingParty, endpoint string, r *http.Request) (body any, terminal bool, err error) {
	// A charset parameter is refused, not ignored (BankID: errors, 415).
	if r.Header.Get("Content-Type") != "application/json" {
		return nil, false, &apiError{http.StatusUnsupportedMediaType, "unsupportedMediaType", "Content-Type must be application/json"}
	}
	sent, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, false, &apiError{http.StatusRequestTimeout, "requestTimeout", "The body did not arrive"}
	}
	if len(sent) > maxBody {
		return nil, false, invalid("The body is too large")
	}
	switch endpoint {
	case "collect":
		return s.collect(rp, sent)
	case "cancel":
		return struct{}{}, false, s.cancel(rp, sent)
	default:
		body, err = s.start(rp, kind(endpoint), sent)
		return body, false, err
	}
}

func (s *Server) relyingParty(r *http.Request) (relyingParty, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return relyingParty{}, errors.New("no client certificate")
	}
	c := r.TLS.PeerCertificates[0]
	_, err := c.Verify(x509.VerifyOptions{
		Roots: s.pki.RPRoots(), CurrentTime: s.clock(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return relyingParty{}, fmt.Errorf("client certificate: %w", err)
	}
	subject, err := pki.SubjectOf(c)
	if err != nil {
		return relyingParty{}, err
	}
	fingerprint := sha256.Sum256(c.Raw)
	return relyingParty{Fingerprint: hex.EncodeToString(fingerprint[:]), Subject: subject, DisplayName: pki.DisplayName(c)}, nil
}

type startAnswer struct {
	OrderRef       string `json:"orderRef"`
	AutoStartToken string `json:"autoStartToken,omitempty"`
	QRStartToken   string `json:"qrStartToken,omitempty"`
	QRStartSecret  string `json:"qrStartSecret,omitempty"`
}

func (s *Server) start(rp relyingParty, k kind, sent []byte) (any, error) {
	q, problem := parseRequest(k, sent)
	if problem != nil {
		return nil, problem
	}
	tokens, err := s.tokens(4)
	if err != nil {
		return nil, err
	}
	o := &order{Ref: tokens[0], Kind: k, RP: rp, Request: q}
	if k.phone() {
		o.Person = q.PersonalNumber
	} else {
		o.AutoStartToken, o.QRStartToken, o.QRStartSecret = tokens[1], tokens[2], tokens[3]
	}
	err = s.change(func(now time.Time) (bool, error) {
		s.forget(now)
		// The person is known at this point with the phone endpoints only; the
		// running order is aborted too (BankID: errors, alreadyInProgress).
		if q.PersonalNumber != "" && (k.phone() || s.state.Settings.ConflictOnRequirement) {
			if running := s.liveOrderOf(q.PersonalNumber, nil, now); running != nil {
				running.end(failSuperseded, now, "A new order for you was started.")
				return true, &apiError{http.StatusBadRequest, "alreadyInProgress", "Order already in progress for the person"}
			}
		}
		o.Created, o.Life = now, s.state.Script.Life
		s.state.Orders[o.Ref] = o
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	return startAnswer{o.Ref, o.AutoStartToken, o.QRStartToken, o.QRStartSecret}, nil
}

func (s *Server) tokens(n int) ([]string, error) {
	out := make([]string, n)
	for i := range out {
		id, err := uuid.NewRandomFromReader(s.entropy)
		if err != nil {
			return nil, fmt.Errorf("draw token: %w", err)
		}
		out[i] = id.String()
	}
	return out, nil
}

type collectAnswer struct {
	OrderRef   string          `json:"orderRef"`
	Status     string          `json:"status"`
	HintCode   string          `json:"hintCode,omitempty"`
	Completion *completionData `json:"completionData,omitempty"`
}

// collect hands out a terminal answer once: the order is marked before the
// answer leaves, so an answer that is lost is lost for good, as with BankID.
func (s *Server) collect(rp relyingParty, sent []byte) (body any, terminal bool, err error) {
	ref, problem := parseReference(sent)
	if problem != nil {
		return nil, false, problem
	}
	a := collectAnswer{OrderRef: ref}
	err = s.change(func(now time.Time) (bool, error) {
		o, err := s.orderOf(rp, ref, now)
		if err != nil {
			return false, err
		}
		if o.live() {
			a.Status, a.HintCode = "pending", o.hint(now)
			if h := s.scriptOf(o).Hint; h != "" {
				a.HintCode = h
			}
			return false, nil
		}
		a.Status, a.HintCode, a.Completion = o.outcome()
		o.Collected = true
		return true, nil
	})
	if err != nil {
		return nil, false, err
	}
	return a, a.Status != "pending", nil
}

func (o *order) outcome() (status, hint string, data *completionData) {
	if o.End.Completion != nil {
		return "complete", "", o.End.Completion
	}
	return "failed", o.End.Hint, nil
}

func (s *Server) cancel(rp relyingParty, sent []byte) error {
	ref, problem := parseReference(sent)
	if problem != nil {
		return problem
	}
	return s.change(func(now time.Time) (bool, error) {
		o, err := s.orderOf(rp, ref, now)
		if err != nil {
			return false, err
		}
		if !o.live() {
			return false, invalid("No such order")
		}
		o.end(failSuperseded, now, "The relying party cancelled the order.")
		o.Collected = true // a cancelled order cannot be collected
		return true, nil
	})
}

// orderOf finds an order that can still be collected or cancelled. The caller
// holds the lock.
func (s *Server) orderOf(rp relyingParty, ref string, now time.Time) (*order, error) {
	o := s.state.Orders[ref]
	if o == nil || o.RP.Fingerprint != rp.Fingerprint {
		return nil, invalid("No such order")
	}
	o.settle(now)
	if o.Collected || o.forgotten(now) {
		return nil, invalid("No such order")
	}
	return o, nil
}

// writeError answers with BankID's error body. Anything but an [apiError] is a
// defect of the simulator, or a state file that cannot be written.
func writeError(w http.ResponseWriter, err error) {
	var e *apiError
	if !errors.As(err, &e) {
		e = &apiError{http.StatusInternalServerError, "internalError", err.Error()}
	}
	writeJSON(w, e.status, map[string]string{"errorCode": e.code, "details": e.details})
}

func writeJSON(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the client is gone; nobody is left to tell
}
