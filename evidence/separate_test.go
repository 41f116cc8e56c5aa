package evidence_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
)

// separate is a document of the demo that somebody with a Norwegian BankID had
// signed before, its evidence PDF, and the anchors of their simulated world. What
// was handed out once must verify for ever.
func separate(t testing.TB) (document, proof []byte, trust evidence.Trust) {
	t.Helper()
	dir := filepath.Join("testdata", "separate")
	document, err := os.ReadFile(filepath.Join(dir, "hyresavtal-signed.pdf"))
	require.NoError(t, err)
	proof, err = os.ReadFile(filepath.Join(dir, "hyresavtal-evidence.pdf"))
	require.NoError(t, err)
	trust, err = evidence.LoadTrust(filepath.Join(dir, "trust"))
	require.NoError(t, err)
	return document, proof, trust
}

func fileOf(b []byte) evidence.File {
	return evidence.File{Content: bytes.NewReader(b), Size: int64(len(b))}
}

func verifyBoth(t testing.TB, document, proof []byte, trust evidence.Trust) (*evidence.Report, error) {
	t.Helper()
	return evidence.VerifyDocument(t.Context(), fileOf(document), []evidence.File{fileOf(proof)}, trust, time.Now())
}

func TestSeparateEvidenceVerifies(t *testing.T) {
	document, proof, trust := separate(t)
	r, err := verifyBoth(t, document, proof, trust)
	require.NoError(t, err)
	require.True(t, r.Passed(), "%s %s", r.SubIndication, r.Reason)
	require.True(t, r.Test)
	require.Equal(t, signing.AssemblySeparate, r.Assembly)
	require.Len(t, r.Signers, 2)
	require.Equal(t, "Anna Provberg", r.Signers[0].Name.Reveal())
	require.Len(t, r.Seals, 1)
	require.Equal(t, pdf.LevelLTA, r.Seals[0].Level)
	require.Len(t, r.Timestamps, 1)
	require.Equal(t, pdf.TotalPassed, r.Evidence.Indication)
	require.Equal(t, pdf.LevelLTA, r.Evidence.Seals[0].Level)
	require.Len(t, r.Earlier, 1)
	require.Equal(t, pdf.TotalPassed, r.Earlier[0].Indication)
	require.Equal(t, "Kari Prøve", r.Earlier[0].Organisation)
	require.Equal(t, "178580-xxxxx", r.Earlier[0].NationalID)
	require.Equal(t, pdf.ChangeSignature, r.Earlier[0].Changes[0].Kind)
}

// TestEarlierSignersMayBeAnybody: what passes does not depend on whether the
// verifier knows who had signed the upload; and a Norwegian BankID never counts
// as our seal.
func TestEarlierSignersMayBeAnybody(t *testing.T) {
	document, proof, trust := separate(t)
	stranger := trust
	stranger.Signers = nil
	r, err := verifyBoth(t, document, proof, stranger)
	require.NoError(t, err)
	require.True(t, r.Passed(), "%s %s", r.SubIndication, r.Reason)
	require.Equal(t, pdf.Indeterminate, r.Earlier[0].Indication)
	require.Equal(t, pdf.NoCertificateChain, r.Earlier[0].SubIndication)

	person := trust
	person.Seal = nil
	r, err = verifyBoth(t, document, proof, person)
	require.NoError(t, err)
	require.Equal(t, pdf.Indeterminate, r.Indication)

	upload := document[:r.Upload.Length]
	r, err = evidence.VerifySealed(t.Context(), fileOf(upload), 0, 0, trust, time.Now())
	require.NoError(t, err)
	require.False(t, r.Passed(), "a person's signature is no seal of ours")
}

// TestNoChangedByteOfAPairIsProven changes one byte at a time in either file, but
// for the newest timestamp's own, which no other one covers: when it is broken
// the seal is only of a lower level.
func TestNoChangedByteOfAPairIsProven(t *testing.T) {
	document, proof, trust := separate(t)
	for _, file := range [][]byte{document, proof} {
		last := bytes.LastIndex(file, []byte("/Contents <"))
		for at := 0; at < last; at += 1999 {
			file[at] ^= 1
			r, err := verifyBoth(t, document, proof, trust)
			require.False(t, err == nil && r.Passed(), "byte %d of %d", at, len(file))
			file[at] ^= 1
		}
	}
}

// TestHalfAPairProvesNothing, and says what is missing.
func TestHalfAPairProvesNothing(t *testing.T) {
	document, proof, trust := separate(t)
	for name, tc := range map[string]struct {
		document []byte
		evidence []evidence.File
		sub      string
	}{
		"document alone": {document, nil, "NO_EVIDENCE_FOUND"},
		"evidence alone": {proof, nil, "DOCUMENT_NOT_GIVEN"},
		"the upload":     {document[:42368], []evidence.File{fileOf(proof)}, "RESULT_CHANGED"},
		"itself":         {proof, []evidence.File{fileOf(proof)}, "DOCUMENT_NOT_GIVEN"},
	} {
		r, err := evidence.VerifyDocument(t.Context(), fileOf(tc.document), tc.evidence, trust, time.Now())
		require.NoError(t, err, name)
		require.Equal(t, tc.sub, r.SubIndication, name)
		require.False(t, r.Passed(), name)
	}
}
