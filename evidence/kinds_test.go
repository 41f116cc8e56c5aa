package evidence_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
)

const (
	se       = signing.MethodBankIDSE
	identify = signing.MethodBankIDSEIdentify
	process  = signing.MethodBankIDSEProcess
	nbid     = signing.MethodNBIDPKI
)

func TestSignatureProvesItself(t *testing.T) {
	w := newWorld(t, se, se)
	w.sign(0)
	w.sign(1)
	r := w.verify(w.appended())
	require.True(t, r.Passed(), "%s %s", r.SubIndication, r.Reason)
	require.Equal(t, evidence.BySignatures, r.CompleteBy)
	require.Equal(t, []signing.Assurance{signing.AssuranceVerified}, r.RestsOn)
	require.Equal(t, evidence.KindSignature, r.Signers[0].Kind)
	require.Equal(t, evidence.TimeOCSP, r.Signers[0].TimeSource)
	require.Equal(t, "Person 0", r.Signers[0].Name.Reveal())
}

// TestStatementIsNoSignature: what a provider states passes for whom that is
// enough, and is never said to have been verified.
func TestStatementIsNoSignature(t *testing.T) {
	w := newWorld(t, se, se)
	w.sign(0)
	w.attest(1)
	result := w.appended()
	r := w.verify(result)
	require.Equal(t, "RESTS_ON_STATEMENTS", r.SubIndication)
	require.Equal(t, pdf.Indeterminate, r.Indication)
	w.trust.Accept = []signing.Assurance{signing.AssuranceIdentified}
	require.Equal(t, "RESTS_ON_STATEMENTS", w.verify(result).SubIndication, "another kind was accepted")
	w.trust.Accept = []signing.Assurance{signing.AssuranceAttested}
	r = w.verify(result)
	require.True(t, r.Passed(), "%s %s", r.SubIndication, r.Reason)
	require.Len(t, r.Signers, 1)
	require.Len(t, r.Statements, 1)
	s := r.Statements[0]
	require.Equal(t, evidence.KindStatement, s.Kind)
	require.Equal(t, pdf.Indeterminate, s.Indication, "whatever the verdict on the document")
	require.Equal(t, "STATED_BY_PROVIDER", s.SubIndication)
	require.Equal(t, evidence.TimeProvider, s.TimeSource)
	require.Equal(t, w.proofs[1].Evidence, s.Answer)
	require.Equal(t, []signing.Assurance{signing.AssuranceVerified, signing.AssuranceAttested}, r.RestsOn)
}

// TestConsentIsNoSignature, with and without BankID's own word for who consented.
func TestConsentIsNoSignature(t *testing.T) {
	for provider, identification := range map[string]string{"bankid": "verified", "qrona": "stated"} {
		w := newWorld(t, identify)
		w.consent(0, provider)
		result := w.appended()
		require.Equal(t, "RESTS_ON_STATEMENTS", w.verify(result).SubIndication)
		w.trust.Accept = []signing.Assurance{signing.AssuranceIdentified}
		r := w.verify(result)
		require.True(t, r.Passed(), "%s: %s %s", provider, r.SubIndication, r.Reason)
		require.Empty(t, r.Signers)
		require.Equal(t, evidence.BySeal, r.CompleteBy)
		c := r.Consents[0]
		require.Equal(t, evidence.KindConsent, c.Kind)
		require.Equal(t, pdf.Indeterminate, c.Indication)
		require.Equal(t, "CONSENT_IS_NO_SIGNATURE", c.SubIndication)
		require.Equal(t, identification, c.Checks["identification"], provider)
		require.Equal(t, "Person 0", c.Name.Reveal())
		require.Equal(t, "19121212-xxxx", c.PersonalNumber)
		require.False(t, c.ConsentedAt.IsZero())
	}
}

// TestProcessStandsApart: it is reported, and counts for nothing.
func TestProcessStandsApart(t *testing.T) {
	w := newWorld(t, se, process)
	w.sign(0)
	w.process(1)
	r := w.verify(w.appended())
	require.True(t, r.Passed(), "%s %s", r.SubIndication, r.Reason)
	require.Len(t, r.Signers, 1)
	require.Len(t, r.Processes, 1)
	require.Equal(t, evidence.KindProcess, r.Processes[0].Kind)
	require.Equal(t, "RELATED_PROCESS", r.Processes[0].SubIndication)
	require.Equal(t, []signing.Assurance{signing.AssuranceVerified}, r.RestsOn)
}

// TestNorwegianSignatures: each is judged in the document, in the revision that it
// made; and when all are Norwegian, only the seal says that they are all.
func TestNorwegianSignatures(t *testing.T) {
	w := newWorld(t, nbid, nbid)
	w.norwegian(0)
	w.norwegian(1)
	result, proof := w.separated()
	r := w.verify(result, proof)
	require.True(t, r.Passed(), "%s %s", r.SubIndication, r.Reason)
	require.Equal(t, evidence.BySeal, r.CompleteBy)
	require.Len(t, r.Signers, 2)
	require.Len(t, r.Seals, 1)
	for i, s := range r.Signers {
		require.Equal(t, evidence.KindSignature, s.Kind)
		require.Equal(t, pdf.TotalPassed, s.Indication)
		require.Equal(t, i+1, s.Revision)
		require.Equal(t, w.spec.Participants[i].PersonalNumber.Masked(), s.PersonalNumber)
		require.Equal(t, w.proofs[i].Participant, s.Participant)
		require.Equal(t, pdf.LevelT, s.Level)
		require.Equal(t, "simulator", s.Environment)
	}
	alone := w.verify(proof)
	require.Equal(t, "DOCUMENT_NOT_GIVEN", alone.SubIndication)
	require.Len(t, alone.Signers, 2)
	require.Equal(t, pdf.Indeterminate, alone.Signers[0].Indication)
}

// TestSwedesAndNorwegiansMixed: a Swede signs the revision that a Norwegian made,
// another Norwegian signs after that, and everybody's part is told for what it is.
func TestSwedesAndNorwegiansMixed(t *testing.T) {
	w := newWorld(t, se, nbid, se, nbid, identify, process)
	w.sign(0)
	w.norwegian(1)
	w.sign(2)
	w.norwegian(3)
	w.consent(4, "qrona")
	w.process(5)
	result, proof := w.separated()
	require.Equal(t, "RESTS_ON_STATEMENTS", w.verify(result, proof).SubIndication)
	w.trust.Accept = []signing.Assurance{signing.AssuranceIdentified}
	r := w.verify(result, proof)
	require.True(t, r.Passed(), "%s %s", r.SubIndication, r.Reason)
	require.Equal(t, evidence.BySignatures, r.CompleteBy)
	var revisions []int
	for i, s := range r.Signers {
		require.Equal(t, w.spec.Participants[i].ID, s.Participant, "in the collection's order")
		revisions = append(revisions, s.Revision)
	}
	require.Equal(t, []int{0, 1, 1, 2}, revisions)
	require.Equal(t, 2, r.Consents[0].Revision)
	require.Len(t, r.Processes, 1)
}
