package storagetest

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/storage"
)

const large = 6 << 20 // over the 5 MiB from which the store copies by itself

// next returns a reference to revision n of the collection.
func next(ref signing.RevisionRef, c signing.CollectionID, n int) signing.RevisionRef {
	ref.Collection, ref.Revision = c, n
	return ref
}

var revisionTests = map[string]func(*testing.T, *world){
	"small": func(t *testing.T, w *world) { continues(t, w, 1000) },
	"large": func(t *testing.T, w *world) { continues(t, w, large) },
	"large prefix never leaves the store": func(t *testing.T, w *world) {
		b, tail := random(t, large), random(t, 5000)
		from := w.upload(t, b)
		before := w.wire.carried.Load()
		ref := next(from, newCollection(t), 1)
		require.NoError(t, w.store.PutRevision(w.ctx, ref, from, tail, describe(t, append(b, tail...))))
		carried := w.wire.carried.Load() - before
		require.Greater(t, carried, int64(len(tail)))
		require.Less(t, carried, int64(len(tail)+20_000))
	},
	"length": func(t *testing.T, w *world) {
		b := random(t, 1000)
		from := w.upload(t, b)
		made := describe(t, append(b, 'x'))
		made.Length++
		err := w.store.PutRevision(w.ctx, next(from, newCollection(t), 1), from, []byte("x"), made)
		requireCode(t, fault.Corrupt, "storage_checksum", err)
	},
	"digest of a small one": func(t *testing.T, w *world) {
		b := random(t, 1000)
		from := w.upload(t, b)
		ref := next(from, newCollection(t), 1)
		err := w.store.PutRevision(w.ctx, ref, from, []byte("x"), describe(t, append(b, 'y')))
		requireCode(t, fault.Corrupt, "storage_checksum", err)
		_, err = w.store.Revision(w.ctx, ref)
		requireCode(t, fault.NotFound, "revision_not_found", err)
	},
	"no source": func(t *testing.T, w *world) {
		from := signing.RevisionRef{Tenant: w.tenant, Document: newDocument(t)}
		err := w.store.PutRevision(w.ctx, next(from, newCollection(t), 1), from, []byte("x"), describe(t, []byte("x")))
		requireCode(t, fault.NotFound, "revision_not_found", err)
	},
	"race small":                func(t *testing.T, w *world) { raceRevisions(t, w, 1000, racers) },
	"race large":                func(t *testing.T, w *world) { raceRevisions(t, w, large, 6) },
	"conflict of writes, small": func(t *testing.T, w *world) { conflictOfWrites(t, w, 1000) },
	"conflict of writes, large": func(t *testing.T, w *world) { conflictOfWrites(t, w, large) },
	"evidence PDF": func(t *testing.T, w *world) {
		ref, b := newEvidencePDF(t, w), random(t, 3000)
		require.NoError(t, w.store.PutEvidencePDF(w.ctx, ref, b, describe(t, b)))
		require.Equal(t, b, w.content(t, ref))
		got, err := w.store.Revision(w.ctx, ref)
		require.NoError(t, err)
		require.Equal(t, describe(t, b), got)
		require.NoError(t, w.store.PutEvidencePDF(w.ctx, ref, b, describe(t, b)), "the very same again")
		err = w.store.PutEvidencePDF(w.ctx, ref, []byte("other"), describe(t, []byte("other")))
		require.ErrorIs(t, err, storage.ErrRevisionExists)
		result := ref
		result.Evidence = false
		_, err = w.store.Revision(w.ctx, result)
		requireCode(t, fault.NotFound, "revision_not_found", err)

		renewed, tail := next(ref, ref.Collection, 1), random(t, 500)
		require.NoError(t, w.store.PutRevision(w.ctx, renewed, ref, tail, describe(t, append(b, tail...))), "it has revisions too")
		require.Equal(t, append(b, tail...), w.content(t, renewed))
	},
	"evidence PDF refuses": func(t *testing.T, w *world) {
		ref, b := newEvidencePDF(t, w), random(t, 100)
		requireCode(t, fault.Corrupt, "storage_checksum", w.store.PutEvidencePDF(w.ctx, ref, b[1:], describe(t, b)))
		requireCode(t, fault.Corrupt, "storage_checksum", w.store.PutEvidencePDF(w.ctx, ref, append([]byte{b[0] ^ 1}, b[1:]...), describe(t, b)))
		_, err := w.store.Revision(w.ctx, ref)
		requireCode(t, fault.NotFound, "revision_not_found", err)
		upload := w.upload(t, b)
		require.Error(t, w.store.PutEvidencePDF(w.ctx, upload, b, describe(t, b)), "an upload is no evidence PDF")
	},
	"race for an evidence PDF": func(t *testing.T, w *world) {
		ref := newEvidencePDF(t, w)
		tries := make([][]byte, racers)
		made := make([]signing.Revision, racers)
		for i := range tries {
			tries[i] = random(t, 1000)
			made[i] = describe(t, tries[i])
		}
		errs := race(racers, func(i int) error { return w.store.PutEvidencePDF(w.ctx, ref, tries[i], made[i]) })
		winner := oneWinner(t, errs, fault.Conflict, "revision_exists")
		require.Equal(t, tries[winner], w.content(t, ref))
	},
	"tampered hash state": func(t *testing.T, w *world) {
		ref := w.upload(t, random(t, 1000))
		key := w.key(t, ".state")
		state := w.stored(t, key)
		for name, changed := range map[string][]byte{
			"changed": append(bytes.Clone(state[:len(state)-1]), state[len(state)-1]^1),
			"mac":     append([]byte{state[0] ^ 1}, state[1:]...),
			"cut":     state[:10],
			"empty":   nil,
		} {
			w.overwrite(t, key, changed)
			_, err := w.store.Revision(w.ctx, ref)
			requireCode(t, fault.Corrupt, "hash_state_invalid", err)
			require.NotContains(t, err.Error(), "panic", name)
		}
		w.overwrite(t, key, state)
		_, err := w.store.Revision(w.ctx, ref)
		require.NoError(t, err)
	},
	"hash state of another document": func(t *testing.T, w *world) {
		b := random(t, 1000)
		one, two := w.upload(t, b), w.upload(t, b) // the same bytes: only the key tells them apart
		prefix := "t/" + string(w.tenant) + "/d/"
		ending := "/r0000." + signing.DigestOf(b).String() + ".state"
		w.overwrite(t, prefix+string(one.Document)+ending, w.stored(t, prefix+string(two.Document)+ending))
		_, err := w.store.Revision(w.ctx, one)
		requireCode(t, fault.Corrupt, "hash_state_invalid", err)
	},
}

// newEvidencePDF names the evidence PDF of a document.
func newEvidencePDF(t *testing.T, w *world) signing.RevisionRef {
	t.Helper()
	return signing.RevisionRef{Tenant: w.tenant, Collection: newCollection(t), Document: newDocument(t), Evidence: true}
}

// continues makes two revisions, each of the one before.
func continues(t *testing.T, w *world, length int) {
	b := random(t, length)
	from, collection := w.upload(t, b), newCollection(t)
	for n := 1; n <= 2; n++ {
		tail := random(t, 3000)
		b = append(b, tail...)
		ref, made := next(from, collection, n), describe(t, b)
		require.NoError(t, w.store.PutRevision(w.ctx, ref, from, tail, made))
		require.Equal(t, signing.DigestOf(b), signing.DigestOf(w.content(t, ref)))
		got, err := w.store.Revision(w.ctx, ref)
		require.NoError(t, err)
		require.Equal(t, made, got)

		require.NoError(t, w.store.PutRevision(w.ctx, ref, from, tail, made), "the very same again")
		other := random(t, 3000)
		err = w.store.PutRevision(w.ctx, ref, from, other, describe(t, append(b[:len(b)-3000:len(b)-3000], other...)))
		requireCode(t, fault.Conflict, "revision_exists", err)
		require.ErrorIs(t, err, storage.ErrRevisionExists)
		from = ref
	}
}

func raceRevisions(t *testing.T, w *world, length, n int) {
	b := random(t, length)
	from, collection := w.upload(t, b), newCollection(t)
	ref := next(from, collection, 1)
	type try struct {
		tail []byte
		made signing.Revision
	}
	tries := make([]try, n)
	for i := range tries {
		tail := random(t, 2000)
		tries[i] = try{tail, describe(t, append(b[:length:length], tail...))}
	}
	errs := race(n, func(i int) error { return w.store.PutRevision(w.ctx, ref, from, tries[i].tail, tries[i].made) })
	winner := oneWinner(t, errs, fault.Conflict, "revision_exists")
	got, err := w.store.Revision(w.ctx, ref)
	require.NoError(t, err)
	require.Equal(t, tries[winner].made, got)
	require.Equal(t, got.Digest, signing.DigestOf(w.content(t, ref)))
	w.requireNoParts(t)
}

// requireNoParts checks that no parts of the tenant's objects were left behind.
func (w *world) requireNoParts(t *testing.T) {
	t.Helper()
	prefix := "t/" + string(w.tenant) + "/"
	out, err := w.raw.ListMultipartUploads(w.ctx, &s3.ListMultipartUploadsInput{Bucket: &w.bucket, Prefix: &prefix})
	require.NoError(t, err)
	require.Empty(t, out.Uploads)
}

func conflictOfWrites(t *testing.T, w *world, length int) {
	b := random(t, length)
	from := w.upload(t, b)
	ref := next(from, newCollection(t), 1)
	made := describe(t, append(b, 'x'))
	final := func(r *http.Request) bool { // the request that makes the object appear
		return r.Header.Get("If-None-Match") != "" && strings.HasSuffix(r.URL.Path, ".pdf")
	}
	w.wire.strike(final, conflict, 0, 1)
	require.NoError(t, w.open(t, 3).PutRevision(w.ctx, ref, from, []byte("x"), made))
	require.Equal(t, 1, w.wire.heal())
	require.Equal(t, made.Digest, signing.DigestOf(w.content(t, ref)))
	w.requireNoParts(t)
}
