package activities

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
)

// separate makes the result of a document that may only receive signatures, and
// its evidence PDF.
//
// The result comes first and the evidence speaks of the result that was kept, so
// that whichever runs were cut short, and wherever, the two that are kept belong
// together.
func (s *Sealing) separate(ctx context.Context, j job) (signing.Result, error) {
	ref, err := s.sealAlone(ctx, j)
	if err != nil {
		return signing.Result{}, err
	}
	proof := j.sealed
	proof.Revision, proof.Evidence = 0, true
	err = unlessKept(ctx, s.Revisions, proof, func() error { return s.prove(ctx, j, ref, proof) })
	if err != nil {
		return signing.Result{}, err
	}
	document, result, err := s.kept(ctx, ref)
	if err != nil {
		return signing.Result{}, err
	}
	file, described, err := s.kept(ctx, proof)
	if err != nil {
		return signing.Result{}, err
	}
	report, err := s.judgeBoth(ctx, j, document, file)
	if err != nil {
		return signing.Result{}, err
	}
	r := signing.Result{
		Document: j.Document, Revision: ref.Revision, Length: result.Length, Digest: result.Digest,
		Unsealed: !report.Evidence.Result.Sealed,
		Evidence: &signing.EvidenceResult{
			Revision: proof.Revision, Length: described.Length, Digest: described.Digest, SealedAt: sealedAt(report.Evidence.Seals),
		},
	}
	r.SealedAt = r.Evidence.SealedAt
	if !r.Unsealed {
		r.SealedAt = sealedAt(report.Seals)
	}
	return r, nil
}

// sealAlone seals the base with nothing added to it and returns which revision is
// the result: the base itself, when a signature in it forbids our seal.
func (s *Sealing) sealAlone(ctx context.Context, j job) (signing.RevisionRef, error) {
	if j.document.Locked {
		return j.from, nil
	}
	err := unlessKept(ctx, s.Revisions, j.sealed, func() error {
		revision, err := openRevision(ctx, s.Revisions, j.from)
		if err != nil {
			return err
		}
		tail, err := s.sign(ctx, j, revision, s.Clock())
		if err != nil {
			return err
		}
		revision = revision.Extend(tail)
		file := evidence.File{Content: revision.Source, Size: revision.Size}
		trust, err := s.informed(ctx, j, file)
		if err != nil {
			return err
		}
		report, err := evidence.VerifySealed(ctx, file, j.document.Length, j.base.Length, trust, s.Clock())
		if err != nil {
			return fmt.Errorf("verify the result: %w", err)
		}
		if !report.Passed() {
			return s.refuse(ctx, j, report)
		}
		return keepRevision(ctx, s.Revisions, j.sealed, j.from, tail, revision)
	})
	if fault.CodeOf(err) == codeLocked { // a lock that the check at upload did not know
		return j.from, nil
	}
	return j.sealed, err
}

// codeLocked is what pdf.Seal says of a document that allows no signature.
const codeLocked = "pdf_locked"

// prove makes the evidence PDF of the result and keeps it.
func (s *Sealing) prove(ctx context.Context, j job, result, proof signing.RevisionRef) error {
	document, described, err := s.kept(ctx, result)
	if err != nil {
		return err
	}
	additions, err := s.additions(ctx, j, &evidence.Separate{
		Length: described.Length, Digest: described.Digest, Sealed: result == j.sealed,
	})
	if err != nil {
		return err
	}
	revision, content, err := s.evidencePDF(ctx, j, additions)
	if err != nil {
		return err
	}
	if _, err := s.judgeBoth(ctx, j, document, evidence.File{Content: revision.Source, Size: revision.Size}); err != nil {
		return err
	}
	return keepRevision(ctx, s.Revisions, proof, signing.RevisionRef{}, content, revision)
}

// evidencePDF is the evidence page as a document of its own, with the evidence
// files, sealed.
func (s *Sealing) evidencePDF(ctx context.Context, j job, a pdf.Additions) (pdf.Revision, []byte, error) {
	content := a.Pages
	a.Pages = nil
	var hash pdf.HashState
	_, _ = hash.Write(content) // never fails
	revision := pdf.Revision{Source: bytes.NewReader(content), Size: int64(len(content)), Hash: &hash}
	files, err := pdf.Append(revision, a)
	if err != nil {
		return pdf.Revision{}, nil, fmt.Errorf("append the evidence: %w", err)
	}
	revision = revision.Extend(files)
	signature, err := s.sign(ctx, j, revision, a.Time)
	if err != nil {
		return pdf.Revision{}, nil, err
	}
	return revision.Extend(signature), slices.Concat(content, files, signature), nil
}

// judgeBoth verifies a result together with its evidence PDF as anybody will.
func (s *Sealing) judgeBoth(ctx context.Context, j job, document, file evidence.File) (*evidence.Report, error) {
	trust, err := s.informed(ctx, j, document, file)
	if err != nil {
		return nil, err
	}
	report, err := evidence.VerifyDocument(ctx, document, []evidence.File{file}, trust, s.Clock())
	if err != nil {
		return nil, fmt.Errorf("verify the result: %w", err)
	}
	if err := s.accept(ctx, j, report); err != nil {
		return nil, err
	}
	if report.Evidence == nil {
		return nil, errResult.Because(errors.New("its evidence is of another document"))
	}
	return report, nil
}
