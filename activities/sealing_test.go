package activities_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/pki"
)

func (w *world) sealInput() activities.SealInput {
	w.t.Helper()
	w.signed()
	var r signing.AttemptResult
	require.NoError(w.t, w.run(w.verify.VerifyAttempt, w.ref, &r))
	return activities.SealInput{
		CollectionRef: w.ref.CollectionRef, Document: w.store.spec.Documents[0].ID,
		Signatures: []signing.Signature{*r.Signature}, Audit: signing.AuditTrail{Seq: 4},
	}
}

func (w *world) result() []byte {
	return w.store.revisions[signing.RevisionRef{
		Tenant: w.ref.Tenant, Collection: w.ref.Collection, Document: w.store.spec.Documents[0].ID, Revision: 1,
	}].content
}

func fileOf(b []byte) evidence.File {
	return evidence.File{Content: bytes.NewReader(b), Size: int64(len(b))}
}

// TestSealEffects fails each effect of sealing, before and after it took place:
// a repeat yields one valid result, the one that was kept first.
func TestSealEffects(t *testing.T) {
	for _, effect := range []string{"describe revision", "open revision", "get signature.xml", "put revision"} {
		for _, persisted := range []bool{false, true} {
			t.Run(effect, func(t *testing.T) {
				w := newWorld(t)
				in := w.sealInput()
				if persisted {
					w.store.cut[effect] = 1
				} else {
					w.store.lost[effect] = 1
				}
				var first, second signing.Result
				requireCode(t, errStore.Code, w.run(w.sealing.SealDocument, in, nil))
				kept := bytes.Clone(w.result())
				require.NoError(t, w.run(w.sealing.SealDocument, in, &first))
				require.NoError(t, w.run(w.sealing.SealDocument, in, &second))
				require.Equal(t, first, second)
				if kept != nil {
					require.Equal(t, kept, w.result(), "what was kept first stays")
				}
				w.requireProven()
				require.Equal(t, signing.DigestOf(w.result()), first.Digest)
			})
		}
	}
}

// requireProven verifies the result as anybody could.
func (w *world) requireProven() {
	w.t.Helper()
	require.True(w.t, bytes.HasPrefix(w.result(), onePage()), "the upload is a byte prefix of the result")
	report, err := evidence.VerifyDocument(w.t.Context(), fileOf(w.result()), nil, w.sealing.Trust, time.Now())
	require.NoError(w.t, err)
	require.True(w.t, report.Passed(), "%s %s", report.SubIndication, report.Reason)
	require.True(w.t, report.Test)
	require.Equal(w.t, "Tolvan Tolvansson", report.Signers[0].Name.Reveal())
	require.Equal(w.t, "19121212-xxxx", report.Signers[0].PersonalNumber)
	require.Equal(w.t, pdf.LevelT, report.Seals[0].Level)
}

func TestTimestampAuthorityDown(t *testing.T) {
	w := newWorld(t)
	in := w.sealInput()
	require.NoError(t, w.app.TimestampFault(t.Context(), faults.Fault{Kind: "maintenance", Count: 1}))
	require.Error(t, w.run(w.sealing.SealDocument, in, nil), "never a lower level, silently")
	require.Empty(t, w.result())
	require.NoError(t, w.run(w.sealing.SealDocument, in, nil))
	w.requireProven()
}

// TestResultThatDoesNotVerify: a result that was damaged in the store is never
// handed out.
func TestResultThatDoesNotVerify(t *testing.T) {
	w := newWorld(t)
	in := w.sealInput()
	require.NoError(t, w.run(w.sealing.SealDocument, in, nil))
	w.result()[200] ^= 1
	requireCode(t, "result_invalid", w.run(w.sealing.SealDocument, in, nil))
}

// TestSealThatNobodyTrusts: a result that does not verify is not kept, so that
// it can be made again once the seal is mended.
func TestSealThatNobodyTrusts(t *testing.T) {
	w := newWorld(t)
	in := w.sealInput()
	right := w.sealing.Seals
	p, err := pki.Create(pki.Options{Clock: time.Now, Entropy: rand.Reader, CAKeyBits: 2048})
	require.NoError(t, err)
	seal, err := right.Seal("acme")
	require.NoError(t, err)
	seal.Key, seal.Chain = p.Seal().Key, []*x509.Certificate{p.Seal().Certificate}
	w.sealing.Seals = sealer{seal}
	requireCode(t, "result_invalid", w.run(w.sealing.SealDocument, in, nil))
	require.Empty(t, w.result())
	w.sealing.Seals = right
	require.NoError(t, w.run(w.sealing.SealDocument, in, nil))
	w.requireProven()
}

// TestVerifyWantsEverybody: a document that lacks the signature of somebody who
// had to sign does not pass, though seal and signatures hold.
func TestVerifyWantsEverybody(t *testing.T) {
	w := newWorld(t)
	n, err := signing.ParsePersonalNumber("200211242383")
	require.NoError(t, err)
	second := w.store.spec.Participants[0]
	second.ID, second.PersonalNumber = "par_0000000000000000000000000b", n
	w.store.spec.Participants = append(w.store.spec.Participants, second)
	in := w.sealInput()
	requireCode(t, "result_invalid", w.run(w.sealing.SealDocument, in, nil))
	require.Empty(t, w.result())
}

// TestVerifySaysWhoseSealAndWhoseSignature: a sealed document without evidence
// proves nobody's signature, and another organisation's seal is not the one
// that was expected.
func TestVerifySaysWhoseSealAndWhoseSignature(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.run(w.sealing.SealDocument, w.sealInput(), nil))
	trust := w.sealing.Trust
	trust.Organisation = "Simulated Organisation AB"
	r, err := evidence.VerifyDocument(t.Context(), fileOf(w.result()), nil, trust, time.Now())
	require.NoError(t, err)
	require.True(t, r.Passed(), r.Reason)
	trust.Organisation = "Somebody Else AB"
	r, err = evidence.VerifyDocument(t.Context(), fileOf(w.result()), nil, trust, time.Now())
	require.NoError(t, err)
	require.Equal(t, "SEALED_BY_ANOTHER", r.SubIndication)

	var h pdf.HashState
	_, err = h.Write(onePage())
	require.NoError(t, err)
	rev := pdf.Revision{Source: bytes.NewReader(onePage()), Size: int64(len(onePage())), Hash: &h}
	seal, err := w.sealing.Seals.Seal("acme")
	require.NoError(t, err)
	tail, err := pdf.Seal(t.Context(), rev, pdf.SealOptions{Key: seal.Key, Chain: seal.Chain, Time: time.Now(), Timestamper: seal.Stamps})
	require.NoError(t, err)
	bare := append(onePage(), tail...)
	r, err = evidence.VerifyDocument(t.Context(), fileOf(bare), nil, w.sealing.Trust, time.Now())
	require.NoError(t, err)
	require.Equal(t, "TOTAL-PASSED", string(r.Seals[0].Indication))
	require.Equal(t, "NO_EVIDENCE_FOUND", r.SubIndication)
	require.False(t, r.Passed())
}

// TestVerifyNamesAttacks: what an attacker may do to a sealed document, and
// the word for it.
func TestVerifyNamesAttacks(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.run(w.sealing.SealDocument, w.sealInput(), nil))
	sealed := w.result()
	verify := func(b []byte, trust evidence.Trust) *evidence.Report {
		r, err := evidence.VerifyDocument(context.Background(), fileOf(b), nil, trust, time.Now())
		require.NoError(t, err)
		return r
	}
	unknown := verify(sealed, evidence.Trust{})
	require.Equal(t, "INDETERMINATE", string(unknown.Indication), "who trusts nobody learns nothing")
	require.Equal(t, "trust_missing", unknown.Signers[0].SubIndication)

	changed := bytes.Replace(sealed, []byte("/MediaBox [0 0 595 842]"), []byte("/MediaBox [0 0 595 841]"), 1)
	require.Equal(t, "TOTAL-FAILED", string(verify(changed, w.sealing.Trust).Indication))

	appended := append(bytes.Clone(sealed), "\n1 0 obj\n<<>>\nendobj\n"...)
	r, err := evidence.VerifyDocument(t.Context(), fileOf(appended), nil, w.sealing.Trust, time.Now())
	require.True(t, err != nil || !r.Passed(), "bytes after the seal")
}

// TestVerifySeesWhatIsShown: whoever holds the seal cannot show another page
// over genuine signatures, though every byte that was signed is still there.
func TestVerifySeesWhatIsShown(t *testing.T) {
	w := newWorld(t)
	in := w.sealInput()
	additions, err := w.sealing.Additions(t.Context(), in)
	require.NoError(t, err)
	var h pdf.HashState
	_, err = h.Write(onePage())
	require.NoError(t, err)
	rev := pdf.Revision{Source: bytes.NewReader(onePage()), Size: int64(len(onePage())), Hash: &h}
	rev = rev.Extend(overridePage(onePage()))
	tail, err := pdf.Append(rev, additions)
	require.NoError(t, err)
	rev = rev.Extend(tail)
	seal, err := w.sealing.Seals.Seal("acme")
	require.NoError(t, err)
	tail, err = pdf.Seal(t.Context(), rev, pdf.SealOptions{Key: seal.Key, Chain: seal.Chain, Time: time.Now(), Timestamper: seal.Stamps})
	require.NoError(t, err)
	rev = rev.Extend(tail)
	r, err := evidence.VerifyDocument(t.Context(), evidence.File{Content: rev.Source, Size: rev.Size}, nil, w.sealing.Trust, time.Now())
	require.NoError(t, err)
	require.Equal(t, "TOTAL-PASSED", string(r.Seals[0].Indication))
	require.Equal(t, "DOCUMENT_CHANGED", r.SubIndication)
	require.False(t, r.Passed())
}
