package evidence_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator/pki"
)

// change is what an attacker does who holds the seal, to what is to be sealed.
type change = func(*evidence.Facts, []pdf.Attachment) []pdf.Attachment

func onFacts(do func(*evidence.Facts)) change {
	return func(f *evidence.Facts, _ []pdf.Attachment) []pdf.Attachment {
		if f != nil {
			f.Proofs = slices.Clone(f.Proofs)
			f.Spec.Participants = slices.Clone(f.Spec.Participants)
			do(f)
		}
		return nil
	}
}

func onFiles(do func([]pdf.Attachment) []pdf.Attachment) change {
	return func(_ *evidence.Facts, files []pdf.Attachment) []pdf.Attachment {
		if files == nil {
			return nil
		}
		return do(slices.Clone(files))
	}
}

// onFile replaces the content of each file whose name ends so.
func onFile(suffix string, do func([]byte) []byte) change {
	return onFiles(func(files []pdf.Attachment) []pdf.Attachment {
		for i := range files {
			if strings.HasSuffix(files[i].Name, suffix) {
				files[i].Data = do(files[i].Data)
			}
		}
		return files
	})
}

// onIndex changes the index as text, in its one encoding.
func onIndex(do func(map[string]any)) change {
	return onFile(evidence.IndexName, func(b []byte) []byte {
		var x evidence.Index
		var loose map[string]any
		_ = json.Unmarshal(b, &loose) // it is ours
		do(loose)
		changed, _ := json.Marshal(loose)
		if json.Unmarshal(changed, &x) != nil {
			return changed
		}
		again, _ := json.MarshalIndent(x, "", "  ")
		return again
	})
}

func without(suffix string) change {
	return onFiles(func(files []pdf.Attachment) []pdf.Attachment {
		return slices.DeleteFunc(files, func(a pdf.Attachment) bool { return strings.HasSuffix(a.Name, suffix) })
	})
}

func replace(from, to string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(from), []byte(to)) }
}

func moved(from, to string) func(map[string]any) {
	return func(x map[string]any) {
		x[to] = x[from]
		delete(x, from)
	}
}

// TestSealHolderCannotDressUp: whoever holds the seal can state much, and cannot
// make anything pass for a signature that is none, even for a verifier who
// accepts every statement.
func TestSealHolderCannotDressUp(t *testing.T) {
	everything := []signing.Assurance{signing.AssuranceAttested, signing.AssuranceIdentified, signing.AssuranceAttestedProcess}
	w := newWorld(t, se, se, identify, process)
	w.sign(0)
	w.attest(1)
	w.consent(2, "bankid")
	w.process(3)
	w.trust.Accept = everything
	require.True(t, w.verify(w.appended()).Passed())
	for name, tc := range map[string]struct {
		change change
		sub    string
	}{
		"a statement as a signature": {onFacts(func(f *evidence.Facts) { f.Proofs[1].Assurance = signing.AssuranceVerified }), "unexpected_structure"},
		"with another's XML": {onFacts(func(f *evidence.Facts) {
			f.Proofs[1].Assurance, f.Proofs[1].XML, f.Proofs[1].OCSP = signing.AssuranceVerified, f.Proofs[0].XML, f.Proofs[0].OCSP
		}), "content_mismatch"},
		"a statement called verified": {onIndex(func(x map[string]any) {
			x["statements"].([]any)[0].(map[string]any)["assurance"] = "verified"
		}), "EVIDENCE_INVALID"},
		"a statement among signatures": {onIndex(moved("statements", "signatures")), "EVIDENCE_INVALID"},
		"a consent among signatures":   {onIndex(moved("consents", "signatures")), "EVIDENCE_INVALID"},
		"a consent among statements":   {onIndex(moved("consents", "statements")), "EVIDENCE_INVALID"},
		"a process among statements":   {onIndex(moved("processes", "statements")), "EVIDENCE_INVALID"},
		"a process among consents":     {onIndex(moved("processes", "consents")), "EVIDENCE_INVALID"},
		"an identification as a signature": {onFacts(func(f *evidence.Facts) {
			f.Proofs[2].Assurance, f.Proofs[2].Method = signing.AssuranceVerified, se
		}), "not_a_signature"},
		"a signature as an identification": {onFacts(func(f *evidence.Facts) {
			f.Proofs[2].XML, f.Proofs[2].OCSP = f.Proofs[0].XML, f.Proofs[0].OCSP
		}), "not_an_identification"},
		"a process as a statement of ours": {onFacts(func(f *evidence.Facts) {
			f.Proofs[3].Assurance, f.Proofs[3].Method, f.Spec.Participants[3].Method = signing.AssuranceAttested, se, se
		}), "SIGNER_MISSING"},
		"somebody who had to sign as a process": {onFacts(func(f *evidence.Facts) {
			f.Proofs[1].Assurance, f.Proofs[1].Method, f.Spec.Participants[1].Method = signing.AssuranceAttestedProcess, process, process
		}), "SIGNER_MISSING"},
		"nobody in somebody's place": {onFacts(func(f *evidence.Facts) {
			f.Proofs, f.Spec.Participants = slices.Delete(f.Proofs, 1, 2), slices.Delete(f.Spec.Participants, 1, 2)
		}), "SIGNER_MISSING"},
		"somebody left out of the proofs": {onFacts(func(f *evidence.Facts) { f.Proofs = slices.Delete(f.Proofs, 2, 3) }), "SIGNER_MISSING"},
		"somebody twice":                  {onFacts(func(f *evidence.Facts) { f.Proofs = append(f.Proofs, f.Proofs[1]) }), "EVIDENCE_INVALID"},
		"one as another": {onFacts(func(f *evidence.Facts) {
			f.Proofs[0].Participant, f.Proofs[1].Participant = f.Proofs[1].Participant, f.Proofs[0].Participant
		}), "MANIFEST_MISMATCH"},
		"no consent":               {without(".consent.json"), "CONSENT_MISMATCH"},
		"a consent to other texts": {onFile(".consent.json", replace("approve it", "refuse it")), "TEXT_MISMATCH"},
		"a consent to another":     {onFile(".consent.json", replace(signing.DigestOf(w.proofs[2].Manifest).String(), signing.Digest{1}.String())), "CONSENT_MISMATCH"},
		"a consent of another":     {onFile(".consent.json", replace(string(w.proofs[2].Participant), string(w.proofs[0].Participant))), "CONSENT_MISMATCH"},
		"a consent on another identification": {
			onFile(".consent.json", replace(w.proofs[2].Evidence.String(), signing.Digest{1}.String())), "CONSENT_MISMATCH",
		},
		"an identification of another": {onFacts(func(f *evidence.Facts) { f.Proofs[2].MaskedNumber = "19900101-xxxx" }), "SIGNER_MISMATCH"},
		"no proof of its status":       {without(string(w.proofs[2].Participant) + ".ocsp.der"), "EVIDENCE_INVALID"},
		"another text as signed":       {onFile(".text.txt", replace("Avtal", "Testamente")), "TEXT_MISMATCH"},
		"a statement of no answer":     {onFacts(func(f *evidence.Facts) { f.Proofs[1].Evidence = signing.Digest{} }), "EVIDENCE_INVALID"},
		"an unknown list":              {onFile(evidence.IndexName, replace(`"audit"`, `"witnesses": [], "audit"`)), "EVIDENCE_INVALID"},
		"another encoding":             {onFile(evidence.IndexName, replace(`  "`, `"`)), "EVIDENCE_INVALID"},
		"a list of the first form":     {onFile(evidence.IndexName, replace("handslag-evidence-3", "handslag-evidence-1")), "EVIDENCE_INVALID"},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.verify(w.appended(tc.change))
			require.Equal(t, pdf.TotalFailed, r.Indication)
			require.Equal(t, tc.sub, r.SubIndication, r.Reason)
		})
	}
}

// TestNorwegianSignaturesCannotBeTakenAway, added or exchanged, by whoever holds
// the seal.
func TestNorwegianSignaturesCannotBeTakenAway(t *testing.T) {
	w := newWorld(t, nbid, se, nbid)
	w.norwegian(0)
	first := bytes.Clone(w.document)
	w.sign(1)
	w.norwegian(2)
	result, proof := w.separated()
	require.True(t, w.verify(result, proof).Passed())

	cut := *w
	cut.document = first
	require.Equal(t, "RESULT_CHANGED", w.verify(first, proof).SubIndication, "cut back")
	require.Equal(t, "RESULT_CHANGED", w.verify(w.seal(first), proof).SubIndication, "cut back and sealed")
	for name, tc := range map[string]struct {
		of     *world
		change change
		sub    string
	}{
		"cut back, and evidence of it": {&cut, onFacts(func(f *evidence.Facts) { f.Proofs = f.Proofs[:2] }), "SIGNER_MISSING"},
		"and of fewer participants": {&cut, onFacts(func(f *evidence.Facts) {
			f.Proofs, f.Spec.Participants = f.Proofs[:2], f.Spec.Participants[:2]
		}), "SIGNER_MISSING"},
		"cut back to the upload": {&world{t: t, pki: w.pki, stamps: w.stamps, spec: w.spec, proofs: w.proofs, upload: w.upload, document: w.upload}, onFacts(func(f *evidence.Facts) {
			f.Proofs = f.Proofs[1:2]
		}), "SIGNER_MISSING"},
		"one signature for two": {w, onIndex(func(x map[string]any) {
			x["revisions"] = x["revisions"].([]any)[1:]
			x["revisions"].([]any)[0].(map[string]any)["revision"] = 1
		}), "REVISION_MISMATCH"},
		"another revision": {w, onIndex(func(x map[string]any) {
			x["revisions"].([]any)[1].(map[string]any)["sha256"] = signing.Digest{1}.String()
		}), "REVISION_MISMATCH"},
		"a boundary elsewhere": {w, onIndex(func(x map[string]any) {
			x["revisions"].([]any)[1].(map[string]any)["length"] = len(w.document) - 1
		}), "REVISION_MISMATCH"},
		"one for another": {w, onFacts(func(f *evidence.Facts) {
			f.Proofs[0].Participant, f.Proofs[2].Participant = f.Proofs[2].Participant, f.Proofs[0].Participant
			f.Proofs[0].MaskedNumber, f.Proofs[2].MaskedNumber = f.Proofs[2].MaskedNumber, f.Proofs[0].MaskedNumber
		}), "SIGNER_MISMATCH"},
	} {
		t.Run(name, func(t *testing.T) {
			result, proof := tc.of.separated(tc.change)
			tc.of.trust = w.trust
			r := tc.of.verify(result, proof)
			require.Equal(t, pdf.TotalFailed, r.Indication)
			require.Equal(t, tc.sub, r.SubIndication, r.Reason)
		})
	}
}

// TestRevisionThatASwedeSigned: the manifest names a revision by length and
// digest, and there has to be one.
func TestRevisionThatASwedeSigned(t *testing.T) {
	for name, change := range map[string]func(*signing.Current){
		"another digest": func(c *signing.Current) { c.Digest = signing.Digest{1} },
		"another length": func(c *signing.Current) { c.Length-- },
		"another number": func(c *signing.Current) { c.Revision = 7 },
		"the upload's":   func(c *signing.Current) { c.Revision = 0 },
	} {
		w := newWorld(t, nbid, se)
		w.norwegian(0)
		right := w.current
		w.current = slices.Clone(right)
		change(&w.current[0])
		w.sign(1)
		r := w.verify(w.separated())
		require.Equal(t, "MANIFEST_MISMATCH", r.SubIndication, name)
		require.Equal(t, pdf.TotalFailed, r.Indication, name)
	}
}

// TestWhoVouchesForNorwegians: only anchors of Norwegian BankID do, whatever else
// the verifier trusts.
func TestWhoVouchesForNorwegians(t *testing.T) {
	w := newWorld(t, nbid)
	w.norwegian(0)
	result, proof := w.separated()
	w.trust.Signers, w.trust.NBID = w.trust.NBID, nil
	r := w.verify(result, proof)
	require.Equal(t, pdf.Indeterminate, r.Indication)
	require.Equal(t, pdf.Indeterminate, r.Signers[0].Indication)

	seal := newWorld(t, nbid)
	seal.document = seal.seal(seal.document)
	seal.revised(0)
	r = seal.verify(seal.separated())
	require.False(t, r.Passed(), "an organisation's seal is no person's signature")
	require.Equal(t, "SIGNER_MISMATCH", r.Signers[0].SubIndication)
}

// TestTwoSignaturesInOneRevision: a revision is one person's.
func TestTwoSignaturesInOneRevision(t *testing.T) {
	w := newWorld(t, nbid)
	stranger, err := w.pki.NorwegianPerson(pki.NorwegianLeaf{NIN: pki.SyntheticNIN(time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), 7), GivenName: "Some", Surname: "Body"})
	require.NoError(t, err)
	w.document = append(bytes.Clone(w.document), w.nbidTail(0, w.document)...)
	w.document = append(w.document, w.tail(w.document, stranger)...)
	w.revised(0)
	require.Equal(t, "REVISION_MISMATCH", w.verify(w.separated()).SubIndication)

	quiet := newWorld(t, nbid)
	quiet.norwegian(0)
	quiet.document = append(quiet.document, quiet.tail(quiet.document, stranger)...)
	r := quiet.verify(quiet.separated())
	require.False(t, r.Passed(), "a stranger's signature after the last revision is taken for our seal")
}

// TestEvidenceOfAnother: evidence of one document proves nothing of another.
func TestEvidenceOfAnother(t *testing.T) {
	w, other := newWorld(t, nbid), newWorld(t, nbid)
	w.norwegian(0)
	other.norwegian(0)
	result, _ := w.separated()
	_, proof := other.separated()
	require.Equal(t, "RESULT_CHANGED", w.verify(result, proof).SubIndication, "the same upload")

	consent := newWorld(t, identify)
	consent.consent(0, "qrona")
	consent.trust.Accept = []signing.Assurance{signing.AssuranceIdentified}
	require.True(t, consent.verify(consent.appended()).Passed())
	consent.upload = bytes.Replace(onePage(), []byte("595"), []byte("596"), 1)
	require.Equal(t, "UPLOAD_CHANGED", consent.verify(consent.appended()).SubIndication)
	r := consent.verify(consent.appended(onFacts(func(f *evidence.Facts) { f.Document.Digest = signing.DigestOf(consent.upload) })))
	require.Equal(t, "MANIFEST_MISMATCH", r.SubIndication)
}

// TestNoChangedByteOfANorwegianSignature: each byte that a person signed is
// theirs, after later signatures and the seal as well.
func TestNoChangedByteOfANorwegianSignature(t *testing.T) {
	w := newWorld(t, nbid, nbid)
	w.norwegian(0)
	w.norwegian(1)
	result, proof := w.separated()
	for at := 0; at < len(w.document); at += 997 {
		result[at] ^= 1
		r, err := evidence.VerifyDocument(t.Context(), fileOf(result), []evidence.File{fileOf(proof)}, w.trust, time.Now())
		require.False(t, err == nil && r.Passed(), "byte %d", at)
		result[at] ^= 1
	}
}

// TestNothingButSignaturesUnderASignature: a page that was added before a person
// signed is in what they signed, and not in what the others did.
func TestNothingButSignaturesUnderASignature(t *testing.T) {
	w := newWorld(t, nbid)
	content, err := page()
	require.NoError(t, err)
	tail, err := pdf.Append(revisionOf(w.document), pdf.Additions{Pages: content, Time: time.Now()})
	require.NoError(t, err)
	w.document = append(bytes.Clone(w.document), tail...)
	w.norwegian(0)
	r := w.verify(w.separated())
	require.Equal(t, "DOCUMENT_CHANGED", r.SubIndication, r.Reason)
	require.Equal(t, pdf.TotalFailed, r.Indication)
}
