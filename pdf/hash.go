package pdf

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"hash"

	"github.com/handslag/handslag/fault"
)

// HashState is SHA-256 in mid-flight over the bytes of a document from its
// start. Stored at the end of a revision, it lets the next seal hash new bytes
// only. The zero value has seen nothing. A stored state is only as good as its
// storage: whoever keeps it authenticates it and binds it to [HashState.Sum].
type HashState struct {
	h hash.Hash
	n int64
}

const hashStateVersion = 1

func (h *HashState) hash() hash.Hash {
	if h.h == nil {
		h.h = sha256.New()
	}
	return h.h
}

// Write continues the hash; it never fails.
func (h *HashState) Write(p []byte) (int, error) {
	h.n += int64(len(p))
	return h.hash().Write(p)
}

// Sum returns the digest of what was written so far and changes nothing.
func (h *HashState) Sum() (sum [sha256.Size]byte) {
	h.hash().Sum(sum[:0])
	return sum
}

// Len returns how many bytes were written so far.
func (h *HashState) Len() int64 { return h.n }

// Clone returns a state that continues on its own.
func (h *HashState) Clone() *HashState {
	c, err := h.hash().(hash.Cloner).Clone()
	if err != nil {
		panic(err) //nolint:forbidigo // crypto/sha256 documents that it always clones
	}
	return &HashState{c, h.n}
}

// MarshalBinary implements encoding.BinaryMarshaler: version, length, and the
// state as crypto/sha256 marshals it.
func (h *HashState) MarshalBinary() ([]byte, error) {
	state, err := h.hash().(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return nil, err
	}
	b := []byte{hashStateVersion}
	b = binary.BigEndian.AppendUint64(b, uint64(h.n))
	return append(b, state...), nil
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (h *HashState) UnmarshalBinary(b []byte) error {
	corrupt := fault.New(fault.Corrupt, "pdf_hash_state", "The stored hash state of the document is not readable.")
	if len(b) < 9 || b[0] != hashStateVersion {
		return corrupt
	}
	n := int64(binary.BigEndian.Uint64(b[1:]))
	fresh := sha256.New()
	if err := fresh.(encoding.BinaryUnmarshaler).UnmarshalBinary(b[9:]); err != nil {
		return corrupt.Because(err)
	}
	if n < 0 {
		return corrupt
	}
	h.h, h.n = fresh, n
	return nil
}
