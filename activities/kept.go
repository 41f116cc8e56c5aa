package activities

import (
	"context"
	"fmt"

	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
)

// unlessKept makes a revision that an earlier run has not kept yet.
func unlessKept(ctx context.Context, in Revisions, ref signing.RevisionRef, makeIt func() error) error {
	_, err := in.Revision(ctx, ref)
	if err == nil {
		return nil
	}
	if fault.KindOf(err) != fault.NotFound {
		return fmt.Errorf("look for what an earlier run has kept: %w", err)
	}
	return makeIt()
}

// keepRevision keeps a revision that was made of another one and a tail; without a
// source, of the tail alone. What a quicker run has kept stays.
func keepRevision(ctx context.Context, in Revisions, ref, from signing.RevisionRef, tail []byte, r pdf.Revision) error {
	state, err := r.Hash.MarshalBinary()
	if err != nil {
		return fmt.Errorf("encode hash state: %w", err)
	}
	made := signing.Revision{Length: r.Size, Digest: r.Hash.Sum(), HashState: state}
	if ref.Evidence {
		err = in.PutEvidencePDF(ctx, ref, tail, made)
	} else {
		err = in.PutRevision(ctx, ref, from, tail, made)
	}
	if err != nil && fault.KindOf(err) != fault.Conflict {
		return fmt.Errorf("put the result: %w", err)
	}
	return nil
}

// kept opens what is kept, to be verified.
func (s *Sealing) kept(ctx context.Context, ref signing.RevisionRef) (evidence.File, signing.Revision, error) {
	described, err := s.Revisions.Revision(ctx, ref)
	if err != nil {
		return evidence.File{}, described, fmt.Errorf("describe the result: %w", err)
	}
	source, err := s.Revisions.OpenRevision(ctx, ref)
	if err != nil {
		return evidence.File{}, described, fmt.Errorf("open the result: %w", err)
	}
	return evidence.File{Content: source, Size: source.Size()}, described, nil
}

// openRevision opens a revision with its stored hash state, so that none of it has
// to be hashed again.
func openRevision(ctx context.Context, in Revisions, ref signing.RevisionRef) (pdf.Revision, error) {
	described, err := in.Revision(ctx, ref)
	if err != nil {
		return pdf.Revision{}, fmt.Errorf("describe revision: %w", err)
	}
	source, err := in.OpenRevision(ctx, ref)
	if err != nil {
		return pdf.Revision{}, fmt.Errorf("open revision: %w", err)
	}
	var state pdf.HashState
	if err := state.UnmarshalBinary(described.HashState); err != nil {
		return pdf.Revision{}, fmt.Errorf("decode hash state: %w", err)
	}
	return pdf.Revision{Source: source, Size: source.Size(), Hash: &state}, nil
}
