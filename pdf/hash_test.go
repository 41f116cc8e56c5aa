package pdf_test

import (
	"crypto/sha256"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
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
