package activities

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/handslag/handslag/fault"
)

// wireFault is a fault in the details of an ApplicationError. Details are
// encrypted with the payloads; the error's message is the code alone.
type wireFault struct {
	Kind         fault.Kind    `json:"kind"`
	Message      string        `json:"message"`
	RetryAfter   time.Duration `json:"retryAfter,omitempty"`
	Provider     string        `json:"provider,omitempty"`
	ProviderCode string        `json:"providerCode,omitempty"`
	Fields       []fault.Field `json:"fields,omitempty"`
}

// ToTemporal maps an error to Temporal, the one place that does. The type is
// the fault's code; kinds that the same call can never outgrow are not retried.
// The cause is not carried: it is logged where it arose.
func ToTemporal(err error) error {
	return toTemporal(err, !passes(fault.KindOf(err)))
}

// finally is ToTemporal for a fault that is an activity's last word, whatever its
// kind: the workflow decides what follows.
func finally(err error) error { return toTemporal(err, true) }

func toTemporal(err error, final bool) error {
	if err == nil {
		return nil
	}
	f, ok := fault.As(err)
	if !ok {
		return err
	}
	w := wireFault{f.Kind, f.Message, f.RetryAfter, f.Provider, f.ProviderCode, f.Fields}
	return temporal.NewApplicationErrorWithOptions(f.Code, f.Code, temporal.ApplicationErrorOptions{
		NonRetryable:   final,
		NextRetryDelay: f.RetryAfter,
		Details:        []any{w},
	})
}

// FromTemporal maps an error that came through Temporal back to the fault it
// was. An error that was none comes back unchanged.
func FromTemporal(err error) error {
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || !app.HasDetails() {
		return err
	}
	var w wireFault
	if app.Details(&w) != nil || w.Kind == "" {
		return err
	}
	f := fault.New(w.Kind, app.Type(), "%s", w.Message).After(w.RetryAfter).From(w.Provider, w.ProviderCode)
	f.Fields = w.Fields
	return f
}

// passes reports whether a fault of kind k may be gone at the next try.
func passes(k fault.Kind) bool {
	switch k {
	case fault.Unavailable, fault.Uncertain, fault.Internal:
		return true
	case fault.Invalid, fault.Unauthenticated, fault.Forbidden, fault.NotFound, fault.Conflict,
		fault.TooLarge, fault.Gone, fault.Corrupt:
		return false
	}
	return false
}
