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

// IndexVersion is the form of index that this release writes.
const IndexVersion = "handslag-evidence-1"

// IndexName is the name of the index among a document's associated files.
const IndexName = "handslag-evidence.json"

// Index lists the evidence that a sealed document carries.
type Index struct {
	Version    string               `json:"version"`
	Collection signing.CollectionID `json:"collection"`
	Document   signing.DocumentID   `json:"document"`
	// Upload says which bytes were signed: the first Length of the file.
	Upload     Upload             `json:"upload"`
	Signatures []Entry            `json:"signatures"`
	Audit      signing.AuditTrail `json:"audit"`
}

// Upload is the revision that was signed.
type Upload struct {
	Revision int            `json:"revision"`
	Length   int64          `json:"length"`
	Digest   signing.Digest `json:"sha256"`
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

// Files returns the associated files of a document's result.
func Files(spec signing.Spec, d signing.Document, proofs []Proof, audit signing.AuditTrail) ([]pdf.Attachment, error) {
	index := Index{
		Version: IndexVersion, Collection: spec.ID, Document: d.ID, Audit: audit,
		Upload: Upload{Revision: d.Revision, Length: d.Length, Digest: d.Digest},
	}
	var files []pdf.Attachment
	add := func(name, mime, description string, data []byte) string {
		files = append(files, pdf.Attachment{
			Name: name, MIMEType: mime, Description: description, Relationship: "Data", Data: data,
		})
		return name
	}
	for _, p := range proofs {
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
	if x.Version != IndexVersion || !signing.ValidID(signing.CollectionPrefix, string(x.Collection)) ||
		!signing.ValidID(signing.DocumentPrefix, string(x.Document)) || x.Upload.Length < 0 {
		return errors.New("it is of a version or document that cannot be")
	}
	for _, e := range x.Signatures {
		known := e.Method == signing.MethodBankIDSE && e.Assurance == signing.AssuranceVerified && e.TextVersion == signing.TextVersion
		if !known || !e.Locale.Valid() || !signing.ValidID(signing.ParticipantPrefix, string(e.Participant)) {
			return errors.New("a signature is of a form that this release does not know")
		}
	}
	return nil
}
