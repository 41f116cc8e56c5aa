package signing

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/handslag/handslag/fault"
)

// MaxTitle is the longest title of a document, in characters.
const MaxTitle = 100

// NormaliseTitle brings a document's title into the one form that is stored,
// shown and signed: Unicode NFC, white space runs as one space, and no control,
// format (bidirectional marks, zero-width joiners) or unassigned characters. A
// title that is empty then, or longer than [MaxTitle], is refused.
func NormaliseTitle(s string) (Private, error) {
	if !utf8.ValidString(s) {
		return "", fault.New(fault.Invalid, "title_invalid", "A title must be valid UTF-8.")
	}
	s = norm.NFC.String(strings.Map(visibleRune, s))
	s = strings.Join(strings.Fields(s), " ")
	switch n := utf8.RuneCountInString(s); {
	case n == 0:
		return "", fault.New(fault.Invalid, "title_invalid", "A title must have at least one visible character.")
	case n > MaxTitle:
		return "", fault.New(fault.Invalid, "title_invalid", "A title has at most %d characters.", MaxTitle)
	}
	return Private(s), nil
}

// visibleRune maps white space to a space and drops what a person cannot see.
func visibleRune(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S):
		return r
	}
	return -1
}
