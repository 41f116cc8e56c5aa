package evidence

import (
	"context"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
)

// separate is an evidence PDF of its own.
type separate struct {
	given int // among those that were given; -1: in the document's place
	file  File
	files *files
	index Index
}

// findSeparate finds the evidence PDF that speaks of the document: the result
// that it names is what the document begins with. It is nil when none does.
func (r *Report) findSeparate(ctx context.Context, document File, evidence []File) (*separate, error) {
	var candidates []separate
	var lengths []int64
	for i, f := range evidence {
		files, index, err := openEvidence(f)
		if err != nil {
			return nil, err
		}
		if index != nil && index.Result != nil {
			candidates = append(candidates, separate{i, f, files, *index})
			lengths = append(lengths, index.Result.Length, index.Upload.Length)
		}
	}
	digests, err := prefixes(ctx, document, lengths...)
	if err != nil {
		return nil, err
	}
	for _, c := range candidates {
		if d, ok := digests[c.index.Result.Length]; ok && d == c.index.Result.Digest {
			if digests[c.index.Upload.Length] != c.index.Upload.Digest {
				r.conclude(pdf.TotalFailed, subUpload, "The document's first bytes are not the upload that was signed.")
			}
			return &c, nil
		}
	}
	for _, c := range candidates {
		if d, ok := digests[c.index.Upload.Length]; ok && d == c.index.Upload.Digest {
			r.conclude(pdf.TotalFailed, subResult, "The document begins with the upload that was signed, but it is not the result that the evidence speaks of.")
			return &c, nil
		}
	}
	return nil, nil
}

// judgeSeparate judges a document together with its evidence PDF.
func (r *Report) judgeSeparate(ctx context.Context, document File, e *separate, trust Trust, now time.Time) error {
	r.describe(e.index, signing.AssemblySeparate)
	if err := r.judgeSigned(ctx, document, e.index.Upload.Length, e.index.signed(), e.index.Result.Sealed, trust, now); err != nil {
		return err
	}
	if err := r.judgeInside(ctx, document, e.index, trust, now); err != nil {
		return err
	}
	return r.judgeEvidence(ctx, e, trust, now)
}

// judgeSigned judges a document that only ever receives signatures: ours, which
// follow the first signed bytes, those that the upload came with, and that
// nothing else was added.
func (r *Report) judgeSigned(ctx context.Context, document File, upload, signed int64, isSealed bool, trust Trust, now time.Time) error {
	s, err := judgeSeals(ctx, document.Content, document.Size, signed, trust, now)
	if err != nil {
		return err
	}
	if isSealed {
		r.sealed(s)
	}
	if err := r.judgeAppended(checkSigned(document, upload, signed, isSealed)); err != nil {
		return err
	}
	if s.earlier > 0 {
		return r.judgeEarlier(ctx, document, upload, trust, now)
	}
	return nil
}

var errUnsealed = fault.New(fault.Invalid, "pdf_appended_change", "Something was added to a document whose own signatures allow nothing more.")

// checkSigned: only signatures follow the upload, first those of others and then
// ours; and to one that is not sealed nothing was added after the signed bytes at
// all.
func checkSigned(document File, upload, signed int64, isSealed bool) error {
	if !isSealed && document.Size != signed {
		return errUnsealed
	}
	if err := checkMade(document, upload, signed); err != nil {
		return err
	}
	return pdf.CheckSigned(document.Content, document.Size, signed, pdf.Limits{})
}

var errMade = fault.New(fault.Invalid, "pdf_appended_change", "Something other than participants' signatures was added to the upload.")

// checkMade: what participants' programs added is signatures that nobody sees on
// a page, and what keeps these. They write otherwise than we do, so the rules are
// those of what may follow a signature.
func checkMade(document File, upload, signed int64) error {
	if signed == upload {
		return nil
	}
	if signed > document.Size {
		return errMade
	}
	later, err := pdf.Since(document.Content, signed, upload, pdf.Limits{})
	if err != nil {
		return err
	}
	for _, c := range later.Changes {
		if c.Kind == pdf.ChangeField || c.Page > 0 {
			return errMade
		}
	}
	return nil
}

// judgeEvidence judges the evidence PDF itself and the signatures in it.
func (r *Report) judgeEvidence(ctx context.Context, e *separate, trust Trust, now time.Time) error {
	s, err := judgeSeals(ctx, e.file.Content, e.file.Size, 0, trust, now)
	if err != nil {
		return err
	}
	r.Evidence = &Separately{
		Given: e.given, Result: *e.index.Result, Seals: s.seals, Timestamps: s.timestamps, Indication: s.indication, SubIndication: s.sub, Reason: s.reason,
	}
	r.restOn(s.environment)
	reason := s.reason
	if reason != "" {
		reason = "The evidence PDF: " + reason
	}
	r.conclude(s.indication, s.sub, reason)
	if n, m := len(r.Seals), len(s.seals); n > 0 && m > 0 && r.Seals[n-1].Organisation != s.seals[m-1].Organisation {
		r.conclude(pdf.Indeterminate, subOrganisation, "The document and its evidence were sealed by different organisations.")
	}
	r.judgeSigners(e.files, e.index, trust)
	r.judgeOrder(s.seals)
	return nil
}

// judgeAlone judges an evidence PDF without the document that it speaks of.
func (r *Report) judgeAlone(ctx context.Context, e separate, trust Trust, now time.Time) error {
	r.describe(e.index, signing.AssemblySeparate)
	r.conclude(pdf.Indeterminate, subNoDocument, "This is the evidence of a document that was not given; give that too.")
	for _, each := range e.index.Revisions {
		s := stated(each.Act, Stated{Number: each.Number}, KindSignature)
		s.Revision, s.TimeSource, s.Assurance = each.Revision, "", ""
		s.SubIndication, s.Reason = subNoDocument, "The signature is in the document, which was not given."
		r.add(s, KindSignature)
	}
	return r.judgeEvidence(ctx, &e, trust, now)
}

// VerifySealed says what a document is worth that only ever receives signatures,
// without its evidence: our seal, which follows the first signed bytes, the
// signatures that the upload came with, and that nothing else follows the first
// upload bytes. The caller knows the digests of both to be right, and whose the
// signatures between them are.
func VerifySealed(ctx context.Context, document File, upload, signed int64, trust Trust, now time.Time) (*Report, error) {
	r := newReport()
	return r, r.judgeSigned(ctx, document, upload, signed, true, trust, now)
}
