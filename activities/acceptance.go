package activities

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// The words for what is wrong with what a provider returned. Where a signature
// does not hold, it is the sub-indication of EN 319 102-1.
const (
	codeRewritten    = "file_rewritten"      // it does not begin with what was sent
	codeTooLarge     = "file_too_large"      // likewise, and more than a signature adds
	codeSwapped      = "file_swapped"        // it is another document's
	codeChanged      = "file_changed"        // something else was added than a signature
	codeDrawn        = "signature_drawn"     // the signature draws on a page
	codeUnsigned     = "not_signed"          // there is no signature
	codeTwice        = "signed_twice"        // there are several
	codeLocks        = "signature_locks"     // nobody could sign after it
	codeBroken       = "signature_broken"    // it breaks an earlier one
	codeForged       = "timestamp_forged"    // a timestamp that came along is false
	codeEarlier      = "signed_before_asked" // a timestamp of it is from before the order
	codeNoPAdES      = "signature_no_pades"  // it is of an older form
	codeUnnamed      = "signer_not_named"    // its certificate has no national number
	codeOtherSigner  = "signer_other"        // its certificate has another one
	codeRevoked      = "certificate_revoked" // as pdf.Status and the sources of status say
	codeNoResult     = "document_not_returned"
	codeBelowPolicy  = "below_policy" // it holds, and is less than the collection accepts
	skewOfProviders  = 5 * time.Minute
	checkTime        = "signing_time" // timestamp, claimed or collected
	checkLevel       = "pades_level"  // the lowest of all documents
	checkNationalID  = "national_id"
	checkIndication  = "indication"
	timeByAuthority  = "timestamp"
	timeByClaim      = "claimed"
	timeByCollection = "collected"
)

// errNoAnchors is of an installation that cannot judge Norwegian signatures.
var errNoAnchors = fault.New(fault.Internal, "nbid_anchors_missing", "The installation has no trust anchors of Norwegian BankID, so what was signed cannot be judged.")

// errUnproven is of a signature that nothing is wrong with, behind which there is
// an authority that we do not know or that does not answer. It is kept, and judged
// when that is mended.
var errUnproven = fault.New(fault.Unavailable, "signature_unproven", "An authority behind a signature is not known here, or does not answer.")

// mendTime is how long an operator has to see to that. Then nothing is proven, and
// the person is asked again: nobody waits for ever.
const mendTime = 24 * time.Hour

// refused is what is wrong with a file. Unlike an error it is a verdict.
type refused struct {
	reason signing.Reason
	code   string
}

// signedDocument is what a file that holds proves.
type signedDocument struct {
	signer      *x509.Certificate
	environment string
	level       pdf.Level
	qualified   bool
	at          time.Time
	timedBy     string
}

// judge says what the files prove together: all documents are signed by the
// person who was asked, or nothing is. An error means that it cannot be known now.
func (d *delivery) judge(ctx context.Context, p signing.Participant, files []returnedFile) (providers.Result, error) {
	if r := d.placed(files); r != nil {
		return d.refusal(*r), nil
	}
	var all []signedDocument
	for i, s := range d.sent {
		of := slices.IndexFunc(files, func(f returnedFile) bool { return f.Document == s.ID })
		one, r, err := d.judgeFile(ctx, p, i, files[of].Tail)
		if err != nil {
			return providers.Result{}, err
		}
		if r != nil {
			return d.refusal(*r), nil
		}
		all = append(all, one)
	}
	out := d.result
	out.Assurance, out.Level = signing.AssuranceVerified, signing.LevelQES
	last := slices.MaxFunc(all, func(a, b signedDocument) int { return a.at.Compare(b.at) })
	out.SignedAt, out.SignerName = last.at.UTC(), signing.Private(last.signer.Subject.CommonName)
	out.Environment = last.environment
	lowest := slices.MinFunc(all, func(a, b signedDocument) int { return cmp.Compare(rankOf(a.level), rankOf(b.level)) })
	out.Checks = maps.Clone(d.result.Checks)
	maps.Copy(out.Checks, map[string]string{
		checkTime: last.timedBy, checkLevel: string(lowest.level), checkNationalID: "match", checkIndication: string(pdf.TotalPassed),
	})
	for _, one := range all {
		if !one.qualified {
			out.Level = signing.LevelAES
		}
	}
	return out, nil
}

// rankOf orders levels; those of the older form come first.
func rankOf(l pdf.Level) int {
	return slices.Index([]pdf.Level{pdf.LevelPKCS7, pdf.LevelPKCS7T, pdf.LevelB, pdf.LevelT, pdf.LevelLT, pdf.LevelLTA}, l)
}

func (d *delivery) refusal(r refused) providers.Result {
	out := d.result
	out.Outcome, out.Reason, out.ProviderCode = signing.OutcomeFailed, r.reason, r.code
	return out
}

// placed finds what is wrong with the files before any of them is opened.
func (d *delivery) placed(files []returnedFile) *refused {
	for _, f := range files {
		switch claimed := d.result.Revisions[f.Document]; {
		case f.Digest.IsZero():
			return &refused{signing.ReasonRewritten, codeTooLarge}
		case f.Document == "":
			return &refused{signing.ReasonRewritten, codeRewritten}
		case claimed != "" && claimed != f.ID, claimed == "" && slices.Contains(d.claimedIDs(), f.ID):
			return &refused{signing.ReasonVerificationFailed, codeSwapped}
		}
	}
	if len(files) != len(d.sent) { // each file is another document's
		return &refused{signing.ReasonVerificationFailed, codeNoResult}
	}
	return nil
}

func (d *delivery) claimedIDs() (ids []string) {
	for _, id := range d.result.Revisions {
		ids = append(ids, id)
	}
	return ids
}

// returnedPDF is a file that begins with a document as it was sent.
type returnedPDF struct {
	pdf.Revision
	sent int64 // how long that is
}

// judgeFile judges one of the documents that were sent by the tail that came back,
// and sees to it that the signature will last.
func (d *delivery) judgeFile(ctx context.Context, p signing.Participant, number int, tail []byte) (signedDocument, *refused, error) {
	sent := d.sent[number]
	if len(tail) == 0 {
		return signedDocument{}, &refused{signing.ReasonVerificationFailed, codeUnsigned}, nil
	}
	base, err := openRevision(ctx, d.Revisions, revisionOf(d.ref.CollectionRef, sent.ID, sent.Revision))
	if err != nil {
		return signedDocument{}, nil, err
	}
	file := returnedPDF{base.Extend(tail), sent.Length}
	proofs, r, err := file.added()
	if r != nil || err != nil {
		return signedDocument{}, r, err
	}
	one, r, err := d.judgeSignature(ctx, p, file)
	// Proofs that were in the document before may be of another time.
	if r != nil || err != nil || proofs && rankOf(one.level) >= rankOf(pdf.LevelLT) {
		return one, r, err
	}
	r, err = d.preserve(ctx, p, number, file)
	return one, r, err
}

// added holds what follows the document to one signature, with proofs and
// timestamps, and reports whether there are proofs.
func (f returnedPDF) added() (proofs bool, r *refused, err error) {
	later, err := pdf.Since(f.Source, f.Size, f.sent, pdf.Limits{})
	switch {
	case fault.KindOf(err) == fault.Invalid:
		return false, &refused{signing.ReasonRewritten, codeChanged}, nil
	case err != nil:
		return false, nil, fmt.Errorf("read what was returned: %w", err)
	}
	signatures := 0
	for _, c := range later.Changes {
		switch c.Kind {
		case pdf.ChangeSignature:
			signatures++
			if c.Page > 0 {
				return false, &refused{signing.ReasonRewritten, codeDrawn}, nil
			}
		case pdf.ChangeField:
			return false, &refused{signing.ReasonRewritten, codeChanged}, nil
		case pdf.ChangeValidation:
			proofs = true
		case pdf.ChangeTimestamp, pdf.ChangeMetadata, pdf.ChangeExtensions:
		}
	}
	switch {
	case signatures == 0:
		return false, &refused{signing.ReasonVerificationFailed, codeUnsigned}, nil
	case signatures > 1:
		return false, &refused{signing.ReasonVerificationFailed, codeTwice}, nil
	case later.Locked:
		return false, &refused{signing.ReasonVerificationFailed, codeLocks}, nil
	}
	return proofs, nil, nil
}

// judgeSignature judges the one signature that was added, and what became of
// those before it.
func (d *delivery) judgeSignature(ctx context.Context, p signing.Participant, f returnedPDF) (signedDocument, *refused, error) {
	env, trust, err := d.trusted()
	if err != nil {
		return signedDocument{}, nil, err
	}
	before, err := pdf.Verify(ctx, f.Source, f.sent, trust)
	if err != nil {
		return signedDocument{}, nil, fmt.Errorf("verify the document that was sent: %w", err)
	}
	statusErr := d.learn(ctx, f, &trust)
	after, err := pdf.Verify(ctx, f.Source, f.Size, trust)
	if err != nil {
		return signedDocument{}, nil, fmt.Errorf("verify what was returned: %w", err)
	}
	var report pdf.SignatureReport
	for i, s := range after.Signatures {
		switch {
		case s.Offset < f.sent && (i >= len(before.Signatures) || worse(s.Indication, before.Signatures[i].Indication)):
			return signedDocument{}, &refused{signing.ReasonRewritten, codeBroken}, nil
		case s.Offset < f.sent:
		case s.Kind == pdf.KindSignature:
			report = s
		case s.Indication == pdf.TotalFailed:
			return signedDocument{}, &refused{signing.ReasonVerificationFailed, codeForged}, nil
		}
	}
	if r, err := d.holds(report, statusErr, p); r != nil || err != nil {
		return signedDocument{}, r, err
	}
	out := signedDocument{signer: report.Signer, environment: env, level: report.Level, qualified: pdf.Qualified(report.Signer)}
	out.at, out.timedBy = d.timeOf(report)
	return out, nil, nil
}

// holds says what is wrong with a signature, if anything.
func (d *delivery) holds(s pdf.SignatureReport, statusErr error, p signing.Participant) (*refused, error) {
	unproven := slices.Contains([]string{pdf.TryLater, pdf.NoCertificateChain, pdf.NoProofOfTime}, s.SubIndication)
	switch {
	case s.SubIndication == pdf.TryLater && fault.CodeOf(statusErr) == codeRevoked:
		return &refused{signing.ReasonIDInvalid, codeRevoked}, nil
	case unproven && d.Clock().Before(d.answer.CollectedAt.Add(mendTime)):
		return nil, errUnproven.Because(errors.Join(errors.New(s.Reason), statusErr))
	case s.Indication != pdf.TotalPassed && (s.SubIndication == pdf.Revoked || s.SubIndication == pdf.RevokedCA):
		return &refused{signing.ReasonIDInvalid, codeRevoked}, nil
	case s.Indication != pdf.TotalPassed:
		return &refused{signing.ReasonVerificationFailed, cmp.Or(s.SubIndication, codeUnsigned)}, nil
	case !s.Timestamp.IsZero() && s.Timestamp.Before(d.answer.StartedAt.Add(-skewOfProviders)): // of the same bytes, in another matter
		return &refused{signing.ReasonVerificationFailed, codeEarlier}, nil
	case rankOf(s.Level) < rankOf(pdf.LevelB):
		return &refused{signing.ReasonVerificationFailed, codeNoPAdES}, nil
	case s.NationalID.IsZero():
		return &refused{signing.ReasonVerificationFailed, codeUnnamed}, nil
	case s.NationalID.Reveal() != p.PersonalNumber.Reveal():
		return &refused{signing.ReasonWrongSigner, codeOtherSigner}, nil
	}
	return nil, nil
}

func worse(a, b pdf.Indication) bool {
	order := []pdf.Indication{pdf.TotalPassed, pdf.Indeterminate, pdf.TotalFailed}
	return slices.Index(order, a) > slices.Index(order, b)
}

// trusted are the anchors of Norwegian BankID that the installation has. It has
// those of one environment: whoever loads them sees to it.
func (d *delivery) trusted() (string, pdf.Trust, error) {
	for _, env := range d.Trust.Environments() {
		if anchors := d.Trust.NBID[env]; anchors != nil {
			return string(env), pdf.Trust{Seal: anchors, Timestamp: d.Trust.Timestamp[env], Now: d.Clock(), Proofs: d.Trust.Proofs}, nil
		}
	}
	return "", pdf.Trust{}, errNoAnchors
}

// learn adds to trust what is said of the certificates behind the new signature.
// Its error decides nothing by itself: a signature may bring its own proofs.
func (d *delivery) learn(ctx context.Context, f returnedPDF, trust *pdf.Trust) error {
	seal, err := d.Seals.Seal(d.ref.Tenant)
	if err != nil || seal.Revocation == nil {
		return err
	}
	proofs, err := pdf.Status(ctx, f.Source, f.Size, pdf.StatusOptions{
		Revocation: seal.Revocation, Known: slices.Concat(seal.Known, seal.Chain), After: f.sent, Now: trust.Now,
	})
	trust.Proofs = trust.Proofs.With(proofs)
	return err
}

// timeOf is when the person signed: as an authority vouches for, else as the
// signature claims, unless that cannot be.
func (d *delivery) timeOf(s pdf.SignatureReport) (time.Time, string) {
	from, to := d.answer.StartedAt.Add(-skewOfProviders), d.answer.CollectedAt.Add(skewOfProviders)
	switch {
	case !s.Timestamp.IsZero():
		return s.Timestamp, timeByAuthority
	case s.ClaimedTime.Before(from) || s.ClaimedTime.After(to):
		return d.answer.CollectedAt, timeByCollection
	}
	return s.ClaimedTime, timeByClaim
}

// preserved names what preserves the signature in one of the documents.
func (d *delivery) preserved(number int) signing.EvidenceRef {
	return d.ref.evidence(fmt.Sprintf("preserved.%02d", number))
}

// preserve makes a signature last that brought no proofs along, and keeps what does
// so, to be part of the same revision. It happens before the verdict, while its
// certificates are good. Where the tenant's seal has no timestamps, nothing of
// ours lasts, and this does not either.
func (d *delivery) preserve(ctx context.Context, p signing.Participant, number int, f returnedPDF) (*refused, error) {
	seal, err := d.Seals.Seal(d.ref.Tenant)
	if err != nil || seal.Stamps == nil || seal.Revocation == nil {
		return nil, err
	}
	tail, err := d.Evidence.GetEvidence(ctx, d.preserved(number))
	if fault.KindOf(err) == fault.NotFound {
		tail, err = pdf.Preserve(ctx, f.Revision, pdf.PreserveOptions{
			Timestamper: seal.Stamps, Revocation: seal.Revocation, Known: slices.Concat(seal.Known, seal.Chain), After: f.sent, Now: d.Clock(),
		})
		if fault.CodeOf(err) == codeRevoked { // since a moment ago, and nothing proves that it was used before
			return &refused{signing.ReasonIDInvalid, codeRevoked}, nil
		}
		if err == nil {
			tail, _, err = d.Evidence.AdoptEvidence(ctx, d.preserved(number), tail)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("preserve a signature: %w", err)
	}
	// What is kept is kept for ever, so it is read as anybody will read it: with
	// nothing but the file and the anchors.
	_, trust, err := d.trusted()
	if err != nil {
		return nil, err
	}
	whole := f.Extend(tail)
	v, err := pdf.Verify(ctx, whole.Source, whole.Size, trust)
	if err != nil {
		return nil, fmt.Errorf("verify a preserved signature: %w", err)
	}
	for _, s := range v.Signatures {
		if s.Offset >= f.sent && s.Kind == pdf.KindSignature {
			return d.holds(s, nil, p)
		}
	}
	return nil, errRevision.Because(errors.New("the preserved signature is not there"))
}
