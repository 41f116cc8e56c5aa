package signing

import (
	"fmt"
	"slices"
	"strings"
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
	// Provider, when set, is the only one that may serve them; else the tenant's
	// route is gone through.
	Provider string `json:"provider,omitempty"`
	// Organisation is the number of the Swedish organisation that they sign for,
	// such as 559000-0948, or "".
	Organisation string `json:"organisation,omitempty"`
	// ProviderParticipant is the id that the provider's own process gave them, with
	// MethodBankIDSEProcess only.
	ProviderParticipant string `json:"providerParticipant,omitempty"`
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
	if policy, ok := fault.As(s.Policy.Validate()); ok {
		for _, field := range policy.Fields {
			f = f.In("/policy"+field.Pointer, field.Code, "%s", field.Message)
		}
	}
	if len(s.Participants) > 0 && !slices.ContainsFunc(s.Participants, func(p Participant) bool { return p.Method != MethodBankIDSEProcess }) {
		f = f.In("/participants", "nobody_signs", "A related process signs nothing of ours: at least one participant needs another method.")
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
		if d.Locked && s.signsDocuments() {
			f = f.In(fmt.Sprintf("/documents/%d/id", i), "locked", "A signature in the document forbids further ones, and a participant is to sign it.")
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
		case p.PersonalNumber.Norwegian() && p.Method != MethodNBIDPKI:
			f = f.In(at("personalNumber"), "country", "A Swedish method needs a Swedish personal number.")
		case !p.PersonalNumber.Norwegian() && p.Method == MethodNBIDPKI:
			f = f.In(at("personalNumber"), "country", "A Norwegian method needs a Norwegian national identity number.")
		case numbers[p.PersonalNumber]:
			f = f.In(at("personalNumber"), "repeated", "Another participant has the same personal number.")
		}
		numbers[p.PersonalNumber] = true
		f = s.validateMethod(f, p, at)
		if p.Step < 1 || p.Step > MaxSteps {
			f = f.In(at("step"), "range", "A step is a number from 1 to %d.", MaxSteps)
		}
		if !p.Locale.Valid() {
			f = f.In(at("locale"), "unknown", "The locale is sv, nb or en.")
		}
	}
	return f
}

func (s Spec) validateMethod(f *fault.Error, p Participant, at func(string) string) *fault.Error {
	switch {
	case !p.Method.Known():
		return f.In(at("method"), "unknown", "The method is bankid-se, bankid-se-identify, bankid-se-process or nbid-pki.")
	case !p.Method.acceptable(s.Policy):
		f = f.In("/policy/accept", "unmet", "The policy does not accept what the method %s yields: %s.", p.Method, p.Method.yields())
	}
	switch process := p.Method == MethodBankIDSEProcess; {
	case process && !validProviderParticipant(p.ProviderParticipant):
		f = f.In(at("providerParticipant"), "required", "The provider's own process gave the participant an id, of 1 to %d visible ASCII characters.", maxProviderParticipant)
	case !process && p.ProviderParticipant != "":
		f = f.In(at("providerParticipant"), "excluded", "Only the method bankid-se-process has it.")
	}
	switch {
	case p.Organisation != "" && p.Method != MethodBankIDSE:
		f = f.In(at("organisation"), "excluded", "Only the method bankid-se has it.")
	case p.Organisation != "" && !validOrganisation(p.Organisation):
		f = f.In(at("organisation"), "format", "A Swedish organisation number, such as 559000-0948.")
	}
	return f
}

// maxProviderParticipant is far above any provider's ids.
const maxProviderParticipant = 100

func validProviderParticipant(id string) bool {
	return id != "" && len(id) <= maxProviderParticipant &&
		!strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' })
}

// validOrganisation checks ten digits NNNNNN-NNNN with a Luhn check digit. The
// third digit is at least 2, which tells the number from a person's (SKV 709).
func validOrganisation(number string) bool {
	if len(number) != 11 || number[6] != '-' {
		return false
	}
	digits := number[:6] + number[7:]
	return strings.Trim(digits, "0123456789") == "" && digits[2] >= '2' && luhn(digits)
}

// signsDocuments reports whether a participant is to sign the PDFs themselves.
func (s Spec) signsDocuments() bool {
	return slices.ContainsFunc(s.Participants, func(p Participant) bool { return p.Method.SignsDocuments() })
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
