package e2e_test

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/dev/owner"
	pdfs "github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/simulator/pki"
)

// These documents may only receive signatures: each has its evidence in a PDF of
// its own, and the two verify together, offline.

func TestPDFA2KeepsItsClaim(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	xmp := `<rdf:Description pdfaid:part="2" pdfaid:conformance="B"/>`
	upload := smallPDF("/Metadata 4 0 R", fmt.Sprintf("<< /Type /Metadata /Subtype /XML /Length %d >>\nstream\n%s\nendstream", len(xmp), xmp))
	result, _, r := s.apart(upload)
	require.Len(t, r.Seals, 1)
	require.Empty(t, r.Earlier)
	require.Equal(t, []string{"Signature is Valid."}, validity(t, result))
}

// TestSignedUploadKeepsItsSignature: somebody with a Norwegian BankID has signed
// it elsewhere.
func TestSignedUploadKeepsItsSignature(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	result, _, r := s.apart(s.signedElsewhere())
	require.Len(t, r.Seals, 1)
	require.Len(t, r.Earlier, 1)
	require.NotEqual(t, "TOTAL-FAILED", r.Earlier[0].Indication)
	require.Equal(t, []string{"Signature is Valid.", "Signature is Valid."}, validity(t, result))
}

// TestLockedUploadIsItsOwnResult: a certification allows nothing after it.
func TestLockedUploadIsItsOwnResult(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	upload := smallPDF("/AcroForm << /Fields [4 0 R] /SigFlags 3 >> /Perms << /DocMDP 5 0 R >>",
		"<< /FT /Sig /T (S) /Type /Annot /Subtype /Widget /P 3 0 R /F 132 /Rect [0 0 0 0] /V 5 0 R >>",
		"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /ByteRange [0 10 20 30] /Contents <00> "+
			"/Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /Type /TransformParams /P 1 /V /1.2 >> >>] >>")
	result, _, r := s.apart(upload)
	require.Equal(t, upload, result)
	require.Empty(t, r.Seals)
	require.Len(t, r.Earlier, 1)
}

// apart has two people sign a document that may only receive signatures, and
// verifies what becomes of it.
func (s *stage) apart(upload []byte) (result, evidence []byte, r report) {
	s.Helper()
	d, err := s.owner.Upload(s.Context(), bytes.NewReader(upload))
	require.NoError(s, err)
	c := s.collect(terms{people: s.people(2), steps: []int{1, 1}, documents: []owner.Titled{{ID: d.ID, Title: "Avtal"}}})
	require.Equal(s, "separate", c.Documents[0].Assembly)
	c.sign(0)
	c.sign(1)
	done := c.becomes("completed").Documents[0]
	result, err = s.owner.Result(s.Context(), c.ID, d.ID)
	require.NoError(s, err)
	evidence, err = s.owner.Evidence(s.Context(), c.ID, d.ID)
	require.NoError(s, err)
	require.True(s, bytes.HasPrefix(result, upload), "the upload is a prefix of the result")
	require.Equal(s, !bytes.Equal(result, upload), done.Result.Sealed)
	require.NotNil(s, done.Result.Evidence)

	r = s.verify(result, evidence)
	require.Equal(s, "TOTAL-PASSED", r.Indication, r.Reason)
	require.Equal(s, "separate", r.Assembly)
	require.Len(s, r.Signers, 2)
	for _, signer := range r.Signers {
		require.Equal(s, "TOTAL-PASSED", signer.Indication)
		require.Equal(s, "verified", signer.Assurance)
	}
	require.Equal(s, "TOTAL-PASSED", r.Evidence.Indication)
	require.Equal(s, "B-LTA", r.Evidence.Seals[0].Level)
	for _, seal := range r.Seals {
		require.Equal(s, "B-LTA", seal.Level)
	}
	require.Equal(s, []string{"Signature is Valid."}, validity(s.T, evidence))
	require.NotEqual(s, "TOTAL-PASSED", s.verify(result).Indication, "a document without its evidence proves nobody's signature")
	require.Equal(s, "DOCUMENT_NOT_GIVEN", s.verify(evidence).SubIndication)
	return result, evidence, r
}

// signedElsewhere is a page that a Norwegian has signed before it came to us.
func (s *stage) signedElsewhere() []byte {
	s.Helper()
	certificates := shared.World.Certificates
	nin := pki.SyntheticNIN(time.Date(1980, 5, 17, 0, 0, 0, 0, time.UTC), 1)
	who, err := certificates.NorwegianPerson(pki.NorwegianLeaf{NIN: nin, GivenName: "Kari", Surname: "Prøve", Key: pki.P256})
	require.NoError(s, err)
	upload := smallPDF("")
	var hash pdfs.HashState
	_, err = hash.Write(upload)
	require.NoError(s, err)
	tail, err := pdfs.Seal(s.Context(), pdfs.Revision{Source: bytes.NewReader(upload), Size: int64(len(upload)), Hash: &hash},
		pdfs.SealOptions{Key: who.Key, Chain: append([]*x509.Certificate{who.Certificate}, who.Chain...), Time: time.Now()})
	require.NoError(s, err)
	return append(upload, tail...)
}

// smallPDF is a small PDF with more in its catalog, and more objects, from number
// 4 on.
func smallPDF(catalog string, more ...string) []byte {
	objects := append([]string{
		"<< /Type /Catalog /Pages 2 0 R " + catalog + ">>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> >>",
	}, more...)
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	var offsets []int
	for i, o := range objects {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R /ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>] >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, xref)
	return b.Bytes()
}

// validity is what pdfsig, where it is installed, says of each signature.
func validity(t *testing.T, file []byte) []string {
	t.Helper()
	pdfsig, err := exec.LookPath("pdfsig")
	if err != nil {
		t.Skip("pdfsig (poppler-utils) is not installed")
	}
	path := filepath.Join(t.TempDir(), "signed.pdf")
	require.NoError(t, os.WriteFile(path, file, 0o600))
	said, err := exec.CommandContext(t.Context(), pdfsig, "-nocert", path).CombinedOutput()
	require.NoError(t, err, string(said))
	var found []string
	for line := range bytes.Lines(said) {
		// It does not judge document timestamps, and says so.
		if _, after, ok := bytes.Cut(line, []byte("- Signature Validation: ")); ok && !bytes.Contains(after, []byte("not yet been verified")) {
			found = append(found, string(bytes.TrimSpace(after)))
		}
	}
	return found
}
