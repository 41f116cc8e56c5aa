package storagetest

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/storage"
)

var openTests = map[string]func(*testing.T, *world){
	"ready": func(t *testing.T, w *world) {
		require.NoError(t, w.store.Ready(w.ctx))
		w.wire.strike(func(*http.Request) bool { return true }, cutBefore, 0, forever)
		requireCode(t, fault.Unavailable, "storage_unavailable", w.store.Ready(w.ctx))
	},
	"wrong secret": func(t *testing.T, w *world) {
		c := w.config
		c.SecretKey = "not-the-secret"
		_, err := storage.Open(w.ctx, c)
		requireCode(t, fault.Unavailable, "storage_unavailable", err)
		require.NotContains(t, err.Error(), "not-the-secret")
	},
	"missing bucket": func(t *testing.T, w *world) {
		c := w.config
		c.Bucket = "missing-" + string(w.tenant)
		_, err := storage.Open(w.ctx, c)
		requireCode(t, fault.Unavailable, "storage_unavailable", err)
	},
	"create bucket that exists": func(t *testing.T, w *world) {
		c := w.config
		c.CreateBucket = true
		_, err := storage.Open(w.ctx, c)
		require.NoError(t, err)
	},
	"cancelled": func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(w.ctx)
		cancel()
		_, err := w.store.GetUpload(ctx, w.tenant, newDocument(t))
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, fault.Internal, fault.KindOf(err), "the caller's own end is no fault of the store")
	},
	"throttled": func(t *testing.T, w *world) {
		ref := signing.EvidenceRef{Tenant: w.tenant, Collection: newCollection(t), Name: "a"}
		w.wire.strike(isWrite, slowDown, 0, 1)
		requireCode(t, fault.Unavailable, "storage_unavailable", w.store.PutEvidence(w.ctx, ref, []byte("x")))
		w.wire.strike(isWrite, slowDown, 0, 1)
		require.NoError(t, w.open(t, 3).PutEvidence(w.ctx, ref, []byte("x")), "the client asks again by itself")
		require.Equal(t, 1, w.wire.heal())
	},
	"another installation's ring": func(t *testing.T, w *world) {
		spec := newSpec(t, w)
		require.NoError(t, w.store.PutSpec(w.ctx, spec))
		c := w.config
		c.Ring = newRing(t)
		other, err := storage.Open(w.ctx, c)
		require.NoError(t, err)
		_, err = other.GetSpec(w.ctx, w.tenant, spec.ID)
		requireCode(t, fault.Corrupt, "ciphertext_invalid", err)
	},
	"bad ids": func(t *testing.T, w *world) {
		_, err := w.store.GetUpload(w.ctx, w.tenant, "doc_../../secret")
		requireCode(t, fault.Invalid, "id_invalid", err)
		_, err = w.store.GetSpec(w.ctx, "a/b", newCollection(t))
		requireCode(t, fault.Invalid, "id_invalid", err)
		_, err = w.store.GetUpload(w.ctx, w.tenant, signing.DocumentID(newCollection(t)))
		requireCode(t, fault.Invalid, "id_invalid", err)
	},
}
