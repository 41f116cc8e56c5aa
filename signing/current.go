package signing

import "slices"

// Current returns the revision of each document that is signed next, in the
// order of the documents.
func (c *Collection) Current() []Current {
	var all []Current
	for _, d := range c.Documents {
		now, made := c.made[d.ID]
		if !made {
			now = Current{Document: d.ID, Revision: d.Revision, Length: d.Length, Digest: d.Digest}
		}
		all = append(all, now)
	}
	return all
}

// About returns the revisions that a participant's latest attempt is about, in
// the order of the documents; nil means the uploads. A signature in the documents
// may have come since.
func (c *Collection) About(id ParticipantID) []Current {
	if p := c.progress[id]; p != nil {
		return slices.Clone(p.about)
	}
	return nil
}

// At returns the spec with its documents at other revisions: what a participant
// is shown and signs when signatures in the documents came before. Documents
// that are not in current stay as they are.
func (s Spec) At(current []Current) Spec {
	s.Documents = slices.Clone(s.Documents)
	for i := range s.Documents {
		d := &s.Documents[i]
		for _, now := range current {
			if now.Document == d.ID {
				d.Revision, d.Length, d.Digest = now.Revision, now.Length, now.Digest
			}
		}
	}
	return s
}
