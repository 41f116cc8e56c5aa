package activities

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/pdfcpuchild"
	"github.com/handslag/handslag/signing"
)

var errResult = fault.New(fault.Corrupt, "result_invalid", "The sealed document does not verify.")

// Sealing makes the results of a collection.
type Sealing struct {
	Specs     Specs
	Evidence  Evidence
	Revisions Revisions
	Seals     Seals
	Pages     PageMaker
	// Trust is what a result must verify against before it is handed out.
	Trust evidence.Trust
	// Verifier is the address of a page that verifies documents, or "".
	Verifier string
	Clock    Clock
}

// Seals finds the tenant's seal.
type Seals interface {
	// Seal returns what seals for a tenant now; it may differ from one call to the
	// next, as when a certificate has been renewed. It is safe for concurrent use.
	Seal(tenant signing.TenantID) (Seal, error)
}

// Seal is an organisation's means to seal documents.
type Seal struct {
	// Key may be far away (a KMS, a security module): signing then takes as long as
	// its own limit says, and fails with a fault of kind Unavailable.
	Key   crypto.Signer
	Chain []*x509.Certificate // the key's own first
	PSS   bool                // an RSA key signs by RSASSA-PSS
	// Level is what a seal has or there is none; empty is B-T with Stamps.
	Level pdf.Level
	// Stamps timestamps the seal.
	Stamps pdf.Timestamper
	// Revocation gets the proofs of status that B-LT and B-LTA keep.
	Revocation pdf.RevocationSource
	// Known completes the chains of seal, timestamps and proofs of status.
	Known []*x509.Certificate
	// Name, Reason and Location are what readers show; empty ones are left out.
	Name, Reason, Location string
}

// PageMaker makes a PDF of an evidence page's content.
type PageMaker interface {
	EvidencePage(ctx context.Context, p pdfcpuchild.Page) ([]byte, error)
}

// SealDocument makes the result of a document, in the way that its collection
// says, and adopts what an earlier run has kept of it. In both cases it reads the
// result back from the store, whole, and hands it out only when everything in it
// verifies.
func (s *Sealing) SealDocument(ctx context.Context, in SealInput) (signing.Result, error) {
	defer beating(ctx)()
	result, err := s.seal(ctx, in)
	return result, ToTemporal(err)
}

func (s *Sealing) seal(ctx context.Context, in SealInput) (signing.Result, error) {
	j, err := s.job(ctx, in)
	if err != nil {
		return signing.Result{}, err
	}
	switch j.spec.Assembly(j.document) {
	case signing.AssemblySeparate:
		return s.separate(ctx, j)
	case signing.AssemblyAppended:
	}
	return s.appended(ctx, j)
}

// job is a document on its way to its result.
type job struct {
	SealInput
	spec     signing.Spec
	document signing.Document // the upload
	// base is what the result is made of: the upload, or the revision that the last
	// signature in the document made. The result is the revision after it.
	base         signing.Current
	from, sealed signing.RevisionRef
}

func (s *Sealing) job(ctx context.Context, in SealInput) (job, error) {
	j := job{SealInput: in}
	var err error
	if j.spec, err = s.Specs.GetSpec(ctx, in.Tenant, in.Collection); err != nil {
		return j, fmt.Errorf("get spec: %w", err)
	}
	var ok bool
	if j.document, ok = j.spec.Document(in.Document); !ok {
		return j, fault.New(fault.Internal, "document_unknown", "The collection has no such document.")
	}
	d := j.document
	j.base = signing.Current{Document: d.ID, Revision: d.Revision, Length: d.Length, Digest: d.Digest}
	for _, s := range in.Signatures {
		for _, made := range s.Revisions {
			if made.Document == d.ID && made.Revision > j.base.Revision {
				j.base = made
			}
		}
	}
	// To seal an older one would take what a person signed for our own work.
	if in.Current != nil && *in.Current != j.base {
		return j, fault.New(fault.Internal, "revision_unknown", "The revision to seal is not the document's newest.")
	}
	j.from = revisionOf(in.CollectionRef, d.ID, j.base.Revision)
	j.sealed = revisionOf(in.CollectionRef, d.ID, j.base.Revision+1)
	return j, nil
}

// appended makes the result: the upload, one update with the evidence, and the
// seal.
func (s *Sealing) appended(ctx context.Context, j job) (signing.Result, error) {
	err := unlessKept(ctx, s.Revisions, j.sealed, func() error { return s.append(ctx, j) })
	if err != nil {
		return signing.Result{}, err
	}
	file, described, err := s.kept(ctx, j.sealed)
	if err != nil {
		return signing.Result{}, err
	}
	report, err := s.judge(ctx, j, file)
	if err != nil {
		return signing.Result{}, err
	}
	return signing.Result{
		Document: j.Document, Revision: j.sealed.Revision, Length: described.Length, Digest: described.Digest,
		SealedAt: sealedAt(report.Seals),
	}, nil
}

// append puts a new result together and keeps it.
func (s *Sealing) append(ctx context.Context, j job) error {
	revision, err := openRevision(ctx, s.Revisions, j.from)
	if err != nil {
		return err
	}
	additions, err := s.additions(ctx, j, nil)
	if err != nil {
		return err
	}
	appended, err := pdf.Append(revision, additions)
	if err != nil {
		return fmt.Errorf("append the evidence: %w", err)
	}
	revision = revision.Extend(appended)
	signature, err := s.sign(ctx, j, revision, additions.Time)
	if err != nil {
		return err
	}
	revision = revision.Extend(signature)
	// What is kept is kept for ever: a result that does not verify, as when the
	// seal's certificate has expired, must not get that far.
	if _, err := s.judge(ctx, j, evidence.File{Content: revision.Source, Size: revision.Size}); err != nil {
		return err
	}
	return keepRevision(ctx, s.Revisions, j.sealed, j.from, append(appended, signature...), revision)
}

// sign returns the tail that seals a revision.
func (s *Sealing) sign(ctx context.Context, j job, revision pdf.Revision, at time.Time) ([]byte, error) {
	seal, err := s.Seals.Seal(j.Tenant)
	if err != nil {
		return nil, err
	}
	tail, err := pdf.Seal(ctx, revision, pdf.SealOptions{
		Key: seal.Key, Chain: seal.Chain, PSS: seal.PSS, Time: at,
		Level: seal.Level, Timestamper: seal.Stamps, Revocation: seal.Revocation, Known: seal.Known,
		Name: seal.Name, Reason: seal.Reason, Location: seal.Location,
	})
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return tail, nil
}

// additions are the evidence, as a page and as files.
func (s *Sealing) additions(ctx context.Context, j job, separate *evidence.Separate) (pdf.Additions, error) {
	proofs, err := s.proofs(ctx, j.SealInput, j.spec)
	if err != nil {
		return pdf.Additions{}, err
	}
	facts := evidence.Facts{
		Spec: j.spec, Document: j.document, Proofs: proofs, Audit: j.Audit, Verifier: s.Verifier, Separate: separate,
	}
	content, err := evidence.Page(facts)
	if err != nil {
		return pdf.Additions{}, err
	}
	page, err := s.Pages.EvidencePage(ctx, content)
	if err != nil {
		return pdf.Additions{}, fmt.Errorf("make the evidence page: %w", err)
	}
	files, err := evidence.Files(facts)
	if err != nil {
		return pdf.Additions{}, err
	}
	return pdf.Additions{Pages: page, Files: files, Time: s.Clock()}, nil
}

// judge verifies a result that carries its evidence as anybody will.
func (s *Sealing) judge(ctx context.Context, j job, file evidence.File) (*evidence.Report, error) {
	trust, err := s.informed(ctx, j, file)
	if err != nil {
		return nil, err
	}
	report, err := evidence.VerifyDocument(ctx, file, nil, trust, s.Clock())
	if err != nil {
		return nil, fmt.Errorf("verify the result: %w", err)
	}
	return report, s.accept(ctx, j, report)
}

// informed is our trust with what a seal below B-LT does not carry: proofs of its
// certificates' status. Whoever verifies such a document brings them along, too.
func (s *Sealing) informed(ctx context.Context, j job, files ...evidence.File) (evidence.Trust, error) {
	trust := s.Trust
	trust.Accept = j.spec.Policy.Accept // what the collection was made with is enough for its result
	seal, err := s.Seals.Seal(j.Tenant)
	if err != nil {
		return trust, err
	}
	if seal.Revocation == nil || seal.Level == pdf.LevelLT || seal.Level == pdf.LevelLTA {
		return trust, nil
	}
	for i, f := range files {
		o := pdf.StatusOptions{Revocation: seal.Revocation, Known: slices.Concat(seal.Known, seal.Chain), Now: s.Clock()}
		if i == 0 {
			o.After = j.document.Length
		}
		more, err := pdf.Status(ctx, f.Content, f.Size, o)
		if err != nil {
			return trust, fmt.Errorf("get the status of the seal's certificates: %w", err)
		}
		trust.Proofs = trust.Proofs.With(more)
	}
	return trust, nil
}

// accept refuses a report that does not pass, or is not of what was asked for:
// of this upload, with these signatures.
func (s *Sealing) accept(ctx context.Context, j job, report *evidence.Report) error {
	switch {
	case !report.Passed():
		return s.refuse(ctx, j, report)
	case report.Collection != j.Collection || report.Document != j.Document ||
		report.Upload.Digest != j.document.Digest || report.Upload.Length != j.document.Length:
		return errResult.Because(errors.New("it is of another document"))
	}
	return sameParts(report, j.Signatures)
}

// sameParts: each participant's part is in the report, as what it is.
func sameParts(report *evidence.Report, signatures []signing.Signature) error {
	found := map[signing.ParticipantID]signing.Assurance{}
	parts := slices.Concat(report.Signers, report.Statements, report.Consents, report.Processes)
	for _, part := range parts {
		found[part.Participant] = part.Assurance
	}
	for _, s := range signatures {
		if found[s.Participant] != s.Assurance {
			return errResult.Because(errors.New("it has other signers"))
		}
	}
	if len(parts) != len(signatures) {
		return errResult.Because(errors.New("it has other signers"))
	}
	return nil
}

// refuse tells the operator why a result does not verify.
func (s *Sealing) refuse(ctx context.Context, j job, report *evidence.Report) error {
	activity.GetLogger(ctx).Error("a sealed document does not verify", "document", string(j.Document),
		"indication", string(report.Indication), "sub_indication", report.SubIndication, "reason", report.Reason)
	return errResult.Because(errors.New(report.SubIndication))
}

// sealedAt is when the newest seal was made.
func sealedAt(seals []evidence.Seal) time.Time { return seals[len(seals)-1].Time }
