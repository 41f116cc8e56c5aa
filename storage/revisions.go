package storage

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

const pdfEnding = ".pdf"

// ErrRevisionExists is what PutRevision returns when another revision is there.
var ErrRevisionExists = fault.New(fault.Conflict, "revision_exists", "The revision of the document exists already.")

var (
	errNoRevision = fault.New(fault.NotFound, "revision_not_found", "There is no such revision of the document.")
	errHashState  = fault.New(fault.Corrupt, "hash_state_invalid", "The stored hash state of a document cannot be authenticated.")
)

func (i info) is(r signing.Revision) bool { return i.length == r.Length && i.digest == r.Digest }

// PutRevision makes a revision of every byte of from and then tail. From 5 MiB
// on the bytes of from never leave the store. The hash state is stored before
// the revision appears, so a revision that is there has one.
//
// A revision is made, so the first wins: if another is there the error is
// [ErrRevisionExists] and the caller reads it with [Store.Revision], checks it
// and goes on with it. If the very same bytes are there, it succeeds.
//
// What the store copied itself is checked by length only. Whoever delivers a
// document hashes all of it first.
func (s *Store) PutRevision(ctx context.Context, ref, from signing.RevisionRef, tail []byte, made signing.Revision) error {
	stem, err := stemOf(ref)
	if err != nil {
		return err
	}
	source, err := stemOf(from)
	if err != nil {
		return err
	}
	if ref.Revision == 0 || len(tail) == 0 {
		return errRefused.Because(fmt.Errorf("put %s: a revision continues another one", stem))
	}
	before, err := s.head(ctx, source+pdfEnding)
	if err != nil {
		return notFound(err, errNoRevision)
	}
	if before.length+int64(len(tail)) != made.Length {
		return errDamaged.Because(fmt.Errorf("put %s: %d + %d bytes where %d were stated", stem, before.length, len(tail), made.Length))
	}
	return s.putMade(ctx, stem, made, func() error {
		return s.join(ctx, stem+pdfEnding, source+pdfEnding, before, tail, made)
	})
}

// PutEvidencePDF keeps a separate evidence PDF as it was made. Like a revision it
// is a made thing, so the first wins: if another is there the error is
// [ErrRevisionExists], and if the very same bytes are, it succeeds.
func (s *Store) PutEvidencePDF(ctx context.Context, ref signing.RevisionRef, content []byte, made signing.Revision) error {
	stem, err := stemOf(ref)
	if err != nil {
		return err
	}
	if !ref.Evidence || ref.Revision != 0 {
		return errRefused.Because(fmt.Errorf("put %s: it is not the first of an evidence PDF", stem))
	}
	if int64(len(content)) != made.Length {
		return errDamaged.Because(fmt.Errorf("put %s: %d bytes where %d were stated", stem, len(content), made.Length))
	}
	return s.putMade(ctx, stem, made, func() error {
		return s.createDocument(ctx, stem+pdfEnding, bytes.NewReader(content), made)
	})
}

// putMade writes a revision that was made, its hash state first.
func (s *Store) putMade(ctx context.Context, stem string, made signing.Revision, write func() error) error {
	done, err := s.revisionDone(ctx, stem+pdfEnding, made)
	if done || err != nil {
		return err
	}
	if err := s.putHashState(ctx, stem, made); err != nil {
		return err
	}
	if err := write(); err != nil && !isExists(err) {
		return err
	}
	done, err = s.revisionDone(ctx, stem+pdfEnding, made)
	if err != nil || done {
		return err
	}
	return errUnavailable.Because(fmt.Errorf("put %s: it was removed at once", stem))
}

// revisionDone reports whether the revision is there as made. Another one is
// ErrRevisionExists; one of the right name and the wrong length is Corrupt.
func (s *Store) revisionDone(ctx context.Context, key string, made signing.Revision) (bool, error) {
	there, err := s.head(ctx, key)
	switch {
	case isMissing(err):
		return false, nil
	case err != nil:
		return false, err
	case there.is(made):
		return true, nil
	case there.digest == made.Digest:
		return false, errDiffers.Because(fmt.Errorf("put %s: it has %d bytes where %d were put", key, there.length, made.Length))
	}
	return false, ErrRevisionExists
}

// join writes the source and the tail as one object.
func (s *Store) join(ctx context.Context, key, source string, before info, tail []byte, made signing.Revision) error {
	if before.length >= minPart {
		return s.assemble(ctx, key, made.Digest, whenCopied, func(a *assembly) error {
			if err := a.copyAll(ctx, source, before); err != nil {
				return err
			}
			return a.send(ctx, tail)
		})
	}
	whole := make([]byte, made.Length)
	object := &Object{store: s, ctx: ctx, key: source, etag: before.etag, size: before.length}
	if _, err := io.ReadFull(io.NewSectionReader(object, 0, before.length), whole[:before.length]); err != nil {
		return err
	}
	copy(whole[before.length:], tail)
	return s.createDocument(ctx, key, bytes.NewReader(whole), made)
}

// Revision returns what is known of a revision. The hash state is authenticated
// and belongs to this length and digest; the bytes are not read.
func (s *Store) Revision(ctx context.Context, ref signing.RevisionRef) (signing.Revision, error) {
	stem, err := stemOf(ref)
	if err != nil {
		return signing.Revision{}, err
	}
	there, err := s.head(ctx, stem+pdfEnding)
	if err != nil {
		return signing.Revision{}, notFound(err, errNoRevision)
	}
	r := signing.Revision{Length: there.length, Digest: there.digest}
	r.HashState, err = s.hashState(ctx, stem, r)
	if err != nil {
		return signing.Revision{}, err
	}
	return r, nil
}

// hashStateKey has the digest in it: of several makers of a revision each
// writes its own, and the winner's is found by the winner's digest.
func hashStateKey(stem string, r signing.Revision) string {
	return stem + "." + r.Digest.String() + ".state"
}

// hashStateMAC binds a state to the revision's key, length and digest.
func (s *Store) hashStateMAC(key string, r signing.Revision) [sha256.Size]byte {
	data := binary.BigEndian.AppendUint64(nil, uint64(len(key)))
	data = append(data, key...)
	data = binary.BigEndian.AppendUint64(data, uint64(r.Length)) // lengths are not negative
	data = append(data, r.Digest[:]...)
	return s.ring.MAC(purposeHashState, append(data, r.HashState...))
}

func (s *Store) putHashState(ctx context.Context, stem string, r signing.Revision) error {
	key := hashStateKey(stem, r)
	mac := s.hashStateMAC(key, r)
	err := s.create(ctx, key, typeBinary, append(mac[:], r.HashState...))
	if !isExists(err) {
		return err
	}
	// An authentic state of the same bytes will do, even where another release
	// of the hash encodes it in another way.
	_, err = s.hashState(ctx, stem, r)
	return err
}

func (s *Store) hashState(ctx context.Context, stem string, r signing.Revision) ([]byte, error) {
	key := hashStateKey(stem, r)
	b, _, err := s.read(ctx, key)
	if err != nil {
		return nil, notFound(err, errHashState)
	}
	if len(b) < sha256.Size {
		return nil, errHashState.Because(fmt.Errorf("read %s: cut short", key))
	}
	r.HashState = b[sha256.Size:]
	mac := s.hashStateMAC(key, r)
	if !hmac.Equal(mac[:], b[:sha256.Size]) {
		return nil, errHashState.Because(fmt.Errorf("read %s: the HMAC differs", key))
	}
	return r.HashState, nil
}
