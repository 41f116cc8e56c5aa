// Package pybankid lets PyBankID, a client that others wrote for BankID's own
// environments, drive the simulated one: the simulator is right when a client
// that knows nothing of it works.
//
// The test needs a Python with the pinned PyBankID, named by
// HANDSLAG_PYBANKID_PYTHON; run.sh makes one and runs the test.
package pybankid

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/conformance/relyingparty"
)

func TestPyBankID(t *testing.T) {
	python := os.Getenv("HANDSLAG_PYBANKID_PYTHON")
	if python == "" {
		t.Skip("HANDSLAG_PYBANKID_PYTHON is not set; conformance/pybankid/run.sh sets it")
	}
	client := exec.CommandContext(t.Context(), python, "client.py")
	client.Env = append(relyingparty.Start(t), "PYTHONDONTWRITEBYTECODE=1")
	out, err := client.CombinedOutput()
	t.Logf("%s", out)
	require.NoError(t, err)
}
