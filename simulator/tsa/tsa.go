// Package tsa simulates a timestamp authority: RFC 3161 over HTTP, with real
// tokens under the simulated world's own timestamp CA.
//
// It answers POST with application/timestamp-query. A request that it cannot
// grant gets a rejection with the PKIFailureInfo of RFC 3161 2.4.2, and HTTP
// status 200 as 3.4 asks; a body of another type gets 415.
//
// Invariants: a token is issued only over a digest of the right length by an
// algorithm that is not broken; genTime is the injected clock's; serial numbers
// are drawn from 159 bits and never meet.
package tsa

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/pki"
)

// Faults of tokens, beside faults.Maintenance, faults.Slow and faults.CutBefore.
const (
	WrongImprint faults.Kind = "wrongImprint" // the token is over another digest
	WrongNonce   faults.Kind = "wrongNonce"   // the token echoes another nonce
	Rejected     faults.Kind = "rejected"     // systemFailure instead of a token
)

// Options assemble an authority.
type Options struct {
	PKI     *pki.PKI         // required
	Clock   func() time.Time // required
	Entropy io.Reader        // required; must be safe for concurrent use
	// Identity stamps instead of PKI's own [pki.PKI.TSA]; RSA or P-256.
	Identity *pki.Identity
}

// Authority is a simulated timestamp authority. It is safe for concurrent use.
type Authority struct {
	identity pki.Identity
	clock    func() time.Time
	entropy  io.Reader
	faults   *faults.Set
}

// New returns an authority.
func New(o Options) (*Authority, error) {
	if o.PKI == nil || o.Clock == nil || o.Entropy == nil {
		return nil, errors.New("simulated tsa: PKI, Clock and Entropy are required")
	}
	kinds := []faults.Kind{faults.Maintenance, faults.Slow, faults.CutBefore, WrongImprint, WrongNonce, Rejected}
	if o.Identity == nil {
		own := o.PKI.TSA()
		o.Identity = &own
	}
	return &Authority{identity: *o.Identity, clock: o.Clock, entropy: o.Entropy, faults: faults.NewSet(kinds, nil)}, nil
}

// Faults returns the authority's switches.
func (a *Authority) Faults() *faults.Set { return a.faults }

const maxQuery = 64 << 10

// ServeHTTP implements RFC 3161 3.4.
func (a *Authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "only POST", http.StatusMethodNotAllowed)
		return
	}
	if r.Header.Get("Content-Type") != "application/timestamp-query" {
		http.Error(w, "send application/timestamp-query", http.StatusUnsupportedMediaType)
		return
	}
	if f, ok := a.faults.Take(faults.Slow, "", false); ok {
		wait := time.NewTimer(time.Duration(f.Delay))
		defer wait.Stop()
		select {
		case <-r.Context().Done():
		case <-wait.C:
		}
	}
	if _, ok := a.faults.Take(faults.CutBefore, "", false); ok {
		panic(http.ErrAbortHandler)
	}
	if _, ok := a.faults.Take(faults.Maintenance, "", false); ok {
		http.Error(w, "maintenance", http.StatusServiceUnavailable)
		return
	}
	sent, err := io.ReadAll(io.LimitReader(r.Body, maxQuery))
	if err != nil {
		http.Error(w, "the query did not arrive", http.StatusBadRequest)
		return
	}
	answer, err := a.answer(sent)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	_, _ = w.Write(answer)
}

// answer grants or rejects one query.
func (a *Authority) answer(sent []byte) ([]byte, error) {
	q, refusal := parseQuery(sent)
	if _, ok := a.faults.Take(Rejected, "", false); ok {
		refusal = &rejection{systemFailure, "simulated failure"}
	}
	if refusal != nil {
		return refusal.encode()
	}
	if _, ok := a.faults.Take(WrongImprint, "", false); ok {
		q.digest[0] ^= 0xff
	}
	if _, ok := a.faults.Take(WrongNonce, "", false); ok {
		q.nonce = []byte{0x02, 0x01, 0x2a}
	}
	token, err := a.token(q)
	if err != nil {
		return nil, err
	}
	return granted(token)
}
