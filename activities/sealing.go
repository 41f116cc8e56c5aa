package activities

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.temporal.io/sdk/activity"

	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/pdfcpuchild"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// sealedRevision is what a document's result is: the upload is revision 0.
const sealedRevision = 1

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
	// Stamps timestamps the seal.
	Stamps pdf.Timestamper
	// Known completes the chains of seal, timestamps and proofs of status.
	Known []*x509.Certificate
	// Name, Reason and Location are what readers show; empty ones are left out.
	Name, Reason, Location string
}

// PageMaker makes a PDF of an evidence page's content.
type PageMaker interface {
	EvidencePage(ctx context.Context, p pdfcpuchild.Page) ([]byte, error)
}

// SealDocument makes the result of a document: the upload, one update with the
// evidence, and the seal. It adopts a result that an earlier run has kept. In
// both cases it reads the result back from the store, whole, and hands it out
// only when everything in it verifies.
func (s *Sealing) SealDocument(ctx context.Context, in SealInput) (signing.Result, error) {
	defer beating(ctx)()
	result, err := s.seal(ctx, in)
	return result, ToTemporal(err)
}

func (s *Sealing) seal(ctx context.Context, in SealInput) (signing.Result, error) {
	spec, err := s.Specs.GetSpec(ctx, in.Tenant, in.Collection)
	if err != nil {
		return signing.Result{}, fmt.Errorf("get spec: %w", err)
	}
	document, ok := spec.Document(in.Document)
	if !ok {
		return signing.Result{}, fault.New(fault.Internal, "document_unknown", "The collection has no such document.")
	}
	upload := signing.RevisionRef{Tenant: in.Tenant, Collection: in.Collection, Document: in.Document, Revision: document.Revision}
	sealed := upload
	sealed.Revision = sealedRevision
	_, err = s.Revisions.Revision(ctx, sealed)
	if fault.KindOf(err) == fault.NotFound && err != nil {
		err = s.make(ctx, in, spec, document, upload, sealed)
	}
	if err != nil && fault.KindOf(err) != fault.Conflict { // Conflict: another run was quicker
		return signing.Result{}, err
	}
	return s.check(ctx, in, document, sealed)
}

// make puts a new result together and keeps it.
func (s *Sealing) make(ctx context.Context, in SealInput, spec signing.Spec, d signing.Document, upload, sealed signing.RevisionRef) error {
	revision, err := s.open(ctx, upload)
	if err != nil {
		return err
	}
	seal, err := s.Seals.Seal(in.Tenant)
	if err != nil {
		return err
	}
	additions, err := s.additions(ctx, in, spec, d)
	if err != nil {
		return err
	}
	appended, err := pdf.Append(revision, additions)
	if err != nil {
		return fmt.Errorf("append the evidence: %w", err)
	}
	revision = revision.Extend(appended)
	signature, err := pdf.Seal(ctx, revision, pdf.SealOptions{
		Key: seal.Key, Chain: seal.Chain, Time: additions.Time, Timestamper: seal.Stamps,
		Name: seal.Name, Reason: seal.Reason, Location: seal.Location,
	})
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	revision = revision.Extend(signature)
	state, err := revision.Hash.MarshalBinary()
	if err != nil {
		return fmt.Errorf("encode hash state: %w", err)
	}
	// What is kept is kept for ever: a result that does not verify, as when the
	// seal's certificate has expired, must not get that far.
	if _, err := s.judge(ctx, in, d, revision.Source, revision.Size); err != nil {
		return err
	}
	made := signing.Revision{Length: revision.Size, Digest: revision.Hash.Sum(), HashState: state}
	if err := s.Revisions.PutRevision(ctx, sealed, upload, append(appended, signature...), made); err != nil {
		return fmt.Errorf("put the result: %w", err)
	}
	return nil
}

// open opens a revision with its stored hash state, so that none of it has to
// be hashed again.
func (s *Sealing) open(ctx context.Context, ref signing.RevisionRef) (pdf.Revision, error) {
	described, err := s.Revisions.Revision(ctx, ref)
	if err != nil {
		return pdf.Revision{}, fmt.Errorf("describe revision: %w", err)
	}
	source, err := s.Revisions.OpenRevision(ctx, ref)
	if err != nil {
		return pdf.Revision{}, fmt.Errorf("open revision: %w", err)
	}
	var state pdf.HashState
	if err := state.UnmarshalBinary(described.HashState); err != nil {
		return pdf.Revision{}, fmt.Errorf("decode hash state: %w", err)
	}
	return pdf.Revision{Source: source, Size: source.Size(), Hash: &state}, nil
}

func (s *Sealing) additions(ctx context.Context, in SealInput, spec signing.Spec, d signing.Document) (pdf.Additions, error) {
	proofs, err := s.proofs(ctx, in, spec)
	if err != nil {
		return pdf.Additions{}, err
	}
	content, err := evidence.Page(spec, d, proofs, in.Audit, s.Verifier)
	if err != nil {
		return pdf.Additions{}, err
	}
	page, err := s.Pages.EvidencePage(ctx, content)
	if err != nil {
		return pdf.Additions{}, fmt.Errorf("make the evidence page: %w", err)
	}
	files, err := evidence.Files(spec, d, proofs, in.Audit)
	if err != nil {
		return pdf.Additions{}, err
	}
	return pdf.Additions{Pages: page, Files: files, Time: s.Clock()}, nil
}

// proofs gathers what proves each signature.
func (s *Sealing) proofs(ctx context.Context, in SealInput, spec signing.Spec) ([]evidence.Proof, error) {
	var proofs []evidence.Proof
	for _, signature := range in.Signatures {
		p, ok := spec.Participant(signature.Participant)
		if !ok {
			return nil, signing.ErrUnknownParticipant
		}
		proof := evidence.Proof{Signature: signature, Locale: p.Locale, MaskedNumber: p.PersonalNumber.Masked()}
		ref := AttemptRef{CollectionRef: in.CollectionRef, Attempt: signature.Attempt}
		var asked request
		var result providers.Result
		for _, piece := range []struct {
			name  string
			bytes *[]byte
			value any
		}{
			{requestName, nil, &asked},
			{resultName, nil, &result},
			{providers.ProofXML, &proof.XML, nil},
			{providers.ProofOCSP, &proof.OCSP, nil},
		} {
			b, err := s.Evidence.GetEvidence(ctx, ref.evidence(piece.name))
			if err == nil && piece.value != nil {
				err = json.Unmarshal(b, piece.value)
			}
			if err != nil {
				return nil, fmt.Errorf("get %s of a signature: %w", piece.name, err)
			}
			if piece.bytes != nil {
				*piece.bytes = b
			}
		}
		proof.TextVersion, proof.Manifest, proof.SignerName = asked.TextVersion, asked.Manifest, result.SignerName
		proofs = append(proofs, proof)
	}
	return proofs, nil
}

var errResult = fault.New(fault.Corrupt, "result_invalid", "The sealed document does not verify.")

// check reads the kept result from the store and verifies all of it.
func (s *Sealing) check(ctx context.Context, in SealInput, d signing.Document, ref signing.RevisionRef) (signing.Result, error) {
	described, err := s.Revisions.Revision(ctx, ref)
	if err != nil {
		return signing.Result{}, fmt.Errorf("describe the result: %w", err)
	}
	source, err := s.Revisions.OpenRevision(ctx, ref)
	if err != nil {
		return signing.Result{}, fmt.Errorf("open the result: %w", err)
	}
	report, err := s.judge(ctx, in, d, source, source.Size())
	if err != nil {
		return signing.Result{}, err
	}
	return signing.Result{
		Document: ref.Document, Revision: ref.Revision, Length: described.Length, Digest: described.Digest,
		SealedAt: report.Seals[len(report.Seals)-1].Time,
	}, nil
}

// judge verifies a result as anybody will, and that it is the one asked for:
// of this upload, with these signatures.
func (s *Sealing) judge(ctx context.Context, in SealInput, d signing.Document, source io.ReaderAt, size int64) (*evidence.Report, error) {
	report, err := evidence.VerifyDocument(ctx, source, size, s.Trust, s.Clock())
	if err != nil {
		return nil, fmt.Errorf("verify the result: %w", err)
	}
	switch {
	case !report.Passed():
		activity.GetLogger(ctx).Error("a sealed document does not verify", "document", string(in.Document),
			"indication", string(report.Indication), "sub_indication", report.SubIndication, "reason", report.Reason)
		return nil, errResult.Because(errors.New(report.SubIndication))
	case report.Collection != in.Collection || report.Document != in.Document ||
		report.Upload.Digest != d.Digest || report.Upload.Length != d.Length:
		return nil, errResult.Because(errors.New("it is of another document"))
	case len(report.Signers) != len(in.Signatures):
		return nil, errResult.Because(errors.New("it has other signers"))
	}
	for i, signer := range report.Signers {
		if signer.Participant != in.Signatures[i].Participant {
			return nil, errResult.Because(errors.New("it has other signers"))
		}
	}
	return report, nil
}
