package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

// identifying has the first participant of two identify themselves and consent.
func identifying(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.in.Spec.Participants[0].Method = signing.MethodBankIDSEIdentify
	w.in.Spec.Policy.Accept = append(w.in.Spec.Policy.Accept, signing.AssuranceIdentified, signing.AssuranceAttestedProcess)
	w.in.Routes[signing.MethodBankIDSEIdentify] = signing.Route{"qrona"}
	w.in.Routes[signing.MethodBankIDSEProcess] = signing.Route{"sbab"}
	w.verify = func(ref activities.AttemptRef) (signing.AttemptResult, error) {
		r := signedBy(ref)
		if ref.Provider == "qrona" {
			r.Outcome = signing.OutcomeIdentified
			r.Signature.Assurance, r.Signature.Provider = signing.AssuranceIdentified, "qrona"
			r.Signature.Manifest, r.Signature.Evidence = manifest, signing.DigestOf([]byte("answer"))
		}
		if ref.Provider == "sbab" {
			r.Signature.Assurance = signing.AssuranceAttestedProcess
		}
		return r, nil
	}
	return w
}

var manifest = signing.DigestOf([]byte("manifest"))

func (w *world) consentAt(after time.Duration, id signing.AttemptID, change func(*workflows.ConsentCommand)) *reply {
	text := w.in.Spec.ConsentText(signing.LocaleEN)
	cmd := workflows.ConsentCommand{
		Participant: "par_1", Attempt: id, Manifest: manifest,
		Text: signing.DigestOf([]byte(text.Reveal())), Locale: signing.LocaleEN,
	}
	if change != nil {
		change(&cmd)
	}
	return w.at(after, workflows.UpdateConsent, cmd)
}

func TestConsent(t *testing.T) {
	w := identifying(t)
	early := w.consentAt(time.Second, "att_1", nil)
	w.startAt(2*time.Second, "par_1", "att_1")
	var between signing.View
	w.RegisterDelayedCallback(func() {
		v, err := w.QueryWorkflow(workflows.QueryView)
		require.NoError(t, err)
		require.NoError(t, v.Get(&between))
	}, 3*time.Second)
	other := w.consentAt(4*time.Second, "att_1", func(c *workflows.ConsentCommand) { c.Manifest = signing.DigestOf([]byte("x")) })
	text := w.consentAt(4*time.Second, "att_1", func(c *workflows.ConsentCommand) { c.Locale = signing.LocaleSV })
	stranger := w.consentAt(4*time.Second, "att_9", nil)
	r := w.consentAt(5*time.Second, "att_1", nil)
	twice := w.consentAt(6*time.Second, "att_1", nil)
	w.startAt(7*time.Second, "par_2", "att_2")
	v := w.run()
	require.ErrorIs(t, early.rejected, signing.ErrNotIdentified)
	require.ErrorIs(t, other.rejected, signing.ErrConsentOther)
	require.ErrorIs(t, text.rejected, signing.ErrConsentOther, "another text than was shown")
	require.ErrorIs(t, stranger.rejected, signing.ErrNotIdentified)
	require.NoError(t, r.failed)
	require.ErrorIs(t, twice.rejected, signing.ErrAlreadySigned)
	require.Equal(t, signing.ParticipantIdentified, between.Participants[0].State)
	require.Equal(t, signing.OutcomeIdentified, between.Participants[0].Attempts[0].Outcome)
	require.Nil(t, between.Participants[0].Signature, "who they are is proven, and no more")

	require.Equal(t, signing.StateCompleted, v.State)
	require.Equal(t, signing.ParticipantConsented, v.Participants[0].State)
	require.Equal(t, signing.ParticipantConsented, r.value.(signing.View).Participants[0].State)
	require.Len(t, w.consent, 1)
	require.Equal(t, w.in.Spec.ConsentText(signing.LocaleEN), w.consent[0].Text)
	require.Equal(t, "qrona", w.consent[0].Identification.Provider)
	require.Equal(t, signing.DigestOf([]byte("answer")), w.consent[0].Identification.Answer)
	require.Equal(t, start.Add(5*time.Second), w.consent[0].At.UTC())
	require.Equal(t, []string{"attempt_started qrona", "participant_identified qrona", "participant_consented qrona", "attempt_started bankid", "participant_signed bankid"},
		w.types()[2:7])
	require.Contains(t, w.audit[4], v.Participants[0].Signature.Consent.Evidence.String())
}

// TestConsentWhileTheCollectionEnds: a consent that was accepted counts, and the
// end waits for it.
func TestConsentWhileTheCollectionEnds(t *testing.T) {
	w := identifying(t)
	w.OnActivity("KeepConsent", anything, anything).After(time.Minute).Return(signing.Consent{At: start}, nil)
	w.startAt(time.Second, "par_1", "att_1")
	r := w.consentAt(time.Minute, "att_1", nil)
	late := w.at(90*time.Second, workflows.UpdateDecline, workflows.ParticipantCommand{Participant: "par_1"})
	w.at(91*time.Second, workflows.UpdateCancel, nil)
	v := w.run()
	require.NoError(t, r.failed)
	require.ErrorIs(t, late.rejected, signing.ErrAlreadySigned)
	require.Equal(t, signing.StateCancelled, v.State)
	require.Equal(t, signing.ParticipantConsented, v.Participants[0].State)
}

func TestConsentTooLate(t *testing.T) {
	w := identifying(t)
	w.startAt(time.Second, "par_1", "att_1")
	old := w.consentAt(17*time.Minute, "att_1", nil)
	again := w.startAt(18*time.Minute, "par_1", "att_2")
	first := w.consentAt(19*time.Minute, "att_1", nil)
	r := w.consentAt(20*time.Minute, "att_2", nil)
	w.at(30*time.Minute, workflows.UpdateCancel, nil)
	w.run()
	require.ErrorIs(t, old.rejected, signing.ErrIdentificationOld)
	require.NoError(t, again.failed)
	require.ErrorIs(t, first.rejected, signing.ErrNotIdentified)
	require.NoError(t, r.failed)
}

// TestRelatedProcess: what the provider's own process says is never called a
// signature.
func TestRelatedProcess(t *testing.T) {
	w := identifying(t)
	p := &w.in.Spec.Participants[0]
	p.Method, p.ProviderParticipant = signing.MethodBankIDSEProcess, "sp-1"
	w.startAt(time.Second, "par_1", "att_1")
	w.startAt(2*time.Second, "par_2", "att_2")
	v := w.run()
	require.Equal(t, signing.StateCompleted, v.State)
	require.Equal(t, signing.ParticipantProcess, v.Participants[0].State)
	require.Equal(t, []string{"attempt_started sbab", "related_process_completed sbab"}, w.types()[2:4])
}

// TestBelowThePolicy: what the policy does not accept is an attempt that failed,
// in the trail as well.
func TestBelowThePolicy(t *testing.T) {
	w := newWorld(t)
	w.verify = func(ref activities.AttemptRef) (signing.AttemptResult, error) {
		r := signedBy(ref)
		r.Signature.Assurance = signing.AssuranceAttested
		return r, nil
	}
	w.startAt(time.Second, "par_1", "att_1")
	w.at(time.Minute, workflows.UpdateCancel, nil)
	v := w.run()
	require.Equal(t, signing.ReasonNotAccepted, v.Participants[0].Attempts[0].Reason)
	require.Equal(t, "attempt_ended bankid", w.types()[3])
}
