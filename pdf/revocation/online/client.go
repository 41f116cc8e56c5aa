// Package online gets proofs of the status of certificates from where these say:
// OCSP responders first, then revocation lists, each in the order of the
// certificate. What comes back is judged by package revocation before it is used.
//
// Addresses stand in certificates that the caller has found an issuer for; they
// are asked over http and https alone, and lead nowhere else.
package online

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf/revocation"
)

// Client fetches proofs and keeps them while they are current. It is safe for
// concurrent use and must not be copied.
type Client struct {
	// HTTP makes the calls; its own timeout and transport apply.
	HTTP *http.Client
	// Clock tells the time by which an answer is judged.
	Clock func() time.Time
	// Timeout bounds one call; 0 is 10 s.
	Timeout time.Duration
	// MaxAge bounds how long an answer is kept that says it is good for longer; 0
	// is an hour. A revocation shows no later than that.
	MaxAge time.Duration

	mu    sync.Mutex
	cache cache
}

const (
	maxOCSP      = 256 << 10
	maxCRL       = 16 << 20 // the largest that a verifier reads out of a document
	maxRedirects = 3
	maxAddresses = 8 // of one kind in one certificate
	maxDepth     = 2 // responders whose own status is asked
)

func unavailable() *fault.Error {
	return fault.New(fault.Unavailable, "revocation_unavailable", "No proof of a certificate's status could be had.")
}

// Revocation returns a checked proof that a certificate is good. Faults:
// certificate_revoked, with the proof of that, and revocation_unavailable when nobody who can be reached
// says so or otherwise.
func (c *Client) Revocation(ctx context.Context, certificate, issuer *x509.Certificate) (revocation.Proof, error) {
	return c.prove(ctx, certificate, issuer, 0)
}

func (c *Client) prove(ctx context.Context, certificate, issuer *x509.Certificate, depth int) (revocation.Proof, error) {
	var all []error
	for _, way := range ways(certificate) {
		p, err := c.follow(ctx, way, certificate, issuer, depth)
		if err == nil {
			return p, nil
		}
		if fault.CodeOf(err) == "certificate_revoked" {
			return p, err
		}
		all = append(all, err)
		if ctx.Err() != nil {
			break
		}
	}
	if len(all) == 0 {
		all = append(all, errors.New("the certificate names no address of the web"))
	}
	return revocation.Proof{}, unavailable().Because(errors.Join(all...))
}

// way is one place to ask.
type way struct {
	kind    revocation.Kind
	address string
}

func ways(certificate *x509.Certificate) (all []way) {
	for _, one := range first(certificate.OCSPServer) {
		all = append(all, way{revocation.OCSP, one})
	}
	for _, one := range first(certificate.CRLDistributionPoints) {
		all = append(all, way{revocation.CRL, one})
	}
	return all
}

// first leaves out what is not of the web: directories (ldap) come first in many
// certificates.
func first(addresses []string) (all []string) {
	for _, one := range addresses {
		if u, err := url.Parse(one); err == nil && web(u) && len(all) < maxAddresses {
			all = append(all, one)
		}
	}
	return all
}

// follow asks one place, unless what it said before is still current.
func (c *Client) follow(ctx context.Context, w way, certificate, issuer *x509.Certificate, depth int) (revocation.Proof, error) {
	key := w.key(certificate, issuer)
	now := c.Clock()
	if der, ok := c.kept(key, now); ok {
		if p, _, err := c.judge(ctx, w.proof(der), certificate, issuer, depth); err == nil {
			return p, nil
		}
	}
	der, err := c.fetch(ctx, w, certificate, issuer)
	if err != nil {
		return revocation.Proof{}, fmt.Errorf("ask for %s: %w", w.kind, err)
	}
	p, until, err := c.judge(ctx, w.proof(der), certificate, issuer, depth)
	if err != nil {
		return p, fmt.Errorf("judge %s: %w", w.kind, err)
	}
	c.keep(key, der, until, now)
	return p, nil
}

func (w way) proof(der []byte) revocation.Proof {
	if w.kind == revocation.OCSP {
		return revocation.Proof{OCSP: der}
	}
	return revocation.Proof{CRL: der}
}

// key: a list is the same for all its certificates, a response is for one.
func (w way) key(certificate, issuer *x509.Certificate) string {
	k := string(w.kind) + " " + w.address
	if w.kind == revocation.OCSP {
		k += " " + string(certificate.Signature) + string(issuer.Signature)
	}
	return k
}

// judge holds an answer to the present. A responder whose own status has to be
// proven is proven the same way.
func (c *Client) judge(ctx context.Context, p revocation.Proof, certificate, issuer *x509.Certificate, depth int) (revocation.Proof, time.Time, error) {
	now := c.Clock()
	q := revocation.Question{Certificate: certificate, Issuer: issuer, At: now, Now: now}
	var proofs revocation.Proofs
	proofs.Add(p)
	a := revocation.NewRegister(proofs).Status(q)
	if a.Unproven != nil && depth < maxDepth {
		own, err := c.prove(ctx, a.Unproven, issuer, depth+1)
		if err != nil {
			return revocation.Proof{}, time.Time{}, fmt.Errorf("prove the responder: %w", err)
		}
		proofs.Add(own)
		a = revocation.NewRegister(proofs).Status(q)
	}
	if a.Status == revocation.Unknown {
		return revocation.Proof{}, time.Time{}, errors.New(a.Why)
	}
	if !a.Used.Responder.Equal(issuer) {
		p.Certificates = [][]byte{a.Used.Responder.Raw}
	}
	if a.Status == revocation.Revoked {
		return p, time.Time{}, fault.New(fault.Internal, "certificate_revoked", "A certificate is revoked.")
	}
	return p, a.Used.NextUpdate, nil
}

func (c *Client) fetch(ctx context.Context, w way, certificate, issuer *x509.Certificate) ([]byte, error) {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if w.kind == revocation.CRL {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.address, nil)
		if err != nil {
			return nil, fmt.Errorf("make request: %w", err)
		}
		return c.call(req, maxCRL)
	}
	body, err := revocation.Request(certificate, issuer)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/ocsp-request") // RFC 6960 A.1
	return c.call(req, maxOCSP)
}

func web(u *url.URL) bool { return u.Scheme == "http" || u.Scheme == "https" }

func (c *Client) call(req *http.Request, limit int64) ([]byte, error) {
	client := *c.HTTP
	client.CheckRedirect = func(to *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects || !web(to.URL) {
			return errors.New("redirected too often or out of the web")
		}
		return nil
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	answer, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK || int64(len(answer)) > limit || len(answer) == 0 {
		return nil, fmt.Errorf("answered with status %d and %d bytes", resp.StatusCode, len(answer))
	}
	return answer, nil
}
