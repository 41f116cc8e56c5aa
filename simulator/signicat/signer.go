package signicat

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/revocation/online"
	"github.com/handslag/handslag/pdf/tsa"
	"github.com/handslag/handslag/simulator/pki"
)

// signer makes PAdES signatures as the remote signing service behind Norwegian
// BankID does, with the world's own authorities and without a network.
type signer struct {
	stamps  *tsa.Client
	status  *online.Client
	known   []*x509.Certificate
	entropy io.Reader
}

func newSigner(o Options) signer {
	g := signer{entropy: o.Entropy, stamps: &tsa.Client{
		URLs: []string{"http://timestamp.invalid/"}, HTTP: &http.Client{Transport: within{o.Timestamp}}, Rand: o.Entropy,
	}}
	if o.Status != nil {
		g.status = &online.Client{HTTP: &http.Client{Transport: within{o.Status}}, Clock: o.Clock}
	}
	for _, purpose := range []pki.Purpose{pki.Norwegian, pki.Timestamp, pki.Sealing} {
		g.known = append(g.known, o.PKI.Anchors(purpose)...)
	}
	return g
}

// sign returns the document with one signature more, at the level.
func (g signer) sign(ctx context.Context, document []byte, by pki.Identity, at time.Time, level pdf.Level) ([]byte, error) {
	state := pdf.NewHashState()
	if _, err := state.Write(document); err != nil {
		return nil, err
	}
	o := pdf.SealOptions{
		Key: by.Key, Chain: slices.Concat([]*x509.Certificate{by.Certificate}, by.Chain), Time: at, Level: level,
		Name: by.Certificate.Subject.CommonName, Timestamper: g.stamps, Known: g.known, Rand: g.entropy,
	}
	if g.status != nil {
		o.Revocation = g.status
	}
	tail, err := pdf.Seal(ctx, pdf.Revision{Source: bytes.NewReader(document), Size: int64(len(document)), Hash: state}, o)
	if err != nil {
		return nil, fmt.Errorf("sign document: %w", err)
	}
	return slices.Concat(document, tail), nil
}

// rewritten returns the file with a header of another version: it reads the
// same, and no byte of an earlier signature's range is sure to be the same.
func rewritten(document []byte) []byte {
	b := slices.Clone(document)
	if i := bytes.Index(b, []byte("%PDF-")); i >= 0 && i+8 <= len(b) {
		to := "1.6"
		if string(b[i+5:i+8]) == to {
			to = "1.7"
		}
		copy(b[i+5:], to)
	}
	return b
}

// within is a transport to a handler in this process, whatever the host.
type within struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (w within) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	out := &recorder{header: http.Header{}, status: http.StatusOK}
	defer func() {
		if v := recover(); v != nil { // a fault of the service cuts the connection
			answer, err = nil, errors.New("simulated: the connection was cut")
		}
	}()
	in := r.Clone(r.Context())
	// The address of the status service may have a path before its own.
	for _, own := range []string{"/ocsp/", "/crl/", "/ca/"} {
		if i := strings.Index(in.URL.Path, own); i > 0 {
			in.URL.Path, in.URL.RawPath = in.URL.Path[i:], ""
		}
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w.handler.ServeHTTP(out, in)
	return &http.Response{
		StatusCode: out.status, Status: http.StatusText(out.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: out.header, Body: io.NopCloser(&out.body), ContentLength: int64(out.body.Len()), Request: r,
	}, nil
}

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }
