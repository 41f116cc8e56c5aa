package pdftest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf/cms"
)

// World is a root with a seal key and a timestamp authority under it.
type World struct {
	Root  *Identity
	Seal  *Identity
	Stamp *Identity
	Now   time.Time
}

// Identity is a key with its certificate and those above it, the root left out.
type Identity struct {
	Key  crypto.Signer
	Cert *x509.Certificate
	CA   []*x509.Certificate
}

// Chain is the certificate followed by its intermediates.
func (i *Identity) Chain() []*x509.Certificate {
	return append([]*x509.Certificate{i.Cert}, i.CA...)
}

// P256 and RSA make keys.
func P256(t testing.TB) crypto.Signer { return ECDSA(t, elliptic.P256()) }

// ECDSA makes a key on a curve.
func ECDSA(t testing.TB, c elliptic.Curve) crypto.Signer {
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	require.NoError(t, err)
	return k
}

// RSA makes a key of some bits.
func RSA(t testing.TB, bits int) crypto.Signer {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	require.NoError(t, err)
	return k
}

// Ed25519 makes a key.
func Ed25519(t testing.TB) crypto.Signer {
	_, k, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return k
}

// NewWorld makes a world around a seal key. Its certificates name nowhere that
// their status could be learnt.
func NewWorld(t testing.TB, seal crypto.Signer) *World { return newWorld(t, seal, nil) }

// NewNamedWorld makes a world whose certificates name where their status can be
// learnt; [World.Status] tells it.
func NewNamedWorld(t testing.TB, seal crypto.Signer) *World {
	return newWorld(t, seal, func(c *x509.Certificate) {
		c.OCSPServer, c.CRLDistributionPoints = []string{"http://ocsp.test/"}, []string{"http://crl.test/all.crl"}
	})
}

func newWorld(t testing.TB, seal crypto.Signer, name func(*x509.Certificate)) *World {
	w := &World{Now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	w.Root = w.issue(t, nil, P256(t), "Test Root", func(c *x509.Certificate) { c.IsCA = true })
	w.Seal = w.issue(t, w.Root, seal, "Test Seal", name)
	w.Stamp = w.Stamper(t, "Test TSA", name)
	return w
}

// Stamper makes a timestamp authority under the root.
func (w *World) Stamper(t testing.TB, name string, change func(*x509.Certificate)) *Identity {
	return w.issue(t, w.Root, P256(t), name, func(c *x509.Certificate) {
		if change != nil {
			change(c)
		}
		usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
		require.NoError(t, err)
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}}
	})
}

// Issue makes a certificate under the root.
func (w *World) Issue(t testing.TB, key crypto.Signer, name string, change func(*x509.Certificate)) *Identity {
	return w.issue(t, w.Root, key, name, change)
}

// IssueUnder makes a certificate under another than the root; its chain has the
// issuer's.
func (w *World) IssueUnder(t testing.TB, by *Identity, key crypto.Signer, name string, change func(*x509.Certificate)) *Identity {
	made := w.issue(t, by, key, name, change)
	made.CA = by.Chain()
	return made
}

func (w *World) issue(t testing.TB, by *Identity, key crypto.Signer, name string, change func(*x509.Certificate)) *Identity {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	require.NoError(t, err)
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name, Organization: []string{"Handslag test"}, Country: []string{"SE"}},
		NotBefore: w.Now.AddDate(-1, 0, 0), NotAfter: w.Now.AddDate(5, 0, 0), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
	}
	if change != nil {
		change(c)
	}
	if c.IsCA {
		c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	}
	parent, signer := c, key
	if by != nil {
		parent, signer = by.Cert, by.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &Identity{Key: key, Cert: cert}
}

// Pool holds the root.
func (w *World) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(w.Root.Cert)
	return p
}

type tstInfo struct {
	Version int
	Policy  asn1.ObjectIdentifier
	Imprint struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}
	Serial *big.Int
	Time   time.Time `asn1:"generalized"`
	Nonce  *big.Int  `asn1:"optional"`
}

// Token is a timestamp token by an identity at the world's time.
func (w *World) Token(by *Identity, digest []byte, nonce *big.Int) ([]byte, error) {
	info := tstInfo{Version: 1, Policy: asn1.ObjectIdentifier{1, 2, 3, 4}, Serial: big.NewInt(7), Time: w.Now, Nonce: nonce}
	info.Imprint.Algorithm = pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, Parameters: asn1.NullRawValue}
	info.Imprint.Digest = digest
	der, err := asn1.Marshal(info)
	if err != nil {
		return nil, err
	}
	return cms.Sign(context.Background(), cms.Signer{Key: by.Key, Chain: by.Chain(), Rand: rand.Reader},
		cms.Content{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}, Inside: der}, nil)
}

// Timestamp makes the world a timestamper.
func (w *World) Timestamp(_ context.Context, digest []byte) ([]byte, error) {
	return w.Token(w.Stamp, digest, nil)
}
