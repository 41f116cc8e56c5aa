// Package nodebankid lets a second client that others wrote, the npm package
// bankid, drive the simulated BankID. It speaks the API in ways of its own: it
// reads a PKCS #12 file, makes its own QR codes, and collects by itself until an
// order has ended.
//
// The test needs the pinned package in a directory named by
// HANDSLAG_NODEBANKID_MODULES; run.sh makes one and runs the test.
package nodebankid

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/conformance/relyingparty"
)

func TestNodeBankID(t *testing.T) {
	modules := os.Getenv("HANDSLAG_NODEBANKID_MODULES")
	if modules == "" {
		t.Skip("HANDSLAG_NODEBANKID_MODULES is not set; conformance/nodebankid/run.sh sets it")
	}
	client := exec.CommandContext(t.Context(), "node", "client.cjs")
	client.Env = append(relyingparty.Start(t), "NODE_PATH="+modules, "HANDSLAG_PASSPHRASE="+relyingparty.Passphrase)
	out, err := client.CombinedOutput()
	t.Logf("%s", out)
	require.NoError(t, err)
}
