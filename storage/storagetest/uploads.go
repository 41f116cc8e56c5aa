package storagetest

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

var uploadTests = map[string]func(*testing.T, *world){
	"put and get": func(t *testing.T, w *world) {
		b := random(t, 100_000)
		ref := w.upload(t, b)
		got, err := w.store.GetUpload(w.ctx, w.tenant, ref.Document)
		require.NoError(t, err)
		want := uploadOf(t, ref.Document, b)
		state := want.HashState
		want.HashState = nil
		require.Equal(t, want, got)
		require.Equal(t, b, w.content(t, ref))
		kept, err := w.store.Revision(w.ctx, ref)
		require.NoError(t, err)
		require.Equal(t, state, kept.HashState)
	},
	"unknown, and another tenant's": func(t *testing.T, w *world) {
		_, err := w.store.GetUpload(w.ctx, w.tenant, newDocument(t))
		requireCode(t, fault.NotFound, "document_not_found", err)
		ref := w.upload(t, []byte("x"))
		_, err = w.store.GetUpload(w.ctx, w.tenant+"x", ref.Document)
		requireCode(t, fault.NotFound, "document_not_found", err)
	},
	"again": func(t *testing.T, w *world) {
		b := random(t, 1000)
		u := uploadOf(t, newDocument(t), b)
		require.NoError(t, w.store.PutUpload(w.ctx, w.tenant, u, bytes.NewReader(b)))
		later := u
		later.UploadedAt = at.Add(time.Hour)
		require.NoError(t, w.store.PutUpload(w.ctx, w.tenant, later, bytes.NewReader(b)))
		got, err := w.store.GetUpload(w.ctx, w.tenant, u.ID)
		require.NoError(t, err)
		require.Equal(t, at, got.UploadedAt, "the first record stays")

		other := random(t, 1000)
		err = w.store.PutUpload(w.ctx, w.tenant, uploadOf(t, u.ID, other), bytes.NewReader(other))
		requireCode(t, fault.Corrupt, "stored_differs", err)
		require.Equal(t, b, w.content(t, signing.RevisionRef{Tenant: w.tenant, Document: u.ID}))
	},
	"other bytes after half an upload": func(t *testing.T, w *world) {
		b, other := random(t, 1000), random(t, 1000)
		u := uploadOf(t, newDocument(t), b)
		w.wire.strike(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/upload") }, cutBefore, 0, 1)
		requireCode(t, fault.Unavailable, "storage_unavailable", w.store.PutUpload(w.ctx, w.tenant, u, bytes.NewReader(b)))
		err := w.store.PutUpload(w.ctx, w.tenant, uploadOf(t, u.ID, other), bytes.NewReader(other))
		requireCode(t, fault.Corrupt, "stored_differs", err)
		_, err = w.store.GetUpload(w.ctx, w.tenant, u.ID)
		requireCode(t, fault.NotFound, "document_not_found", err)
		require.NoError(t, w.store.PutUpload(w.ctx, w.tenant, u, bytes.NewReader(b)))
	},
	"not the stated bytes": func(t *testing.T, w *world) {
		b := random(t, 1000)
		u := uploadOf(t, newDocument(t), b)
		changed := bytes.Clone(b)
		changed[500] ^= 1
		requireCode(t, fault.Corrupt, "storage_checksum", w.store.PutUpload(w.ctx, w.tenant, u, bytes.NewReader(changed)))
		requireCode(t, fault.Corrupt, "storage_checksum", w.store.PutUpload(w.ctx, w.tenant, u, bytes.NewReader(b[:999])))
		_, err := w.store.OpenRevision(w.ctx, signing.RevisionRef{Tenant: w.tenant, Document: u.ID})
		requireCode(t, fault.NotFound, "revision_not_found", err)
		require.NoError(t, w.store.PutUpload(w.ctx, w.tenant, u, bytes.NewReader(b)), "the right bytes are still welcome")
	},
	"in parts": func(t *testing.T, w *world) {
		b := bytes.Repeat(random(t, 1<<20), 65)
		u := uploadOf(t, newDocument(t), b)
		u.Digest[0] ^= 1
		requireCode(t, fault.Corrupt, "storage_checksum", w.store.PutUpload(w.ctx, w.tenant, u, bytes.NewReader(b)))
		w.requireNoParts(t)
		u.Digest[0] ^= 1
		require.NoError(t, w.store.PutUpload(w.ctx, w.tenant, u, bytes.NewReader(b)))
		require.Equal(t, u.Digest, signing.DigestOf(w.content(t, signing.RevisionRef{Tenant: w.tenant, Document: u.ID})))

		before := w.wire.carried.Load()
		require.NoError(t, w.store.PutUpload(w.ctx, w.tenant, u, bytes.NewReader(b)))
		require.Less(t, w.wire.carried.Load()-before, int64(10_000), "what is there is not sent again")
	},
	"race of different bytes": func(t *testing.T, w *world) {
		id := newDocument(t)
		bodies := race(racers, func(int) []byte { return random(t, 1000) })
		errs := race(racers, func(i int) error {
			return w.store.PutUpload(w.ctx, w.tenant, uploadOf(t, id, bodies[i]), bytes.NewReader(bodies[i]))
		})
		winner := oneWinner(t, errs, fault.Corrupt, "stored_differs")
		require.Equal(t, bodies[winner], w.content(t, signing.RevisionRef{Tenant: w.tenant, Document: id}))
		kept, err := w.store.Revision(w.ctx, signing.RevisionRef{Tenant: w.tenant, Document: id})
		require.NoError(t, err)
		require.Equal(t, describe(t, bodies[winner]), kept)
	},
	"race of the same bytes": func(t *testing.T, w *world) {
		b := random(t, 1000)
		u := uploadOf(t, newDocument(t), b)
		for _, err := range race(racers, func(int) error { return w.store.PutUpload(w.ctx, w.tenant, u, bytes.NewReader(b)) }) {
			require.NoError(t, err)
		}
	},
	"conflict of writes": func(t *testing.T, w *world) {
		b := random(t, 1000)
		w.wire.strike(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, ".pdf") }, conflict, 0, 1)
		u := uploadOf(t, newDocument(t), b)
		require.NoError(t, w.open(t, 3).PutUpload(w.ctx, w.tenant, u, bytes.NewReader(b)))
		require.Equal(t, 1, w.wire.heal())
	},
}

// oneWinner returns which of the racers had no error; all others must have the fault.
func oneWinner(t *testing.T, errs []error, kind fault.Kind, code string) int {
	t.Helper()
	winner := -1
	for i, err := range errs {
		if err == nil {
			require.Equal(t, -1, winner, "two winners")
			winner = i
			continue
		}
		requireCode(t, kind, code, err)
	}
	require.NotEqual(t, -1, winner, "no winner")
	return winner
}
