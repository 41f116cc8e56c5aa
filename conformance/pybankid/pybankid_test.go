// Package pybankid lets PyBankID, a client that others wrote for BankID's own
// environments, drive the simulated one: the simulator is right when a client
// that knows nothing of it works.
//
// The test needs a Python with the pinned PyBankID, named by
// HANDSLAG_PYBANKID_PYTHON; run.sh makes one and runs the test.
package pybankid

import (
	"crypto/rand"
	"crypto/tls"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/simulator"
	"github.com/handslag/handslag/simulator/pki"
)

func TestPyBankID(t *testing.T) {
	python := os.Getenv("HANDSLAG_PYBANKID_PYTHON")
	if python == "" {
		t.Skip("HANDSLAG_PYBANKID_PYTHON is not set; conformance/pybankid/run.sh sets it")
	}
	// The real key sizes: a client must cope with them too.
	p, err := pki.Create(pki.Options{Clock: time.Now, Entropy: rand.Reader})
	require.NoError(t, err)
	world, err := simulator.New(simulator.Options{PKI: p, Clock: time.Now, Entropy: rand.Reader})
	require.NoError(t, err)
	api := httptest.NewUnstartedServer(world.RPAPI())
	api.Listener = tls.NewListener(api.Listener, world.RPTLS())
	api.Start()
	defer api.Close()
	control := httptest.NewServer(world.Control())
	defer control.Close()

	dir := t.TempDir()
	write := func(name string, content []byte) string {
		name = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(name, content, 0o600))
		return name
	}
	require.NoError(t, p.WriteTrust(dir))
	key, err := p.RP().KeyPEM()
	require.NoError(t, err)
	client := exec.CommandContext(t.Context(), python, "client.py")
	client.Env = append(
		os.Environ(),
		"HANDSLAG_RP_API=https://"+api.Listener.Addr().String(),
		"HANDSLAG_RP_CA="+write("ca.pem", p.ServerRootPEM()),
		"HANDSLAG_RP_CERT="+write("rp.pem", p.RP().CertificatePEM()),
		"HANDSLAG_RP_KEY="+write("rp.key", key),
		"HANDSLAG_BANKID_ROOT="+filepath.Join(dir, "bankid-se.simulator.pem"),
		"HANDSLAG_CONTROL="+control.URL,
		"PYTHONDONTWRITEBYTECODE=1",
	)
	out, err := client.CombinedOutput()
	t.Logf("%s", out)
	require.NoError(t, err)
}
