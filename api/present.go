package api

import (
	"time"

	"github.com/handslag/handslag/api/gen"
	"github.com/handslag/handslag/signing"
)

// This file gives the domain's values the contract's shapes. A view holds no
// names, titles or numbers, so nothing has to be taken out.

func presentDocument(u Upload) gen.Document {
	return gen.Document{
		ID: string(u.ID), Length: u.Length, Sha256: u.Digest.String(), Pages: u.Pages, PdfVersion: u.PDFVersion,
		Signatures: optional(u.Nature.Signatures), Locked: optional(u.Nature.Locked), Pdfa: optional(u.Nature.PDFA),
		SecondOpinion: gen.DocumentSecondOpinion(u.SecondOpinion), UploadedAt: u.UploadedAt.UTC(),
		Findings: presentFindings(u.Findings),
	}
}

func presentFindings(codes []string) *[]string {
	if len(codes) == 0 {
		return nil
	}
	return &codes
}

func presentCollection(v signing.View) gen.Collection {
	c := gen.Collection{
		ID: string(v.ID), State: gen.CollectionState(v.State), NeedsAttention: optional(v.Attention),
		CreatedAt: v.CreatedAt.UTC(), Deadline: v.Deadline.UTC(), EndedAt: presentTime(v.EndedAt),
		Documents: make([]gen.DocumentState, len(v.Documents)), Participants: make([]gen.Participant, len(v.Participants)),
	}
	for i, d := range v.Documents {
		c.Documents[i] = presentDocumentState(d)
	}
	for i, p := range v.Participants {
		c.Participants[i] = presentParticipant(p)
	}
	return c
}

func presentDocumentState(d signing.DocumentView) gen.DocumentState {
	s := gen.DocumentState{ID: string(d.ID), Length: d.Length, Sha256: d.Digest.String(), Assembly: gen.Appended}
	if d.Assembly != "" {
		s.Assembly = gen.Assembly(d.Assembly)
	}
	s.Current = presentCurrent(d)
	if r := d.Result; r != nil {
		s.Result = &gen.Result{
			Length: r.Length, Sha256: r.Digest.String(), Sealed: !r.Unsealed, SealedAt: r.SealedAt.UTC(),
		}
		if e := r.Evidence; e != nil {
			s.Result.Evidence = &gen.EvidencePDF{Length: e.Length, Sha256: e.Digest.String(), SealedAt: e.SealedAt.UTC()}
		}
	}
	return s
}

// presentCurrent tells the revision that is signed next.
func presentCurrent(d signing.DocumentView) *gen.Revision {
	now := currentOf(d)
	return &gen.Revision{Number: now.Revision, Length: now.Length, Sha256: now.Digest.String()}
}

func presentParticipant(v signing.ParticipantView) gen.Participant {
	p := gen.Participant{
		ID: string(v.ID), Step: v.Step, Method: gen.Method(v.Method), State: gen.ParticipantState(v.State),
		DeclinedAt: presentTime(v.DeclinedAt), Attempts: make([]gen.Attempt, len(v.Attempts)),
	}
	for i, a := range v.Attempts {
		p.Attempts[i] = presentAttempt(a)
	}
	if v.Signature != nil {
		presentDone(&p, *v.Signature)
	}
	return p
}

// presentDone tells what a participant did by its right name. A consent and a
// related process are never called a signature, whatever the domain keeps them as;
// what is of no known assurance is called nothing.
func presentDone(p *gen.Participant, s signing.Signature) {
	switch s.Assurance {
	case signing.AssuranceVerified, signing.AssuranceAttested:
		p.Signature = &gen.Signature{
			Attempt: string(s.Attempt), Method: gen.Method(s.Method), Provider: s.Provider,
			Assurance: gen.SignatureAssurance(s.Assurance), Level: presentLevel(s),
			SignedAt: s.SignedAt.UTC(), Environment: s.Environment,
			ManifestSha256: s.Manifest.String(), EvidenceSha256: s.Evidence.String(),
		}
	case signing.AssuranceIdentified:
		if s.Consent == nil {
			return // identified alone is nothing that a collection could be done with
		}
		p.Consent = &gen.Consent{
			Attempt: string(s.Attempt), Provider: s.Provider, Environment: s.Environment,
			IdentifiedAt: s.SignedAt.UTC(), ConsentedAt: s.Consent.At.UTC(),
			ManifestSha256: s.Manifest.String(), EvidenceSha256: s.Consent.Evidence.String(),
		}
	case signing.AssuranceAttestedProcess:
		p.RelatedProcess = &gen.RelatedProcess{
			Attempt: string(s.Attempt), Provider: s.Provider, CompletedAt: s.SignedAt.UTC(),
			EvidenceSha256: s.Evidence.String(), Environment: s.Environment,
		}
	}
}

// presentLevel is that of a signature; what an earlier release kept was BankID's.
func presentLevel(s signing.Signature) *gen.Level {
	if s.Level == "" && s.Method == signing.MethodBankIDSE {
		return optional(gen.Aes)
	}
	return optional(gen.Level(s.Level))
}

func presentAttempt(a signing.Attempt) gen.Attempt {
	return gen.Attempt{
		ID: string(a.ID), Number: a.Number, Provider: a.Provider, Channel: gen.Channel(a.Channel),
		StartedAt: a.StartedAt.UTC(), EndedAt: presentTime(a.EndedAt), ProviderCode: optional(a.ProviderCode),
		Outcome: optional(gen.AttemptOutcome(a.Outcome)), Reason: optional(gen.AttemptReason(a.Reason)),
	}
}

func presentTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func value[T any](p *T) T {
	var v T
	if p != nil {
		v = *p
	}
	return v
}
