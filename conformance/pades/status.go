package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"

	"golang.org/x/crypto/ocsp"

	"github.com/handslag/handslag/pdf/revocation"
)

// status asks where a certificate says, and unlike online.Client hands on every
// answer: also that a certificate is revoked.
type status struct{}

func (status) Revocation(ctx context.Context, cert, issuer *x509.Certificate) (revocation.Proof, error) {
	if len(cert.OCSPServer) == 0 {
		der, err := ask(ctx, http.MethodGet, cert.CRLDistributionPoints[0], nil)
		return revocation.Proof{CRL: der}, err
	}
	question, err := ocsp.CreateRequest(cert, issuer, nil)
	if err != nil {
		return revocation.Proof{}, err
	}
	der, err := ask(ctx, http.MethodPost, cert.OCSPServer[0], question)
	return revocation.Proof{OCSP: der}, err
}

func ask(ctx context.Context, method, url string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/ocsp-request")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // read only
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: status %d", url, answer.StatusCode)
	}
	return io.ReadAll(answer.Body)
}
