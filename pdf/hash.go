package pdf

import (
	"context"
	"crypto"
	"crypto/sha256"
	_ "crypto/sha512" // registers what may run beside SHA-256
	"encoding"
	"encoding/binary"
	"hash"

	"github.com/handslag/handslag/fault"
)

// HashState is SHA-256 in mid-flight over the bytes of a document from its
// start. Stored at the end of a revision, it lets the next seal hash new bytes
// only. The zero value has seen nothing. A stored state is only as good as its
// storage: whoever keeps it authenticates it and binds it to [HashState.Sum].
//
// A key whose signatures go with another digest needs that of the document too.
// [NewHashState] makes a state that keeps it running from the start; without it
// a seal reads the document once.
type HashState struct {
	h    hash.Hash
	also []runningHash
	n    int64
}

type runningHash struct {
	algorithm crypto.Hash
	h         hash.Hash
}

// NewHashState starts a state that keeps further digests, SHA-384 or SHA-512,
// beside SHA-256; others are left out.
func NewHashState(also ...crypto.Hash) *HashState {
	h := &HashState{}
	for _, a := range also {
		if keptBeside(a) && h.running(a) == nil {
			h.also = append(h.also, runningHash{a, a.New()})
		}
	}
	return h
}

func keptBeside(a crypto.Hash) bool { return a == crypto.SHA384 || a == crypto.SHA512 }

// Versions of the stored form: 1 has SHA-256 alone, 2 further digests.
const (
	hashStateVersion = 1
	hashStateSeveral = 2
)

func (h *HashState) hash() hash.Hash {
	if h.h == nil {
		h.h = sha256.New()
	}
	return h.h
}

// running is the digest of an algorithm so far, nil when it is not kept.
func (h *HashState) running(a crypto.Hash) hash.Hash {
	if a == crypto.SHA256 {
		return h.hash()
	}
	for _, r := range h.also {
		if r.algorithm == a {
			return r.h
		}
	}
	return nil
}

// Write continues the hash; it never fails.
func (h *HashState) Write(p []byte) (int, error) {
	h.n += int64(len(p))
	for _, r := range h.also {
		_, _ = r.h.Write(p)
	}
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
	c := &HashState{h: cloneHash(h.hash()), n: h.n}
	for _, r := range h.also {
		c.also = append(c.also, runningHash{r.algorithm, cloneHash(r.h)})
	}
	return c
}

func cloneHash(h hash.Hash) hash.Hash {
	c, err := h.(hash.Cloner).Clone()
	if err != nil {
		panic(err) //nolint:forbidigo // crypto/sha256 and sha512 document that they always clone
	}
	return c
}

// MarshalBinary implements encoding.BinaryMarshaler: version, length, and the
// state as crypto/sha256 marshals it; with further digests each state after its
// algorithm and length, SHA-256 first.
func (h *HashState) MarshalBinary() ([]byte, error) {
	state, err := h.hash().(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return nil, err
	}
	b := []byte{hashStateVersion}
	if len(h.also) > 0 {
		b[0] = hashStateSeveral
	}
	b = binary.BigEndian.AppendUint64(b, uint64(h.n))
	if len(h.also) == 0 {
		return append(b, state...), nil
	}
	for _, r := range append([]runningHash{{crypto.SHA256, h.hash()}}, h.also...) {
		state, err := r.h.(encoding.BinaryMarshaler).MarshalBinary()
		if err != nil {
			return nil, err
		}
		b = append(b, byte(r.algorithm), byte(len(state)>>8), byte(len(state)))
		b = append(b, state...)
	}
	return b, nil
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (h *HashState) UnmarshalBinary(b []byte) error {
	corrupt := fault.New(fault.Corrupt, "pdf_hash_state", "The stored hash state of the document is not readable.")
	if len(b) < 9 {
		return corrupt
	}
	next := HashState{n: int64(binary.BigEndian.Uint64(b[1:]))}
	if next.n < 0 {
		return corrupt
	}
	switch b[0] {
	case hashStateVersion:
		if err := resume(next.hash(), b[9:]); err != nil {
			return corrupt.Because(err)
		}
	case hashStateSeveral:
		if !next.readSeveral(b[9:]) {
			return corrupt
		}
	default:
		return corrupt
	}
	*h = next
	return nil
}

func resume(h hash.Hash, state []byte) error {
	return h.(encoding.BinaryUnmarshaler).UnmarshalBinary(state)
}

func (h *HashState) readSeveral(b []byte) bool {
	for first := true; len(b) > 0; first = false {
		if len(b) < 3 {
			return false
		}
		a, n := crypto.Hash(b[0]), int(b[1])<<8|int(b[2])
		if b = b[3:]; len(b) < n || first != (a == crypto.SHA256) || !first && (!keptBeside(a) || h.running(a) != nil) {
			return false
		}
		if !first {
			h.also = append(h.also, runningHash{a, a.New()})
		}
		if resume(h.running(a), b[:n]) != nil {
			return false
		}
		b = b[n:]
	}
	return h.h != nil
}

// hashed is the state of a revision with the digest that is asked for. When the
// stored one does not keep it, the document is read once.
func (r Revision) hashed(ctx context.Context, a crypto.Hash) (*HashState, error) {
	state, err := r.hash()
	if err != nil || state.running(a) != nil {
		return state, err
	}
	h := a.New()
	if err := feed(ctx, h, r.Source, 0, r.Size, make([]byte, 256<<10)); err != nil {
		return nil, err
	}
	state.also = append(state.also, runningHash{a, h})
	return state, nil
}
