package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/signing"
)

// TestConsentIsSealed: a collection in which nobody signs and somebody consents
// has a result, which says so and carries BankID's identification; and a consent
// that was not kept has none.
func TestConsentIsSealed(t *testing.T) {
	w := newWorld(t)
	w.store.spec.Participants[0].Method = signing.MethodBankIDSEIdentify
	w.store.spec.Policy.Accept = []signing.Assurance{signing.AssuranceIdentified}
	w.signed()
	var r signing.AttemptResult
	require.NoError(t, w.run(w.verify.VerifyAttempt, w.ref, &r))
	require.Equal(t, signing.OutcomeIdentified, r.Outcome)
	in := activities.SealInput{
		CollectionRef: w.ref.CollectionRef, Document: w.store.spec.Documents[0].ID,
		Signatures: []signing.Signature{*r.Signature}, Audit: signing.AuditTrail{Seq: 4},
	}
	requireCode(t, "evidence_not_found", w.run(w.sealing.SealDocument, in, nil))
	require.Empty(t, w.result())

	var consent signing.Consent
	require.NoError(t, w.run(w.records.KeepConsent, activities.ConsentInput{CollectionRef: w.ref.CollectionRef, Record: signing.ConsentRecord{
		Version: signing.ConsentVersion, Collection: w.ref.Collection, Participant: w.ref.Participant, Attempt: w.ref.Attempt,
		Locale: signing.LocaleSV, Text: w.store.spec.ConsentText(signing.LocaleSV), Manifest: r.Signature.Manifest, At: time.Now(),
		Identification: signing.Identification{Provider: "bankid", At: r.Signature.SignedAt, Answer: r.Signature.Evidence},
	}}, &consent))
	in.Signatures[0].Consent = &consent
	require.NoError(t, w.run(w.sealing.SealDocument, in, nil))

	trust := w.sealing.Trust
	report, err := evidence.VerifyDocument(t.Context(), fileOf(w.result()), nil, trust, time.Now())
	require.NoError(t, err)
	require.Equal(t, "RESTS_ON_STATEMENTS", report.SubIndication, "who accepts nothing by name has no signature")
	trust.Accept = w.store.spec.Policy.Accept
	report, err = evidence.VerifyDocument(t.Context(), fileOf(w.result()), nil, trust, time.Now())
	require.NoError(t, err)
	require.True(t, report.Passed(), "%s %s", report.SubIndication, report.Reason)
	require.Empty(t, report.Signers)
	require.Equal(t, "verified", report.Consents[0].Checks["identification"])
	require.Equal(t, "Tolvan Tolvansson", report.Consents[0].Name.Reveal())
}
