package signing

import "time"

// ConsentTime is how long after an identification a person may consent on the
// strength of it: long enough to read, and too short for somebody else to find
// the page open the next day.
const ConsentTime = 15 * time.Minute

// CanConsent says whether a participant may consent at a time, after the
// identification of an attempt, to the documents of a manifest.
func (c *Collection) CanConsent(id ParticipantID, attempt AttemptID, manifest Digest, at time.Time) error {
	_, progress, err := c.open(id)
	switch {
	case err != nil:
		return err
	case progress.consenting:
		return ErrAlreadySigned
	case progress.Identified == nil || progress.Identified.Attempt != attempt:
		return ErrNotIdentified
	case progress.Identified.Manifest != manifest:
		return ErrConsentOther
	case at.After(progress.identifiedUntil()):
		return ErrIdentificationOld
	}
	return nil
}

// identifiedUntil counts from when we knew of the identification, by our clock.
func (p *Progress) identifiedUntil() time.Time {
	return p.Attempts[len(p.Attempts)-1].EndedAt.Add(ConsentTime)
}

// BeginConsent records that a participant has consented. The collection waits
// for EndConsent, as it does for a live attempt.
func (c *Collection) BeginConsent(id ParticipantID, attempt AttemptID, manifest Digest, at time.Time) error {
	if err := c.CanConsent(id, attempt, manifest, at); err != nil {
		return err
	}
	c.progress[id].consenting = true
	return nil
}

// EndConsent records that a consent has been kept. It counts whatever the
// collection is about to become: it was given.
func (c *Collection) EndConsent(id ParticipantID, consent Consent) {
	progress := c.progress[id]
	if progress == nil || !progress.consenting {
		return
	}
	given := *progress.Identified
	given.Consent = &consent
	progress.Signature, progress.Identified, progress.consenting = &given, nil, false
	c.settle()
}
