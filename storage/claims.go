package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

var (
	errKeyReused = fault.New(fault.Invalid, "idempotency_key_reused", "The idempotency key was used for another request.")
	errUnclaimed = fault.New(fault.NotFound, "idempotency_key_unclaimed", "The idempotency key was not used yet.")
	errLink      = fault.New(fault.Unauthenticated, "link_invalid", "The link is not valid, or not any more.")
)

// claim is what an idempotency key stands for.
type claim struct {
	Request  signing.Digest `json:"request"`
	Resource string         `json:"resource"`
}

// Claim gives a request's idempotency key to a resource and returns the resource
// that has it: the given one the first time, and the first one ever after. A key
// that another request has is refused.
func (s *Store) Claim(ctx context.Context, tenant signing.TenantID, key string, request signing.Digest, resource string) (string, error) {
	prefix, err := tenantKey(tenant)
	if err != nil {
		return "", err
	}
	at := s.claimKey(prefix, tenant, key)
	record, err := json.Marshal(claim{request, resource})
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", at, err)
	}
	kept, err := s.adopt(ctx, at, record)
	if err != nil {
		return "", err
	}
	first, err := decode[claim](at, kept)
	if err != nil {
		return "", err
	}
	if first.Request != request {
		return "", errKeyReused
	}
	return first.Resource, nil
}

// Claimed returns the resource that a request's idempotency key was given to, or
// NotFound where it has none yet. A key that another request has is refused.
func (s *Store) Claimed(ctx context.Context, tenant signing.TenantID, key string, request signing.Digest) (string, error) {
	prefix, err := tenantKey(tenant)
	if err != nil {
		return "", err
	}
	first, err := getRecord[claim](ctx, s, s.claimKey(prefix, tenant, key), errUnclaimed)
	switch {
	case err != nil:
		return "", err
	case first.Request != request:
		return "", errKeyReused
	}
	return first.Resource, nil
}

func (s *Store) claimKey(prefix string, tenant signing.TenantID, key string) string {
	return prefix + "/i/" + s.hashed(purposeIdempotency, string(tenant)+"\n"+key)
}

// Link is what a participant's link opens.
type Link struct {
	Tenant      signing.TenantID      `json:"tenant"`
	Collection  signing.CollectionID  `json:"collection"`
	Participant signing.ParticipantID `json:"participant"`
	ExpiresAt   time.Time             `json:"expiresAt"`
}

// The token itself is never stored, so that reading the store opens no link.
func linkKey(token signing.Digest) string { return "l/" + token.String() }

// PutLink stores what a link opens, under the digest of its token. Repeated with
// the same link it succeeds; another link for the same token is Corrupt.
func (s *Store) PutLink(ctx context.Context, token signing.Digest, l Link) error {
	l.ExpiresAt = l.ExpiresAt.UTC()
	record, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode link: %w", err)
	}
	return s.putGiven(ctx, linkKey(token), record)
}

// GetLink returns what a link opens at now. Unknown and expired links get the
// same answer.
func (s *Store) GetLink(ctx context.Context, token signing.Digest, now time.Time) (Link, error) {
	l, err := getRecord[Link](ctx, s, linkKey(token), errLink)
	if err != nil {
		return Link{}, err
	}
	if !now.Before(l.ExpiresAt) {
		return Link{}, errLink
	}
	return l, nil
}
