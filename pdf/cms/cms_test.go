package cms_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf/cms"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

func signed(t testing.TB, w *pdftest.World, content cms.Content, stamp cms.TimestampFunc) []byte {
	der, err := cms.Sign(context.Background(), cms.Signer{Key: w.Seal.Key, Chain: w.Seal.Chain(), Rand: rand.Reader}, content, stamp)
	require.NoError(t, err)
	return der
}

func TestSignAndVerify(t *testing.T) {
	digest := sha256.Sum256([]byte("document"))
	for name, key := range map[string]crypto.Signer{"rsa": pdftest.RSA(t, 2048), "ecdsa": pdftest.P256(t)} {
		t.Run(name, func(t *testing.T) {
			w := pdftest.NewWorld(t, key)
			s, err := cms.Parse(append(signed(t, w, cms.Content{Digest: digest[:]}, w.Timestamp), 0, 0, 0))
			require.NoError(t, err)
			require.Equal(t, crypto.SHA256, s.Digest())
			require.False(t, s.HasSigningTime())
			require.Nil(t, s.Content)
			leaf, err := s.Verify(nil, digest[:])
			require.NoError(t, err)
			require.Equal(t, w.Seal.Cert.Raw, leaf.Raw)
			chain, err := s.Chain(leaf, w.Pool(), w.Now, x509.ExtKeyUsageAny)
			require.NoError(t, err)
			require.Len(t, chain, 2)

			token, err := cms.VerifyToken(s.Timestamps()[0], s.Signature())
			require.NoError(t, err)
			require.Equal(t, w.Now, token.Time)
			require.NoError(t, token.Chain(w.Pool()))

			_, err = s.Verify(nil, make([]byte, 32))
			require.Equal(t, cms.CodeDigest, fault.CodeOf(err))
			_, err = s.Verify(asn1.ObjectIdentifier{1, 2, 3}, digest[:])
			require.Equal(t, cms.CodeMalformed, fault.CodeOf(err))
			_, err = cms.VerifyToken(s.Timestamps()[0], []byte("another signature"))
			require.Equal(t, cms.CodeImprint, fault.CodeOf(err))
		})
	}
}

// The order of the certificates is that of DER, whatever that of the chain.
func TestSignatureIsDER(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	digest := sha256.Sum256(nil)
	for _, chain := range [][]*x509.Certificate{{w.Seal.Cert, w.Root.Cert, w.Stamp.Cert}, {w.Seal.Cert, w.Stamp.Cert, w.Root.Cert}} {
		der, err := cms.Sign(context.Background(), cms.Signer{Key: w.Seal.Key, Chain: chain, Rand: rand.Reader}, cms.Content{Digest: digest[:]}, nil)
		require.NoError(t, err)
		s, err := cms.Parse(der)
		require.NoError(t, err)
		require.Len(t, s.Certificates, 3)
		require.True(t, slices.IsSortedFunc(s.Certificates, slices.Compare))
		leaf, err := s.Verify(nil, digest[:])
		require.NoError(t, err)
		require.Equal(t, w.Seal.Cert.Raw, leaf.Raw)
	}
}

func TestCertificateIsBound(t *testing.T) {
	// Another certificate for the same key, with the same issuer: without the
	// binding attribute it would do as well.
	w := pdftest.NewWorld(t, pdftest.P256(t))
	other := w.Issue(t, w.Seal.Key, "Someone else", func(c *x509.Certificate) { c.SerialNumber = w.Seal.Cert.SerialNumber })
	digest := sha256.Sum256(nil)
	der := signed(t, w, cms.Content{Digest: digest[:]}, nil)
	s, err := cms.Parse(der)
	require.NoError(t, err)
	s.Certificates = [][]byte{other.Cert.Raw}
	_, err = s.Verify(nil, digest[:])
	require.Equal(t, cms.CodeCertBound, fault.CodeOf(err))
	s.Certificates = nil
	_, err = s.Verify(nil, digest[:])
	require.Equal(t, cms.CodeNoCert, fault.CodeOf(err))
	// One that does not even parse is passed over when nobody needs it.
	s.Certificates = [][]byte{{0x30, 3, 1, 1, 0xff}, w.Seal.Cert.Raw}
	_, err = s.Verify(nil, digest[:])
	require.NoError(t, err)
}

func TestParseRefuses(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	good := signed(t, w, cms.Content{Digest: make([]byte, sha256.Size)}, nil)
	for name, der := range map[string][]byte{
		"empty": nil, "zeros": make([]byte, 64), "cut": good[:len(good)-1], "bytes after": append(append([]byte{}, good...), 0, 1),
		"certificate alone": w.Seal.Cert.Raw,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := cms.Parse(der)
			require.Equal(t, cms.CodeMalformed, fault.CodeOf(err))
		})
	}
}

// No change of one byte leaves a signature valid by another certificate or over
// another digest.
func TestNoByteChangesTheMeaning(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	digest := sha256.Sum256([]byte("document"))
	der := signed(t, w, cms.Content{Digest: digest[:]}, nil)
	rapid.Check(t, func(rt *rapid.T) {
		b := append([]byte{}, der...)
		at := rapid.IntRange(0, len(b)-1).Draw(rt, "at")
		b[at] ^= byte(rapid.IntRange(1, 255).Draw(rt, "bits"))
		s, err := cms.Parse(b)
		if err != nil {
			return
		}
		if leaf, err := s.Verify(nil, digest[:]); err == nil {
			require.Equal(rt, w.Seal.Cert.Raw, leaf.Raw, "byte %d", at)
		}
	})
}

func FuzzParse(f *testing.F) {
	w := pdftest.NewWorld(f, pdftest.P256(f))
	f.Add(signed(f, w, cms.Content{Digest: make([]byte, sha256.Size)}, w.Timestamp))
	token, err := w.Token(w.Stamp, make([]byte, 32), nil)
	require.NoError(f, err)
	f.Add(token)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := cms.Parse(b)
		if err != nil {
			return
		}
		s.Verify(nil, make([]byte, 32))
		cms.VerifyToken(b, make([]byte, 32))
		cms.VerifyTokenDigest(b, make([]byte, 32))
	})
}
