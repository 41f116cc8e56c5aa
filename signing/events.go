package signing

import "time"

// StartAttempt records that a participant's attempt is under way, from before
// the provider is called, so that no second one can start meanwhile.
func (c *Collection) StartAttempt(a Attempt) error {
	if err := c.CanStart(a.Participant); err != nil {
		return err
	}
	progress := c.progress[a.Participant]
	a.Number = len(progress.Attempts) + 1
	progress.Identified, progress.about = nil, nil
	if len(c.made) > 0 {
		progress.about = c.Current()
	}
	progress.Attempts = append(progress.Attempts, a)
	return nil
}

// AttemptResult is how an attempt ended.
type AttemptResult struct {
	Outcome      Outcome    `json:"outcome"`
	Reason       Reason     `json:"reason,omitempty"`
	ProviderCode string     `json:"providerCode,omitempty"`
	Signature    *Signature `json:"signature,omitempty"` // with OutcomeSigned only
}

// EndAttempt records how a live attempt ended. A signature is kept whatever the
// collection is about to become: it was made.
func (c *Collection) EndAttempt(id ParticipantID, r AttemptResult, at time.Time) error {
	progress := c.progress[id]
	if progress == nil {
		return ErrUnknownParticipant
	}
	live := progress.live()
	if live == nil {
		return ErrNoAttempt
	}
	if r.Signature != nil && !c.Policy.Accepts(r.Signature.Assurance, r.Signature.level()) {
		r = AttemptResult{Outcome: OutcomeFailed, Reason: ReasonNotAccepted, ProviderCode: r.ProviderCode}
	}
	live.Outcome, live.Reason, live.ProviderCode, live.EndedAt = r.Outcome, r.Reason, r.ProviderCode, at
	switch r.Outcome {
	case OutcomeIdentified:
		progress.Identified = r.Signature
	case OutcomeFailed, OutcomeCancelled, OutcomeResultLost:
	case OutcomeSigned:
		progress.Signature, progress.Identified = r.Signature, nil
		for _, made := range r.Signature.Revisions {
			c.made[made.Document] = made
		}
	}
	c.settle()
	return nil
}

// level is that of the signature; what an earlier release kept was BankID's.
func (s *Signature) level() Level {
	if s.Level == "" && s.Method == MethodBankIDSE {
		return LevelAES
	}
	return s.Level
}

// Reroute records that another provider is asked for a live attempt's order,
// the one before having made none.
func (c *Collection) Reroute(id ParticipantID, provider string) {
	if progress := c.progress[id]; progress != nil && progress.live() != nil {
		progress.live().Provider = provider
	}
}

// Decline records that a participant will not sign, which ends the collection
// once no attempt is live.
func (c *Collection) Decline(id ParticipantID, at time.Time) error {
	if err := c.CanDecline(id); err != nil {
		return err
	}
	c.progress[id].DeclinedAt = at
	c.end(StateDeclined)
	return nil
}

// Cancel ends the collection, at its owner's word, once no attempt is live.
func (c *Collection) Cancel() error {
	if err := c.CanCancel(); err != nil {
		return err
	}
	c.end(StateCancelled)
	return nil
}

// Expire ends the collection, its deadline having passed, once no attempt is
// live. It does nothing when the collection is no longer in progress.
func (c *Collection) Expire() { c.end(StateExpired) }

// Complete records that every document is sealed and delivered.
func (c *Collection) Complete() {
	if c.state == StateSealing {
		c.state = StateCompleted
	}
}

// end asks for an end. The first word stands, but that a deadline has passed
// gives way to the owner's cancel.
func (c *Collection) end(s State) {
	if c.state == StateInProgress && (c.ending == "" || c.ending == StateExpired) {
		c.ending = s
	}
	c.settle()
}

// settle moves the collection on when nothing holds it back. A deadline does
// not undo the last signature: a collection that everybody signed while it was
// expiring is complete. An owner's cancel and a participant's decline stand.
func (c *Collection) settle() {
	if c.state != StateInProgress || c.anyLive() {
		return
	}
	allSigned := c.currentStep() > MaxSteps
	switch {
	case allSigned && (c.ending == "" || c.ending == StateExpired):
		c.state = StateSealing
	case c.ending != "":
		c.state = c.ending
	}
}

func (c *Collection) anyLive() bool {
	for _, p := range c.Participants {
		if progress := c.progress[p.ID]; progress.live() != nil || progress.consenting {
			return true
		}
	}
	return false
}

// Ending returns the end that the collection comes to once no attempt is live,
// or "".
func (c *Collection) Ending() State { return c.ending }
