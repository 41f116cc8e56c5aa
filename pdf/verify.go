package pdf

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"io"
	"reflect"
	"slices"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf/cms"
	"github.com/handslag/handslag/pdf/revocation"
)

// Trust is all that a verifier believes. No root is ever taken from a file.
type Trust struct {
	Seal      *x509.CertPool // who may sign; nil: nobody known
	Timestamp *x509.CertPool // who may stamp time; nil: nobody known
	Now       time.Time      // when nothing proves an earlier time
	// Proofs are further statements about certificates, beside those in the file.
	Proofs revocation.Proofs
	// VisibleSignatures lets a later signature show itself where no other
	// annotation is. What it draws over a page's own content nobody checks.
	VisibleSignatures bool
	Limits            Limits
}

// Verify judges every signature and document timestamp of a document, offline:
// form, digest, signature value, chain and status of certificates at the proven
// time (EN 319 102-1 5.5, 5.6), and that nothing but further signatures,
// timestamps, validation data and metadata was added afterwards. The file is
// hashed once for each digest algorithm, whatever the number of signatures. An
// error is a file that cannot be read as a PDF, or a failed read.
//
// A certificate that says where its status can be learnt needs a proof of it, in
// the file or in trust. One that does not is believed until it runs out.
func Verify(ctx context.Context, ra io.ReaderAt, size int64, trust Trust) (*Verification, error) {
	f, err := Open(ra, size, trust.Limits)
	if err != nil {
		return nil, err
	}
	form, err := f.form()
	if err != nil {
		return nil, err
	}
	v := &Verification{Indication: TotalPassed, Revisions: len(f.sections)}
	if v.Pages, err = f.countPages(); err != nil {
		return nil, err
	}
	found, err := f.signed(form)
	if err != nil {
		return nil, err
	}
	if err := digestAll(ctx, ra, found); err != nil {
		return nil, err
	}
	j := &judgement{ctx: ctx, file: f, all: found, trust: trust}
	if err := j.judge(); err != nil {
		return nil, err
	}
	v.conclude(found)
	return v, nil
}

// conclude: a document timestamp that is not proven is as good as none, and takes
// nothing from the signatures (EN 319 102-1 5.6.3.2). One that is false shows
// that the document was tampered with.
func (v *Verification) conclude(found []*signature) {
	signatures := 0
	for _, s := range found {
		r := s.report
		v.Signatures = append(v.Signatures, *r)
		if r.Kind == KindTimestamp && r.Indication != TotalFailed {
			continue
		}
		if r.Kind == KindSignature {
			signatures++
		}
		if worse(r.Indication, v.Indication) {
			v.Indication, v.SubIndication = r.Indication, r.SubIndication
		}
	}
	if signatures == 0 && v.Indication == TotalPassed {
		v.Indication, v.SubIndication = Indeterminate, NoSignature
	}
}

// signature is one signature or document timestamp on its way to a verdict.
type signature struct {
	field    signatureField
	kind     Kind
	covers   signedRange
	cms      *cms.Signed
	hash     crypto.Hash // of what it covers
	digest   []byte
	problem  error // found so far: form of range or CMS
	subsumed bool  // its field or dictionary is shared with another
	first    bool  // of all

	alone   *File // what it covers, read by itself; nil when that is no document
	history *history
	state   int // in the history; -1 for none
	report  *SignatureReport
}

// kindOf tells a document timestamp by either of its marks: half a timestamp is
// no signature.
func kindOf(value Dict) Kind {
	if value.name("Type") == "DocTimeStamp" || value.name("SubFilter") == "ETSI.RFC3161" {
		return KindTimestamp
	}
	return KindSignature
}

// signed collects the filled signature fields, oldest first.
func (f *File) signed(form *formFields) ([]*signature, error) {
	var out []*signature
	values := map[uint32]int{}
	for _, field := range form.signatures {
		if field.value == nil {
			continue
		}
		s := &signature{field: field, kind: kindOf(field.value), state: -1}
		values[field.valueRef.Num]++
		if s.covers, s.problem = f.byteRange(field); s.problem == nil {
			s.parse()
		}
		if _, isFault := fault.As(s.problem); s.problem != nil && !isFault {
			return nil, s.problem // a failed read is no verdict
		}
		out = append(out, s)
	}
	for _, s := range out {
		s.subsumed = s.field.valueRef != (Ref{}) && values[s.field.valueRef.Num] > 1 || form.names[s.field.name] > 1
	}
	slices.SortStableFunc(out, func(a, b *signature) int { return cmp.Compare(a.covers.end, b.covers.end) })
	disjoint(out)
	return out, nil
}

// disjoint: each signature comes after all that the one before it covers. One that
// does not is not even hashed, or many that share a long end would be hashed each.
func disjoint(all []*signature) {
	end := int64(0)
	for _, s := range all {
		s.first = end == 0
		if s.problem != nil {
			continue // where it ends is anybody's guess
		}
		if s.covers.gapStart < end {
			s.problem = badRange("it overlaps another signature")
		}
		end = s.covers.end
	}
}

// parse reads the contents as its form has them. A form that is not supported is
// left alone: it may be no CMS at all.
func (s *signature) parse() {
	switch s.field.value.name("SubFilter") {
	case "ETSI.CAdES.detached", "adbe.pkcs7.detached", "ETSI.RFC3161":
	default:
		return
	}
	if s.cms, s.problem = cms.Parse(s.covers.contents); s.problem != nil {
		return
	}
	s.hash = s.cms.Digest()
	if s.kind == KindTimestamp {
		s.hash, s.problem = s.cms.Imprint()
	}
}

// judgement is the work of one verification.
type judgement struct {
	ctx      context.Context //nolint:containedctx // it lives no longer than Verify
	file     *File
	all      []*signature
	trust    Trust
	evidence *evidence
}

func (j *judgement) judge() error {
	if err := j.arrange(); err != nil {
		return err
	}
	for _, s := range j.all {
		if err := j.ctx.Err(); err != nil {
			return err
		}
		if err := j.judgeForm(s); err != nil {
			return err
		}
	}
	if err := j.judgeTimes(); err != nil {
		return err
	}
	return j.file.work.over
}

// arrange opens a report for each signature and puts it to the state of the
// document that it covers. Where the history of the ones before cannot be followed
// any further, another one begins: what went wrong before a signature was made is
// part of what it covers.
func (j *judgement) arrange() error {
	wanted := map[int]bool{}
	for _, s := range j.all {
		s.report = &SignatureReport{
			Field: s.field.name, Kind: s.kind, Indication: TotalPassed,
			CoversUpTo: s.covers.end, Offset: j.file.offset(s.field), ClaimedTime: claimedTime(s.field.value["M"]),
		}
		if s.problem != nil {
			continue
		}
		var err error
		if s.alone, err = j.file.alone(s); err != nil {
			return err
		}
		if s.alone != nil {
			wanted[len(s.alone.sections)] = true
		}
	}
	var h *history
	for _, s := range j.all {
		if s.alone == nil {
			continue
		}
		if h == nil || h.of(s.alone) < 0 {
			var err error
			if h, err = j.file.follow(s.alone, wanted); err != nil {
				return err
			}
		}
		s.history, s.state = h, h.of(s.alone)
	}
	return nil
}

// judgeForm: what the signature covers is a revision of its own, what follows it
// is nothing that it forbids, and it has the form that it claims.
func (j *judgement) judgeForm(s *signature) error {
	r := s.report
	if s.problem != nil {
		r.fault(s.problem)
		return nil
	}
	if s.subsumed {
		r.conclude(TotalFailed, FormatFailure, "Two signature fields share a name or a signature.")
	}
	if s.alone == nil {
		r.conclude(TotalFailed, FormatFailure, "What the signature covers is not a document of its own.")
		return nil
	}
	if err := j.judgeEnd(s); err != nil {
		return err
	}
	if ok, err := s.inForm(); err != nil || !ok {
		r.conclude(TotalFailed, FormatFailure, "The signature is not part of the document it signs.")
		return onlyReads(err)
	}
	j.judgeChanges(s)
	return onlyReads(j.judgePermissions(s))
}

// onlyReads passes on an error that is no finding about the file.
func onlyReads(err error) error {
	if _, ok := fault.As(err); ok {
		return nil
	}
	return err
}

// judgeEnd: the file ends where its last revision does. What stands between that
// and the end that readers look for first belongs to no revision.
func (j *judgement) judgeEnd(s *signature) error {
	if s.history.broken != "" {
		return nil // what is wrong is said in other words
	}
	r, f, end := s.report, j.file, s.history.last().file.end
	covered := r.CoversUpTo >= end
	if r.CoversUpTo > end {
		end = r.CoversUpTo
	}
	rest := make([]byte, min(tailWindow, f.size-end))
	if err := readFull(f.src, rest, end); err != nil {
		return err
	}
	if int64(len(rest)) < f.size-end || len(bytes.Trim(rest, "\r\n")) > 0 {
		r.conclude(TotalFailed, FormatFailure, "The document was extended after the last signature.")
		return nil
	}
	r.CoversWholeFile = covered || end-r.CoversUpTo <= 2 && f.sections[0].offset < r.CoversUpTo
	return nil
}

// inForm: the signature is a field of the form in its own revision, with the same
// dictionary.
func (s *signature) inForm() (bool, error) {
	form, err := s.history.states[s.state].file.form()
	if err != nil {
		return false, err
	}
	for _, x := range form.signatures {
		if x.ref == s.field.ref {
			return x.name == s.field.name && reflect.DeepEqual(x.value, s.field.value), nil
		}
	}
	return false, nil
}

// judgeChanges reports what came after the signature, and whether it may.
func (j *judgement) judgeChanges(s *signature) {
	r := s.report
	const since = " after the signature."
	for _, step := range s.history.steps[min(s.state, len(s.history.steps)):] {
		r.Changes = append(r.Changes, step.changes...)
		if step.reason != "" {
			r.conclude(TotalFailed, FormatFailure, sinceThen(step.reason))
		}
		for _, c := range step.changes {
			if c.Page > 0 && !j.trust.VisibleSignatures {
				r.conclude(Indeterminate, SigConstraints, drawnOn(c.Page))
			}
		}
		if step.drawn != "" {
			r.conclude(Indeterminate, SigConstraints, sinceThen(step.drawn))
		}
	}
	if s.history.broken != "" {
		r.conclude(TotalFailed, FormatFailure, s.history.broken+since)
	}
}

func (j *judgement) judgePermissions(s *signature) error {
	p, err := s.alone.permissions(s.field)
	if err != nil {
		s.report.conclude(TotalFailed, FormatFailure, "What the signature forbids cannot be read.")
		return err
	}
	if p.certifies {
		reason, err := s.alone.certification(s.field, s.first)
		if err != nil {
			return err
		}
		if reason != "" {
			s.report.conclude(TotalFailed, FormatFailure, reason)
		}
	}
	if reason := p.violated(s.report.Changes); reason != "" {
		s.report.conclude(TotalFailed, FormatFailure, reason)
	}
	return nil
}
