package seals_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/seals"
	"github.com/handslag/handslag/settings"
)

// world is a seal CA, files with keys and certificates, and the clock.
type world struct {
	t    *testing.T
	dir  string
	now  time.Time
	root *identity
	mid  *identity
	env  map[string]string
}

type identity struct {
	key  crypto.Signer
	cert *x509.Certificate
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir(), now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), env: map[string]string{}}
	w.root = w.issue(nil, p256(t), "Seal Root", ca)
	w.mid = w.issue(w.root, p256(t), "Seal CA", ca)
	return w
}

func ca(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign }

// named gives a certificate a place where its status can be learnt.
func named(c *x509.Certificate) { c.CRLDistributionPoints = []string{"http://127.0.0.1:1/ca.crl"} }

func p256(t *testing.T) crypto.Signer { return curve(t, elliptic.P256()) }

func curve(t *testing.T, c elliptic.Curve) crypto.Signer {
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	require.NoError(t, err)
	return k
}

var rsa2048 = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func rsaKey(t *testing.T) crypto.Signer {
	k, err := rsa2048()
	require.NoError(t, err)
	return k
}

func edKey(t *testing.T) crypto.Signer {
	_, k, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return k
}

func (w *world) issue(by *identity, key crypto.Signer, name string, change func(*x509.Certificate)) *identity {
	w.t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	require.NoError(w.t, err)
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name, Organization: []string{"Acme AB"}},
		NotBefore: w.now.AddDate(-1, 0, 0), NotAfter: w.now.AddDate(2, 0, 0), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageContentCommitment,
	}
	if change != nil {
		change(c)
	}
	parent, signer := c, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	require.NoError(w.t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(w.t, err)
	return &identity{key, cert}
}

// seal is a seal's certificate under the intermediate.
func (w *world) seal(key crypto.Signer, change func(*x509.Certificate)) *identity {
	return w.issue(w.mid, key, "Acme Seal", change)
}

func certificates(cs ...*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, c := range cs {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	return b.Bytes()
}

func pkcs8(t *testing.T, key crypto.Signer) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// write writes a file that only its owner reads.
func (w *world) write(name string, content []byte) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	require.NoError(w.t, os.WriteFile(path, content, 0o600))
	return path
}

// pem writes a seal's chain and key.
func (w *world) pem(name string, id *identity) seals.KeySettings {
	return seals.KeySettings{PEM: &settings.PEM{
		Certificates: w.write(name+".pem", certificates(id.cert, w.mid.cert)),
		Key:          w.write(name+".key", pkcs8(w.t, id.key)),
	}}
}

func (w *world) anchors() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(w.root.cert)
	return p
}

func (w *world) options() seals.Options {
	return seals.Options{
		Anchors: w.anchors(), HTTP: &http.Client{},
		Getenv: func(name string) string { return w.env[name] },
		Clock:  func() time.Time { return w.now },
	}
}

// one are the settings of an installation with one seal at level B-B.
func one(key seals.KeySettings) seals.Settings {
	return seals.Settings{Default: "main", Seals: map[string]seals.SealSettings{"main": {Key: key, Level: "B-B"}}}
}

func (w *world) open(s seals.Settings) (*seals.Keeper, error) {
	w.t.Helper()
	k, err := seals.Open(context.Background(), func() (seals.Settings, error) { return s, nil }, w.options())
	if err == nil {
		w.t.Cleanup(k.Close)
	}
	return k, err
}

// requireSeals seals a document with what the keeper has for a tenant, and
// verifies it.
func (w *world) requireSeals(k *seals.Keeper) {
	w.t.Helper()
	seal, err := k.Seal("acme")
	require.NoError(w.t, err)
	rev := document(w.t)
	tail, err := pdf.Seal(w.t.Context(), rev, pdf.SealOptions{Key: seal.Key, Chain: seal.Chain, PSS: seal.PSS, Time: w.now, Level: seal.Level})
	require.NoError(w.t, err)
	rev = rev.Extend(tail)
	report, err := pdf.Verify(w.t.Context(), rev.Source, rev.Size, pdf.Trust{Seal: w.anchors(), Now: w.now})
	require.NoError(w.t, err)
	require.Len(w.t, report.Signatures, 1)
	require.Equal(w.t, "TOTAL-PASSED", string(report.Signatures[0].Indication), "%+v", report.Signatures[0])
}

// document is the smallest sound PDF with a page.
func document(t *testing.T) pdf.Revision {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	var offsets []int
	for i, o := range []string{
		"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> >>",
	} {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := b.Len()
	b.WriteString("xref\n0 4\n0000000000 65535 f \n")
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size 4 /Root 1 0 R /ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>] >>\nstartxref\n%d\n%%%%EOF\n", xref)
	var h pdf.HashState
	_, err := h.Write(b.Bytes())
	require.NoError(t, err)
	return pdf.Revision{Source: bytes.NewReader(b.Bytes()), Size: int64(b.Len()), Hash: &h}
}
