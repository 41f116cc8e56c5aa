package signing

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/handslag/handslag/fault"
)

const redacted = "[private]"

// Private is text that says something about a person or comes from a document:
// a name, a title, a text to be signed, a reason. It prints and logs as
// "[private]", however it is formatted. It is encoded in JSON as itself, since
// that is how it travels in encrypted payloads and evidence; our log handler
// encodes no values as JSON for the same reason.
type Private string

// Reveal returns the text. Each call is a place where private text leaves its
// wrapping; it must end in a provider call, an encrypted store or the owner's
// own answer.
func (p Private) Reveal() string { return string(p) }

// String implements fmt.Stringer and shows nothing.
func (p Private) String() string { return redacted }

// Format implements fmt.Formatter, so that no verb shows the text.
func (p Private) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer and shows nothing.
func (p Private) LogValue() slog.Value { return slog.StringValue(redacted) }

// PersonalNumber is a Swedish personal identity number or coordination number:
// twelve digits YYYYMMDDNNNC with a valid date (day + 60 for a coordination
// number) and a Luhn check digit over the last ten. Or it is a Norwegian national
// identity number, of eleven digits (see [ParseNIN]). The zero value means that
// there is none. Like [Private] it prints and logs as "[private]".
type PersonalNumber struct{ digits string }

var errPersonalNumber = fault.New(fault.Invalid, "personal_number_invalid",
	"The personal number must be 12 digits, YYYYMMDDNNNC, with a valid date and check digit.")

// ParsePersonalNumber reads twelve digits; a hyphen or plus before the last
// four is allowed. Its error never contains the input.
func ParsePersonalNumber(s string) (PersonalNumber, error) {
	if len(s) == 13 && (s[8] == '-' || s[8] == '+') {
		s = s[:8] + s[9:]
	}
	if len(s) != 12 || strings.Trim(s, "0123456789") != "" {
		return PersonalNumber{}, errPersonalNumber.In("", "format", "Not twelve digits, as a Swedish number has them.")
	}
	date := []byte(s[:8])
	if date[6] >= '6' {
		date[6] -= 6
	}
	if _, err := time.Parse("20060102", string(date)); err != nil {
		return PersonalNumber{}, errPersonalNumber.In("", "date", "The first eight digits are no date.")
	}
	if !luhn(s[2:]) {
		return PersonalNumber{}, errPersonalNumber.In("", "checksum", "The check digit is wrong.")
	}
	return PersonalNumber{s}, nil
}

// luhn checks ten digits with weights 2, 1, 2, 1 … (SKV 704).
func luhn(digits string) bool {
	sum := 0
	for i, c := range digits {
		d := int(c - '0')
		if i%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}

// Reveal returns the digits, or "".
func (n PersonalNumber) Reveal() string { return n.digits }

// IsZero reports whether there is no number.
func (n PersonalNumber) IsZero() bool { return n.digits == "" }

// Masked returns the number as it may be printed: the date of birth, and as many
// characters in place of the rest.
func (n PersonalNumber) Masked() string {
	if n.IsZero() {
		return ""
	}
	if n.Norwegian() {
		return n.digits[:6] + "-xxxxx"
	}
	return n.digits[:8] + "-xxxx"
}

// String implements fmt.Stringer and shows nothing.
func (n PersonalNumber) String() string { return redacted }

// Format implements fmt.Formatter, so that no verb shows the number.
func (n PersonalNumber) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer and shows nothing.
func (n PersonalNumber) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText writes the digits, for encrypted payloads and evidence only.
func (n PersonalNumber) MarshalText() ([]byte, error) { return []byte(n.digits), nil }

// UnmarshalText reads the digits and checks them.
func (n *PersonalNumber) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*n = PersonalNumber{}
		return nil
	}
	parse := ParsePersonalNumber
	if len(text) == 11 {
		parse = ParseNIN
	}
	parsed, err := parse(string(text))
	if err != nil {
		return err
	}
	*n = parsed
	return nil
}
