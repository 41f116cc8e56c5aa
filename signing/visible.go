package signing

import (
	"fmt"
	"strings"
)

// TextVersion names the form of visible text that this release writes. A change
// to the text gets a new one, so that old texts can still be made again.
const TextVersion = "handslag-text-1"

// VisibleText returns what the person reads and signs in their app, in the
// locale given: each document's title and full digest, and the collection.
// It is simpleMarkdownV1 (BankID, "Guidelines for formatted text").
//
// Only headings, bullets and plain text are used. Every title stands on a line
// of its own behind fixed text, and the characters that markdown could act on
// are replaced by look-alikes, since the format's escapes are not published; so
// no title can change another line. The exact title is in the manifest.
func (s Spec) VisibleText(locale Locale) Private {
	t := visibleTexts(locale)
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n", t.heading, s.counted(t.one, t.many))
	for i, d := range s.Documents {
		fmt.Fprintf(&b, "\n+ %s %d: %s\n", t.document, i+1, plainTitle(d.Title))
		fmt.Fprintf(&b, "+ SHA-256: %s\n", d.Digest)
	}
	fmt.Fprintf(&b, "\n%s: %s\n", t.collection, s.ID)
	return Private(b.String())
}

// Text returns what a participant reads in their app before they enter their
// code, and the name of its form. It is empty where no text of ours is shown: in
// a process of the provider's own, and where the PDFs themselves are.
func (s Spec) Text(p Participant) (version string, text Private) {
	switch p.Method {
	case MethodBankIDSE:
		return TextVersion, s.VisibleText(p.Locale)
	case MethodBankIDSEIdentify:
		return identificationVersion, s.IdentificationText(p.Locale)
	case MethodBankIDSEProcess, MethodNBIDPKI:
	}
	return "", ""
}

// markup maps each character with a meaning in any markdown dialect to a
// look-alike without one.
var markup = strings.NewReplacer(
	"*", "∗", "_", "ˍ", "#", "♯", "+", "＋", "|", "∣", "`", "ˋ", "~", "∼", "\\", "∖",
	"<", "‹", ">", "›", "[", "⁅", "]", "⁆", "&", "＆", "!", "ǃ",
	"---", "–––", "===", "꞊꞊꞊",
)

func plainTitle(title Private) string { return markup.Replace(title.Reveal()) }

type visibleWords struct {
	heading, one, many, document, collection string
}

// counted is the sentence for one document, or that for many with their number.
func (s Spec) counted(one, many string) string {
	if len(s.Documents) == 1 {
		return one
	}
	return fmt.Sprintf(many, len(s.Documents))
}

func visibleTexts(locale Locale) visibleWords {
	switch locale {
	case LocaleSV:
		return visibleWords{
			heading: "Underskrift", document: "Dokument", collection: "Ärende",
			one:  "Jag har läst dokumentet nedan och skriver under det.",
			many: "Jag har läst de %d dokumenten nedan och skriver under dem.",
		}
	case LocaleNB:
		return visibleWords{
			heading: "Signatur", document: "Dokument", collection: "Sak",
			one:  "Jeg har lest dokumentet nedenfor og signerer det.",
			many: "Jeg har lest de %d dokumentene nedenfor og signerer dem.",
		}
	case LocaleEN:
	}
	return visibleWords{
		heading: "Signature", document: "Document", collection: "Case",
		one:  "I have read the document below and sign it.",
		many: "I have read the %d documents below and sign them.",
	}
}
