// Package fault holds the one error type that crosses our package borders.
//
// A fault says what went wrong in three ways, each for its own reader: a Kind
// for code that decides what to do, a stable Code for clients and operators who
// look it up, and a Message that is safe to show to anyone. The cause it wraps
// is for the log alone. Messages and codes never carry personal data, document
// text or secrets; causes must not either, since they end up in logs.
//
// Faults are mapped to Temporal in one place (activities) and to HTTP in one
// place (api). An error that is no fault is treated as Internal at both.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of thing went wrong. The set is closed; values travel in
// workflow histories, so the strings never change.
type Kind string

// The kinds of fault.
const (
	Invalid         Kind = "invalid"         // the input is wrong; the same input will always be
	Unauthenticated Kind = "unauthenticated" // who is asking is not known
	Forbidden       Kind = "forbidden"       // who is asking may not
	NotFound        Kind = "not_found"       // there is no such thing, or it is not yours
	Conflict        Kind = "conflict"        // right input, wrong moment
	TooLarge        Kind = "too_large"       // over a stated limit
	Gone            Kind = "gone"            // it was there and has ended
	Unavailable     Kind = "unavailable"     // a system we need is down; nothing was done, try again
	Uncertain       Kind = "uncertain"       // a request was sent and its outcome is not known; do not repeat it blindly
	Corrupt         Kind = "corrupt"         // stored bytes are not what they must be; a person has to look
	Internal        Kind = "internal"        // our own defect
)

// Error is a fault. Build it with [New] and the With methods; read it with
// [As], [KindOf] and [CodeOf].
type Error struct {
	Kind    Kind
	Code    string // stable, lower_snake_case, documented in docs/problems.md
	Message string // one sentence, safe to show to anyone

	// RetryAfter, when positive, says how long to wait before asking again.
	RetryAfter time.Duration
	// Provider and ProviderCode name the outside system and its own word for
	// what happened (for BankID an errorCode or hintCode).
	Provider, ProviderCode string
	// Fields names the parts of the input that are wrong.
	Fields []Field

	cause error
}

// Field is one wrong part of an input.
type Field struct {
	Pointer string // RFC 6901 JSON pointer, or the parameter's name
	Code    string
	Message string
}

// New makes a fault. The message is formatted like fmt.Sprintf and must be safe
// to show: no personal data, no secrets, no text of a document.
func New(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Because returns a copy of e that wraps cause. The cause is logged, never shown.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// After returns a copy of e that asks the caller to wait for d.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// From returns a copy of e that names the outside system behind it.
func (e *Error) From(provider, code string) *Error {
	c := *e
	c.Provider, c.ProviderCode = provider, code
	return &c
}

// In returns a copy of e that names one wrong part of the input.
func (e *Error) In(pointer, code, format string, args ...any) *Error {
	c := *e
	c.Fields = append(append([]Field(nil), e.Fields...), Field{pointer, code, fmt.Sprintf(format, args...)})
	return &c
}

// Error implements error: the code, the message and the cause.
func (e *Error) Error() string {
	s := e.Code + ": " + e.Message
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is a fault with the same code, so that a package
// can export a fault as a sentinel.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// As returns the fault in err's chain, if there is one.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// KindOf returns the kind of the fault in err's chain, or Internal.
func KindOf(err error) Kind {
	if e, ok := As(err); ok {
		return e.Kind
	}
	return Internal
}

// CodeOf returns the code of the fault in err's chain, or "internal".
func CodeOf(err error) string {
	if e, ok := As(err); ok {
		return e.Code
	}
	return string(Internal)
}
