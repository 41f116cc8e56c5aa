package storagetest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

func newEvidence(t *testing.T, w *world) signing.EvidenceRef {
	t.Helper()
	return signing.EvidenceRef{Tenant: w.tenant, Collection: newCollection(t), Attempt: newAttempt(t), Name: "answer.json"}
}

var evidenceTests = map[string]func(*testing.T, *world){
	"given": func(t *testing.T, w *world) {
		ref, plain := newEvidence(t, w), []byte("who signed what, in plain words")
		_, err := w.store.GetEvidence(w.ctx, ref)
		requireCode(t, fault.NotFound, "evidence_not_found", err)
		require.NoError(t, w.store.PutEvidence(w.ctx, ref, plain))
		require.NoError(t, w.store.PutEvidence(w.ctx, ref, plain))
		requireCode(t, fault.Corrupt, "stored_differs", w.store.PutEvidence(w.ctx, ref, []byte("else")))
		got, err := w.store.GetEvidence(w.ctx, ref)
		require.NoError(t, err)
		require.Equal(t, plain, got)
		require.False(t, bytes.Contains(w.stored(t, w.key(t, "/answer.json")), plain[:8]), "evidence is encrypted")

		ofCollection := ref
		ofCollection.Attempt = ""
		_, err = w.store.GetEvidence(w.ctx, ofCollection)
		requireCode(t, fault.NotFound, "evidence_not_found", err)
	},
	"made": func(t *testing.T, w *world) {
		ref := newEvidence(t, w)
		kept, adopted, err := w.store.AdoptEvidence(w.ctx, ref, []byte("first"))
		require.NoError(t, err)
		require.False(t, adopted)
		require.Equal(t, "first", string(kept))
		kept, adopted, err = w.store.AdoptEvidence(w.ctx, ref, []byte("second"))
		require.NoError(t, err)
		require.True(t, adopted)
		require.Equal(t, "first", string(kept))
	},
	"returned file": func(t *testing.T, w *world) {
		ref, first := newEvidence(t, w), random(t, 5000)
		ref.Name = "returned.00"
		for _, content := range [][]byte{first, first, random(t, 5000)} {
			kept, err := w.store.KeepReturned(w.ctx, ref, content)
			require.NoError(t, err)
			require.Equal(t, signing.DigestOf(first), kept, "what came first stays")
		}
		require.Equal(t, first, w.stored(t, w.key(t, "/returned.00.pdf")), "as it came")
		_, err := w.store.GetEvidence(w.ctx, ref)
		requireCode(t, fault.NotFound, "evidence_not_found", err)
		ref.Name = "../answer"
		_, err = w.store.KeepReturned(w.ctx, ref, first)
		requireCode(t, fault.Invalid, "id_invalid", err)
	},
	"race": func(t *testing.T, w *world) {
		ref := newEvidence(t, w)
		type result struct {
			kept    string
			adopted bool
			err     error
		}
		results := race(racers, func(i int) result {
			kept, adopted, err := w.store.AdoptEvidence(w.ctx, ref, fmt.Appendf(nil, "answer %d", i))
			return result{string(kept), adopted, err}
		})
		first := 0
		for _, r := range results {
			require.NoError(t, r.err)
			require.Equal(t, results[0].kept, r.kept)
			if !r.adopted {
				first++
			}
		}
		require.Equal(t, 1, first)
	},
	"tampered": func(t *testing.T, w *world) {
		ref := newEvidence(t, w)
		require.NoError(t, w.store.PutEvidence(w.ctx, ref, []byte("evidence")))
		key := w.key(t, "/answer.json")
		sealed := w.stored(t, key)
		for _, i := range []int{5, len(sealed) / 2, len(sealed) - 1} {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1
			w.overwrite(t, key, changed)
			_, err := w.store.GetEvidence(w.ctx, ref)
			requireCode(t, fault.Corrupt, "ciphertext_invalid", err)
			_, _, err = w.store.AdoptEvidence(w.ctx, ref, []byte("evidence"))
			requireCode(t, fault.Corrupt, "ciphertext_invalid", err)
		}
	},
	"changed or cut on the way": func(t *testing.T, w *world) {
		ref := newEvidence(t, w)
		require.NoError(t, w.store.PutEvidence(w.ctx, ref, []byte("evidence")))
		for _, do := range []effect{flip, cutWithin} {
			w.wire.strike(isRead, do, 0, 1)
			got, err := w.store.GetEvidence(w.ctx, ref)
			require.NoError(t, err, "the next try will do")
			require.Equal(t, "evidence", string(got))
			require.Equal(t, 1, w.wire.heal())
		}
		w.wire.strike(isRead, flip, 0, forever)
		_, err := w.store.GetEvidence(w.ctx, ref)
		requireCode(t, fault.Corrupt, "storage_checksum", err)
		w.wire.strike(isRead, cutWithin, 0, forever)
		_, err = w.store.GetEvidence(w.ctx, ref)
		requireCode(t, fault.Unavailable, "storage_unavailable", err)
	},
	"moved": func(t *testing.T, w *world) {
		ref, other := newEvidence(t, w), newEvidence(t, w)
		other.Name = "other.json"
		require.NoError(t, w.store.PutEvidence(w.ctx, ref, []byte("one")))
		require.NoError(t, w.store.PutEvidence(w.ctx, other, []byte("two")))
		w.overwrite(t, w.key(t, "/other.json"), w.stored(t, w.key(t, "/answer.json")))
		_, err := w.store.GetEvidence(w.ctx, other)
		requireCode(t, fault.Corrupt, "ciphertext_invalid", err)
	},
	"names": func(t *testing.T, w *world) {
		for _, name := range []string{"", "..", ".x", "a/b", "A", "å", "a b", string(bytes.Repeat([]byte("a"), 65))} {
			ref := newEvidence(t, w)
			ref.Name = name
			requireCode(t, fault.Invalid, "id_invalid", w.store.PutEvidence(w.ctx, ref, []byte("x")))
		}
	},
}
