package api

import (
	"context"
	"time"

	"github.com/handslag/handslag/api/gen"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

// GetConsent answers GET …/consent.
func (s *Server) GetConsent(ctx context.Context, r gen.GetConsentRequestObject) (gen.GetConsentResponseObject, error) {
	ctx, who := asCaller(ctx)
	spec, p, err := s.participant(ctx, who, r.CollectionID, r.ParticipantID)
	if err != nil {
		return nil, err
	}
	view, err := s.view(ctx, who.tenant, r.CollectionID)
	if err != nil {
		return nil, err
	}
	known, err := participantOf(view, p.ID)
	if err != nil {
		return nil, err
	}
	offer, err := offerConsent(spec, p, view.State, known, s.config.Clock())
	if err != nil {
		return nil, err
	}
	return gen.GetConsent200JSONResponse(offer), nil
}

// offerConsent says what a participant is asked to agree to. The text is of the
// revisions that their identification was about, to which its manifest binds it:
// a signature in the documents may have come since.
func offerConsent(spec signing.Spec, p signing.Participant, state signing.State, known signing.ParticipantView, now time.Time) (gen.ConsentOffer, error) {
	if err := mayConsent(state, known); err != nil {
		return gen.ConsentOffer{}, err
	}
	identified := known.Identified
	until := known.Attempts[len(known.Attempts)-1].EndedAt.Add(signing.ConsentTime)
	if now.After(until) {
		return gen.ConsentOffer{}, signing.ErrIdentificationOld
	}
	about := spec.At(known.About)
	manifest, err := about.Manifest(p.ID).Encode()
	if err != nil {
		return gen.ConsentOffer{}, err
	}
	if signing.DigestOf(manifest) != identified.Manifest {
		return gen.ConsentOffer{}, signing.ErrConsentOther // an earlier release identified them, in other words
	}
	text := about.ConsentText(p.Locale).Reveal()
	offer := gen.ConsentOffer{
		Attempt: string(identified.Attempt), Version: signing.ConsentVersion, Locale: gen.Locale(p.Locale),
		Text: text, TextSha256: signing.DigestOf([]byte(text)).String(), ManifestSha256: identified.Manifest.String(),
		IdentifiedAt: identified.SignedAt.UTC(), Until: until.UTC(),
	}
	for _, d := range about.Documents {
		offer.Documents = append(offer.Documents, gen.ConsentDocument{
			ID: string(d.ID), Number: d.Revision, Length: d.Length, Sha256: d.Digest.String(),
		})
	}
	return offer, nil
}

func mayConsent(state signing.State, known signing.ParticipantView) error {
	switch {
	case known.Signature != nil:
		return signing.ErrAlreadySigned
	case state != signing.StateInProgress:
		return signing.ErrEnded
	case known.Identified == nil || len(known.Attempts) == 0:
		return signing.ErrNotIdentified
	}
	return nil
}

// GiveConsent answers POST …/consent. The consent may be repeated for as long as
// the collection is known.
func (s *Server) GiveConsent(ctx context.Context, r gen.GiveConsentRequestObject) (gen.GiveConsentResponseObject, error) {
	ctx, who := asCaller(ctx)
	spec, p, err := s.participant(ctx, who, r.CollectionID, r.ParticipantID)
	if err != nil {
		return nil, err
	}
	command, err := consentOf(p, *r.Body)
	if err != nil {
		return nil, err
	}
	view, err := s.config.Orchestrator.Consent(ctx, spec.ID, command)
	if isOver(err) {
		now, viewErr := s.view(ctx, who.tenant, r.CollectionID)
		if viewErr != nil {
			return nil, viewErr
		}
		known, viewErr := participantOf(now, p.ID)
		switch {
		case viewErr != nil:
			return nil, viewErr
		case consented(known, command):
			view, err = now, nil
		case known.Signature != nil:
			err = signing.ErrAlreadySigned
		}
	}
	if err != nil {
		return nil, afterEnd(err)
	}
	done, err := participantOf(view, p.ID)
	if err != nil {
		return nil, err
	}
	return gen.GiveConsent200JSONResponse(presentParticipant(done)), nil
}

// consented reports whether a participant has given that very consent.
func consented(known signing.ParticipantView, c workflows.ConsentCommand) bool {
	s := known.Signature
	return s != nil && s.Consent != nil && s.Attempt == c.Attempt && s.Manifest == c.Manifest
}

func consentOf(p signing.Participant, body gen.ConsentRequest) (workflows.ConsentCommand, error) {
	c := workflows.ConsentCommand{Participant: p.ID, Attempt: signing.AttemptID(body.Attempt), Locale: p.Locale}
	var err error
	if c.Manifest, err = signing.ParseDigest(body.ManifestSha256); err != nil {
		return c, errRequest.In("/manifestSha256", "format", "A SHA-256 digest in hex.")
	}
	if c.Text, err = signing.ParseDigest(body.TextSha256); err != nil {
		return c, errRequest.In("/textSha256", "format", "A SHA-256 digest in hex.")
	}
	return c, nil
}
