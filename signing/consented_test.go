package signing_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/signing"
)

func consentRecord() signing.ConsentRecord {
	return signing.ConsentRecord{
		Version: signing.ConsentVersion, Collection: "col_0000000000000000000000000a",
		Participant: "par_0000000000000000000000000a", Attempt: "att_0000000000000000000000000a",
		Locale: signing.LocaleSV, Text: "Jag & <du>", Manifest: signing.DigestOf([]byte("m")),
		Identification: signing.Identification{Provider: "qrona", At: time.Unix(1_800_000_000, 0), Answer: signing.DigestOf([]byte("a"))},
		At:             time.Unix(1_800_000_100, 5),
	}
}

func TestConsentRecord(t *testing.T) {
	b, err := consentRecord().Encode()
	require.NoError(t, err)
	r, err := signing.ParseConsent(b)
	require.NoError(t, err)
	require.Equal(t, signing.Private("Jag & <du>"), r.Text)
	for name, change := range map[string]func(*signing.ConsentRecord){
		"version":        func(r *signing.ConsentRecord) { r.Version = "handslag-consent-2" },
		"collection":     func(r *signing.ConsentRecord) { r.Collection = "col_x" },
		"participant":    func(r *signing.ConsentRecord) { r.Participant = "" },
		"attempt":        func(r *signing.ConsentRecord) { r.Attempt = "" },
		"locale":         func(r *signing.ConsentRecord) { r.Locale = "fi" },
		"text":           func(r *signing.ConsentRecord) { r.Text = "" },
		"manifest":       func(r *signing.ConsentRecord) { r.Manifest = signing.Digest{} },
		"identification": func(r *signing.ConsentRecord) { r.Identification = signing.Identification{} },
		"time":           func(r *signing.ConsentRecord) { r.At = time.Time{} },
	} {
		r := consentRecord()
		change(&r)
		b, err := r.Encode()
		require.NoError(t, err)
		_, err = signing.ParseConsent(b)
		require.Error(t, err, name)
	}
}

// FuzzParseConsent: whatever is read is written again as it was.
func FuzzParseConsent(f *testing.F) {
	b, err := consentRecord().Encode()
	require.NoError(f, err)
	f.Add(b)
	f.Add(append(bytes.Clone(b), ' '))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := signing.ParseConsent(b)
		if err != nil {
			return
		}
		again, err := r.Encode()
		require.NoError(t, err)
		require.Equal(t, b, again)
	})
}

// TestConsentText: it names every document and never calls itself a signature.
func TestConsentText(t *testing.T) {
	s := signing.Spec{ID: "col_0000000000000000000000000a", Documents: []signing.Document{
		{Title: "Avtal", Digest: signing.DigestOf([]byte("1"))}, {Title: "Bilaga", Digest: signing.DigestOf([]byte("2"))},
	}}
	for locale, says := range map[signing.Locale][]string{
		signing.LocaleSV: {"ingen underskrift", "de 2 dokumenten"},
		signing.LocaleNB: {"ingen signatur", "de 2 dokumentene"},
		signing.LocaleEN: {"not a signature", "the 2 documents"},
	} {
		text := s.ConsentText(locale).Reveal()
		for _, want := range append(says, "1: Avtal\n", "2: Bilaga\n", s.Documents[1].Digest.String(), string(s.ID)) {
			require.Contains(t, text, want)
		}
		one := s
		one.Documents = s.Documents[:1]
		require.NotContains(t, one.ConsentText(locale).Reveal(), "%!")
		require.NotContains(t, one.ConsentText(locale).Reveal(), "Bilaga")
	}
}

// TestManifestListsThoseWhoAct: who goes through a process of the provider's own
// signs nothing of ours, and nothing of ours waits for their signature.
func TestManifestListsThoseWhoAct(t *testing.T) {
	s := signing.Spec{Participants: []signing.Participant{
		{ID: "par_a", Method: signing.MethodBankIDSE},
		{ID: "par_b", Method: signing.MethodBankIDSEProcess},
		{ID: "par_c", Method: signing.MethodBankIDSEIdentify},
		{ID: "par_d", Method: signing.MethodNBIDPKI},
	}}
	require.Equal(t, []signing.ParticipantID{"par_a", "par_c", "par_d"}, s.Manifest("par_a").Participants)
}
