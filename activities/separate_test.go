package activities_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator/pki"
)

// archival is onePage with a claim of PDF/A-2.
func archival() []byte {
	xmp := `<rdf:Description pdfaid:part="2" pdfaid:conformance="B"/>`
	return onePageWith("/Metadata 4 0 R", fmt.Sprintf("<< /Type /Metadata /Subtype /XML /Length %d >>\nstream\n%s\nendstream", len(xmp), xmp))
}

// presigned is onePage with a signature of somebody whom nobody here knows.
func presigned(t *testing.T) []byte {
	t.Helper()
	p, err := pki.Create(pki.Options{Clock: time.Now, Entropy: rand.Reader, CAKeyBits: 2048})
	require.NoError(t, err)
	seal := p.Seal()
	return signedBy(t, onePage(), pdf.SealOptions{
		Key: seal.Key, Chain: append([]*x509.Certificate{seal.Certificate}, seal.Chain...), Time: time.Now(),
	})
}

func signedBy(t *testing.T, content []byte, o pdf.SealOptions) []byte {
	t.Helper()
	var h pdf.HashState
	_, err := h.Write(content)
	require.NoError(t, err)
	tail, err := pdf.Seal(t.Context(), pdf.Revision{Source: bytes.NewReader(content), Size: int64(len(content)), Hash: &h}, o)
	require.NoError(t, err)
	return append(bytes.Clone(content), tail...)
}

// locked is onePage with a certification that allows nothing after it.
func locked() []byte {
	return onePageWith("/AcroForm << /Fields [4 0 R] /SigFlags 3 >> /Perms << /DocMDP 5 0 R >>",
		"<< /FT /Sig /T (S) /Type /Annot /Subtype /Widget /P 3 0 R /F 132 /Rect [0 0 0 0] /V 5 0 R >>",
		"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /ByteRange [0 10 20 30] /Contents <00> "+
			"/Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /Type /TransformParams /P 1 /V /1.2 >> >>] >>")
}

// newSeparateWorld is a world whose document has its evidence in a PDF of its own.
func newSeparateWorld(t *testing.T, kind string) *world {
	t.Helper()
	w := newWorld(t)
	var content []byte
	switch kind {
	case "PDF/A-2":
		content = archival()
	case "signed":
		content = presigned(t)
	case "locked":
		content = locked()
	}
	w.uploadKind(content)
	return w
}

// uploadKind replaces the upload by one that may only receive signatures.
func (w *world) uploadKind(content []byte) {
	w.t.Helper()
	found, err := pdf.Check(bytes.NewReader(content), int64(len(content)), pdf.Limits{})
	require.NoError(w.t, err)
	d := &w.store.spec.Documents[0]
	d.Length, d.Digest = int64(len(content)), signing.DigestOf(content)
	d.Nature = signing.Nature{Signatures: found.Signatures, Locked: found.Locked, PDFA: found.PDFA}
	require.Equal(w.t, signing.AssemblySeparate, w.store.spec.Assembly(*d))
	w.uploadOf(content)
}

// pair is what is kept: the result, which is the upload when it is locked, and
// the evidence PDF.
func (w *world) pair() (result, proof []byte) {
	d := w.store.spec.Documents[0]
	ref := signing.RevisionRef{Tenant: w.ref.Tenant, Collection: w.ref.Collection, Document: d.ID}
	if !d.Locked {
		ref.Revision = 1
	}
	result = w.store.revisions[ref].content
	ref.Revision, ref.Evidence = 0, true
	return result, w.store.revisions[ref].content
}

// requirePair verifies the pair as anybody could.
func (w *world) requirePair(r signing.Result) *evidence.Report {
	w.t.Helper()
	d := w.store.spec.Documents[0]
	result, proof := w.pair()
	require.Equal(w.t, signing.DigestOf(result), r.Digest)
	require.Equal(w.t, int64(len(result)), r.Length)
	require.Equal(w.t, signing.DigestOf(proof), r.Evidence.Digest)
	require.Equal(w.t, int64(len(proof)), r.Evidence.Length)
	require.Equal(w.t, d.Locked, r.Unsealed)
	require.Equal(w.t, d.Digest, signing.DigestOf(result[:d.Length]), "the upload is a byte prefix of the result")
	report, err := evidence.VerifyDocument(w.t.Context(), fileOf(result), []evidence.File{fileOf(proof)}, w.sealing.Trust, time.Now())
	require.NoError(w.t, err)
	require.True(w.t, report.Passed(), "%s %s", report.SubIndication, report.Reason)
	require.True(w.t, report.Test)
	require.Equal(w.t, signing.AssemblySeparate, report.Assembly)
	require.Equal(w.t, "Tolvan Tolvansson", report.Signers[0].Name.Reveal())
	require.Equal(w.t, !d.Locked, report.Evidence.Result.Sealed)
	require.Equal(w.t, d.Locked, len(report.Seals) == 0)
	require.Len(w.t, report.Earlier, d.Signatures)
	require.Equal(w.t, "TOTAL-PASSED", string(report.Evidence.Indication))
	return report
}

// TestSeparateEffects fails each effect of the second way, before and after it
// took place, on each of its calls: a repeat yields one valid pair, and what was
// kept first stays.
func TestSeparateEffects(t *testing.T) {
	for _, kind := range []string{"PDF/A-2", "locked"} {
		for effect, calls := range map[string]int{
			"describe revision": 3, "open revision": 3, "get signature.xml": 1, "put revision": 1, "put evidence PDF": 1,
		} {
			for call := 1; call <= calls; call++ {
				for _, persisted := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s/%s %d/persisted %v", kind, effect, call, persisted), func(t *testing.T) {
						w := newSeparateWorld(t, kind)
						in := w.sealInput()
						w.store.failing(effect, call, persisted)
						var first, second signing.Result
						if err := w.run(w.sealing.SealDocument, in, &first); err != nil {
							requireCode(t, errStore.Code, err)
						} else {
							require.Less(t, w.store.tried(effect), call, "the failure was swallowed")
						}
						before := maps.Clone(w.store.revisions)
						require.NoError(t, w.run(w.sealing.SealDocument, in, &first))
						require.NoError(t, w.run(w.sealing.SealDocument, in, &second))
						require.Equal(t, first, second)
						for ref, k := range before {
							require.Equal(t, k.content, w.store.revisions[ref].content, "what was kept first stays")
						}
						w.requirePair(first)
					})
				}
			}
		}
	}
}

// TestEarlierSignaturesAreReported: those that an upload came with stay as they
// were, and whether their signers are known decides nothing of ours.
func TestEarlierSignaturesAreReported(t *testing.T) {
	w := newSeparateWorld(t, "signed")
	var r signing.Result
	require.NoError(t, w.run(w.sealing.SealDocument, w.sealInput(), &r))
	require.False(t, r.Unsealed)
	earlier := w.requirePair(r).Earlier[0]
	require.Equal(t, "INDETERMINATE", string(earlier.Indication))
	require.Equal(t, pdf.NoCertificateChain, earlier.SubIndication)
}

// TestSeparateEvidenceSpeaksOfOneDocument: neither half of a pair proves anything
// without the other, and evidence of one document proves nothing of another.
func TestSeparateEvidenceSpeaksOfOneDocument(t *testing.T) {
	w, other := newSeparateWorld(t, "PDF/A-2"), newSeparateWorld(t, "signed")
	for _, each := range []*world{w, other} {
		require.NoError(t, each.run(each.sealing.SealDocument, each.sealInput(), nil))
	}
	result, proof := w.pair()
	otherResult, otherProof := other.pair()
	verify := func(document []byte, proofs ...[]byte) *evidence.Report {
		var files []evidence.File
		for _, p := range proofs {
			files = append(files, fileOf(p))
		}
		r, err := evidence.VerifyDocument(t.Context(), fileOf(document), files, w.sealing.Trust, time.Now())
		require.NoError(t, err)
		return r
	}
	require.True(t, verify(result, proof).Passed())
	require.True(t, verify(result, otherProof, proof).Passed(), "the right one is found among several")
	require.True(t, verify(otherResult, otherProof, proof).Passed())
	require.Equal(t, "NO_EVIDENCE_FOUND", verify(result).SubIndication)
	require.Equal(t, "NO_EVIDENCE_FOUND", verify(result, otherProof).SubIndication)
	alone := verify(proof)
	require.Equal(t, "DOCUMENT_NOT_GIVEN", alone.SubIndication)
	require.Equal(t, "INDETERMINATE", string(alone.Indication))
	require.Equal(t, "TOTAL-PASSED", string(alone.Evidence.Indication))
	require.Len(t, alone.Signers, 1)
}

// TestSeparateResultIsHeldToSignatures: whoever holds the seal cannot add a page
// to a document that may only receive signatures, nor another seal's result pass
// for the one that the evidence speaks of.
func TestSeparateResultIsHeldToSignatures(t *testing.T) {
	w := newSeparateWorld(t, "PDF/A-2")
	in := w.sealInput()
	require.NoError(t, w.run(w.sealing.SealDocument, in, nil))
	result, proof := w.pair()
	seal, err := w.sealing.Seals.Seal("acme")
	require.NoError(t, err)
	options := pdf.SealOptions{Key: seal.Key, Chain: seal.Chain, Time: time.Now(), Timestamper: seal.Stamps}
	verify := func(document []byte) *evidence.Report {
		r, err := evidence.VerifyDocument(t.Context(), fileOf(document), []evidence.File{fileOf(proof)}, w.sealing.Trust, time.Now())
		require.NoError(t, err)
		return r
	}

	again := signedBy(t, archival(), options)
	require.Equal(t, "RESULT_CHANGED", verify(again).SubIndication)
	require.Equal(t, "NO_EVIDENCE_FOUND", verify(signedBy(t, onePage(), options)).SubIndication)
	require.True(t, verify(signedBy(t, result, options)).Passed(), "a further seal of ours, as when a timestamp is renewed")

	var h pdf.HashState
	_, err = h.Write(archival())
	require.NoError(t, err)
	additions, err := w.sealing.Additions(t.Context(), in)
	require.NoError(t, err)
	rev := pdf.Revision{Source: bytes.NewReader(archival()), Size: int64(len(archival())), Hash: &h}
	tail, err := pdf.Append(rev, pdf.Additions{Pages: additions.Pages, Time: additions.Time})
	require.NoError(t, err)
	paged := signedBy(t, append(archival(), tail...), options)
	r, err := evidence.VerifySealed(t.Context(), fileOf(paged), int64(len(archival())), int64(len(archival())), w.sealing.Trust, time.Now())
	require.NoError(t, err)
	require.Equal(t, "DOCUMENT_CHANGED", r.SubIndication)
}
