package pdf

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// NationalID is the Norwegian national identity number in a signer's
// certificate; zero when there is none. It shows itself in no log, no error and
// no JSON, not even as the key of a map.
type NationalID struct{ digits string }

const redacted = "[private]"

// Reveal returns the number. Each call is a place where it leaves its wrapping.
func (n NationalID) Reveal() string { return n.digits }

// IsZero reports that there is none.
func (n NationalID) IsZero() bool { return n.digits == "" }

// String implements fmt.Stringer and shows nothing.
func (n NationalID) String() string { return redacted }

// Format implements fmt.Formatter, so that no verb shows the number.
func (n NationalID) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer and shows nothing.
func (n NationalID) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler and shows nothing.
func (n NationalID) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// oidNorwegianID is the extension that Norwegian certificates carry the number
// in; their subject's serial number is an identifier of the issuer's own.
var oidNorwegianID = asn1.ObjectIdentifier{2, 16, 578, 1, 61, 2, 4}

// nationalID reads eleven digits as a string of any of the plain kinds, or as the
// bare octets, which is how issuers differ.
func nationalID(c *x509.Certificate) NationalID {
	if c == nil {
		return NationalID{}
	}
	for _, e := range c.Extensions {
		if e.Id.Equal(oidNorwegianID) {
			return elevenDigits(e.Value, 0)
		}
	}
	return NationalID{}
}

func elevenDigits(b []byte, depth int) NationalID {
	const digits, wrappings = 11, 3
	if len(b) == digits {
		for _, c := range b {
			if !isDigit(c) {
				return NationalID{}
			}
		}
		return NationalID{string(b)}
	}
	in := cryptobyte.String(b)
	var value cryptobyte.String
	var tag cbasn1.Tag
	if depth == wrappings || !in.ReadAnyASN1(&value, &tag) || !in.Empty() {
		return NationalID{}
	}
	const numericString = cbasn1.Tag(18)
	kinds := []cbasn1.Tag{cbasn1.UTF8String, cbasn1.PrintableString, cbasn1.IA5String, numericString, cbasn1.OCTET_STRING, cbasn1.SEQUENCE}
	if slices.Contains(kinds, tag) {
		return elevenDigits(value, depth+1)
	}
	return NationalID{}
}
