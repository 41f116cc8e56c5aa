package signing

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ConsentVersion is the form of text and record of a consent that this release
// writes.
const ConsentVersion = "handslag-consent-1"

// ConsentText returns what a person, who has proven who they are, reads and
// agrees to on our page, in the locale given: each document's title and digest,
// and the collection. It is plain text, and says itself that it is no signature.
// A title has no line end, so none can change another line.
func (s Spec) ConsentText(locale Locale) Private {
	t := consentTexts(locale)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", s.counted(t.one, t.many), t.notice)
	for i, d := range s.Documents {
		fmt.Fprintf(&b, "\n%s %d: %s\nSHA-256: %s\n", t.document, i+1, d.Title.Reveal(), d.Digest)
	}
	fmt.Fprintf(&b, "\n%s: %s\n", t.collection, s.ID)
	return Private(b.String())
}

type consentWords struct{ one, many, notice, document, collection string }

func consentTexts(locale Locale) consentWords {
	switch locale {
	case LocaleSV:
		return consentWords{
			one:    "Jag har legitimerat mig, jag har läst dokumentet nedan och jag godkänner det.",
			many:   "Jag har legitimerat mig, jag har läst de %d dokumenten nedan och jag godkänner dem.",
			notice: "Godkännandet är ingen underskrift med BankID.", document: "Dokument", collection: "Ärende",
		}
	case LocaleNB:
		return consentWords{
			one:    "Jeg har identifisert meg, jeg har lest dokumentet nedenfor, og jeg godkjenner det.",
			many:   "Jeg har identifisert meg, jeg har lest de %d dokumentene nedenfor, og jeg godkjenner dem.",
			notice: "Godkjenningen er ingen signatur med BankID.", document: "Dokument", collection: "Sak",
		}
	case LocaleEN:
	}
	return consentWords{
		one:    "I have proven who I am, I have read the document below, and I approve it.",
		many:   "I have proven who I am, I have read the %d documents below, and I approve them.",
		notice: "The approval is not a signature with BankID.", document: "Document", collection: "Case",
	}
}

// ConsentRecord is a consent as it is kept: who agreed to what, when, and the
// identification that it rests on. A document's evidence carries it, so it holds
// nothing of the person's device.
//
// Its one encoding is JSON with the members in the order below, as that of a
// [Manifest].
type ConsentRecord struct {
	Version     string        `json:"version"`
	Collection  CollectionID  `json:"collection"`
	Participant ParticipantID `json:"participant"`
	Attempt     AttemptID     `json:"attempt"` // the identification
	Locale      Locale        `json:"locale"`
	Text        Private       `json:"text"` // as it was shown
	// Manifest is the digest of the manifest that names the documents.
	Manifest       Digest         `json:"manifestSha256"`
	Identification Identification `json:"identification"`
	At             time.Time      `json:"at"`
}

// Identification is what a consent rests on: the provider's word for who the
// person is.
type Identification struct {
	Provider string    `json:"provider"`
	At       time.Time `json:"at"`
	Answer   Digest    `json:"answerSha256"` // of the raw answer as stored
}

// Encode returns the record's one encoding.
func (r ConsentRecord) Encode() ([]byte, error) {
	r.At, r.Identification.At = r.At.UTC(), r.Identification.At.UTC()
	return encodeRecord("consent", r)
}

// ParseConsent reads a record and refuses any but its one encoding.
func ParseConsent(b []byte) (ConsentRecord, error) { return parseRecord[ConsentRecord]("consent", b) }

func (r ConsentRecord) check() error {
	switch {
	case r.Version != ConsentVersion:
		return errors.New("unknown version")
	case !ValidID(CollectionPrefix, string(r.Collection)), !ValidID(ParticipantPrefix, string(r.Participant)), !ValidID(AttemptPrefix, string(r.Attempt)):
		return errors.New("an id is not valid")
	case !r.Locale.Valid(), r.Text == "", r.Manifest.IsZero(), r.Identification.Answer.IsZero(), r.Identification.Provider == "":
		return errors.New("it does not say who agreed to what")
	case r.At.IsZero(), r.Identification.At.IsZero():
		return errors.New("it does not say when")
	}
	return nil
}
