package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/handslag/handslag/pdf/revocation"
	"github.com/handslag/handslag/pdf/revocation/online"
	"github.com/handslag/handslag/pdf/tsa"
	"github.com/handslag/handslag/simulator/pki"
	served "github.com/handslag/handslag/simulator/revocation"
	simulated "github.com/handslag/handslag/simulator/tsa"
)

// world is the simulated authorities, reached over HTTP on this machine while
// the judges look at certificates that name them.
type world struct {
	pki      *pki.PKI
	seals    map[string]pki.Identity
	stolen   pki.Identity // revoked
	stranger *pki.PKI     // nobody trusts it
	stamps   *tsa.Client
	status   *online.Client
	roots    []*x509.Certificate
	rootFile string
	servers  []*httptest.Server
}

func (w *world) Close() {
	for _, s := range w.servers {
		s.Close()
	}
}

// now is when everything happens: the judges go by the machine's clock.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// kinds of key that the authorities make for the keys of the matrix.
var kinds = map[string]pki.KeyKind{
	"rsa-2048": pki.RSA2048, "rsa-3072": pki.RSA3072, "rsa-pss-3072": pki.RSA3072,
	"p256": pki.P256, "p384": pki.P384, "p521": pki.P521, "ed25519": pki.Ed25519,
}

var ways = []pki.Status{pki.StatusBoth, pki.StatusOCSP, pki.StatusCRL}

func newWorld(dir string) (*world, error) {
	w := &world{seals: map[string]pki.Identity{}, rootFile: filepath.Join(dir, "roots.pem")}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	w.servers = append(w.servers, server)
	var err error
	w.pki, err = pki.Create(pki.Options{Clock: now, Entropy: rand.Reader, CAKeyBits: 2048, StatusURL: server.URL + "/status"})
	if err != nil {
		return nil, err
	}
	if w.stranger, err = pki.Create(pki.Options{Clock: now, Entropy: rand.Reader, CAKeyBits: 2048}); err != nil {
		return nil, err
	}
	authority, err := simulated.New(simulated.Options{PKI: w.pki, Clock: now, Entropy: rand.Reader})
	if err != nil {
		return nil, err
	}
	status, err := served.New(served.Options{PKI: w.pki, Clock: now, Entropy: rand.Reader})
	if err != nil {
		return nil, err
	}
	mux.Handle("/tsa", authority)
	mux.Handle("/status/", http.StripPrefix("/status", status))
	w.stamps = &tsa.Client{URLs: []string{server.URL + "/tsa"}, HTTP: http.DefaultClient}
	w.status = &online.Client{HTTP: http.DefaultClient, Clock: now}
	for i, key := range keys {
		// Chains of two and of three certificates in turn; and each way to ask for the status.
		order := pki.SealOrder{CommonName: "Seal " + key, Key: kinds[key], Intermediate: i%2 == 1, Status: ways[i%len(ways)]}
		if w.seals[key], err = w.pki.IssueSeal(order); err != nil {
			return nil, fmt.Errorf("seal %s: %w", key, err)
		}
	}
	if w.stolen, err = w.pki.IssueSeal(pki.SealOrder{CommonName: "Seal whose key was stolen"}); err != nil {
		return nil, err
	}
	if err := w.pki.Revoke(w.stolen.Certificate, now().AddDate(0, 0, -30), pki.KeyCompromise); err != nil {
		return nil, err
	}
	w.roots = append(w.pki.Anchors(pki.Sealing), w.pki.Anchors(pki.Timestamp)...)
	var text []byte
	for _, c := range w.roots {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return w, os.WriteFile(w.rootFile, text, 0o600)
}

// proofs are the status of every certificate of the world, as of now.
func (w *world) proofs(ctx context.Context) (revocation.Proofs, error) {
	var all revocation.Proofs
	for _, id := range append(slices.Collect(maps.Values(w.seals)), w.stolen, w.pki.TSA()) {
		line := append(chain(id), w.roots...)
		for _, c := range chain(id) {
			issuer := line[slices.IndexFunc(line, func(i *x509.Certificate) bool { return c.CheckSignatureFrom(i) == nil })]
			one, err := status{}.Revocation(ctx, c, issuer)
			if err != nil {
				return all, err
			}
			all.Add(one)
		}
	}
	return all, nil
}

func chain(id pki.Identity) []*x509.Certificate {
	return append([]*x509.Certificate{id.Certificate}, id.Chain...)
}

func pool(all []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range all {
		p.AddCert(c)
	}
	return p
}
