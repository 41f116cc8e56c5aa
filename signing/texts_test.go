package signing_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/signing"
)

func TestVisibleText(t *testing.T) {
	s := spec(t)
	require.Equal(t, `# Underskrift

Jag har läst de 2 dokumenten nedan och skriver under dem.

+ Dokument 1: Hyresavtal
+ SHA-256: `+s.Documents[0].Digest.String()+`

+ Dokument 2: Bilaga 1
+ SHA-256: `+s.Documents[1].Digest.String()+`

Ärende: col_0000000000000000000000000a
`, s.VisibleText(signing.LocaleSV).Reveal())
	require.Contains(t, s.VisibleText(signing.LocaleNB).Reveal(), "Jeg har lest")
	require.Contains(t, s.VisibleText(signing.LocaleEN).Reveal(), "I have read")
}

func TestTextsFitBankID(t *testing.T) {
	s := spec(t)
	s.Documents = nil
	for range signing.MaxDocuments {
		s.Documents = append(s.Documents, signing.Document{
			ID: "doc_0000000000000000000000000a", Title: signing.Private(strings.Repeat("\U0001F91D", signing.MaxTitle)), Length: 1 << 40,
		})
	}
	for _, l := range []signing.Locale{signing.LocaleSV, signing.LocaleNB, signing.LocaleEN} {
		require.LessOrEqual(t, base64.StdEncoding.EncodedLen(len(s.VisibleText(l).Reveal())), 40_000)
	}
	m, err := s.Manifest(par1).Encode()
	require.NoError(t, err)
	require.LessOrEqual(t, base64.StdEncoding.EncodedLen(len(m)), 200_000)
}

// FuzzTitles: no title changes another line of the text, and none is markup.
func FuzzTitles(f *testing.F) {
	for _, s := range []string{"Avtal", "a\n# b", "*x*", "| a | b |\n|---|---|", "+ - `c` [l](u)", "\u2028x\u0085y", "<b>&amp;", "---", "a\\\nb"} {
		f.Add(s, "Bilaga")
		f.Add("Bilaga", s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		first, errA := signing.NormaliseTitle(a)
		second, errB := signing.NormaliseTitle(b)
		if errA != nil || errB != nil {
			return
		}
		again, err := signing.NormaliseTitle(first.Reveal())
		require.NoError(t, err)
		require.Equal(t, first, again, "normalising twice is the same as once")

		s := spec(t)
		plain := strings.Split(s.VisibleText(signing.LocaleSV).Reveal(), "\n")
		s.Documents[0].Title, s.Documents[1].Title = first, second
		lines := strings.FieldsFunc(s.VisibleText(signing.LocaleSV).Reveal()+".", func(r rune) bool {
			return r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' || r == '\u0085' || r == '\v' || r == '\f'
		})
		want := strings.FieldsFunc(strings.Join(plain, "\n")+".", func(r rune) bool { return r == '\n' })
		require.Len(t, lines, len(want))
		for i := range want {
			rest, isTitle := strings.CutPrefix(lines[i], strings.TrimSuffix(strings.TrimSuffix(want[i], "Hyresavtal"), "Bilaga 1"))
			if want[i] != lines[i] {
				require.True(t, isTitle && strings.Contains(want[i], "Dokument"), "line %d changed", i)
				require.False(t, strings.ContainsAny(rest, "*_#+|`~\\<>[]&!"), "markup in a title")
				require.Equal(t, -1, strings.IndexFunc(rest, unicode.IsControl))
			}
		}
	})
}

// FuzzManifest: only the one encoding of a manifest is accepted.
func FuzzManifest(f *testing.F) {
	m, err := spec(f).Manifest(par1).Encode()
	require.NoError(f, err)
	f.Add(m)
	f.Add([]byte(`{"version":"handslag-manifest-1","collection":"","participant":"","documents":null}`))
	f.Add(bytes.ReplaceAll(m, []byte(":"), []byte(": ")))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := signing.ParseManifest(b)
		if err != nil {
			return
		}
		again, err := m.Encode()
		require.NoError(t, err)
		require.Equal(t, b, again)
	})
}

func TestManifest(t *testing.T) {
	m := spec(t).Manifest(par1)
	b, err := m.Encode()
	require.NoError(t, err)
	back, err := signing.ParseManifest(b)
	require.NoError(t, err)
	require.Equal(t, m, back)
	for name, spoil := range map[string]func(string) string{
		"white space":             func(s string) string { return strings.Replace(s, ":", ": ", 1) },
		"another version":         func(s string) string { return strings.Replace(s, "manifest-1", "manifest-2", 1) },
		"unknown member":          func(s string) string { return strings.Replace(s, "{", `{"x":1,`, 1) },
		"repeated member":         func(s string) string { return strings.Replace(s, "{", `{"collection":"y",`, 1) },
		"escape":                  func(s string) string { return strings.Replace(s, "Hyres", `\u0048yres`, 1) },
		"trailing data":           func(s string) string { return s + "{}" },
		"title of two lines":      func(s string) string { return strings.Replace(s, "Hyresavtal", `Hyres\n+ avtal`, 1) },
		"collection of two lines": func(s string) string { return strings.Replace(s, "col_0000", `col_\n000`, 1) },
		"document twice": func(s string) string {
			return strings.Replace(s, `"doc_00000000000000000000000002"`, `"doc_00000000000000000000000001"`, 1)
		},
		"signer who need not": func(s string) string {
			return strings.Replace(s, `"participant":"par_00000000000000000000000001"`, `"participant":"par_00000000000000000000000007"`, 1)
		},
		"negative length": func(s string) string { return strings.Replace(s, `"length":1234`, `"length":-1`, 1) },
	} {
		_, err := signing.ParseManifest([]byte(spoil(string(b))))
		require.Error(t, err, name)
	}
}
