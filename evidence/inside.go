package evidence

import (
	"context"
	"fmt"
	"time"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
)

// judgeInside judges the signatures that participants made in the document: each
// revision that the index names is there, adds one signature, and that is by the
// Norwegian BankID of whom the index names; and what came later harmed none.
func (r *Report) judgeInside(ctx context.Context, document File, x Index, trust Trust, now time.Time) error {
	if len(x.Revisions) == 0 {
		return nil
	}
	var lengths []int64
	for _, e := range x.Revisions {
		lengths = append(lengths, e.Length)
	}
	digests, err := prefixes(ctx, document, lengths...)
	if err != nil {
		return err
	}
	var best []Signer
	for _, env := range environments {
		if best != nil && trust.NBID[env] == nil {
			continue
		}
		v, err := pdf.Verify(ctx, document.Content, document.Size, trust.of(env, trust.NBID, now))
		if err != nil {
			return fmt.Errorf("verify the PDF: %w", err)
		}
		found := insideOf(v, x, env)
		for i := range best {
			if rank(found[i].Indication) >= rank(best[i].Indication) {
				found[i] = best[i]
			}
		}
		best = found
	}
	for i, s := range best {
		if e := x.Revisions[i]; digests[e.Length] != e.Digest {
			s.fail(pdf.TotalFailed, subRevision, "The document does not begin with the revision that the signature made.")
		}
		r.add(s, KindSignature)
		r.conclude(s.Indication, s.SubIndication, s.Reason)
	}
	return nil
}

// insideOf says what the signature of each revision is worth in one environment.
func insideOf(v *pdf.Verification, x Index, env bankidsig.Environment) []Signer {
	var all []Signer
	from := x.Upload.Length
	for _, e := range x.Revisions {
		all = append(all, insideSigner(v, e, from, env))
		from = e.Length
	}
	return all
}

// insideSigner judges the one signature between the end of the revision before
// and that of its own.
func insideSigner(v *pdf.Verification, e RevisionEntry, from int64, env bankidsig.Environment) Signer {
	s := Signer{
		Kind: KindSignature, Participant: e.Participant, Method: e.Method, Provider: e.Provider,
		Revision: e.Revision, Indication: pdf.TotalPassed,
	}
	var found []pdf.SignatureReport
	for _, report := range v.Signatures {
		if report.Kind == pdf.KindSignature && report.Offset >= from && report.Offset < e.Length {
			found = append(found, report)
		}
	}
	if len(found) != 1 {
		s.fail(pdf.TotalFailed, subRevision, "The revision does not add exactly one signature.")
		return s
	}
	one := found[0]
	if one.CoversUpTo <= from || one.CoversUpTo > e.Length {
		s.fail(pdf.TotalFailed, subRevision, "The signature is not of the revision that it is said to have made.")
	}
	s.fail(one.Indication, one.SubIndication, one.Reason)
	s.Level, s.SignedAt, s.TimeSource = one.Level, one.Timestamp, TimeStamp
	if s.SignedAt.IsZero() {
		s.SignedAt, s.TimeSource = one.ClaimedTime, TimeClaimed
	}
	if one.Signer != nil {
		s.Name = signing.Private(one.Signer.Subject.CommonName)
	}
	s.PersonalNumber = maskedNIN(one.NationalID)
	if s.PersonalNumber == "" || s.PersonalNumber != e.Number {
		s.fail(pdf.TotalFailed, subSigner, "The signature is by another person than the evidence says.")
	}
	if s.Indication == pdf.TotalPassed {
		s.Assurance, s.Environment = signing.AssuranceVerified, string(env)
	}
	return s
}

// maskedNIN is a Norwegian number as it may be shown, "" when there is none.
func maskedNIN(id pdf.NationalID) string {
	n := id.Reveal()
	if len(n) <= birthDate {
		return ""
	}
	return n[:birthDate] + "-xxxxx"
}

// fail lowers the indication to a worse finding.
func (s *Signer) fail(i pdf.Indication, sub, reason string) {
	if rank(i) > rank(s.Indication) {
		s.Indication, s.SubIndication, s.Reason = i, sub, reason
	}
}
