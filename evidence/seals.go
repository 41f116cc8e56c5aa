package evidence

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"time"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/pdf"
)

// sealing is what the PAdES signatures of a file are worth that were made after
// its first bytes: ours, as against those that an upload came with.
type sealing struct {
	indication  pdf.Indication
	sub, reason string
	environment bankidsig.Environment // that the verdict rests on; "" unless passed
	seals       []Seal
	timestamps  []Seal
	earlier     int // signatures that were there before
}

// judgeSeals judges the PAdES signatures after the first upload bytes, with the
// live anchors first: the verdict names the environment that it rests on.
func judgeSeals(ctx context.Context, ra io.ReaderAt, size, upload int64, trust Trust, now time.Time) (sealing, error) {
	var best *sealing
	for _, env := range environments {
		if best != nil && trust.Seal[env] == nil && trust.Timestamp[env] == nil {
			continue
		}
		v, err := pdf.Verify(ctx, ra, size, trust.of(env, trust.Seal, now))
		if err != nil {
			return sealing{}, fmt.Errorf("verify the PDF: %w", err)
		}
		s := sealingOf(v, upload, env)
		if best == nil || s.better(best) {
			best = &s
		}
		if s.indication == pdf.TotalPassed {
			break
		}
	}
	if n := len(best.seals); n > 0 && trust.Organisation != "" && best.seals[n-1].Organisation != trust.Organisation {
		best.conclude(pdf.TotalFailed, subOrganisation, "The seal is not the expected organisation's.")
	}
	return *best, nil
}

// better: of two environments, the one that the seals belong to tells more.
func (s *sealing) better(than *sealing) bool {
	if a, b := rank(s.indication), rank(than.indication); a != b {
		return a < b
	}
	if a, b := s.passed(), than.passed(); a != b {
		return a > b
	}
	return s.strangers() < than.strangers()
}

// strangers are the seals that the environment knows nothing of.
func (s *sealing) strangers() (n int) {
	for _, seal := range s.seals {
		if seal.SubIndication == pdf.NoCertificateChain {
			n++
		}
	}
	return n
}

func (s *sealing) passed() (n int) {
	for _, seal := range s.seals {
		if seal.Indication == pdf.TotalPassed {
			n++
		}
	}
	return n
}

// sealingOf is the worst of those signatures that are not earlier ones.
func sealingOf(v *pdf.Verification, upload int64, env bankidsig.Environment) sealing {
	s := sealing{indication: pdf.TotalPassed, environment: env, seals: []Seal{}}
	for _, report := range v.Signatures {
		if report.Offset < upload {
			s.earlier++
			continue
		}
		if report.Kind == pdf.KindTimestamp {
			s.timestamps = append(s.timestamps, sealOf(report))
			if report.Indication == pdf.TotalFailed {
				s.conclude(report.Indication, report.SubIndication, report.Reason)
			}
			continue
		}
		s.seals = append(s.seals, sealOf(report))
		s.conclude(report.Indication, report.SubIndication, report.Reason)
	}
	if len(s.seals) == 0 {
		s.conclude(pdf.Indeterminate, pdf.NoSignature, "The document carries no signature.")
	}
	if s.indication != pdf.TotalPassed {
		s.environment = ""
	}
	for _, list := range [][]Seal{s.seals, s.timestamps} {
		for i := range list {
			list[i].Environment = string(s.environment)
		}
	}
	return s
}

func (s *sealing) conclude(i pdf.Indication, sub, reason string) {
	if rank(i) > rank(s.indication) {
		s.indication, s.sub, s.reason = i, sub, reason
	}
}

func sealOf(s pdf.SignatureReport) Seal {
	seal := Seal{
		Kind: s.Kind, Level: s.Level, Time: s.Timestamp, WholeFile: s.CoversWholeFile,
		Indication: s.Indication, SubIndication: s.SubIndication, Reason: s.Reason, offset: s.Offset,
	}
	if s.Signer != nil && s.Kind == pdf.KindSignature {
		seal.Organisation = organisation(s.Signer)
	}
	if s.TimestampSigner != nil {
		seal.Authority = s.TimestampSigner.Subject.CommonName
	}
	if n := maskedNIN(s.NationalID); n != "" { // a person, whose organisation is their bank
		seal.NationalID, seal.Organisation = n, s.Signer.Subject.CommonName
	}
	for _, c := range s.Changes {
		seal.Changes = append(seal.Changes, Change{c.Kind, c.Revision, c.Page})
	}
	return seal
}

const birthDate = 6 // the digits of a Norwegian number that are shown, as of a Swedish one

// organisation is whose seal a certificate is.
func organisation(c *x509.Certificate) string {
	if len(c.Subject.Organization) > 0 {
		return c.Subject.Organization[0]
	}
	return c.Subject.CommonName
}

// judgeEarlier reports the signatures that the upload came with, each with an
// indication of its own. Their signers may be anybody, and the upload is what
// people signed whatever they are worth; so they do not lower the verdict. But
// what we added must not have made one of them worse.
func (r *Report) judgeEarlier(ctx context.Context, f File, upload int64, trust Trust, now time.Time) error {
	failed := false
	for _, env := range environments {
		if r.Earlier != nil && trust.Signers[env] == nil {
			continue
		}
		v, err := pdf.Verify(ctx, f.Content, f.Size, trust.of(env, trust.Signers, now))
		if err != nil {
			return fmt.Errorf("verify the PDF: %w", err)
		}
		failed = r.addEarlier(v, upload, env)
	}
	if !failed {
		return nil
	}
	before, err := pdf.Verify(ctx, f.Content, upload, trust.of("", nil, now))
	if err != nil {
		return fmt.Errorf("verify the upload: %w", err)
	}
	wasBroken := map[int64]bool{}
	for _, s := range before.Signatures {
		wasBroken[s.Offset] = s.Indication == pdf.TotalFailed
	}
	for _, s := range r.Earlier {
		if s.Indication == pdf.TotalFailed && !wasBroken[s.offset] {
			r.conclude(pdf.TotalFailed, subHarmed, "What was added to the upload made a signature in it invalid.")
		}
	}
	return nil
}

// addEarlier keeps the better of what two environments say of each signature,
// and reports whether one has failed.
func (r *Report) addEarlier(v *pdf.Verification, upload int64, env bankidsig.Environment) (failed bool) {
	n := 0
	for _, report := range v.Signatures {
		if report.Offset >= upload {
			continue
		}
		s := sealOf(report)
		if s.Indication == pdf.TotalPassed {
			s.Environment = string(env)
		}
		switch {
		case n == len(r.Earlier):
			r.Earlier = append(r.Earlier, s)
		case rank(s.Indication) < rank(r.Earlier[n].Indication):
			r.Earlier[n] = s
		}
		failed = failed || r.Earlier[n].Indication == pdf.TotalFailed
		n++
	}
	return failed
}
