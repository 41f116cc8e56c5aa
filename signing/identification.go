package signing

import "fmt"

// IdentificationText returns what a person reads in their app before they prove
// who they are, in the locale given. It says that nothing is signed by it, and
// what comes next. Providers take far less of it than of a text to sign (1,125
// bytes at BankID), so it counts the documents and does not name them.
//
// It is plain text, which reads the same as simpleMarkdownV1.
func (s Spec) IdentificationText(locale Locale) Private {
	t := identificationTexts(locale)
	return Private(fmt.Sprintf("%s\n\n%s\n\n%s: %s\n", s.counted(t.one, t.many), t.notice, t.collection, s.ID))
}

type identificationWords struct{ one, many, notice, collection string }

func identificationTexts(locale Locale) identificationWords {
	switch locale {
	case LocaleSV:
		return identificationWords{
			one:    "Jag legitimerar mig för att sedan ta ställning till ett dokument.",
			many:   "Jag legitimerar mig för att sedan ta ställning till %d dokument.",
			notice: "Det här är ingen underskrift.", collection: "Ärende",
		}
	case LocaleNB:
		return identificationWords{
			one:    "Jeg identifiserer meg for deretter å ta stilling til ett dokument.",
			many:   "Jeg identifiserer meg for deretter å ta stilling til %d dokumenter.",
			notice: "Dette er ingen signatur.", collection: "Sak",
		}
	case LocaleEN:
	}
	return identificationWords{
		one:    "I prove who I am, to decide about a document after that.",
		many:   "I prove who I am, to decide about %d documents after that.",
		notice: "This is not a signature.", collection: "Case",
	}
}

// identificationVersion names the form of [IdentificationData].
const identificationVersion = "handslag-identification-1"

// IdentificationData returns the non-visible data of an identification that comes
// before a consent to what manifest names: one line with the manifest's digest, or
// nothing without a manifest. It ties the identification to the consent that will
// be asked for, whatever the manifest's size, and it is no manifest, so that what
// is signed here can never be read as a signature of one.
func IdentificationData(manifest []byte) []byte {
	if len(manifest) == 0 {
		return nil
	}
	return []byte(identificationVersion + ";manifest-sha256=" + DigestOf(manifest).String())
}
