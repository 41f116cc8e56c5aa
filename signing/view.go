package signing

import "time"

// View is what may be told of a collection to its owner: where it is and what
// happened, without personal numbers, names or titles.
type View struct {
	ID           CollectionID      `json:"id"`
	Tenant       TenantID          `json:"tenant"`
	State        State             `json:"state"`
	Attention    string            `json:"attention,omitempty"` // why it needs a person, or ""
	CreatedAt    time.Time         `json:"createdAt"`
	Deadline     time.Time         `json:"deadline"`
	EndedAt      time.Time         `json:"endedAt,omitzero"`
	Documents    []DocumentView    `json:"documents"`
	Participants []ParticipantView `json:"participants"`
	Audit        AuditTrail        `json:"audit"`
}

// DocumentView is a document of a view, with its result once there is one.
type DocumentView struct {
	ID       DocumentID `json:"id"`
	Length   int64      `json:"length"`
	Digest   Digest     `json:"sha256"`
	Assembly Assembly   `json:"assembly,omitempty"` // "" in what an earlier release kept: appended
	Current  *Current   `json:"current,omitempty"`  // what signatures in it have made of it so far; nil while it is the upload
	Result   *Result    `json:"result,omitempty"`
}

// Result is what became of a document: the revision, its length in bytes and digest.
type Result struct {
	Document DocumentID `json:"document"`
	Revision int        `json:"revision"`
	Length   int64      `json:"length"`
	Digest   Digest     `json:"sha256"`
	// SealedAt is when our seal was made; that of the evidence when Unsealed.
	SealedAt time.Time `json:"sealedAt"`
	// Unsealed: a signature in the upload forbids any further one, so the result
	// is the upload itself and only the evidence is sealed.
	Unsealed bool `json:"unsealed,omitempty"`
	// Evidence is the separate evidence PDF; nil when the result carries its own.
	Evidence *EvidenceResult `json:"evidence,omitempty"`
}

// EvidenceResult is a separate evidence PDF: its revision, length in bytes and digest.
type EvidenceResult struct {
	Revision int       `json:"revision"`
	Length   int64     `json:"length"`
	Digest   Digest    `json:"sha256"`
	SealedAt time.Time `json:"sealedAt"`
}

// ParticipantView is a participant of a view.
type ParticipantView struct {
	ID         ParticipantID    `json:"id"`
	Step       int              `json:"step"`
	Method     Method           `json:"method"`
	State      ParticipantState `json:"state"`
	Attempts   []Attempt        `json:"attempts,omitempty"`
	Signature  *Signature       `json:"signature,omitempty"`
	Identified *Signature       `json:"identified,omitempty"` // waits for their consent
	About      []Current        `json:"about,omitempty"`      // the revisions that Identified is about; empty: the uploads
	DeclinedAt time.Time        `json:"declinedAt,omitzero"`
}

// View returns what may be told of the collection now.
func (c *Collection) View() View {
	v := View{ID: c.ID, Tenant: c.Tenant, State: c.state, CreatedAt: c.CreatedAt, Deadline: c.Deadline}
	for _, d := range c.Documents {
		view := DocumentView{ID: d.ID, Length: d.Length, Digest: d.Digest, Assembly: c.Assembly(d)}
		if made, ok := c.made[d.ID]; ok {
			view.Current = &made
		}
		v.Documents = append(v.Documents, view)
	}
	for _, p := range c.Participants {
		progress := c.progress[p.ID]
		view := ParticipantView{
			ID: p.ID, Step: p.Step, Method: p.Method, State: c.ParticipantState(p),
			Attempts:  append([]Attempt(nil), progress.Attempts...),
			Signature: progress.Signature, Identified: progress.Identified, DeclinedAt: progress.DeclinedAt,
		}
		if view.Identified != nil {
			view.About = c.About(p.ID)
		}
		v.Participants = append(v.Participants, view)
	}
	return v
}
