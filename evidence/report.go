package evidence

import (
	"time"

	"github.com/handslag/handslag/bankidsig"
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
	// RestsOn is what stands behind the participants' parts, in the words of a
	// policy. Anything but verified is somebody's statement, which the seal vouches
	// for and the document does not prove; Trust.Accept says whether that is enough.
	RestsOn []signing.Assurance `json:"restsOn,omitempty"`
	// CompleteBy is who says who had to sign: the signatures themselves, or, where
	// no signature in the document says so, the seal alone.
	CompleteBy Authority `json:"completeBy,omitempty"`
	// Signers signed, and that is proven or it is not. Statements and Consents are
	// never among them. All three are in the order of the collection.
	Signers    []Signer `json:"signers"`
	Statements []Signer `json:"statements,omitempty"`
	Consents   []Signer `json:"consents,omitempty"`
	// Processes are related, each of a provider's own: nothing of ours was signed in
	// them, and they take no part in the verdict.
	Processes []Signer `json:"relatedProcesses,omitempty"`
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

// Authority is who says something.
type Authority string

// Who can say who had to sign.
const (
	BySignatures Authority = "signatures"
	BySeal       Authority = "seal"
)

// Signer is a person, and what their part is worth. Of a signature, what is said
// of them is what their own certificate says; of any other kind it is what the
// provider stated, and the indication is never TOTAL-PASSED.
type Signer struct {
	Kind           Kind                  `json:"kind"`
	Participant    signing.ParticipantID `json:"participant"`
	Name           signing.Private       `json:"name,omitempty"`
	PersonalNumber string                `json:"personalNumber,omitempty"` // masked
	Title          signing.Private       `json:"title,omitempty"`          // of this document, as signed
	Method         signing.Method        `json:"method"`
	Provider       string                `json:"provider,omitempty"`
	Assurance      signing.Assurance     `json:"assurance"`
	// Revision is the one of the document that they signed or approved; with
	// nbid-pki, the one that their signature made.
	Revision int `json:"revision"`
	// SignedAt is when they identified themselves, of a consent.
	SignedAt   time.Time  `json:"signedAt,omitzero"`
	TimeSource TimeSource `json:"timeSource,omitempty"`
	// ConsentedAt is of a consent only.
	ConsentedAt time.Time `json:"consentedAt,omitzero"`
	// RelyingParty is for whom they signed, and Organisation the number of the one
	// that they signed on behalf of, which only the seal vouches for.
	RelyingParty signing.Private `json:"relyingParty,omitempty"`
	Organisation string          `json:"organisation,omitempty"`
	// Level is that of a signature in the document.
	Level pdf.Level `json:"level,omitempty"`
	// Answer is the digest of the provider's raw answer, which is kept elsewhere.
	Answer        signing.Digest    `json:"answerSha256,omitzero"`
	Environment   string            `json:"environment,omitempty"`
	Indication    pdf.Indication    `json:"indication"`
	SubIndication string            `json:"subIndication,omitempty"`
	Reason        string            `json:"reason,omitempty"`
	Checks        map[string]string `json:"checks,omitempty"`
}

// TimeSource is who states a time.
type TimeSource string

// The sources.
const (
	TimeOCSP                = TimeSource(bankidsig.TimeOCSP) // BankID's OCSP responder, under its signature
	TimeStamp    TimeSource = "timestamp"                    // a timestamp authority
	TimeClaimed  TimeSource = "claimed"                      // the signature itself
	TimeProvider TimeSource = "provider"                     // the provider, says the seal
)

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
