package pdf

import (
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"slices"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf/cms"
)

// Trust is all that a verifier believes. No root is ever taken from a file.
type Trust struct {
	Seal      *x509.CertPool // who may sign; nil: nobody known
	Timestamp *x509.CertPool // who may stamp time; nil: nobody known
	Now       time.Time      // when nothing proves an earlier time
	Limits    Limits
}

// Indication is the outcome of a validation in the words of ETSI EN 319 102-1 5.1.3.
type Indication string

// The indications.
const (
	TotalPassed   Indication = "TOTAL-PASSED"
	Indeterminate Indication = "INDETERMINATE"
	TotalFailed   Indication = "TOTAL-FAILED"
)

// Sub-indications of EN 319 102-1 tables 6 to 8 that are used here, and one of
// our own for a document without any signature.
const (
	FormatFailure        = "FORMAT_FAILURE"
	HashFailure          = "HASH_FAILURE"
	SigCryptoFailure     = "SIG_CRYPTO_FAILURE"
	SigConstraints       = "SIG_CONSTRAINTS_FAILURE"
	CryptoConstraints    = "CRYPTO_CONSTRAINTS_FAILURE"
	NoCertificateChain   = "NO_CERTIFICATE_CHAIN_FOUND"
	NoSigningCertificate = "NO_SIGNING_CERTIFICATE_FOUND"
	NoProofOfTime        = "NO_POE"
	NoSignature          = "NO_SIGNATURE_FOUND"
)

// Verification is what there is to say about every signature of a document.
type Verification struct {
	Indication    Indication // the worst of the signatures'
	SubIndication string
	Pages         int
	Revisions     int
	Signatures    []SignatureReport // in the order they were made
}

// SignatureReport is what there is to say about one signature.
type SignatureReport struct {
	Field         string
	Level         string // B-B or B-T; "" when the form is not understood
	Indication    Indication
	SubIndication string
	Reason        string // one sentence, empty when passed
	Signer        *x509.Certificate
	ClaimedTime   time.Time // /M; proves nothing
	// Timestamp is the time that a trusted authority vouches for, or zero.
	Timestamp       time.Time
	TimestampSigner *x509.Certificate
	CoversUpTo      int64 // bytes
	CoversWholeFile bool
}

func (r *SignatureReport) conclude(i Indication, sub, reason string) {
	// The first finding that is worse than what is known stands.
	if worse(i, r.Indication) {
		r.Indication, r.SubIndication, r.Reason = i, sub, reason
	}
}

func worse(a, b Indication) bool {
	rank := map[Indication]int{TotalPassed: 0, Indeterminate: 1, TotalFailed: 2}
	return rank[a] > rank[b]
}

// Verify judges every signature of a document, offline: form, digest, signature
// value, chain at the proven time, timestamp, and that nothing but further
// signatures was added afterwards. The file is hashed once, whatever the number
// of signatures. An error is a file that cannot be read as a PDF, or a failed read.
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
	for i := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r, err := f.judge(found, i, trust)
		if err != nil {
			return nil, err
		}
		v.Signatures = append(v.Signatures, *r)
		if worse(r.Indication, v.Indication) {
			v.Indication, v.SubIndication = r.Indication, r.SubIndication
		}
	}
	if len(found) == 0 {
		v.Indication, v.SubIndication = Indeterminate, NoSignature
	}
	return v, nil
}

// signature is one signature on its way to a verdict.
type signature struct {
	field    signatureField
	covers   signedRange
	cms      *cms.Signed
	digest   []byte
	problem  error // found so far: form of range or CMS
	subsumed bool  // its field or dictionary is shared with another
}

// signed collects the filled signature fields, oldest first.
func (f *File) signed(form *formFields) ([]*signature, error) {
	var out []*signature
	values := map[uint32]int{}
	for _, field := range form.signatures {
		if field.value == nil {
			continue
		}
		s := &signature{field: field}
		values[field.valueRef.Num]++
		if s.covers, s.problem = f.byteRange(field); s.problem == nil {
			s.cms, s.problem = cms.Parse(s.covers.contents)
		}
		if _, isFault := fault.As(s.problem); s.problem != nil && !isFault {
			return nil, s.problem // a failed read is no verdict
		}
		out = append(out, s)
	}
	for _, s := range out {
		s.subsumed = values[s.field.valueRef.Num] > 1 || form.names[s.field.name] > 1
	}
	slices.SortStableFunc(out, func(a, b *signature) int { return int(min(1, max(-1, a.covers.end-b.covers.end))) })
	return out, nil
}

// judge decides on the i-th of all signatures.
func (f *File) judge(all []*signature, i int, trust Trust) (*SignatureReport, error) {
	s := all[i]
	r := &SignatureReport{Field: s.field.name, Indication: TotalPassed, CoversUpTo: s.covers.end, CoversWholeFile: s.covers.end == f.size}
	m, _ := s.field.value["M"].(String)
	r.ClaimedTime, _ = time.Parse("D:20060102150405Z", string(m))
	if s.problem != nil {
		r.fault(s.problem)
		return r, nil
	}
	if s.subsumed {
		r.conclude(TotalFailed, FormatFailure, "Two signature fields share a name or a signature.")
	}
	if err := f.judgeCoverage(all, i, r); err != nil {
		return nil, err
	}
	switch s.field.value.name("SubFilter") {
	case "ETSI.CAdES.detached":
		s.judgeSignature(r, trust)
	default:
		r.conclude(Indeterminate, FormatFailure, "The form of this signature is not supported.")
	}
	return r, nil
}

// judgeCoverage: what the signature covers is a revision of its own, and what
// follows it is nothing but further signatures.
func (f *File) judgeCoverage(all []*signature, i int, r *SignatureReport) error {
	s := all[i]
	if i > 0 && all[i-1].covers.end >= s.covers.gapStart {
		r.conclude(TotalFailed, FormatFailure, "The signature overlaps another one.")
	}
	if i == len(all)-1 {
		rest := make([]byte, min(64, f.size-s.covers.end))
		if err := readFull(f.src, rest, s.covers.end); err != nil {
			return err
		}
		if int64(len(rest)) < f.size-s.covers.end || len(bytes.Trim(rest, "\r\n")) > 0 {
			r.conclude(TotalFailed, FormatFailure, "The document was extended after the last signature.")
			return nil
		}
		r.CoversWholeFile = true
	}
	reason, err := f.changedAfter(s)
	if err != nil {
		return err
	}
	if reason != "" {
		r.conclude(TotalFailed, FormatFailure, reason)
	}
	return nil
}

func (s *signature) judgeSignature(r *SignatureReport, trust Trust) {
	r.Level = "B-B"
	leaf, err := s.cms.Verify(nil, s.digest)
	r.Signer = leaf
	if err != nil {
		r.fault(err)
		return
	}
	if s.cms.Content != nil {
		r.conclude(TotalFailed, FormatFailure, "The signature carries content of its own.")
	}
	if s.cms.HasSigningTime() || s.field.value["Cert"] != nil || r.ClaimedTime.IsZero() && s.field.value["M"] == nil {
		r.conclude(Indeterminate, SigConstraints, "The signature is not a PAdES baseline signature.")
	}
	if u := leaf.KeyUsage; u != 0 && u&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		r.conclude(Indeterminate, SigConstraints, "The signer's certificate is not for signing.")
	}
	at := trust.Now
	if token := s.cms.Timestamp(); token != nil {
		r.Level = "B-T"
		if at = r.judgeTimestamp(token, s.cms.Signature(), trust); at.IsZero() {
			return
		}
	}
	if _, err := s.cms.Chain(leaf, trust.Seal, at, x509.ExtKeyUsageAny); err != nil {
		r.fault(err)
	}
}

// judgeTimestamp returns the proven time, zero when nothing is proven.
func (r *SignatureReport) judgeTimestamp(token, message []byte, trust Trust) time.Time {
	t, err := cms.VerifyToken(token, message)
	if err != nil {
		reason := "The signature's timestamp is wrong."
		if e, ok := fault.As(err); ok {
			reason += " " + e.Message
		}
		r.conclude(Indeterminate, NoProofOfTime, reason)
		return time.Time{}
	}
	r.TimestampSigner = t.Signer
	if err := t.Chain(trust.Timestamp); err != nil {
		r.conclude(Indeterminate, NoProofOfTime, "No trust anchor that was given vouches for the signature's timestamp.")
		return time.Time{}
	}
	r.Timestamp = t.Time
	return t.Time
}

// fault concludes with the sub-indication that belongs to a fault's code.
func (r *SignatureReport) fault(err error) {
	e, ok := fault.As(err)
	if !ok {
		r.conclude(TotalFailed, FormatFailure, "The signature is not well formed.")
		return
	}
	switch e.Code {
	case cms.CodeDigest:
		r.conclude(TotalFailed, HashFailure, e.Message)
	case cms.CodeSignature:
		r.conclude(TotalFailed, SigCryptoFailure, e.Message)
	case cms.CodeCertBound:
		r.conclude(Indeterminate, NoSigningCertificate, e.Message)
	case cms.CodeNoCert:
		r.conclude(Indeterminate, NoSigningCertificate, e.Message)
	case cms.CodeAlgorithm:
		r.conclude(Indeterminate, CryptoConstraints, e.Message)
	case cms.CodeChain:
		r.conclude(Indeterminate, NoCertificateChain, e.Message)
	default:
		r.conclude(TotalFailed, FormatFailure, e.Message)
	}
}
