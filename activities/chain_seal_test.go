package activities_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// newMixedChain is a chain with a Swede as its last participant, whom the world
// lets sign with BankID.
func newMixedChain(t *testing.T) (*chain, *world) {
	t.Helper()
	c := newChain(t)
	w := newWorldOf(t, c.pki)
	swede := w.store.spec.Participants[0]
	swede.ID = "par_0000000000000000000000000z"
	c.store.spec.Participants = append(c.store.spec.Participants, swede)
	w.store = c.store
	w.attempts.Specs, w.attempts.Evidence, w.attempts.Persons, w.attempts.Revisions = c.store, c.store, c.store, c.store
	w.verify.Specs, w.verify.Evidence = c.store, c.store
	w.sealing.Specs, w.sealing.Evidence, w.sealing.Revisions, w.sealing.Seals = c.store, c.store, c.store, c.verify.Seals
	w.sealing.Trust.NBID, w.sealing.Trust.Signers = c.verify.Trust.NBID, c.verify.Trust.NBID
	w.newRun()
	w.ref.Participant, w.ref.Attempt = swede.ID, "att_0000000000000000000000000z"
	return c, w
}

// signSwedish has the Swede sign the manifest of the current revisions.
func (c *chain) signSwedish(w *world) *signing.Signature {
	c.t.Helper()
	var started activities.Started
	require.NoError(c.t, w.run(w.attempts.StartAttempt, activities.StartInput{
		AttemptRef: w.ref, Current: c.current, Channel: signing.ChannelSameDevice, EndUser: providers.EndUser{IP: netip.MustParseAddr("192.0.2.7")},
	}, &started))
	w.sign(started.Order)
	end, err := w.follow(started.Order)
	require.NoError(c.t, err)
	require.Equal(c.t, activities.FollowAnswered, end.End)
	var r signing.AttemptResult
	require.NoError(c.t, w.run(w.verify.VerifyAttempt, w.ref, &r))
	require.Equal(c.t, signing.OutcomeSigned, r.Outcome, r.ProviderCode)
	return r.Signature
}

// seal seals both documents and verifies each as anybody could, with nothing but
// the result, its evidence PDF and the anchors.
func (c *chain) seal(w *world, signatures []signing.Signature) {
	c.t.Helper()
	for i, d := range c.store.spec.Documents {
		in := activities.SealInput{
			CollectionRef: w.ref.CollectionRef, Document: d.ID, Signatures: signatures, Current: &c.current[i], Audit: signing.AuditTrail{Seq: 9},
		}
		if i > 0 { // the signatures say it, too
			in.Current = nil
		}
		var first, second signing.Result
		require.NoError(c.t, w.run(w.sealing.SealDocument, in, &first))
		require.NoError(c.t, w.run(w.sealing.SealDocument, in, &second))
		require.Equal(c.t, first, second)
		require.Equal(c.t, c.current[i].Revision+1, first.Revision)
		result := c.store.revisions[c.ref(d.ID, first.Revision)].content
		for n := range first.Revision {
			require.True(c.t, bytes.HasPrefix(result, c.store.revisions[c.ref(d.ID, n)].content), "every revision is a byte prefix of the result")
		}
		proof := c.ref(d.ID, 0)
		proof.Evidence = true
		report, err := evidence.VerifyDocument(c.t.Context(), fileOf(result), []evidence.File{fileOf(c.store.revisions[proof].content)}, w.sealing.Trust, time.Now())
		require.NoError(c.t, err)
		require.True(c.t, report.Passed(), "%s %s", report.SubIndication, report.Reason)
		require.Len(c.t, report.Signers, len(signatures))
		for _, s := range report.Signers {
			require.Equal(c.t, pdf.TotalPassed, s.Indication, "%s %s", s.SubIndication, s.Reason)
		}
		require.Equal(c.t, pdf.LevelLTA, report.Seals[len(report.Seals)-1].Level)
	}
}

// TestSealedChain: three Norwegians, then our seal over what they made, at every
// level of what comes back.
func TestSealedChain(t *testing.T) {
	for _, level := range []pdf.Level{pdf.LevelB, pdf.LevelT, pdf.LevelLT, pdf.LevelLTA} {
		t.Run(string(level), func(t *testing.T) {
			c, w := newMixedChain(t)
			c.store.spec.Participants = c.store.spec.Participants[:3]
			c.set(map[string]any{"level": level})
			var signatures []signing.Signature
			for number := range 3 {
				signatures = append(signatures, *c.hop(number))
			}
			c.seal(w, signatures)
		})
	}
}

// TestNoOtherRevisionIsSealed: what a person signed is never left out of what is
// sealed, nor taken for our own work.
func TestNoOtherRevisionIsSealed(t *testing.T) {
	c, w := newMixedChain(t)
	c.store.spec.Participants = c.store.spec.Participants[:1]
	older := c.current[0]
	in := activities.SealInput{
		CollectionRef: w.ref.CollectionRef, Document: older.Document, Signatures: []signing.Signature{*c.hop(0)}, Current: &older,
	}
	requireCode(t, "revision_unknown", w.run(w.sealing.SealDocument, in, nil))
	require.Len(t, c.store.revisions, 4)
}

// TestSealedMixedChain: a Swede signs the revisions that are current when they
// start, whoever has signed the documents before and will afterwards.
func TestSealedMixedChain(t *testing.T) {
	for after := range 4 {
		t.Run(fmt.Sprintf("after %d Norwegians", after), func(t *testing.T) {
			c, w := newMixedChain(t)
			var norwegian []signing.Signature
			var swedish *signing.Signature
			for number := range 4 {
				if number == after {
					swedish = c.signSwedish(w)
				}
				if number < 3 {
					norwegian = append(norwegian, *c.hop(number))
				}
			}
			c.seal(w, append(norwegian, *swedish))
		})
	}
}
