package api

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"github.com/handslag/handslag/api/gen"
	"github.com/handslag/handslag/signing"
)

// orderLife is the longest life of any order: the deadline waits for one that is
// live.
const orderLife = 30 * time.Minute

// CreateLink answers POST …/links.
func (s *Server) CreateLink(ctx context.Context, r gen.CreateLinkRequestObject) (gen.CreateLinkResponseObject, error) {
	ctx, who := asCaller(ctx)
	spec, p, err := s.participant(ctx, who, r.CollectionID, r.ParticipantID)
	if err != nil {
		return nil, err
	}
	now := s.config.Clock().UTC()
	expires := now.Add(s.config.LinkLife)
	if last := spec.Deadline.Add(orderLife + s.config.LinkGrace); expires.After(last) {
		expires = last
	}
	if !expires.After(now) {
		return nil, signing.ErrEnded
	}
	var secret [32]byte
	if _, err := io.ReadFull(s.config.Entropy, secret[:]); err != nil {
		return nil, fmt.Errorf("read entropy for a link: %w", err)
	}
	token := linkPrefix + base64.RawURLEncoding.EncodeToString(secret[:])
	link := Link{Tenant: who.tenant, Collection: spec.ID, Participant: p.ID, ExpiresAt: expires}
	if err := s.config.Links.PutLink(ctx, signing.DigestOf([]byte(token)), link); err != nil {
		return nil, err
	}
	answer := gen.CreateLink201JSONResponse{Token: token, ExpiresAt: expires}
	if s.config.SignerPage != "" {
		// A fragment is sent to no server and written to no log.
		address := s.config.SignerPage + "#" + token
		answer.URL = &address
	}
	return answer, nil
}
