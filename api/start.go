package api

import (
	"context"
	"encoding/base64"
	"errors"
	"math/rand/v2"

	"github.com/handslag/handslag/api/gen"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

// The purposes of what is derived from an attempt's id.
const (
	purposeNonce = "api-return-nonce"
	purposeTries = "api-attempt-tries"
)

// StartAttempt answers POST …/attempts.
func (s *Server) StartAttempt(ctx context.Context, r gen.StartAttemptRequestObject) (gen.StartAttemptResponseObject, error) {
	ctx, who := asCaller(ctx)
	spec, p, err := s.participant(ctx, who, r.CollectionID, r.ParticipantID)
	if err != nil {
		return nil, err
	}
	command, err := attemptOf(who, p.ID, *r.Body)
	if err != nil {
		return nil, err
	}
	offers := ableFor(p, spec, s.config.Accounts.Offers(spec.Tenant))
	if err := checkChannel(command.Channel, offers); err != nil {
		return nil, err
	}
	if command.ReturnURL == "" && len(redirecting(offers)) > 0 {
		command.ReturnURL = s.returnPage(p.Locale)
	}
	started, nonce, err := s.start(ctx, who, spec, command, value(r.Params.IdempotencyKey), *r.Body)
	if errors.Is(err, ErrNotRunning) {
		err = s.whyOver(ctx, spec, p.ID)
	}
	if err != nil {
		return nil, err
	}
	s.remember(ctx, spec, offers, started)
	live := workflows.Live{Attempt: started.Attempt.ID, Order: started.Order}
	shown := s.presentLive(started.Attempt, &live, shownTo(p, r.Params.AcceptLanguage, deviceOf(command.EndUser)))
	answer := gen.StartedAttempt{
		Attempt: shown.Attempt, State: shown.State, Launch: shown.Launch, Qr: shown.Qr, Message: shown.Message,
	}
	if who.link == nil {
		answer.ReturnNonce = optional(nonce)
	}
	return gen.StartAttempt201JSONResponse{
		Body: answer,
		Headers: gen.StartAttempt201ResponseHeaders{
			Location: "/v1/collections/" + string(spec.ID) + "/participants/" + string(p.ID) + "/attempts/live",
		},
	}, nil
}

// whyOver says why a participant can start nothing in a collection that runs no
// more, in the words in which it would have said so while it ran.
func (s *Server) whyOver(ctx context.Context, spec signing.Spec, p signing.ParticipantID) error {
	view, err := s.view(ctx, spec.Tenant, string(spec.ID))
	if err != nil {
		return err
	}
	known, err := participantOf(view, p)
	switch {
	case err != nil:
		return err
	case known.Signature != nil:
		return signing.ErrAlreadySigned
	}
	return signing.ErrEnded
}

// start starts an attempt. A repeat under the same idempotency key is the same
// attempt, whose order is created once, unless that attempt certainly made no
// order: then the repeat is the next try. A request makes one try at most.
func (s *Server) start(ctx context.Context, who caller, spec signing.Spec, c workflows.StartAttempt, key string, body gen.AttemptRequest) (
	started workflows.StartedAttempt, nonce string, err error,
) {
	var repeated bool
	if c.Attempt, repeated, err = s.attemptID(ctx, who, spec, c.Participant, key, body); err != nil {
		return started, "", err
	}
	// What had failed before this request began: what fails from now on is its own
	// answer, and the next repeat's concern.
	var before signing.ParticipantView
	if repeated {
		if before, err = s.participantView(ctx, spec.Tenant, string(spec.ID), c.Participant); err != nil {
			return started, "", err
		}
	}
	for {
		command := c
		if body.ReturnURL != nil { // a page of ours has nobody to present a nonce
			nonce = s.addNonce(&command)
		}
		started, err = s.config.Orchestrator.StartAttempt(ctx, spec.ID, command)
		known := attemptIn(before, c.Attempt)
		if err == nil && known.ID != "" && !known.Live() {
			started.Attempt = known // its order is nothing to show any more
		}
		if !madeNoOrder(known, err) {
			return started, nonce, err
		}
		if c.Attempt, err = s.nextTry(known); err != nil {
			return started, "", err
		}
	}
}

// attemptIn returns a participant's attempt, or the zero attempt.
func attemptIn(p signing.ParticipantView, id signing.AttemptID) signing.Attempt {
	for _, a := range p.Attempts {
		if a.ID == id {
			return a
		}
	}
	return signing.Attempt{}
}

// madeNoOrder reports whether an attempt is known to have failed, with err, and
// err says that no order was created. A fault of the question itself, such as a
// time-out, is not the one that the attempt failed with and says nothing of it.
func madeNoOrder(known signing.Attempt, err error) bool {
	f, ok := fault.As(err)
	return ok && f.Kind != fault.Uncertain && known.Reason == signing.ReasonStartFailed && known.ProviderCode == f.Code
}

// nextTry is the id of the try after one that failed. It follows from that try
// and a key of ours, so that concurrent repeats are one try, and one order.
func (s *Server) nextTry(failed signing.Attempt) (signing.AttemptID, error) {
	id, err := signing.NewID(signing.AttemptPrefix, failed.EndedAt, rand.NewChaCha8(s.config.Keyed.MAC(purposeTries, []byte(failed.ID))))
	return signing.AttemptID(id), err
}

// attemptID is a new id, or the one that the idempotency key was first claimed
// for.
func (s *Server) attemptID(ctx context.Context, who caller, spec signing.Spec, p signing.ParticipantID, key string, body gen.AttemptRequest) (
	id signing.AttemptID, repeated bool, err error,
) {
	made, err := signing.NewID(signing.AttemptPrefix, s.config.Clock(), s.config.Entropy)
	if err != nil || key == "" {
		return signing.AttemptID(made), false, err
	}
	digest, err := requestDigest("attempt", spec.ID, p, body)
	if err != nil {
		return "", false, err
	}
	claimed, err := s.config.Claims.Claim(ctx, spec.Tenant, who.scoped(key), digest, made)
	return signing.AttemptID(claimed), claimed != made, err
}

// addNonce adds the nonce to the return URL. It follows from the attempt's id
// and a key of ours, so that a repeated request has the same one. It goes into
// the fragment, which browsers send to no server.
func (s *Server) addNonce(c *workflows.StartAttempt) string {
	mac := s.config.Keyed.MAC(purposeNonce, []byte(c.Attempt))
	nonce := base64.RawURLEncoding.EncodeToString(mac[:])
	c.ReturnURL += signing.Private("#nonce=" + nonce)
	c.ReturnNonce = signing.DigestOf([]byte(nonce))
	return nonce
}
