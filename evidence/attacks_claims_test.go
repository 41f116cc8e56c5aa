package evidence_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
)

// onConsent changes the records of consent in their one encoding.
func onConsent(do func(*signing.ConsentRecord)) change {
	return onFile(".consent.json", func(b []byte) []byte {
		r, err := signing.ParseConsent(b)
		if err != nil {
			return b
		}
		do(&r)
		again, err := r.Encode()
		if err != nil {
			return b
		}
		return again
	})
}

// TestConsentRestsOnAnIdentificationBefore: it cannot be dated to before the
// identification that it rests on, nor be put on one of another time.
func TestConsentRestsOnAnIdentificationBefore(t *testing.T) {
	day := 24 * time.Hour
	for provider, proven := range map[string]bool{"bankid": true, "qrona": false} {
		w := newWorld(t, identify)
		w.consent(0, provider)
		w.trust.Accept = []signing.Assurance{signing.AssuranceIdentified}
		r := w.verify(w.appended())
		require.True(t, r.Passed(), r.Reason)
		for name, tc := range map[string]struct {
			change change
			passes bool
		}{
			"a consent of yesterday": {change: onConsent(func(r *signing.ConsentRecord) { r.At = r.At.Add(-day) })},
			"an identification of yesterday": {change: onConsent(func(r *signing.ConsentRecord) {
				r.Identification.At = r.Identification.At.Add(-day)
			})},
			"a clock that is a little off": {onConsent(func(r *signing.ConsentRecord) { r.At = r.At.Add(-2 * time.Minute) }), true},
		} {
			r := w.verify(w.appended(tc.change))
			require.Equal(t, tc.passes, r.Passed(), "%s %s", provider, name)
			if !tc.passes {
				require.Equal(t, "CONSENT_MISMATCH", r.SubIndication, "%s %s", provider, name)
			}
		}
		// Whoever seals can date what a provider only states, but not BankID's word.
		earlier := onConsent(func(r *signing.ConsentRecord) {
			r.At, r.Identification.At = r.At.Add(-day), r.Identification.At.Add(-day)
		})
		r = w.verify(w.appended(onFacts(func(f *evidence.Facts) {
			f.Proofs[0].SignedAt = f.Proofs[0].SignedAt.Add(-day)
		}), earlier))
		require.Equal(t, !proven, r.Passed(), provider)
	}
}

// TestManyEntries: an index lists no more than a collection has, and its files do
// not fill the memory of whoever verifies it.
func TestManyEntries(t *testing.T) {
	w := newWorld(t, se, se)
	w.attest(0)
	w.attest(1)
	w.trust.Accept = []signing.Assurance{signing.AssuranceAttested}
	many := func(n int) func(map[string]any) {
		return func(x map[string]any) {
			entry := x["statements"].([]any)[0].(map[string]any)
			var entries, participants []any
			for i := range n {
				b, _ := json.Marshal(entry)
				var one map[string]any
				_ = json.Unmarshal(b, &one)
				one["participant"] = fmt.Sprintf("par_%026d", i)
				entries, participants = append(entries, one), append(participants, one["participant"])
			}
			x["statements"], x["participants"] = entries, participants
		}
	}
	r := w.verify(w.appended(onIndex(many(signing.MaxParticipants + 1))))
	require.Equal(t, "EVIDENCE_INVALID", r.SubIndication)
	require.Empty(t, r.Statements, "and nothing of it is judged")
	require.Len(t, w.verify(w.appended(onIndex(many(signing.MaxParticipants)))).Statements, signing.MaxParticipants)

	for name, twice := range map[string]func(map[string]any){
		"listed twice, in another's place": func(x map[string]any) {
			x["participants"] = []any{x["participants"].([]any)[0], x["participants"].([]any)[0]}
		},
		"listed by no id": func(x map[string]any) { x["participants"].([]any)[0] = "" },
	} {
		require.Equal(t, "EVIDENCE_INVALID", w.verify(w.appended(onIndex(twice))).SubIndication, name)
	}
}

// TestIndexIsReadOneWay: what another reader could take for something else is no
// index.
func TestIndexIsReadOneWay(t *testing.T) {
	w := newWorld(t, se)
	w.attest(0)
	w.trust.Accept = []signing.Assurance{signing.AssuranceAttested}
	for name, do := range map[string]func([]byte) []byte{
		"a key twice":     replace(`"statements"`, `"statements": [], "statements"`),
		"another case":    replace(`"statements"`, `"Statements"`),
		"a huge number":   replace(`"revision": 0`, `"revision": 1e400`),
		"no number":       replace(`"revision": 0`, `"revision": NaN`),
		"past an int64":   replace(fmt.Sprintf(`"length": %d`, len(w.upload)), `"length": 9223372036854775808`),
		"of nothing":      replace(fmt.Sprintf(`"length": %d`, len(w.upload)), `"length": -1`),
		"more behind it":  func(b []byte) []byte { return append(b, []byte(` {}`)...) },
		"a version twice": replace(`"version": "`, `"version": "handslag-evidence-1", "version": "`),
	} {
		r := w.verify(w.appended(onFile(evidence.IndexName, do)))
		require.Equal(t, pdf.TotalFailed, r.Indication, name)
		require.Equal(t, "EVIDENCE_INVALID", r.SubIndication, name)
	}
}

// TestEvidenceAloneProvesNoSignature: of a signature in a document that was not
// given nothing is proven, so nothing is called verified.
func TestEvidenceAloneProvesNoSignature(t *testing.T) {
	w := newWorld(t, nbid)
	w.norwegian(0)
	_, proof := w.separated()
	r := w.verify(proof)
	require.Equal(t, pdf.Indeterminate, r.Indication)
	require.Len(t, r.Signers, 1)
	require.Empty(t, r.Signers[0].Assurance)
	require.NotContains(t, r.RestsOn, signing.AssuranceVerified)
	require.Equal(t, evidence.BySeal, r.CompleteBy)
}

// TestCutBackByWhoeverHoldsTheSeal: where nobody but Norwegians signed, nothing in
// a document says who else had to, and whoever holds the seal can leave out the
// last. The report says that it is the seal's word.
func TestCutBackByWhoeverHoldsTheSeal(t *testing.T) {
	w := newWorld(t, nbid, nbid)
	w.norwegian(0)
	first, proofs, current := bytes.Clone(w.document), slices.Clone(w.proofs), slices.Clone(w.current)
	w.norwegian(1)
	whole := w.verify(w.separated())
	require.True(t, whole.Passed())
	require.Equal(t, evidence.BySeal, whole.CompleteBy)
	require.Len(t, whole.Signers, 2)

	w.document, w.proofs, w.current, w.spec.Participants = first, proofs, current, w.spec.Participants[:1]
	cut := w.verify(w.separated())
	require.True(t, cut.Passed())
	require.Equal(t, evidence.BySeal, cut.CompleteBy)
	require.Len(t, cut.Signers, 1)
}
