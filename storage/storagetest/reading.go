package storagetest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/handslag/handslag/fault"
)

var readingTests = map[string]func(*testing.T, *world){
	"any range": func(t *testing.T, w *world) {
		b := random(t, 3<<20+12345)
		o, err := w.store.OpenRevision(w.ctx, w.upload(t, b))
		require.NoError(t, err)
		model := bytes.NewReader(b)
		rapid.Check(t, func(t *rapid.T) {
			off := rapid.Int64Range(0, int64(len(b))+10).Draw(t, "offset")
			length := rapid.OneOf(rapid.IntRange(0, 3000), rapid.IntRange(0, 2<<20)).Draw(t, "length")
			got, want := make([]byte, length), make([]byte, length)
			n, err := o.ReadAt(got, off)
			m, wantErr := model.ReadAt(want, off)
			if m != n || errors.Is(err, io.EOF) != errors.Is(wantErr, io.EOF) || err != nil && !errors.Is(err, io.EOF) || !bytes.Equal(got, want) {
				t.Fatalf("ReadAt(%d bytes, %d): %d %v, want %d %v", length, off, n, err, m, wantErr)
			}
		})
		_, err = o.ReadAt(make([]byte, 1), -1)
		require.Error(t, err)
	},
	"as a reader": func(t *testing.T, w *world) {
		b := random(t, 20_000)
		o, err := w.store.OpenRevision(w.ctx, w.upload(t, b))
		require.NoError(t, err)
		require.NoError(t, iotest.TestReader(io.NewSectionReader(o, 0, o.Size()), b))
	},
	"empty": func(t *testing.T, w *world) {
		ref := w.upload(t, nil)
		require.Empty(t, w.content(t, ref))
		o, err := w.store.OpenRevision(w.ctx, ref)
		require.NoError(t, err)
		_, err = o.ReadAt(make([]byte, 1), 0)
		require.Equal(t, io.EOF, err)
	},
	"at once": func(t *testing.T, w *world) {
		b := random(t, 2<<20)
		o, err := w.store.OpenRevision(w.ctx, w.upload(t, b))
		require.NoError(t, err)
		for _, sum := range race(8, func(int) [32]byte {
			h := sha256.New()
			_, _ = io.CopyBuffer(struct{ io.Writer }{h}, io.NewSectionReader(o, 0, o.Size()), make([]byte, 7777))
			return [32]byte(h.Sum(nil))
		}) {
			require.Equal(t, sha256.Sum256(b), sum)
		}
	},
	"small reads are not requests": func(t *testing.T, w *world) {
		b := random(t, 1<<20)
		o, err := w.store.OpenRevision(w.ctx, w.upload(t, b))
		require.NoError(t, err)
		before := w.wire.carried.Load()
		_, err = o.ReadAt(make([]byte, 10), 700_000)
		require.NoError(t, err)
		require.Less(t, w.wire.carried.Load()-before, int64(300_000), "a read somewhere does not fetch what follows")
		for off := int64(0); off < o.Size(); off += 100 {
			_, err := o.ReadAt(make([]byte, 10), off)
			require.NoError(t, err)
		}
		require.Less(t, w.wire.carried.Load()-before, int64(len(b)+300_000), "hardly a byte came twice")
	},
	"broken connections": func(t *testing.T, w *world) {
		b := random(t, 1<<20)
		ref := w.upload(t, b)
		o, err := w.store.OpenRevision(w.ctx, ref)
		require.NoError(t, err)
		w.wire.strike(isRead, cutWithin, 0, 1)
		got := make([]byte, len(b))
		_, err = o.ReadAt(got, 0)
		require.NoError(t, err)
		require.Equal(t, b, got)
		require.Equal(t, 1, w.wire.heal())

		w.wire.strike(isRead, cutWithin, 0, 4)
		require.Equal(t, b, w.content(t, ref))
		require.Equal(t, 4, w.wire.heal())

		fresh, err := w.store.OpenRevision(w.ctx, ref)
		require.NoError(t, err)
		w.wire.strike(isRead, cutBefore, 0, forever)
		_, err = fresh.ReadAt(got, 0)
		requireCode(t, fault.Unavailable, "storage_unavailable", err)
	},
	"changed while open": func(t *testing.T, w *world) {
		b := random(t, 1000)
		o, err := w.store.OpenRevision(w.ctx, w.upload(t, b))
		require.NoError(t, err)
		w.overwrite(t, w.key(t, "/r0000.pdf"), random(t, 1000))
		_, err = o.ReadAt(make([]byte, 10), 0)
		requireCode(t, fault.Corrupt, "object_changed", err)
		_, err = o.NewReader(w.ctx)
		requireCode(t, fault.Corrupt, "object_changed", err)
	},
}
