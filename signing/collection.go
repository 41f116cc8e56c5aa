package signing

import (
	"fmt"
	"slices"
	"time"

	"github.com/handslag/handslag/fault"
)

// Limits of a collection. They keep the visible text of a BankID signature
// under its 30,000 bytes and a workflow's history under 5,000 events.
const (
	MaxDocuments    = 40
	MaxParticipants = 50
	MaxSteps        = 50
	MaxAttempts     = 20 // of one participant; see also the budget of package workflows
)

// Document is one PDF of a collection, at the revision that is signed.
type Document struct {
	ID       DocumentID `json:"id"`
	Title    Private    `json:"title"`
	Revision int        `json:"revision"` // 0 is the upload
	Length   int64      `json:"length"`   // bytes
	Digest   Digest     `json:"sha256"`
	Nature              // of the upload
}

// Participant is a person who is to sign.
type Participant struct {
	ID             ParticipantID  `json:"id"`
	Name           Private        `json:"name"`
	PersonalNumber PersonalNumber `json:"personalNumber"`
	Method         Method         `json:"method"`
	Step           int            `json:"step"`   // from 1; equal steps act in parallel
	Locale         Locale         `json:"locale"` // of the text they sign
}

// Spec is what the owner of a collection asked for. It never changes.
type Spec struct {
	ID           CollectionID  `json:"id"`
	Tenant       TenantID      `json:"tenant"`
	Locale       Locale        `json:"locale"`   // of the evidence page
	TimeZone     string        `json:"timeZone"` // IANA name, for times on the evidence page
	Documents    []Document    `json:"documents"`
	Participants []Participant `json:"participants"`
	Policy       Policy        `json:"policy"`
	CreatedAt    time.Time     `json:"createdAt"`
	Deadline     time.Time     `json:"deadline"`
}

// Validate refuses a spec that could not be carried out. The fault names every
// field that is wrong by its JSON pointer.
func (s Spec) Validate() error {
	f := fault.New(fault.Invalid, "collection_invalid", "The collection cannot be created as asked.")
	if n := len(s.Documents); n < 1 || n > MaxDocuments {
		f = f.In("/documents", "count", "A collection has 1 to %d documents.", MaxDocuments)
	}
	if n := len(s.Participants); n < 1 || n > MaxParticipants {
		f = f.In("/participants", "count", "A collection has 1 to %d participants.", MaxParticipants)
	}
	if !s.Locale.Valid() {
		f = f.In("/locale", "unknown", "The locale is sv, nb or en.")
	}
	if !s.Deadline.After(s.CreatedAt) {
		f = f.In("/deadline", "past", "The deadline has passed.")
	}
	if s.Policy.Validate() != nil {
		f = f.In("/policy/accept", "unknown", "The policy accepts at least one assurance, and only known ones.")
	}
	f = s.validateDocuments(f)
	f = s.validateParticipants(f)
	if len(f.Fields) > 0 {
		return f
	}
	return nil
}

func (s Spec) validateDocuments(f *fault.Error) *fault.Error {
	seen := map[DocumentID]bool{}
	for i, d := range s.Documents {
		if seen[d.ID] {
			f = f.In(fmt.Sprintf("/documents/%d/id", i), "repeated", "The document is in the collection already.")
		}
		seen[d.ID] = true
		if _, err := NormaliseTitle(d.Title.Reveal()); err != nil {
			f = f.In(fmt.Sprintf("/documents/%d/title", i), "title", "A title has 1 to %d visible characters.", MaxTitle)
		}
	}
	return f
}

func (s Spec) validateParticipants(f *fault.Error) *fault.Error {
	ids, numbers := map[ParticipantID]bool{}, map[PersonalNumber]bool{}
	for i, p := range s.Participants {
		at := func(field string) string { return fmt.Sprintf("/participants/%d/%s", i, field) }
		if ids[p.ID] {
			f = f.In(at("id"), "repeated", "The participant is in the collection already.")
		}
		ids[p.ID] = true
		switch {
		case p.PersonalNumber.IsZero():
			f = f.In(at("personalNumber"), "required", "A participant who signs needs a personal number.")
		case p.PersonalNumber.Norwegian():
			f = f.In(at("personalNumber"), "country", "A Swedish method needs a Swedish personal number.")
		case numbers[p.PersonalNumber]:
			f = f.In(at("personalNumber"), "repeated", "Another participant has the same personal number.")
		}
		numbers[p.PersonalNumber] = true
		if p.Method != MethodBankIDSE {
			f = f.In(at("method"), "unknown", "The method is bankid-se.")
		}
		if p.Step < 1 || p.Step > MaxSteps {
			f = f.In(at("step"), "range", "A step is a number from 1 to %d.", MaxSteps)
		}
		if !p.Locale.Valid() {
			f = f.In(at("locale"), "unknown", "The locale is sv, nb or en.")
		}
	}
	return f
}

// Participant returns the participant with the given id.
func (s Spec) Participant(id ParticipantID) (Participant, bool) {
	i := slices.IndexFunc(s.Participants, func(p Participant) bool { return p.ID == id })
	if i < 0 {
		return Participant{}, false
	}
	return s.Participants[i], true
}

// Document returns the document with the given id.
func (s Spec) Document(id DocumentID) (Document, bool) {
	i := slices.IndexFunc(s.Documents, func(d Document) bool { return d.ID == id })
	if i < 0 {
		return Document{}, false
	}
	return s.Documents[i], true
}
