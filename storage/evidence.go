package storage

import (
	"bytes"
	"context"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

var errNoEvidence = fault.New(fault.NotFound, "evidence_not_found", "There is no such evidence.")

// PutEvidence stores evidence that is the same on every try. Repeated it
// succeeds; other bytes under the same name are Corrupt.
func (s *Store) PutEvidence(ctx context.Context, ref signing.EvidenceRef, plain []byte) error {
	key, err := evidenceKey(ref)
	if err != nil {
		return err
	}
	return s.putGiven(ctx, key, plain)
}

// AdoptEvidence stores evidence that was made, unless some is there already, and
// returns what is there then: whoever was first, on this try or an earlier one,
// wins for good. Adopted reports that it is not what was given.
func (s *Store) AdoptEvidence(ctx context.Context, ref signing.EvidenceRef, made []byte) (kept []byte, adopted bool, err error) {
	key, err := evidenceKey(ref)
	if err != nil {
		return nil, false, err
	}
	kept, err = s.adopt(ctx, key, made)
	if err != nil {
		return nil, false, err
	}
	return kept, !bytes.Equal(kept, made), nil
}

// GetEvidence returns a piece of evidence.
func (s *Store) GetEvidence(ctx context.Context, ref signing.EvidenceRef) ([]byte, error) {
	key, err := evidenceKey(ref)
	if err != nil {
		return nil, err
	}
	plain, _, err := s.readSealed(ctx, key)
	return plain, notFound(err, errNoEvidence)
}
