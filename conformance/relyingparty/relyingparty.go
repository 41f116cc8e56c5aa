// Package relyingparty starts the simulated BankID for clients that others wrote
// for the real one, and tells them where it is: only the base address and the CA
// are theirs to change.
package relyingparty

import (
	"crypto/rand"
	"crypto/tls"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/handslag/handslag/simulator"
	"github.com/handslag/handslag/simulator/pki"
)

// Passphrase is that of the PKCS #12 files.
const Passphrase = "qwerty123"

// Start runs a world until the test ends, and returns the environment for a
// client: the process's own, and
//
//	HANDSLAG_RP_API       https://host:port of the Relying Party API
//	HANDSLAG_RP_CA        a PEM file with the CA of that server
//	HANDSLAG_RP_CERT      a PEM file with a relying party's certificate
//	HANDSLAG_RP_KEY       a PEM file with its key
//	HANDSLAG_RP_P12       both in PKCS #12
//	HANDSLAG_STRANGER_P12 likewise, of a relying party that BankID does not know
//	HANDSLAG_BANKID_ROOT  a PEM file with the root of signatures
//	HANDSLAG_CONTROL      http://host:port of the person's side
func Start(t *testing.T) []string {
	t.Helper()
	// The real key sizes: a client must cope with them too.
	p := world(t, 0)
	w, err := simulator.New(simulator.Options{PKI: p, Clock: time.Now, Entropy: rand.Reader})
	require.NoError(t, err)
	api := httptest.NewUnstartedServer(w.RPAPI())
	api.Listener = tls.NewListener(api.Listener, w.RPTLS())
	api.Start()
	t.Cleanup(api.Close)
	control := httptest.NewServer(w.Control())
	t.Cleanup(control.Close)

	dir := t.TempDir()
	write := func(name string, content []byte) string {
		name = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(name, content, 0o600))
		return name
	}
	require.NoError(t, p.WriteTrust(dir))
	key, err := p.RP().KeyPEM()
	require.NoError(t, err)
	return append(
		os.Environ(),
		"HANDSLAG_RP_API=https://"+api.Listener.Addr().String(),
		"HANDSLAG_RP_CA="+write("ca.pem", p.ServerRootPEM()),
		"HANDSLAG_RP_CERT="+write("rp.pem", p.RP().CertificatePEM()),
		"HANDSLAG_RP_KEY="+write("rp.key", key),
		"HANDSLAG_RP_P12="+write("rp.p12", bundle(t, p.RP())),
		"HANDSLAG_STRANGER_P12="+write("stranger.p12", bundle(t, world(t, 2048).RP())),
		"HANDSLAG_BANKID_ROOT="+filepath.Join(dir, "bankid-se.simulator.pem"),
		"HANDSLAG_CONTROL="+control.URL,
	)
}

func world(t *testing.T, keyBits int) *pki.PKI {
	t.Helper()
	p, err := pki.Create(pki.Options{Clock: time.Now, Entropy: rand.Reader, CAKeyBits: keyBits})
	require.NoError(t, err)
	return p
}

// bundle is encrypted as BankID's own test certificate is, with PBES2 and AES.
func bundle(t *testing.T, id pki.Identity) []byte {
	t.Helper()
	b, err := pkcs12.Modern2023.WithRand(rand.Reader).Encode(id.Key, id.Certificate, id.Chain, Passphrase)
	require.NoError(t, err)
	return b
}
