package accounts_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/accounts"
	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/settings"
)

// world is a folder of files, the environment and the clock.
type world struct {
	t   *testing.T
	dir string
	now time.Time
	in  string // the installation's environment
	env map[string]string
}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, dir: t.TempDir(), now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), in: "test",
		env: map[string]string{"SECRET": "hunter2"},
	}
	return w
}

func (w *world) options() accounts.Options {
	anchor := w.certificate("BankID Root CA v1", "BankID Root CA v1", nil)
	return accounts.Options{
		Environment: w.in,
		BankID:      bankidsig.Trust{{Environment: bankidsig.Environment(w.in), Certificate: anchor}},
		Getenv:      func(name string) string { return w.env[name] },
		Clock:       func() time.Time { return w.now },
	}
}

// write writes a file that only its owner reads.
func (w *world) write(name string, content []byte) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	require.NoError(w.t, os.WriteFile(path, content, 0o600))
	return path
}

// certificate is one of a name, issued by another, with a fresh key where none is
// given.
func (w *world) certificate(name, issuer string, key crypto.Signer) *x509.Certificate {
	return w.until(name, issuer, key, w.now.AddDate(1, 0, 0))
}

func (w *world) until(name, issuer string, key crypto.Signer, end time.Time) *x509.Certificate {
	w.t.Helper()
	if key == nil {
		key = w.key()
	}
	subject := func(cn string) pkix.Name {
		return pkix.Name{CommonName: cn, Organization: []string{"Testbank A AB (publ)"}, SerialNumber: "5566304928", ExtraNames: []pkix.AttributeTypeAndValue{
			{Type: asn1.ObjectIdentifier{2, 5, 4, 41}, Value: "Acme"},
		}}
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: subject(name), NotBefore: w.now.AddDate(-1, 0, 0), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, c, &x509.Certificate{Subject: subject(issuer)}, key.Public(), key)
	require.NoError(w.t, err)
	made, err := x509.ParseCertificate(der)
	require.NoError(w.t, err)
	return made
}

func (w *world) key() crypto.Signer {
	w.t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(w.t, err)
	return k
}

func pemOf(t *testing.T, key crypto.Signer, certificates ...*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, c := range certificates {
		require.NoError(t, pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	if key != nil {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		require.NoError(t, err)
		require.NoError(t, pem.Encode(&b, &pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	return b.Bytes()
}

// rp writes a relying party's certificate and key into one file of that name.
func (w *world) rp(name, subject, issuer string, end time.Time) string {
	key := w.key()
	return w.write(name, pemOf(w.t, key, w.until(subject, issuer, key, end)))
}

// bankid is an account of a relying party in that file.
func (w *world) bankid(rp string) accounts.AccountSettings {
	return accounts.AccountSettings{Environment: w.in, BankID: &accounts.BankIDSettings{
		BaseURL:     "https://127.0.0.1:1/rp/v6.0",
		Credentials: accounts.Credentials{PEM: &settings.PEM{Certificates: rp, Key: rp}},
		Connection:  accounts.Connection{ServerRoots: w.write("bankid-ca.pem", pemOf(w.t, nil, w.certificate("SSL Root", "SSL Root", nil)))},
	}}
}

func (w *world) main() accounts.AccountSettings {
	return w.bankid(w.rp("rp.pem", "Acme", "Bank RP CA", w.now.AddDate(0, 2, 0)))
}

var fromEnv = settings.Secret{Env: "SECRET"}

func idkollen() accounts.AccountSettings {
	return accounts.AccountSettings{Environment: "test", IDkollen: &accounts.IDkollenSettings{AccountID: "acme", SecretKey: fromEnv}}
}

func qrona() accounts.AccountSettings {
	return accounts.AccountSettings{Environment: "test", Qrona: &accounts.QronaSettings{Token: fromEnv}}
}

func sbab() accounts.AccountSettings {
	return accounts.AccountSettings{Environment: "test", SBAB: &accounts.SBABSettings{SandboxKey: fromEnv}}
}

func signicat() accounts.AccountSettings {
	return accounts.AccountSettings{Environment: "test", Signicat: &accounts.SignicatSettings{ClientID: "sandbox-misty-angle-164", ClientSecret: fromEnv}}
}

// one are the settings of an installation where everybody uses one account.
func one(a accounts.AccountSettings) accounts.Settings {
	return accounts.Settings{
		Default:  accounts.UseSettings{Accounts: []string{"main"}},
		Accounts: map[string]accounts.AccountSettings{"main": a},
	}
}

func (w *world) open(s accounts.Settings) (*accounts.Keeper, error) {
	return accounts.Open(func() (accounts.Settings, error) { return s, nil }, w.options())
}

func (w *world) mustOpen(s accounts.Settings) *accounts.Keeper {
	w.t.Helper()
	k, err := w.open(s)
	require.NoError(w.t, err)
	return k
}
