package evidence

import (
	"time"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
)

// Report is what a document proves. It names persons: it is for whoever holds
// the document, and belongs in no log.
type Report struct {
	// Indication and SubIndication are in the words of ETSI EN 319 102-1; the
	// sub-indication may be one of our own for what is not an AdES signature.
	Indication    pdf.Indication `json:"indication"`
	SubIndication string         `json:"subIndication,omitempty"`
	Reason        string         `json:"reason,omitempty"` // one sentence, empty when passed
	// Test says that a trust anchor which it rests on is not a live one: then it
	// proves nothing about anybody.
	Test bool `json:"test"`
	// Assembly says where the evidence is; "" when none was found.
	Assembly   signing.Assembly     `json:"assembly,omitempty"`
	Collection signing.CollectionID `json:"collection,omitempty"`
	Document   signing.DocumentID   `json:"document,omitempty"`
	Upload     *Upload              `json:"upload,omitempty"`
	Audit      *signing.AuditTrail  `json:"audit,omitempty"`
	Signers    []Signer             `json:"signers"`
	// Seals are the PAdES signatures of the document that are ours. Without
	// evidence that tells them apart, all of them.
	Seals []Seal `json:"seals"`
	// Timestamps are the document timestamps beside them. One that is not proven
	// proves nothing and takes nothing away.
	Timestamps []Seal `json:"timestamps,omitempty"`
	// Earlier are the signatures that the upload came with, in a document with
	// separate evidence. They do not take part in the verdict.
	Earlier []Seal `json:"earlier,omitempty"`
	// Evidence is what the evidence PDF is worth.
	Evidence *Separately `json:"evidence,omitempty"`
}

// Separately is a separate evidence PDF.
type Separately struct {
	// Given is its place among the evidence PDFs that were given; -1 when it was
	// given in the document's place.
	Given         int            `json:"-"`
	Result        Separate       `json:"result"` // what it speaks of
	Seals         []Seal         `json:"seals"`
	Timestamps    []Seal         `json:"timestamps,omitempty"`
	Indication    pdf.Indication `json:"indication"`
	SubIndication string         `json:"subIndication,omitempty"`
	Reason        string         `json:"reason,omitempty"`
}

// Signer is a person who signed, as their own signature states.
type Signer struct {
	Participant    signing.ParticipantID `json:"participant"`
	Name           signing.Private       `json:"name,omitempty"`
	PersonalNumber string                `json:"personalNumber,omitempty"` // masked
	Title          signing.Private       `json:"title,omitempty"`          // of this document, as signed
	Method         signing.Method        `json:"method"`
	Assurance      signing.Assurance     `json:"assurance"`
	SignedAt       time.Time             `json:"signedAt,omitzero"`
	TimeSource     string                `json:"timeSource,omitempty"`
	RelyingParty   signing.Private       `json:"relyingParty,omitempty"` // for whom they signed
	Environment    string                `json:"environment,omitempty"`
	Indication     pdf.Indication        `json:"indication"`
	SubIndication  string                `json:"subIndication,omitempty"`
	Reason         string                `json:"reason,omitempty"`
	Checks         map[string]string     `json:"checks,omitempty"`
}

// Seal is a PAdES signature or document timestamp.
type Seal struct {
	Kind pdf.Kind `json:"kind"`
	// Organisation is who signed, by the certificate: an organisation, or a person.
	Organisation string `json:"organisation,omitempty"`
	// NationalID is the Norwegian number in the certificate, masked.
	NationalID    string         `json:"nationalId,omitempty"`
	Level         pdf.Level      `json:"level,omitempty"`
	Time          time.Time      `json:"time,omitzero"` // proven by a timestamp
	Authority     string         `json:"authority,omitempty"`
	Environment   string         `json:"environment,omitempty"`
	WholeFile     bool           `json:"wholeFile"`
	Indication    pdf.Indication `json:"indication"`
	SubIndication string         `json:"subIndication,omitempty"`
	Reason        string         `json:"reason,omitempty"`
	// Changes is what came after it, all of it allowed unless the indication says
	// otherwise.
	Changes []Change `json:"changes,omitempty"`

	offset int64 // of the signature in the file, which tells it from others
}

// Change is one thing that came after a signature.
type Change struct {
	Kind     pdf.ChangeKind `json:"kind"`
	Revision int            `json:"revision"`
	Page     int            `json:"page,omitempty"` // on which it draws
}

// Passed reports whether all that the document claims was proven.
func (r *Report) Passed() bool { return r.Indication == pdf.TotalPassed }

// conclude lowers the report's indication to a worse finding.
func (r *Report) conclude(i pdf.Indication, sub, reason string) {
	if rank(i) > rank(r.Indication) {
		r.Indication, r.SubIndication, r.Reason = i, sub, reason
	}
}

func rank(i pdf.Indication) int {
	switch i {
	case pdf.TotalPassed:
		return 0
	case pdf.Indeterminate:
		return 1
	case pdf.TotalFailed:
		return 2
	}
	return 2
}
