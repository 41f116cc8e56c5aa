package signing_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/signing"
)

// maxIdentificationText is what BankID takes of a text to identify with, in
// characters of base64.
const maxIdentificationText = 1_500

func TestIdentificationText(t *testing.T) {
	s := spec(t)
	require.Equal(t, "Jag legitimerar mig för att sedan ta ställning till 2 dokument.\n\nDet här är ingen underskrift.\n\n"+
		"Ärende: col_0000000000000000000000000a\n", s.IdentificationText(signing.LocaleSV).Reveal())
	for range signing.MaxDocuments {
		s.Documents = append(s.Documents, signing.Document{Title: signing.Private(strings.Repeat("x", signing.MaxTitle))})
	}
	for _, l := range []signing.Locale{signing.LocaleSV, signing.LocaleNB, signing.LocaleEN} {
		text := s.IdentificationText(l).Reveal()
		require.LessOrEqual(t, base64.StdEncoding.EncodedLen(len(text)), maxIdentificationText)
		require.Contains(t, text, string(s.ID))
		require.NotContains(t, text, "*")
		require.NotContains(t, text, "#")
		s.Documents = s.Documents[:1]
		require.NotContains(t, s.IdentificationText(l).Reveal(), "%")
	}
}

func TestIdentificationData(t *testing.T) {
	m, err := spec(t).Manifest(par1).Encode()
	require.NoError(t, err)
	data := signing.IdentificationData(m)
	require.Equal(t, "handslag-identification-1;manifest-sha256="+signing.DigestOf(m).String(), string(data))
	require.LessOrEqual(t, base64.StdEncoding.EncodedLen(len(data)), maxIdentificationText)
	_, err = signing.ParseManifest(data)
	require.Error(t, err, "what an identification carries must never be read as a manifest")
	require.NotEqual(t, data, signing.IdentificationData(append(m, ' ')))
	require.Nil(t, signing.IdentificationData(nil))
}
