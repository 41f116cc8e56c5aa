package storage

import (
	"bytes"
	"context"
	"fmt"

	"github.com/handslag/handslag/signing"
)

// KeepReturned keeps a file that a provider returned in place of a revision and
// that is none, as it came, beside the piece of evidence of that name. It was made
// elsewhere, so the first wins: the digest is that of what is kept.
//
// It is a document, and kept as documents are; nothing of ours ever reads it.
func (s *Store) KeepReturned(ctx context.Context, ref signing.EvidenceRef, content []byte) (signing.Digest, error) {
	key, err := evidenceKey(ref)
	if err != nil {
		return signing.Digest{}, err
	}
	key += pdfEnding
	made := signing.Revision{Length: int64(len(content)), Digest: signing.DigestOf(content)}
	err = s.createDocument(ctx, key, bytes.NewReader(content), made)
	if err == nil {
		return made.Digest, nil
	}
	if !isExists(err) {
		return signing.Digest{}, err
	}
	there, err := s.head(ctx, key)
	switch {
	case err != nil:
		return signing.Digest{}, outward(err)
	case there.digest.IsZero():
		return signing.Digest{}, errDiffers.Because(fmt.Errorf("put %s: something without a digest is there", key))
	}
	return there.digest, nil
}
