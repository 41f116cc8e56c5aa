// Package tsa asks timestamp authorities for tokens (RFC 3161) over HTTP.
//
// A token is checked before it is handed on: that the authority granted it, that
// it is over the digest that was sent, answers the nonce of this request, and is
// signed by a certificate for timestamps that it binds. With Roots, also that
// these vouch for that certificate: a seal then cannot be made with a timestamp
// that its verifier will refuse.
package tsa

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf/cms"
)

// Client asks the authorities of URLs in order until one answers well. It is
// safe for concurrent use and must not be copied.
type Client struct {
	URLs []string
	// HTTP makes the calls; its own timeout and transport apply.
	HTTP *http.Client
	// Roots vouch for the authorities; nil leaves that to the verifier.
	Roots *x509.CertPool
	// Known are certificates between Roots and authorities that leave them out of
	// their tokens.
	Known []*x509.Certificate
	// Clock, when there is one, has authorities passed over that are ahead of it:
	// a verifier would not believe them yet.
	Clock func() time.Time
	// Timeout bounds one call to one authority; 0 is 10 s.
	Timeout time.Duration
	// Rand is where nonces come from; nil is crypto/rand.
	Rand io.Reader

	largest atomic.Int64 // token so far
}

// TokenSize is the size of the largest token so far, so that who makes room for
// one need not ask twice.
func (c *Client) TokenSize() int { return int(c.largest.Load()) }

func (c *Client) measure(token []byte) {
	for n := int64(len(token)); ; {
		was := c.largest.Load()
		if n <= was || c.largest.CompareAndSwap(was, n) {
			return
		}
	}
}

const (
	maxResponse = 256 << 10 // tokens are 2 to 12 KB
	// clockSkew is what pdf.Verify allows. An authority's clock is right to a second
	// (ETSI EN 319 421 7.7.2); ours may not be.
	clockSkew = time.Minute
	// nonceSize: RFC 3161 2.4.1 speaks of 64 bits, and some authorities take no more.
	nonceSize = 8
)

type request struct {
	Version int
	Imprint struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}
	Nonce   *big.Int
	CertReq bool
}

// Timestamp returns a checked token over a SHA-256 digest. The fault is
// tsa_unavailable when no authority could be reached or answered soundly.
func (c *Client) Timestamp(ctx context.Context, sha256Digest []byte) ([]byte, error) {
	var all []error
	for i, url := range c.URLs {
		token, err := c.ask(ctx, url, sha256Digest)
		if err == nil {
			c.measure(token)
			return token, nil
		}
		all = append(all, fmt.Errorf("timestamp authority %d: %w", i+1, err))
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fault.New(fault.Unavailable, "tsa_unavailable", "No timestamp authority gave a usable answer.").Because(errors.Join(all...))
}

func (c *Client) ask(ctx context.Context, url string, digest []byte) ([]byte, error) {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	body, nonce, err := c.request(digest)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/timestamp-query") // RFC 3161 3.4
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK || len(answer) > maxResponse {
		return nil, fmt.Errorf("answered with status %d and %d bytes", resp.StatusCode, len(answer))
	}
	return c.check(answer, digest, nonce)
}

func (c *Client) request(digest []byte) ([]byte, *big.Int, error) {
	source := c.Rand
	if source == nil {
		source = rand.Reader //nolint:forbidigo // the documented default
	}
	var b [nonceSize]byte
	if _, err := io.ReadFull(source, b[:]); err != nil {
		return nil, nil, fmt.Errorf("make nonce: %w", err)
	}
	r := request{Version: 1, Nonce: new(big.Int).SetBytes(b[:]), CertReq: true}
	r.Imprint.Algorithm = pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, Parameters: asn1.NullRawValue}
	r.Imprint.Digest = digest
	der, err := asn1.Marshal(r)
	return der, r.Nonce, err
}

// check reads TimeStampResp (2.4.2) and judges the token.
func (c *Client) check(answer, digest []byte, nonce *big.Int) ([]byte, error) {
	in := cryptobyte.String(answer)
	var resp, status cryptobyte.String
	var granted int
	if !in.ReadASN1(&resp, cbasn1.SEQUENCE) || !in.Empty() || !resp.ReadASN1(&status, cbasn1.SEQUENCE) || !status.ReadASN1Integer(&granted) {
		return nil, errors.New("answer is no timestamp response")
	}
	if granted != 0 && granted != 1 { // granted, grantedWithMods
		return nil, fmt.Errorf("refused with status %d", granted)
	}
	var token cryptobyte.String
	if !resp.ReadASN1Element(&token, cbasn1.SEQUENCE) || !resp.Empty() {
		return nil, errors.New("response has no token")
	}
	t, err := cms.VerifyTokenDigest(token, digest)
	if err != nil {
		return nil, fmt.Errorf("check token: %w", err)
	}
	if t.Nonce == nil || t.Nonce.Cmp(nonce) != 0 {
		return nil, errors.New("token answers another request")
	}
	if c.Clock != nil && t.Time.After(c.Clock().Add(clockSkew)) {
		return nil, errors.New("token is of a time to come")
	}
	if c.Roots != nil {
		if err := t.Chain(c.Roots, c.Known...); err != nil {
			return nil, fmt.Errorf("check token: %w", err)
		}
	}
	return token, nil
}
