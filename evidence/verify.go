package evidence

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
)

// maxFile bounds each evidence file that is read from a document, and maxFiles
// all of them together: each is kept until the document is judged.
const (
	maxFile  = 1 << 20
	maxFiles = 64 << 20
)

// The sub-indications of our own.
const (
	subNoEvidence   = "NO_EVIDENCE_FOUND"
	subNoDocument   = "DOCUMENT_NOT_GIVEN"
	subUpload       = "UPLOAD_CHANGED"
	subResult       = "RESULT_CHANGED"
	subAppended     = "DOCUMENT_CHANGED"
	subHarmed       = "EARLIER_SIGNATURE_HARMED"
	subMissing      = "SIGNER_MISSING"
	subOrganisation = "SEALED_BY_ANOTHER"
	subEvidence     = "EVIDENCE_INVALID"
	subManifest     = "MANIFEST_MISMATCH"
	subText         = "TEXT_MISMATCH"
	subConsent      = "CONSENT_MISMATCH"
	subRevision     = "REVISION_MISMATCH"
	subSigner       = "SIGNER_MISMATCH"

	// What is no signature, however well all that is there fits together.
	subStated    = "STATED_BY_PROVIDER"
	subConsented = "CONSENT_IS_NO_SIGNATURE"
	subProcess   = "RELATED_PROCESS"
	// A verdict that rests on such things, when the verifier did not accept them.
	subRests = "RESTS_ON_STATEMENTS"
)

// File is a PDF that is to be verified.
type File struct {
	Content io.ReaderAt
	Size    int64
}

// VerifyDocument says what a document proves: who signed it, when, and whether
// the seal over it all holds. It reads nothing but the document and the evidence
// PDFs that came with it, if any, and trusts nothing but trust.
//
// Of the evidence PDFs it uses the one that speaks of this document, by its
// digest; the others do not matter. Of a PDF that is none of ours, or whose
// evidence was not given, it says what its PAdES signatures are worth, and that
// nobody's signature is proven. An error means that a file could not be read or
// is no PDF.
func VerifyDocument(ctx context.Context, document File, evidence []File, trust Trust, now time.Time) (*Report, error) {
	r := newReport()
	own, index, err := openEvidence(document)
	if err != nil {
		return nil, err
	}
	apart, err := r.findSeparate(ctx, document, evidence)
	if err != nil {
		return nil, err
	}
	switch {
	case apart != nil:
		return r, r.judgeSeparate(ctx, document, apart, trust, now)
	case index != nil && index.Result != nil:
		return r, r.judgeAlone(ctx, separate{-1, document, own, *index}, trust, now)
	}
	known := trust
	if own == nil && trust.Signers != nil {
		known.Seal = trust.Signers // nothing passes here, and persons' signatures are not told to be of nobody known
	}
	s, err := judgeSeals(ctx, document.Content, document.Size, 0, known, now)
	if err != nil {
		return nil, err
	}
	r.sealed(s)
	switch {
	case own == nil && r.Indication != pdf.TotalFailed: // whatever the seals are worth, this is what is missing
		r.Indication, r.SubIndication = pdf.Indeterminate, subNoEvidence
		r.Reason = "The document carries no evidence of who had to sign; if there is an evidence PDF of its own, give that too."
		return r, nil
	case own == nil:
		return r, nil
	case index == nil:
		r.conclude(pdf.TotalFailed, subEvidence, "The evidence that the document carries cannot be read.")
		return r, nil
	}
	r.describe(*index, signing.AssemblyAppended)
	if err := r.judgeUpload(ctx, document, index.Upload); err != nil {
		return nil, err
	}
	r.judgeSigners(own, *index, trust)
	r.judgeOrder(r.Seals)
	return r, nil
}

func newReport() *Report {
	return &Report{Indication: pdf.TotalPassed, Signers: []Signer{}, Seals: []Seal{}}
}

// sealed takes over what the seals of the document are worth.
func (r *Report) sealed(s sealing) {
	r.Seals, r.Timestamps = s.seals, s.timestamps
	r.restOn(s.environment)
	r.conclude(s.indication, s.sub, s.reason)
}

// restOn notes an environment that the verdict rests on.
func (r *Report) restOn(env bankidsig.Environment) {
	r.Test = r.Test || env != "" && env != bankidsig.Live
}

func (r *Report) describe(x Index, way signing.Assembly) {
	r.Assembly, r.Collection, r.Document, r.Upload, r.Audit = way, x.Collection, x.Document, &x.Upload, &x.Audit
}

// judgeUpload hashes the bytes that were signed, and holds what follows them to
// what we append: a seal alone does not say that the document still shows what
// people signed.
func (r *Report) judgeUpload(ctx context.Context, f File, u Upload) error {
	digests, err := prefixes(ctx, f, u.Length)
	if err != nil {
		return err
	}
	if digests[u.Length] != u.Digest {
		r.conclude(pdf.TotalFailed, subUpload, "The document's first bytes are not the upload that was signed.")
		return nil
	}
	return r.judgeAppended(pdf.CheckAppended(f.Content, f.Size, u.Length, pdf.Limits{}))
}

// judgeAppended concludes from a check of what follows the upload.
func (r *Report) judgeAppended(err error) error {
	if err != nil && fault.KindOf(err) != fault.Invalid {
		return fmt.Errorf("check what follows the upload: %w", err)
	}
	if err != nil {
		r.conclude(pdf.TotalFailed, subAppended, message(err))
	}
	return nil
}

// prefixes hashes the file once and returns the digests of its first bytes for
// each of the lengths; a file that is shorter has none.
func prefixes(ctx context.Context, f File, lengths ...int64) (map[int64]signing.Digest, error) {
	digests := map[int64]signing.Digest{}
	h, buffer, at := sha256.New(), make([]byte, 1<<20), int64(0)
	slices.Sort(lengths)
	for _, length := range slices.Compact(lengths) {
		if length > f.Size {
			break
		}
		section := io.NewSectionReader(f.Content, at, length-at)
		for {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			n, err := section.Read(buffer)
			h.Write(buffer[:n])
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("read the document: %w", err)
			}
		}
		at = length
		digests[length] = signing.Digest(h.Sum(nil))
	}
	return digests, nil
}

func message(err error) string {
	if f, ok := fault.As(err); ok {
		return f.Message
	}
	return "The signature could not be judged."
}
