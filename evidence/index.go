package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
)

// The forms of index that this release writes: of evidence in the document
// itself, and of evidence in a PDF of its own.
const (
	IndexVersion    = "handslag-evidence-1"
	SeparateVersion = "handslag-evidence-2"
)

// IndexName is the name of the index among a document's associated files.
const IndexName = "handslag-evidence.json"

// Index lists the evidence of a document's signatures.
type Index struct {
	Version    string               `json:"version"`
	Collection signing.CollectionID `json:"collection"`
	Document   signing.DocumentID   `json:"document"`
	// Upload says which bytes were signed: the first Length of the document.
	Upload Upload `json:"upload"`
	// Result is in the index of separate evidence only.
	Result     *Separate          `json:"result,omitempty"`
	Signatures []Entry            `json:"signatures"`
	Audit      signing.AuditTrail `json:"audit"`
}

// Upload is the revision that was signed.
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

// Entry is one signature of an index. The files it names are associated files
// of the same document.
type Entry struct {
	Participant signing.ParticipantID `json:"participant"`
	Attempt     signing.AttemptID     `json:"attempt"`
	Method      signing.Method        `json:"method"`
	Provider    string                `json:"provider"`
	Assurance   signing.Assurance     `json:"assurance"`
	SignedAt    time.Time             `json:"signedAt"`
	Environment string                `json:"environment"`
	// TextVersion and Locale say how the text that the person read is made from
	// the manifest.
	TextVersion string         `json:"textVersion"`
	Locale      signing.Locale `json:"locale"`
	Manifest    string         `json:"manifest"`
	Signature   string         `json:"signature"`
	OCSP        string         `json:"ocsp"`
}

// Proof is what proves one participant's signature.
type Proof struct {
	signing.Signature
	SignerName   signing.Private // as their certificate says
	MaskedNumber string
	TextVersion  string         // of the text they read
	Locale       signing.Locale // of the text they read
	Manifest     []byte
	XML          []byte // the XML signature, decoded from BankID's base64
	OCSP         []byte // the OCSP response, DER (RFC 6960)
}

// Facts are what the evidence of a document says, to people on its page and to
// verifiers in its files.
type Facts struct {
	Spec     signing.Spec
	Document signing.Document
	Proofs   []Proof
	Audit    signing.AuditTrail
	Verifier string // address of a page that verifies documents, or ""
	// Separate is the result that an evidence PDF of its own speaks of; nil when
	// the evidence is appended to the document itself.
	Separate *Separate
}

// Files returns the evidence as associated files, of the document's result or of
// its separate evidence PDF.
func Files(f Facts) ([]pdf.Attachment, error) {
	index := Index{
		Version: IndexVersion, Collection: f.Spec.ID, Document: f.Document.ID, Audit: f.Audit, Result: f.Separate,
		Upload: Upload{Revision: f.Document.Revision, Length: f.Document.Length, Digest: f.Document.Digest},
	}
	if f.Separate != nil {
		index.Version = SeparateVersion
	}
	var files []pdf.Attachment
	add := func(name, mime, description string, data []byte) string {
		files = append(files, pdf.Attachment{
			Name: name, MIMEType: mime, Description: description, Relationship: "Data", Data: data,
		})
		return name
	}
	for _, p := range f.Proofs {
		base := string(p.Participant)
		index.Signatures = append(index.Signatures, Entry{
			Participant: p.Participant, Attempt: p.Attempt, Method: p.Method, Provider: p.Provider,
			Assurance: p.Assurance, SignedAt: p.SignedAt, Environment: p.Environment,
			TextVersion: p.TextVersion, Locale: p.Locale,
			Manifest:  add(base+".manifest.json", "application/json", "What the signature covers", p.Manifest),
			Signature: add(base+".signature.xml", "application/xml", "BankID signature", p.XML),
			OCSP:      add(base+".ocsp.der", "application/ocsp-response", "Status of the BankID certificate", p.OCSP),
		})
	}
	b, err := json.MarshalIndent(index, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode evidence index: %w", err)
	}
	add(IndexName, "application/json", "Index of the evidence", b)
	return files, nil
}

var errIndex = fault.New(fault.Invalid, "evidence_index_invalid", "The evidence index of the document cannot be read.")

func parseIndex(b []byte) (Index, error) {
	var index Index
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&index); err != nil {
		return index, errIndex.Because(err)
	}
	if err := index.check(); err != nil {
		return index, errIndex.Because(err)
	}
	return index, nil
}

// check refuses an index that we would never write: what it says is printed.
func (x Index) check() error {
	known := x.Version == IndexVersion && x.Result == nil || x.Version == SeparateVersion && x.Result != nil
	if !known || !signing.ValidID(signing.CollectionPrefix, string(x.Collection)) ||
		!signing.ValidID(signing.DocumentPrefix, string(x.Document)) || x.Upload.Length < 0 {
		return errors.New("it is of a version or document that cannot be")
	}
	if r := x.Result; r != nil && (r.Length < x.Upload.Length || r.Sealed != (r.Length > x.Upload.Length)) {
		return errors.New("the result it speaks of cannot be")
	}
	for _, e := range x.Signatures {
		known := e.Method == signing.MethodBankIDSE && e.Assurance == signing.AssuranceVerified && e.TextVersion == signing.TextVersion
		if !known || !e.Locale.Valid() || !signing.ValidID(signing.ParticipantPrefix, string(e.Participant)) {
			return errors.New("a signature is of a form that this release does not know")
		}
	}
	return nil
}
