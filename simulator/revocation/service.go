// Package revocation simulates the service that tells whether certificates are
// still good: OCSP (RFC 6960) and CRLs (RFC 5280 5) over HTTP, for the
// authorities of the simulated world whose certificates name it.
//
//	POST /ocsp/<authority>             an OCSP request; GET carries it in the path (RFC 6960 A.1)
//	GET  /crl/<authority>.crl          the full CRL
//	GET  /ca/<authority>.cer           the authority's certificate, DER
//
// Answers are signed by a delegate (id-kp-OCSPSigning, ocsp-nocheck), or by the
// authority itself when so ordered; a nonce is repeated (RFC 8954). What an
// authority never issued is "unknown", what another one issued "unauthorized",
// and what RFC 6960 does not write "malformedRequest".
//
// Invariants: an answer of an earlier time never says less than what was known
// then; a CRL's number only grows; the service writes nothing.
package revocation

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/pki"
)

// Faults of answers, beside faults.Maintenance, faults.InternalError,
// faults.Slow and faults.CutBefore. Those without a remark concern OCSP alone.
const (
	Expired          faults.Kind = "expired"          // OCSP and CRL: nextUpdate is over
	WrongSignature   faults.Kind = "wrongSignature"   // OCSP and CRL
	Malformed        faults.Kind = "malformed"        // OCSP and CRL: not DER
	Unknown          faults.Kind = "unknown"          // of a certificate that is known
	TryLater         faults.Kind = "tryLater"         // OCSPResponseStatus 3
	OtherCertificate faults.Kind = "otherCertificate" // about a certificate that was not asked for
	WrongNonce       faults.Kind = "wrongNonce"
	WrongResponder   faults.Kind = "wrongResponder" // signed by somebody who may not
)

// The endpoints that a fault can be set for.
const (
	OCSP    = "ocsp"
	CRL     = "crl"
	Issuers = "ca"
)

// Options assemble a service.
type Options struct {
	PKI     *pki.PKI         // required
	Clock   func() time.Time // required
	Entropy io.Reader        // required; must be safe for concurrent use
	// Direct has each authority sign its OCSP answers itself.
	Direct bool
	// NoNonce leaves the nonce out, as many real services do (RFC 5019 4).
	NoNonce bool
	// OCSPLife and CRLLife are how long answers hold; 0 is 12 hours and 7 days.
	OCSPLife, CRLLife time.Duration
}

// Service is a simulated status service. It is safe for concurrent use.
type Service struct {
	o      Options
	faults *faults.Set
	last   atomic.Int64 // number of the last CRL
}

// New returns a service.
func New(o Options) (*Service, error) {
	if o.PKI == nil || o.Clock == nil || o.Entropy == nil {
		return nil, errors.New("simulated revocation: PKI, Clock and Entropy are required")
	}
	if o.OCSPLife == 0 {
		o.OCSPLife = 12 * time.Hour
	}
	if o.CRLLife == 0 {
		o.CRLLife = 7 * 24 * time.Hour
	}
	kinds := []faults.Kind{
		faults.Maintenance, faults.InternalError, faults.Slow, faults.CutBefore,
		Expired, WrongSignature, Malformed, Unknown, TryLater, OtherCertificate, WrongNonce, WrongResponder,
	}
	return &Service{o: o, faults: faults.NewSet(kinds, []string{OCSP, CRL, Issuers})}, nil
}

// Faults returns the service's switches.
func (s *Service) Faults() *faults.Set { return s.faults }

// ServeHTTP serves the three endpoints. The path is read here and not by a
// ServeMux, which would clean away the double slashes of base64 (RFC 6960 A.1).
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	endpoint, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	name, inPath, _ := strings.Cut(rest, "/")
	suffix := map[string]string{OCSP: "", CRL: ".crl", Issuers: ".cer"}
	extension, known := suffix[endpoint]
	authority := pki.AuthorityName(strings.TrimSuffix(name, extension))
	issuer, exists := s.o.PKI.Authority(authority)
	if !known || !exists || !strings.HasSuffix(name, extension) || endpoint != OCSP && inPath != "" {
		http.NotFound(w, r)
		return
	}
	if s.fails(w, r, endpoint) {
		return
	}
	if endpoint == OCSP {
		s.ocsp(w, r, authority, inPath)
		return
	}
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
		return
	}
	if endpoint == Issuers {
		send(w, "application/pkix-cert", issuer.Certificate.Raw, nil)
		return
	}
	der, err := s.crl(authority, issuer)
	send(w, "application/pkix-crl", der, err)
}

// fails plays the faults of transport.
func (s *Service) fails(w http.ResponseWriter, r *http.Request, endpoint string) bool {
	if f, ok := s.faults.Take(faults.Slow, endpoint, false); ok {
		wait := time.NewTimer(time.Duration(f.Delay))
		defer wait.Stop()
		select {
		case <-r.Context().Done():
		case <-wait.C:
		}
	}
	if _, ok := s.faults.Take(faults.CutBefore, endpoint, false); ok {
		panic(http.ErrAbortHandler)
	}
	if _, ok := s.faults.Take(faults.Maintenance, endpoint, false); ok {
		http.Error(w, "maintenance", http.StatusServiceUnavailable)
		return true
	}
	if _, ok := s.faults.Take(faults.InternalError, endpoint, false); ok {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return true
	}
	return false
}

func send(w http.ResponseWriter, kind string, body []byte, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(body) //nolint:gosec // DER, of a type that no browser renders
}

const (
	maxRequest = 64 << 10
	maxInPath  = 255 // RFC 6960 A.1: longer requests are sent by POST
)

func (s *Service) ocsp(w http.ResponseWriter, r *http.Request, authority pki.AuthorityName, inPath string) {
	var sent []byte
	switch {
	case r.Method == http.MethodPost && inPath == "":
		if r.Header.Get("Content-Type") != "application/ocsp-request" {
			http.Error(w, "send application/ocsp-request", http.StatusUnsupportedMediaType)
			return
		}
		var err error
		if sent, err = io.ReadAll(io.LimitReader(r.Body, maxRequest)); err != nil {
			http.Error(w, "the request did not arrive", http.StatusBadRequest)
			return
		}
	case r.Method == http.MethodGet && len(inPath) > maxInPath:
		http.Error(w, "send a long request by POST", http.StatusRequestURITooLong)
		return
	case r.Method == http.MethodGet:
		sent = decodePath(inPath)
	default:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "GET with the request in the path, or POST", http.StatusMethodNotAllowed)
		return
	}
	der, err := s.answer(authority, sent)
	send(w, "application/ocsp-response", der, err)
}

// decodePath returns nil, which is no request, when the path holds none.
func decodePath(inPath string) []byte {
	plain, err := url.PathUnescape(inPath)
	if err != nil {
		return nil
	}
	der, err := base64.StdEncoding.DecodeString(plain)
	if err != nil {
		return nil
	}
	return der
}

func (s *Service) fault(kind faults.Kind, endpoint string) bool {
	_, ok := s.faults.Take(kind, endpoint, false)
	return ok
}

// over is how long ago an answer was made that the fault Expired gives.
const over = 30 * 24 * time.Hour

func (s *Service) times(endpoint string, life time.Duration) (at, until time.Time) {
	at = s.o.Clock().UTC().Truncate(time.Second)
	if s.fault(Expired, endpoint) {
		at = at.Add(-over)
		life = over / 2
	}
	return at, at.Add(life)
}

func (s *Service) crl(authority pki.AuthorityName, issuer pki.Identity) ([]byte, error) {
	if s.fault(Malformed, CRL) {
		return []byte("not a CRL"), nil
	}
	at, until := s.times(CRL, s.o.CRLLife)
	der, err := s.list(authority, issuer, at, until)
	if err == nil && s.fault(WrongSignature, CRL) {
		der[len(der)-1] ^= 0x01 // the signature is what a CRL ends with
	}
	return der, err
}
