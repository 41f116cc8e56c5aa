package cms_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf/cms"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// indefinite writes the constructed elements of DER down to a depth without their
// lengths, as programs do that write as they go.
func indefinite(t testing.TB, der []byte, depth int) []byte {
	in := cryptobyte.String(der)
	var out []byte
	for !in.Empty() {
		var element, content cryptobyte.String
		var tag cbasn1.Tag
		require.True(t, in.ReadAnyASN1Element(&element, &tag))
		if depth == 0 || uint8(tag)&0x20 == 0 {
			out = append(out, element...)
			continue
		}
		require.True(t, element.ReadASN1(&content, tag))
		out = append(out, uint8(tag), 0x80)
		out = append(append(out, indefinite(t, content, depth-1)...), 0, 0)
	}
	return out
}

func TestFramesInBER(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	digest := sha256.Sum256([]byte("document"))
	der := signed(t, w, cms.Content{Digest: digest[:]}, w.Timestamp)
	for depth := 1; depth <= 4; depth++ {
		s, err := cms.Parse(append(indefinite(t, der, depth), 0, 0, 0))
		require.NoError(t, err, depth)
		_, err = s.Verify(nil, digest[:])
		require.NoError(t, err, depth)
		require.Len(t, s.Timestamps(), 1)
	}
	// A string in pieces: the content of a timestamp token.
	token, err := w.Token(w.Stamp, digest[:], nil)
	require.NoError(t, err)
	s, err := cms.Parse(token)
	require.NoError(t, err)
	whole := octets(t, 0x04, s.Content)
	half := len(s.Content) / 2
	pieces := append([]byte{0x24, 0x80}, octets(t, 0x04, s.Content[:half])...)
	pieces = append(append(pieces, octets(t, 0x04, s.Content[half:])...), 0, 0)
	parts := bytes.Split(indefinite(t, token, 5), whole)
	require.Len(t, parts, 2)
	_, err = cms.VerifyTokenDigest(bytes.Join(parts, pieces), digest[:])
	require.NoError(t, err)
	for _, b := range [][]byte{{0x30, 0x80}, {0x30, 0x80, 0x24, 0x80, 0, 0}, bytes.Repeat([]byte{0x30, 0x80}, 100)} {
		_, err := cms.Parse(b)
		require.Equal(t, cms.CodeMalformed, fault.CodeOf(err))
	}
}

func octets(t testing.TB, tag uint8, content []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.Tag(tag), func(b *cryptobyte.Builder) { b.AddBytes(content) })
	der, err := b.Bytes()
	require.NoError(t, err)
	return der
}

// Every timestamp is told, so that none can hide behind another.
func TestEveryTimestampIsTold(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	digest := sha256.Sum256(nil)
	one := signed(t, w, cms.Content{Digest: digest[:]}, w.Timestamp)
	s, err := cms.Parse(one)
	require.NoError(t, err)
	token := s.Timestamps()[0]
	oid, err := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 14})
	require.NoError(t, err)
	attribute := octets(t, 0x30, append(bytes.Clone(oid), octets(t, 0x31, token)...))
	two := octets(t, 0x30, append(bytes.Clone(oid), octets(t, 0x31, append(bytes.Clone(token), token...))...))
	require.Equal(t, 1, bytes.Count(one, attribute))
	for name, unsigned := range map[string][]byte{"attributes": append(bytes.Clone(attribute), attribute...), "values": two} {
		b := rebuilt(t, one, attribute, unsigned)
		s, err := cms.Parse(b)
		require.NoError(t, err, name)
		require.Len(t, s.Timestamps(), 2, name)
		_, err = s.Verify(nil, digest[:])
		require.NoError(t, err, name)
	}
}

// rebuilt replaces bytes somewhere in nested DER and mends the lengths around them.
func rebuilt(t testing.TB, der, old, fresh []byte) []byte {
	if bytes.Equal(der, old) {
		return fresh
	}
	in := cryptobyte.String(der)
	var out []byte
	for !in.Empty() {
		var element, content cryptobyte.String
		var tag cbasn1.Tag
		require.True(t, in.ReadAnyASN1Element(&element, &tag))
		switch {
		case bytes.Equal(element, old):
			out = append(out, fresh...)
		case uint8(tag)&0x20 != 0 && bytes.Contains(element, old):
			whole := element
			require.True(t, whole.ReadASN1(&content, tag))
			out = append(out, octets(t, uint8(tag), rebuilt(t, content, old, fresh))...)
		default:
			out = append(out, element...)
		}
	}
	return out
}

// What programs of the older kind put among the signed attributes is found.
func TestArchivedRevocation(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	digest := sha256.Sum256(nil)
	list, response := w.CRL(t, nil), w.OCSP(t, w.Seal.Cert, w.Root, nil)
	der := signed(t, w, cms.Content{Digest: digest[:]}, nil)
	s, err := cms.Parse(der)
	require.NoError(t, err)
	certificates := octets(t, 0xa0, bytes.Join(s.Certificates, nil))
	oid, err := asn1.Marshal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 16, 2})
	require.NoError(t, err)
	carried := octets(t, 0xa1, append(bytes.Clone(list), octets(t, 0xa1, append(oid, response...))...))
	s, err = cms.Parse(rebuilt(t, der, certificates, append(bytes.Clone(certificates), carried...)))
	require.NoError(t, err)
	ocsp, crls := s.Revocation()
	require.Equal(t, [][]byte{response}, ocsp)
	require.Equal(t, [][]byte{list}, crls)
}
