package bench

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/revocation/online"
	"github.com/handslag/handslag/pdf/tsa"
	"github.com/handslag/handslag/simulator/pki"
	"github.com/handslag/handslag/simulator/revocation"
	simulated "github.com/handslag/handslag/simulator/tsa"
)

// authorities are a simulated world's, over HTTP on this machine.
type authorities struct {
	server *httptest.Server
	pki    *pki.PKI
	seals  map[string]pki.Identity // by kind of key
}

var measuredKeys = []struct {
	name string
	kind pki.KeyKind
}{{"P-256", pki.P256}, {"RSA-3072", pki.RSA3072}}

func newAuthorities() (*authorities, error) {
	mux := http.NewServeMux()
	a := &authorities{server: httptest.NewServer(mux), seals: map[string]pki.Identity{}}
	var err error
	a.pki, err = pki.Create(pki.Options{Clock: time.Now, Entropy: rand.Reader, CAKeyBits: 2048, StatusURL: a.server.URL + "/status"})
	if err != nil {
		return nil, err
	}
	stamps, err := simulated.New(simulated.Options{PKI: a.pki, Clock: time.Now, Entropy: rand.Reader})
	if err != nil {
		return nil, err
	}
	status, err := revocation.New(revocation.Options{PKI: a.pki, Clock: time.Now, Entropy: rand.Reader})
	if err != nil {
		return nil, err
	}
	mux.Handle("/tsa", stamps)
	mux.Handle("/status/", http.StripPrefix("/status", status))
	for _, k := range measuredKeys {
		if a.seals[k.name], err = a.pki.IssueSeal(pki.SealOrder{Key: k.kind, Intermediate: true}); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (a *authorities) roots() []*x509.Certificate {
	return append(a.pki.Anchors(pki.Sealing), a.pki.Anchors(pki.Timestamp)...)
}

// options are those of a seal; each asks for the status of certificates anew.
func (a *authorities) options(key string, level pdf.Level) pdf.SealOptions {
	id := a.seals[key]
	return pdf.SealOptions{
		Key: id.Key, Chain: append([]*x509.Certificate{id.Certificate}, id.Chain...), Time: time.Now(), Level: level, Known: a.roots(),
		Timestamper: &tsa.Client{URLs: []string{a.server.URL + "/tsa"}, HTTP: http.DefaultClient},
		Revocation:  &online.Client{HTTP: http.DefaultClient, Clock: time.Now},
	}
}

// trust is what verifies a seal: the roots, and for a seal that holds no proofs of
// its own, the status of every certificate.
func (a *authorities) trust(ctx context.Context) (pdf.Trust, error) {
	pool := x509.NewCertPool()
	for _, c := range a.roots() {
		pool.AddCert(c)
	}
	trust := pdf.Trust{Seal: pool, Timestamp: pool, Now: time.Now()}
	client := online.Client{HTTP: http.DefaultClient, Clock: time.Now}
	for _, id := range append(slices.Collect(maps.Values(a.seals)), a.pki.TSA()) {
		line := append([]*x509.Certificate{id.Certificate}, append(id.Chain, a.roots()...)...)
		for _, c := range line[:1+len(id.Chain)] {
			issuer := line[slices.IndexFunc(line, func(i *x509.Certificate) bool { return c.CheckSignatureFrom(i) == nil })]
			proof, err := client.Revocation(ctx, c, issuer)
			if err != nil {
				return trust, err
			}
			trust.Proofs.Add(proof)
		}
	}
	return trust, nil
}
