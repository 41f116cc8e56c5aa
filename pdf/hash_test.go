package pdf_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/elliptic"
	"crypto/sha256"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

func TestHashStateResumes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		head, tail := rapid.SliceOf(rapid.Byte()).Draw(t, "head"), rapid.SliceOf(rapid.Byte()).Draw(t, "tail")
		var h, resumed pdf.HashState
		h.Write(head)
		b, err := h.MarshalBinary()
		require.NoError(t, err)
		require.NoError(t, resumed.UnmarshalBinary(b))
		require.Equal(t, h.Sum(), resumed.Sum())
		branch := resumed.Clone()
		branch.Write(tail)
		require.Equal(t, sha256.Sum256(append(head, tail...)), branch.Sum())
		require.Equal(t, int64(len(head)+len(tail)), branch.Len())
		require.Equal(t, h.Sum(), resumed.Sum(), "a clone leaves its origin alone")
	})
}

func TestHashStateRefusesDamage(t *testing.T) {
	var h pdf.HashState
	good, err := h.MarshalBinary()
	require.NoError(t, err)
	for _, b := range [][]byte{nil, good[:8], good[:20], append([]byte{9}, good[1:]...)} {
		require.Equal(t, fault.Corrupt, fault.KindOf(h.UnmarshalBinary(b)))
	}
}

func TestHashStateKeepsFurtherDigests(t *testing.T) {
	h := pdf.NewHashState(crypto.SHA384, crypto.SHA512, crypto.SHA384, crypto.SHA256, crypto.MD5)
	h.Write([]byte("document"))
	b, err := h.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, byte(2), b[0])
	var resumed pdf.HashState
	require.NoError(t, resumed.UnmarshalBinary(b))
	again, err := resumed.Clone().MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, b, again)
	require.Equal(t, sha256.Sum256([]byte("document")), resumed.Sum())

	var plain pdf.HashState
	plain.Write([]byte("document"))
	b1, err := plain.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, byte(1), b1[0], "what was stored so far is still written")

	twice := append(append([]byte{}, b...), b[9:]...)
	headless := append(append([]byte{}, b[:9]...), b[9+3+108:]...)
	for _, bad := range [][]byte{b[:9], b[:11], b[:len(b)-1], append(b, 0), twice, headless} {
		require.Equal(t, fault.Corrupt, fault.KindOf(new(pdf.HashState).UnmarshalBinary(bad)))
	}
}

func TestSealReadsTheDocumentOnlyForADigestThatWasNotKept(t *testing.T) {
	in := large(4 << 20)
	w := pdftest.NewWorld(t, pdftest.ECDSA(t, elliptic.P384()))
	for name, c := range map[string]struct {
		state *pdf.HashState
		reads bool
	}{"kept": {pdf.NewHashState(crypto.SHA384), false}, "not kept": {&pdf.HashState{}, true}} {
		t.Run(name, func(t *testing.T) {
			c.state.Write(in)
			src := &counting{ReaderAt: bytes.NewReader(in)}
			tail, err := pdf.Seal(context.Background(), pdf.Revision{Source: src, Size: int64(len(in)), Hash: c.state}, options(w))
			require.NoError(t, err)
			require.Equal(t, c.reads, src.bytes > int64(len(in)), "%d bytes read", src.bytes)
			require.Equal(t, pdf.TotalPassed, verify(t, w, append(bytes.Clone(in), tail...)).Indication)
		})
	}
}
