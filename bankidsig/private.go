package bankidsig

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[private]"

// Private is text about a person or from a signed text. It prints and logs as
// "[private]", however it is formatted.
type Private string

// Reveal returns the text.
func (p Private) Reveal() string { return string(p) }

// String implements fmt.Stringer and shows nothing.
func (p Private) String() string { return redacted }

// Format implements fmt.Formatter, so that no verb shows the text.
func (p Private) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer and shows nothing.
func (p Private) LogValue() slog.Value { return slog.StringValue(redacted) }
