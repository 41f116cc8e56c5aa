package pdf

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf/cms"
)

func sinceThen(reason string) string {
	return strings.TrimSuffix(reason, ".") + " after the signature."
}

func drawnOn(page int) string {
	return fmt.Sprintf("A signature that draws on page %d was added after the signature.", page)
}

// clockSkew is how far the clock of a timestamp authority may be ahead of ours.
const clockSkew = time.Minute

// proof is how long something is known to exist.
type proof struct {
	at time.Time
	by *x509.Certificate // the authority; nil when it is only there now
}

// judgeTimes goes from the newest to the oldest (EN 319 102-1 5.6.2.4): a document
// timestamp that is good at the time by which it is known to exist proves that
// all it covers existed at its own.
func (j *judgement) judgeTimes() error {
	if err := j.gather(); err != nil {
		return err
	}
	known := proof{at: j.trust.Now}
	var archived []*signature // good document timestamps, newest first
	for _, s := range slices.Backward(j.all) {
		if err := j.ctx.Err(); err != nil {
			return err
		}
		if s.problem != nil {
			continue
		}
		if s.kind == KindTimestamp {
			if t := j.judgeDocumentTimestamp(s, known); t != nil {
				known = proof{t.Time, t.Signer}
				archived = append(archived, s)
			}
			continue
		}
		if err := j.judgeSignature(s, known, archived); err != nil {
			return err
		}
	}
	return nil
}

// judgeDocumentTimestamp returns the token when it proves its time.
func (j *judgement) judgeDocumentTimestamp(s *signature, known proof) *cms.Token {
	r := s.report
	if s.field.value.name("SubFilter") != "ETSI.RFC3161" {
		r.conclude(TotalFailed, FormatFailure, "The document timestamp is not one of RFC 3161.")
		return nil
	}
	t, err := s.cms.VerifyTokenImprint(s.digest, j.evidence.certificates)
	if err != nil {
		r.fault(err)
		return nil
	}
	r.TimestampSigner, r.Signer = t.Signer, t.Signer
	if f := j.stampedAt(t, known); f.sub != "" {
		r.conclude(f.indication, f.sub, f.reason)
		return nil
	}
	r.Timestamp = t.Time
	if s.state < 0 {
		return nil
	}
	return t
}

// stampedAt judges whether a token proves its time, by when it is known to exist.
func (j *judgement) stampedAt(t *cms.Token, known proof) certified {
	if t.Time.After(known.at.Add(clockSkew)) {
		return certified{Indeterminate, TimestampOrder, "The timestamp is of a later time than what proves that it was there.", nil}
	}
	if t.Time.Before(t.Signer.NotBefore) || t.Time.After(t.Signer.NotAfter) {
		return certified{Indeterminate, NoProofOfTime, "The timestamp is of a time at which its authority's certificate was not valid.", nil}
	}
	return j.certify(certifying{
		leaf: t.Signer, roots: j.trust.Timestamp, usage: x509.ExtKeyUsageTimeStamping,
		at: known.at, statusAt: t.Time, stamper: true, whose: "timestamp authority's",
	})
}

// judgeSignature judges form and value of a signature, then its certificate at
// the earliest time at which the signature is proven to exist.
func (j *judgement) judgeSignature(s *signature, known proof, archived []*signature) error {
	r := s.report
	baseline, ok := s.judgeSubFilter()
	if !ok {
		return nil
	}
	leaf, err := s.cms.Verify(nil, s.digest)
	r.Signer, r.NationalID = leaf, nationalID(leaf)
	if err != nil {
		r.fault(err)
		if fault.CodeOf(err) != cms.CodeCertUnnamed {
			return nil
		}
	}
	if s.cms.Content != nil {
		r.conclude(TotalFailed, FormatFailure, "The signature carries content of its own.")
	}
	if baseline && (s.cms.HasSigningTime() || s.field.value["Cert"] != nil || s.field.value["M"] == nil) {
		r.conclude(Indeterminate, SigConstraints, "The signature is not a PAdES baseline signature.")
	}
	if u := leaf.KeyUsage; u != 0 && u&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		r.conclude(Indeterminate, SigConstraints, "The signer's certificate is not for signing.")
	}
	stamp, proven := j.judgeStamps(s, known)
	if !proven {
		return nil
	}
	if stamp != nil {
		known = proof{stamp.token.Time, stamp.token.Signer}
	}
	if known.by != nil {
		r.Timestamp, r.TimestampSigner = known.at, known.by
	}
	f := j.certify(certifying{
		leaf: leaf, roots: j.trust.Seal, usage: x509.ExtKeyUsageAny,
		at: known.at, statusAt: known.at, proven: known.by != nil, whose: "signer's",
	})
	if f.sub != "" {
		r.conclude(f.indication, f.sub, f.reason)
	}
	return j.grade(s, baseline, f.chain, stamp, archived)
}

// judgeSubFilter tells PAdES from the older forms.
func (s *signature) judgeSubFilter() (baseline, ok bool) {
	r := s.report
	switch s.field.value.name("SubFilter") {
	case "ETSI.CAdES.detached":
		r.Level = LevelB
		return true, true
	case "adbe.pkcs7.detached":
		r.Level = LevelPKCS7
		return false, true
	case "adbe.pkcs7.sha1", "adbe.x509.rsa_sha1":
		r.conclude(Indeterminate, CryptoConstraints, "The signature is of a form that rests on SHA-1, which is not accepted.")
	case "":
		r.conclude(TotalFailed, FormatFailure, "The signature does not say what form it has.")
	default: // it may be sound; EN 319 102-1 has FORMAT_FAILURE for what is not
		r.conclude(Indeterminate, SigConstraints, "The form of this signature is not supported.")
	}
	return false, false
}

// judgeStamps judges every signature timestamp and returns the earliest that is
// good. Not proven is a signature that claims a time which nobody vouches for.
func (j *judgement) judgeStamps(s *signature, known proof) (*stamped, bool) {
	r := s.report
	var best *stamped
	var bad certified
	for _, raw := range s.cms.Timestamps() {
		t, err := cms.VerifyTokenWith(raw, s.cms.Signature(), j.evidence.certificates)
		if err != nil {
			r.conclude(Indeterminate, NoProofOfTime, "The signature's timestamp is wrong."+sentence(err))
			return nil, false
		}
		if r.TimestampSigner == nil {
			r.TimestampSigner = t.Signer
		}
		f := j.stampedAt(t, known)
		switch {
		case f.sub != "":
			bad = f
		case best == nil || t.Time.Before(best.token.Time):
			best = &stamped{t, f.chain}
		}
	}
	// A document timestamp may prove the time in place of one that is not good, but
	// not against one that says it was made later.
	if best != nil || bad.sub == "" || known.by != nil && bad.sub != TimestampOrder {
		return best, true
	}
	switch bad.sub {
	case TryLater: // it is there and sound, as far as can be told
		if r.Level == LevelB {
			r.Level = LevelT
		}
		r.conclude(Indeterminate, TryLater, bad.reason)
	case TimestampOrder:
		r.conclude(Indeterminate, TimestampOrder, bad.reason)
	default:
		r.conclude(Indeterminate, NoProofOfTime, bad.reason)
	}
	return nil, false
}

func sentence(err error) string {
	if e, ok := fault.As(err); ok {
		return " " + e.Message
	}
	return ""
}

// claimedTime reads a date of ISO 32000-2 7.9.4; zero when it is none.
func claimedTime(o Object) time.Time {
	s, _ := o.(String)
	text := strings.ReplaceAll(strings.TrimPrefix(string(s), "D:"), "'", "")
	for _, layout := range []string{"20060102150405Z", "20060102150405-0700", "20060102150405-07", "20060102150405Z0000", "20060102150405"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}
