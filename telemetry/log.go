// Package telemetry sets up what tells operators how the product is doing:
// structured logs, traces and metrics.
package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"regexp"
)

// twelveDigits is what a personal number looks like, with or without a hyphen.
var twelveDigits = regexp.MustCompile(`\b(?:19|20)\d{6}[-+]?\d{4}\b`)

// NewLogger returns a logger that writes JSON lines. Values that log themselves
// do so, and strings of whatever type are written. Any other struct, map or
// slice is logged as the name of its type, since encoding it as JSON could show
// what it carries. As a last resort, whatever still looks like a personal
// number is blacked out.
func NewLogger(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: guard}))
}

func guard(_ []string, a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		v = slog.StringValue(blackOut(v.String()))
	case slog.KindAny:
		v = slog.StringValue(blackOut(plain(v.Any())))
	case slog.KindBool, slog.KindDuration, slog.KindFloat64, slog.KindInt64, slog.KindTime,
		slog.KindUint64, slog.KindGroup, slog.KindLogValuer:
	}
	return slog.Attr{Key: a.Key, Value: v}
}

func plain(v any) string {
	switch v := v.(type) {
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	case nil:
		return ""
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.String { // ids and states, which are types of their own
		return r.String()
	}
	return fmt.Sprintf("%T", v)
}

func blackOut(s string) string { return twelveDigits.ReplaceAllString(s, "[private]") }
