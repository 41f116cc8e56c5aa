package sbab

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/oauth"
	"github.com/handslag/handslag/providers/wire"
)

// The faults of the adapter, before they are given a cause. api/problems.yaml
// explains the codes.
var (
	errUnreachable = fault.New(fault.Unavailable, "sbab_unreachable", "SBAB cannot be reached.").From(name, "")
	errBusy        = fault.New(fault.Unavailable, "sbab_unavailable", "SBAB is not available at the moment.").From(name, "")
	errRefused     = fault.New(fault.Invalid, "sbab_refused", "SBAB refused the order.").From(name, "")
	errCredentials = fault.New(fault.Forbidden, "sbab_credentials", "SBAB does not accept our credentials.").From(name, "")
	errUncertain   = fault.New(fault.Uncertain, "sbab_uncertain", "SBAB's answer was lost; what it did is not known.").From(name, "")
	errUnreadable  = fault.New(fault.Uncertain, "sbab_unreadable", "SBAB gave an answer that we cannot read.").From(name, "")
	errOrderEnded  = fault.New(fault.NotFound, "sbab_order_ended", "The order had ended before.").From(name, "")
)

// inProgress is a refusal because of another order, with how long to wait.
func inProgress(wait time.Duration) *fault.Error {
	wait = (wait + time.Second - 1).Truncate(time.Second)
	return fault.New(fault.Conflict, "sbab_in_progress",
		"The person has another BankID order or is blocked for a while, and no new one was made. Try again in %v.", wait).After(wait)
}

// tokenError is a call that was not made for want of a token.
type tokenError struct{ cause error }

func (e *tokenError) Error() string { return "obtain a token: " + e.cause.Error() }
func (e *tokenError) Unwrap() error { return e.cause }

// unanswered turns a call without answer into a fault.
func unanswered(err error) error {
	if _, ok := errors.AsType[*tokenError](err); ok {
		refusal, answered := errors.AsType[*oauth.RefusalError](err)
		switch {
		case !answered:
			return errUnreachable.Because(err)
		case refusal.Credentials():
			return errCredentials.From(name, refusal.Code).Because(err)
		}
		return errBusy.From(name, refusal.Code).Because(err).After(refusal.RetryAfter)
	}
	if c, ok := errors.AsType[*wire.Error](err); ok && c.Sent {
		return errUncertain.Because(err)
	}
	return errUnreachable.Because(err)
}

// reply is an answer of the API, whatever its status.
type reply struct{ wire.Reply }

func (r reply) ok() bool { return r.Status >= 200 && r.Status <= 299 }

type statusError int

func (s statusError) Error() string { return "status " + strconv.Itoa(int(s)) }

// code reads the code of the reason in a problem document (RFC 7807). Its texts
// may quote the request; they go nowhere.
func (r reply) code() string {
	var body struct {
		Reason struct {
			Code string `json:"code"`
		} `json:"reason"`
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return ""
	}
	return wire.Word(body.Reason.Code)
}

// conflicts reports whether another order is in the way. Codes begin with the
// number of BankID's message; only RFA4_SIGNING_IN_PROGRESS is published, and
// what comes after the number may differ.
func (r reply) conflicts() bool {
	number, _, _ := strings.Cut(r.code(), "_")
	return number == string(providers.MessageInProgress) || r.Status == http.StatusConflict
}

func (r reply) as(f *fault.Error) *fault.Error {
	return f.From(name, r.code()).Because(statusError(r.Status))
}

// refusal is what holds for every call. ok is false where the call has to decide.
func (r reply) refusal() (*fault.Error, bool) {
	switch r.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return r.as(errCredentials), true
	case http.StatusTooManyRequests:
		return r.as(errBusy).After(r.RetryAfter()), true
	}
	return nil, false
}

// conflict is the fault for an order in the way: after what SBAB says to wait,
// or else after what we know.
func (r reply) conflict(wait func() time.Duration) error {
	known := wait()
	if told := r.RetryAfter(); told > 0 {
		known = told
	}
	return r.as(inProgress(known))
}

// startFault says what is known of an order that was not confirmed. A 503 does
// not say whether it was passed on first.
func (r reply) startFault(wait func() time.Duration) error {
	if r.conflicts() {
		return r.conflict(wait)
	}
	if f, ok := r.refusal(); ok {
		return f
	}
	switch r.Status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone,
		http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return r.as(errRefused)
	}
	return r.as(errUncertain)
}

// collectFault says whether it is worth collecting again: giving up would lose
// an answer.
func (r reply) collectFault() error {
	if f, ok := r.refusal(); ok {
		return f
	}
	switch r.Status {
	case http.StatusNotFound, http.StatusGone:
		return r.as(providers.ErrResultLost)
	case http.StatusServiceUnavailable:
		return r.as(errBusy).After(r.RetryAfter())
	}
	return r.as(errUncertain)
}

func (r reply) cancelFault(wait func() time.Duration) error {
	if r.conflicts() {
		return r.conflict(wait)
	}
	if f, ok := r.refusal(); ok {
		return f
	}
	switch r.Status {
	case http.StatusNotFound, http.StatusGone:
		return r.as(errOrderEnded)
	}
	return r.as(errUncertain)
}
