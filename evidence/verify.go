package evidence

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
)

// maxFile bounds each evidence file that is read from a document.
const maxFile = 1 << 20

// The sub-indications of our own.
const (
	subNoEvidence   = "NO_EVIDENCE_FOUND"
	subUpload       = "UPLOAD_CHANGED"
	subAppended     = "DOCUMENT_CHANGED"
	subMissing      = "SIGNER_MISSING"
	subOrganisation = "SEALED_BY_ANOTHER"
	subEvidence     = "EVIDENCE_INVALID"
	subManifest     = "MANIFEST_MISMATCH"
)

// VerifyDocument says what a document proves: who signed it, when, and whether
// the seal over it all holds. It reads nothing but the document and trusts
// nothing but trust. Of a PDF that is none of ours it says what its PAdES
// signatures are worth, and that nobody's signature is proven. An error means that the file could not be read or is no PDF.
func VerifyDocument(ctx context.Context, ra io.ReaderAt, size int64, trust Trust, now time.Time) (*Report, error) {
	r := &Report{Indication: pdf.TotalPassed, Signers: []Signer{}, Seals: []Seal{}}
	if err := r.judgeSeals(ctx, ra, size, trust, now); err != nil {
		return nil, err
	}
	files, err := openFiles(ra, size)
	if err != nil {
		return nil, err
	}
	if files == nil {
		r.conclude(pdf.Indeterminate, subNoEvidence, "The document may be sealed, but it carries evidence of nobody's signature.")
		return r, nil
	}
	index, err := files.index()
	if err != nil {
		r.conclude(pdf.TotalFailed, subEvidence, "The evidence that the document carries cannot be read.")
		return r, nil //nolint:nilerr // it is the verdict
	}
	r.Collection, r.Document, r.Upload, r.Audit = index.Collection, index.Document, &index.Upload, &index.Audit
	if err := r.judgeUpload(ctx, ra, size, index.Upload); err != nil {
		return nil, err
	}
	if len(index.Signatures) == 0 {
		r.conclude(pdf.TotalFailed, subEvidence, "The document carries evidence of nobody's signature.")
	}
	r.judgeCompleteness(files, index)
	for _, e := range index.Signatures {
		s := judgeSigner(files, index, e, trust)
		r.Signers = append(r.Signers, s)
		r.Test = r.Test || s.Environment != "" && s.Environment != string(bankidsig.Live)
		r.conclude(s.Indication, s.SubIndication, s.Reason)
	}
	return r, nil
}

// judgeSeals judges the PAdES signatures, with the live anchors first: the
// verdict names the environment that it rests on.
func (r *Report) judgeSeals(ctx context.Context, ra io.ReaderAt, size int64, trust Trust, now time.Time) error {
	var best *pdf.Verification
	var of bankidsig.Environment
	for _, env := range environments {
		if best != nil && trust.Seal[env] == nil && trust.Timestamp[env] == nil {
			continue
		}
		v, err := pdf.Verify(ctx, ra, size, pdf.Trust{Seal: trust.Seal[env], Timestamp: trust.Timestamp[env], Now: now})
		if err != nil {
			return fmt.Errorf("verify the PDF: %w", err)
		}
		if best == nil || rank(v.Indication) < rank(best.Indication) {
			best, of = v, env
		}
		if v.Indication == pdf.TotalPassed {
			break
		}
	}
	if best.Indication == pdf.TotalPassed {
		r.Test = of != bankidsig.Live
	} else {
		of = ""
	}
	reason := "The document carries no signature."
	for _, s := range best.Signatures {
		seal := Seal{
			Level: s.Level, Time: s.Timestamp, Environment: string(of), WholeFile: s.CoversWholeFile,
			Indication: s.Indication, SubIndication: s.SubIndication, Reason: s.Reason,
		}
		if s.Signer != nil {
			seal.Organisation = organisation(s.Signer)
		}
		if s.TimestampSigner != nil {
			seal.Authority = s.TimestampSigner.Subject.CommonName
		}
		r.Seals = append(r.Seals, seal)
		if s.Indication == best.Indication {
			reason = s.Reason
		}
	}
	r.conclude(best.Indication, best.SubIndication, reason)
	if n := len(r.Seals); n > 0 && trust.Organisation != "" && r.Seals[n-1].Organisation != trust.Organisation {
		r.conclude(pdf.TotalFailed, subOrganisation, "The seal is not the expected organisation's.")
	}
	return nil
}

// organisation is whose seal a certificate is.
func organisation(c *x509.Certificate) string {
	if len(c.Subject.Organization) > 0 {
		return c.Subject.Organization[0]
	}
	return c.Subject.CommonName
}

// judgeUpload hashes the bytes that were signed, and holds what follows them to
// what we append: a seal alone does not say that the document still shows what
// people signed.
func (r *Report) judgeUpload(ctx context.Context, ra io.ReaderAt, size int64, u Upload) error {
	h := sha256.New()
	section := io.NewSectionReader(ra, 0, u.Length)
	buffer := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := section.Read(buffer)
		h.Write(buffer[:n])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read the upload: %w", err)
		}
	}
	if signing.Digest(h.Sum(nil)) != u.Digest {
		r.conclude(pdf.TotalFailed, subUpload, "The document's first bytes are not the upload that was signed.")
		return nil
	}
	if err := pdf.CheckAppended(ra, size, u.Length, pdf.Limits{}); err != nil {
		if fault.KindOf(err) != fault.Invalid {
			return fmt.Errorf("check what follows the upload: %w", err)
		}
		r.conclude(pdf.TotalFailed, subAppended, message(err))
	}
	return nil
}

// judgeCompleteness compares who signed with who had to, as each signature says.
func (r *Report) judgeCompleteness(files *files, index Index) {
	signed := map[signing.ParticipantID]bool{}
	for _, e := range index.Signatures {
		if signed[e.Participant] {
			r.conclude(pdf.TotalFailed, subEvidence, "The document lists a signer twice.")
		}
		signed[e.Participant] = true
	}
	for _, e := range index.Signatures {
		m, _, err := files.manifest(index, e)
		if err != nil {
			continue // judgeSigner says so
		}
		for _, p := range m.Participants {
			if !signed[p] {
				r.conclude(pdf.TotalFailed, subMissing, "Somebody who had to sign has not.")
			}
		}
		if len(m.Participants) != len(index.Signatures) {
			r.conclude(pdf.TotalFailed, subMissing, "Those who signed are not those who had to.")
		}
	}
}

// judgeSigner verifies one participant's signature and that it covers the upload.
func judgeSigner(files *files, index Index, e Entry, trust Trust) Signer {
	s := Signer{Participant: e.Participant, Method: e.Method, Indication: pdf.TotalPassed}
	fail := func(i pdf.Indication, sub, reason string) Signer {
		s.Indication, s.SubIndication, s.Reason = i, sub, reason
		return s
	}
	manifest, document, err := files.manifest(index, e)
	if err != nil {
		return fail(pdf.TotalFailed, subManifest, "The manifest that was signed is not of this document.")
	}
	xml, errXML := files.read(e.Signature)
	ocsp, errOCSP := files.read(e.OCSP)
	if errXML != nil || errOCSP != nil {
		return fail(pdf.TotalFailed, subEvidence, "The signature or its OCSP response is missing from the document.")
	}
	proof, err := bankidsig.Verify(bankidsig.Input{
		Signature: base64.StdEncoding.EncodeToString(xml), OCSP: base64.StdEncoding.EncodeToString(ocsp),
		Expect: bankidsig.Expectation{
			VisibleText: []byte(visibleText(manifest, e.Locale)), VisibleFormat: "simpleMarkdownV1",
			NonVisibleData: files.content[e.Manifest],
		},
	}, trust.BankID)
	if err != nil {
		return fail(indication(err), fault.CodeOf(err), message(err))
	}
	s.Assurance = signing.AssuranceVerified
	s.Name, s.Title = signing.Private(proof.Signer.Name.Reveal()), document.Title
	s.SignedAt, s.TimeSource = proof.SignedAt, string(proof.TimeSource)
	s.RelyingParty = signing.Private(proof.DisplayName)
	s.Environment, s.Checks = string(proof.Environment), proof.Checks
	if n, err := signing.ParsePersonalNumber(proof.Signer.PersonalNumber.Reveal()); err == nil {
		s.PersonalNumber = n.Masked()
	}
	return s
}

func indication(err error) pdf.Indication {
	switch bankidsig.ReasonOf(err) {
	case bankidsig.UntrustedRoot, "":
		return pdf.Indeterminate
	default:
		return pdf.TotalFailed
	}
}

func message(err error) string {
	if f, ok := fault.As(err); ok {
		return f.Message
	}
	return "The signature could not be judged."
}

// visibleText makes the text that the person read again.
func visibleText(m signing.Manifest, locale signing.Locale) string {
	spec := signing.Spec{ID: m.Collection}
	for _, d := range m.Documents {
		spec.Documents = append(spec.Documents, signing.Document{ID: d.ID, Title: d.Title, Digest: d.Digest})
	}
	return spec.VisibleText(locale).Reveal()
}

// files are the associated files of a document, our newest index and what it
// may name.
type files struct {
	entries map[string]pdf.AttachmentEntry
	content map[string][]byte
}

// openFiles finds the evidence files. An upload may have files of the same
// names; those that were appended to it come later in the file. It returns nil
// when there is no index.
func openFiles(ra io.ReaderAt, size int64) (*files, error) {
	f, err := pdf.Open(ra, size, pdf.Limits{})
	if err != nil {
		return nil, fmt.Errorf("open the PDF: %w", err)
	}
	found := &files{entries: map[string]pdf.AttachmentEntry{}, content: map[string][]byte{}}
	for e, err := range f.Attachments() {
		if err != nil {
			return nil, fmt.Errorf("list associated files: %w", err)
		}
		if e.Offset >= found.entries[e.Name].Offset {
			found.entries[e.Name] = e
		}
	}
	if _, ok := found.entries[IndexName]; !ok {
		return nil, nil
	}
	return found, nil
}

func (f *files) index() (Index, error) {
	b, err := f.read(IndexName)
	if err != nil {
		return Index{}, err
	}
	index, err := parseIndex(b)
	if err != nil {
		return index, err
	}
	if f.entries[IndexName].Offset < index.Upload.Length {
		return index, errIndex.Because(errors.New("it lies within the upload"))
	}
	return index, nil
}

// read unpacks a file, once: a manifest is asked for by more than one check.
func (f *files) read(name string) ([]byte, error) {
	if b, ok := f.content[name]; ok {
		return b, nil
	}
	e, ok := f.entries[name]
	if !ok {
		return nil, fmt.Errorf("the document has no file of that name")
	}
	b, err := e.Read(maxFile)
	if err != nil {
		return nil, fmt.Errorf("read associated file: %w", err)
	}
	f.content[name] = b
	return b, nil
}

// manifest reads the manifest of a signature and checks that it names the
// collection, the participant and the upload.
func (f *files) manifest(index Index, e Entry) (signing.Manifest, signing.ManifestDocument, error) {
	var none signing.ManifestDocument
	b, err := f.read(e.Manifest)
	if err != nil {
		return signing.Manifest{}, none, err
	}
	m, err := signing.ParseManifest(b)
	if err != nil {
		return m, none, err
	}
	if m.Collection != index.Collection || m.Participant != e.Participant {
		return m, none, errors.New("it is of another collection or participant")
	}
	for _, d := range m.Documents {
		if d.ID == index.Document && d.Revision == index.Upload.Revision &&
			d.Length == index.Upload.Length && d.Digest == index.Upload.Digest {
			return m, d, nil
		}
	}
	return m, none, errors.New("it does not name the upload")
}
