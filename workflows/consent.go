package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/signing"
)

// mayConsent refuses a consent to anything but what the person was shown.
func (c *collection) mayConsent(ctx workflow.Context, cmd ConsentCommand) error {
	err := c.CanConsent(cmd.Participant, cmd.Attempt, cmd.Manifest, workflow.Now(ctx))
	if err == nil && (!cmd.Locale.Valid() || signing.DigestOf([]byte(c.consentText(cmd).Reveal())) != cmd.Text) {
		err = signing.ErrConsentOther
	}
	return activities.ToTemporal(err)
}

// consentText is what the page showed, made again.
func (c *collection) consentText(cmd ConsentCommand) signing.Private {
	return c.At(c.About(cmd.Participant)).ConsentText(cmd.Locale)
}

// onConsent keeps a consent, which together with the identification is what the
// participant gives in place of a signature. From here on it counts, whatever
// becomes of the collection meanwhile.
func (c *collection) onConsent(ctx workflow.Context, cmd ConsentCommand) (signing.View, error) {
	now, identified := workflow.Now(ctx), c.Progress(cmd.Participant).Identified
	if err := c.BeginConsent(cmd.Participant, cmd.Attempt, cmd.Manifest, now); err != nil { // two may have passed the validator
		return signing.View{}, activities.ToTemporal(err)
	}
	in := activities.ConsentInput{CollectionRef: c.ref, Record: signing.ConsentRecord{
		Version: signing.ConsentVersion, Collection: c.ID, Participant: cmd.Participant, Attempt: cmd.Attempt,
		Locale: cmd.Locale, Text: c.consentText(cmd), Manifest: cmd.Manifest, At: now,
		Identification: signing.Identification{
			Provider: identified.Provider, At: identified.SignedAt, Answer: identified.Evidence,
		},
	}}
	var consent signing.Consent
	var a *activities.Records
	c.must(steady(ctx), "keep the consent", a.KeepConsent, in, &consent)
	c.EndConsent(cmd.Participant, consent)
	c.record(signing.AuditEntry{
		Type: signing.AuditConsented, Participant: cmd.Participant, Attempt: cmd.Attempt,
		Provider: identified.Provider, Digest: consent.Evidence.String(),
	})
	c.show()
	return c.view(), nil
}
