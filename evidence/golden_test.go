package evidence_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
)

// TestMixedPairVerifies: a pair with a part of every kind, as it was made once,
// verifies for ever.
func TestMixedPairVerifies(t *testing.T) {
	dir := filepath.Join("testdata", "mixed")
	document, err := os.ReadFile(filepath.Join(dir, "avtal-signed.pdf"))
	require.NoError(t, err)
	proof, err := os.ReadFile(filepath.Join(dir, "avtal-evidence.pdf"))
	require.NoError(t, err)
	trust, err := evidence.LoadTrust(filepath.Join(dir, "trust"))
	require.NoError(t, err)
	r, err := verifyBoth(t, document, proof, trust)
	require.NoError(t, err)
	require.Equal(t, pdf.Indeterminate, r.Indication)
	require.Equal(t, "RESTS_ON_STATEMENTS", r.SubIndication)
	trust.Accept = []signing.Assurance{signing.AssuranceAttested, signing.AssuranceIdentified}
	r, err = verifyBoth(t, document, proof, trust)
	require.NoError(t, err)
	require.True(t, r.Passed(), "%s %s", r.SubIndication, r.Reason)
	require.Len(t, r.Signers, 3)
	require.Len(t, r.Statements, 1)
	require.Len(t, r.Consents, 1)
	require.Len(t, r.Processes, 1)

	// Alone it proves of nobody that they had to sign; who signed in it is told all the same.
	r, err = evidence.VerifyDocument(t.Context(), fileOf(document), nil, trust, time.Now())
	require.NoError(t, err)
	require.Equal(t, pdf.Indeterminate, r.Indication)
	require.Equal(t, "NO_EVIDENCE_FOUND", r.SubIndication)
	require.Len(t, r.Seals, 3)
	for _, s := range r.Seals {
		require.Equal(t, pdf.TotalPassed, s.Indication, "%s %s", s.SubIndication, s.Reason)
	}
}

// TestMakeMixedPair makes the pair anew, when asked to.
func TestMakeMixedPair(t *testing.T) {
	dir := os.Getenv("HANDSLAG_KEEP_MIXED")
	if dir == "" {
		t.Skip("HANDSLAG_KEEP_MIXED names no folder")
	}
	w := newWorld(t, se, nbid, se, identify, nbid, process)
	w.sign(0)
	w.norwegian(1)
	w.attest(2)
	w.consent(3, "bankid")
	w.norwegian(4)
	w.process(5)
	document, proof := w.separated()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "avtal-signed.pdf"), document, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "avtal-evidence.pdf"), proof, 0o600))
	require.NoError(t, w.pki.WriteTrust(filepath.Join(dir, "trust")))
}
