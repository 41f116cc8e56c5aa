package evidence

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
)

// Proof is what is known of one participant's part, and what proves it. What it
// is, and which of the fields are set, follows from Method and Assurance.
//
//	bankid-se, verified     a signature: Manifest, XML, OCSP
//	nbid-pki, verified      a signature in the document: Signature.Revisions
//	bankid-se, attested     the provider's statement: Manifest, Text
//	identified              a consent: Manifest, Consent; XML and OCSP of the
//	                        identification, where the provider handed them out
//	attested-process        a related process: none
type Proof struct {
	signing.Signature
	SignerName   signing.Private // as their certificate says, or the provider
	MaskedNumber string
	// Organisation is the number of the one that they signed for, or "".
	Organisation string
	// ProviderParticipant is what the provider's own process calls them, or "".
	ProviderParticipant string
	TextVersion         string          // of the text they read
	Locale              signing.Locale  // of the text they read
	Text                signing.Private // they read
	Manifest            []byte
	XML                 []byte // the XML signature, decoded from BankID's base64
	OCSP                []byte // the OCSP response, DER (RFC 6960)
	Consent             []byte // signing.ConsentRecord, encoded
}

// made returns what the signature made of a document.
func (p Proof) made(d signing.DocumentID) (signing.Current, bool) {
	i := slices.IndexFunc(p.Revisions, func(c signing.Current) bool { return c.Document == d })
	if i < 0 {
		return signing.Current{}, false
	}
	return p.Revisions[i], true
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

// ofKind returns the proofs of one kind, in their order.
func (f Facts) ofKind(k Kind) []Proof {
	var found []Proof
	for _, p := range f.Proofs {
		if kindOf(p.Assurance) == k {
			found = append(found, p)
		}
	}
	return found
}

// Files returns the evidence as associated files, of the document's result or of
// its separate evidence PDF. No raw answer of a provider is among them.
func Files(f Facts) ([]pdf.Attachment, error) {
	w := &fileWriter{document: f.Document.ID, index: Index{
		Version: IndexVersion, Collection: f.Spec.ID, Document: f.Document.ID, Audit: f.Audit, Result: f.Separate,
		Upload: Upload{Revision: f.Document.Revision, Length: f.Document.Length, Digest: f.Document.Digest},
	}}
	for _, p := range f.Spec.Participants {
		if p.Method != signing.MethodBankIDSEProcess {
			w.index.Participants = append(w.index.Participants, p.ID)
		}
	}
	for _, p := range f.Proofs {
		if err := w.add(p); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(w.index.Revisions, func(a, b RevisionEntry) int { return a.Revision - b.Revision })
	b, err := w.index.encode()
	if err != nil {
		return nil, err
	}
	w.file(IndexName, "application/json", "Index of the evidence", b)
	return w.files, nil
}

type fileWriter struct {
	document signing.DocumentID
	index    Index
	files    []pdf.Attachment
}

func (w *fileWriter) file(name, mime, description string, data []byte) string {
	w.files = append(w.files, pdf.Attachment{Name: name, MIMEType: mime, Description: description, Relationship: "Data", Data: data})
	return name
}

// add lists a proof in the index, with its files.
func (w *fileWriter) add(p Proof) error {
	base := string(p.Participant)
	act := Act{
		Participant: p.Participant, Attempt: p.Attempt, Method: p.Method, Provider: p.Provider, Assurance: p.Assurance,
		SignedAt: p.SignedAt.UTC(), Environment: p.Environment, Organisation: p.Organisation,
	}
	stated := Stated{
		Name: signing.Private(strings.ToValidUTF8(p.SignerName.Reveal(), "?")), Number: p.MaskedNumber, Answer: p.Evidence,
	}
	read := func() Read {
		return Read{p.TextVersion, p.Locale, w.file(base+".manifest.json", "application/json", "What it covers", p.Manifest)}
	}
	const xml, ocsp = "application/xml", "application/ocsp-response"
	switch kindOf(p.Assurance) {
	case KindSignature:
		made, inside := p.made(w.document)
		if inside {
			w.index.Revisions = append(w.index.Revisions, RevisionEntry{act, p.MaskedNumber, made.Revision, made.Length, made.Digest})
			return nil
		}
		w.index.Signatures = append(w.index.Signatures, Entry{
			Act: act, Read: read(),
			Signature: w.file(base+".signature.xml", xml, "BankID signature", p.XML),
			OCSP:      w.file(base+".ocsp.der", ocsp, "Status of the BankID certificate", p.OCSP),
		})
	case KindStatement:
		w.index.Statements = append(w.index.Statements, StatementEntry{
			Act: act, Stated: stated, Read: read(),
			Text: w.file(base+".text.txt", "text/plain", "The text that they signed, as the provider states", []byte(p.Text.Reveal())),
		})
	case KindConsent:
		e := ConsentEntry{Act: act, Stated: stated, Read: read()}
		e.TextVersion = signing.ConsentVersion
		e.Consent = w.file(base+".consent.json", "application/json", "Consent; not a signature", p.Consent)
		if len(p.XML) > 0 {
			e.Identification = w.file(base+".identification.xml", xml, "BankID identification; not a signature", p.XML)
			e.OCSP = w.file(base+".ocsp.der", ocsp, "Status of the BankID certificate", p.OCSP)
		}
		w.index.Consents = append(w.index.Consents, e)
	case KindProcess:
		w.index.Processes = append(w.index.Processes, ProcessEntry{Act: act, Stated: stated, ProviderParticipant: impersonal(p.ProviderParticipant)})
	default:
		return fmt.Errorf("list the evidence of %s: an unknown assurance", p.Participant)
	}
	return nil
}

// impersonal leaves out an id that is a personal number, whoever chose it.
func impersonal(id string) string {
	digits := strings.NewReplacer("-", "", "+", "", " ", "").Replace(id)
	if len(digits) >= 10 && len(digits) <= 12 && strings.Trim(digits, "0123456789") == "" {
		return ""
	}
	return id
}

func (x Index) encode() ([]byte, error) {
	b, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode evidence index: %w", err)
	}
	return b, nil
}
