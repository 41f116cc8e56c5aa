package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

// IndexVersion is the form of index that this release writes. It reads the
// earlier ones, too.
const IndexVersion = "handslag-evidence-3"

// IndexName is the name of the index among a document's associated files.
const IndexName = "handslag-evidence.json"

// Index lists the evidence of what people did with a document, each kind apart:
// nothing in one list can be taken for what belongs in another. Every file that
// it names is an associated file of the same PDF.
type Index struct {
	Version    string               `json:"version"`
	Collection signing.CollectionID `json:"collection"`
	Document   signing.DocumentID   `json:"document"`
	// Upload is the first Length bytes of the document.
	Upload Upload `json:"upload"`
	// Result is in the index of separate evidence only.
	Result *Separate `json:"result,omitempty"`
	// Participants are all who had to sign or consent, in the collection's order.
	// There are none in earlier forms, where the manifests alone say so.
	Participants []signing.ParticipantID `json:"participants"`
	// Signatures are Swedish ones, which are files beside the document's pages.
	Signatures []Entry `json:"signatures,omitempty"`
	// Revisions are what Norwegian signatures made of the document, oldest first.
	Revisions  []RevisionEntry    `json:"revisions,omitempty"`
	Statements []StatementEntry   `json:"statements,omitempty"`
	Consents   []ConsentEntry     `json:"consents,omitempty"`
	Processes  []ProcessEntry     `json:"processes,omitempty"`
	Audit      signing.AuditTrail `json:"audit"`
}

// Upload is the revision that the collection began with.
type Upload struct {
	Revision int            `json:"revision"`
	Length   int64          `json:"length"`
	Digest   signing.Digest `json:"sha256"`
}

// Separate is the result that an evidence PDF of its own speaks of: the upload
// with nothing but signatures after it. Later releases of it start with these
// bytes.
type Separate struct {
	Length int64          `json:"length"`
	Digest signing.Digest `json:"sha256"`
	// Sealed is false when a signature in the upload forbids even our seal; then
	// the result is the upload itself.
	Sealed bool `json:"sealed"`
}

// Act is what every entry says of a participant's part.
type Act struct {
	Participant signing.ParticipantID `json:"participant"`
	Attempt     signing.AttemptID     `json:"attempt"`
	Method      signing.Method        `json:"method"`
	Provider    string                `json:"provider"`
	Assurance   signing.Assurance     `json:"assurance"`
	SignedAt    time.Time             `json:"signedAt"` // when they identified themselves, of a consent
	Environment string                `json:"environment"`
	// Organisation is the number of the one that they signed for: what the owner of
	// the collection says, which a signature does not.
	Organisation string `json:"organisation,omitempty"`
}

// Read is what a participant read: TextVersion and Locale say how the text is
// made from the manifest, which is a file.
type Read struct {
	TextVersion string         `json:"textVersion"`
	Locale      signing.Locale `json:"locale"`
	Manifest    string         `json:"manifest"`
}

// Stated is who a person is by the provider's word, and the digest of the raw
// answer that has it.
type Stated struct {
	Name   signing.Private `json:"name,omitempty"`
	Number string          `json:"number,omitempty"` // masked
	Answer signing.Digest  `json:"answerSha256"`
}

// Entry is a BankID signature, with its files.
type Entry struct {
	Act
	Read
	Signature string `json:"signature"`
	OCSP      string `json:"ocsp"`
}

// RevisionEntry is a signature in the document, and the revision that it made:
// the first Length bytes of the document, of which those after the revision
// before hold this one signature.
type RevisionEntry struct {
	Act
	Number   string         `json:"number"` // masked
	Revision int            `json:"revision"`
	Length   int64          `json:"length"`
	Digest   signing.Digest `json:"sha256"`
}

// StatementEntry is a signature that the provider states and does not hand out.
type StatementEntry struct {
	Act
	Stated
	Read
	Text string `json:"text"` // the file of what was signed, as the provider states
}

// ConsentEntry is a consent after an identification. Identification and OCSP are
// files, where BankID itself identified the person.
type ConsentEntry struct {
	Act
	Stated
	Read
	Consent        string `json:"consent"`
	Identification string `json:"identification,omitempty"`
	OCSP           string `json:"ocsp,omitempty"`
}

// ProcessEntry is a process of the provider's own, in which nothing of ours was
// signed.
type ProcessEntry struct {
	Act
	Stated
	ProviderParticipant string `json:"providerParticipant,omitempty"`
}

// signed is where the last signature's revision ends: our seal comes after it.
func (x Index) signed() int64 {
	if n := len(x.Revisions); n > 0 {
		return x.Revisions[n-1].Length
	}
	return x.Upload.Length
}

var errIndex = fault.New(fault.Invalid, "evidence_index_invalid", "The evidence index of the document cannot be read.")

// parseIndex reads an index of any form. Of the newest, it accepts no other than
// its one encoding.
func parseIndex(b []byte) (Index, error) {
	var form struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(b, &form); err != nil {
		return Index{}, errIndex.Because(err)
	}
	var index Index
	var err error
	if form.Version == IndexVersion {
		index, err = readIndex(b)
	} else {
		index, err = readEarlier(b)
	}
	if err == nil {
		err = index.check()
	}
	if err != nil {
		return Index{}, errIndex.Because(err)
	}
	return index, nil
}

func readIndex(b []byte) (Index, error) {
	var index Index
	if err := strictly(b, &index); err != nil {
		return index, err
	}
	again, err := index.encode()
	if err != nil {
		return index, err
	}
	if !bytes.Equal(again, b) {
		return index, errors.New("it is not in its one encoding")
	}
	return index, nil
}

func strictly(b []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	return dec.Decode(into) //nolint:wrapcheck // its caller wraps
}

// check refuses an index that we would never write: what it says is printed.
func (x Index) check() error {
	if !signing.ValidID(signing.CollectionPrefix, string(x.Collection)) ||
		!signing.ValidID(signing.DocumentPrefix, string(x.Document)) || x.Upload.Length < 0 {
		return errors.New("it is of a document that cannot be")
	}
	if err := x.checkParticipants(); err != nil {
		return err
	}
	if err := x.checkRevisions(); err != nil {
		return err
	}
	if err := x.checkTexts(); err != nil {
		return err
	}
	for _, a := range x.acts() {
		if !a.valid() {
			return errors.New("an entry is of a form that this release does not know")
		}
	}
	return nil
}

// checkParticipants: there are no more of them than a collection has, lest a
// hostile index keeps a verifier busy, and nobody is listed twice: that would hide
// that another is missing.
func (x Index) checkParticipants() error {
	if len(x.acts()) > signing.MaxParticipants || len(x.Participants) > signing.MaxParticipants {
		return errors.New("it lists more participants than a collection has")
	}
	listed := map[signing.ParticipantID]bool{}
	for _, p := range x.Participants {
		if listed[p] || !signing.ValidID(signing.ParticipantPrefix, string(p)) {
			return errors.New("a participant has no valid id of their own")
		}
		listed[p] = true
	}
	return nil
}

// checkTexts: this release can make again what people read.
func (x Index) checkTexts() error {
	known := true
	for _, e := range x.Signatures {
		known = known && e.known(signing.TextVersion)
	}
	for _, e := range x.Statements {
		known = known && e.known(signing.TextVersion)
	}
	for _, e := range x.Consents {
		known = known && e.known(signing.ConsentVersion)
		if (e.Identification == "") != (e.OCSP == "") {
			return errors.New("an identification has no proof of its certificate's status")
		}
	}
	if !known {
		return errors.New("a text is of a form that this release does not know")
	}
	return nil
}

func (r Read) known(version string) bool { return r.TextVersion == version && r.Locale.Valid() }

// checkRevisions: each revision is longer than the one before, and our seal
// follows the last.
func (x Index) checkRevisions() error {
	length := x.Upload.Length
	for i, e := range x.Revisions {
		if x.Result == nil || e.Revision != x.Upload.Revision+i+1 || e.Length <= length {
			return errors.New("a revision that it speaks of cannot be")
		}
		length = e.Length
	}
	if r := x.Result; r != nil && (r.Length < length || r.Sealed != (r.Length > length)) {
		return errors.New("the result it speaks of cannot be")
	}
	return nil
}

// listed is an entry, and the kind of the list that it is in.
type listed struct {
	Act
	Stated
	kind   Kind
	inside bool // the document
}

func (x Index) acts() []listed {
	var all []listed
	for _, e := range x.Signatures {
		all = append(all, listed{Act: e.Act, kind: KindSignature})
	}
	for _, e := range x.Revisions {
		all = append(all, listed{Act: e.Act, Stated: Stated{Number: e.Number}, kind: KindSignature, inside: true})
	}
	for _, e := range x.Statements {
		all = append(all, listed{Act: e.Act, Stated: e.Stated, kind: KindStatement})
	}
	for _, e := range x.Consents {
		all = append(all, listed{Act: e.Act, Stated: e.Stated, kind: KindConsent})
	}
	for _, e := range x.Processes {
		all = append(all, listed{Act: e.Act, Stated: e.Stated, kind: KindProcess})
	}
	return all
}

var (
	providerForm = regexp.MustCompile(`^[a-z]{1,20}$`)
	numberForm   = regexp.MustCompile(`^(\d{8}-xxxx|\d{6}-xxxxx)?$`)
	orgForm      = regexp.MustCompile(`^(\d{6}-\d{4})?$`)
)

// valid: the entry is in the list that its assurance belongs in, of a method that
// yields it.
func (l listed) valid() bool {
	return signing.ValidID(signing.ParticipantPrefix, string(l.Participant)) &&
		signing.ValidID(signing.AttemptPrefix, string(l.Attempt)) &&
		kindOf(l.Assurance) == l.kind && (l.kind == KindSignature || !l.Answer.IsZero()) && slices.Contains(l.Method.Assurances(), l.Assurance) && l.Method.SignsDocuments() == l.inside &&
		providerForm.MatchString(l.Provider) && numberForm.MatchString(l.Number) && orgForm.MatchString(l.Organisation)
}
