package bankid

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/wire"
)

// The faults of the adapter, before they are given a cause. docs/problems.md
// lists the codes.
var (
	errUnreachable = fault.New(fault.Unavailable, "bankid_unreachable", "BankID cannot be reached.").From(name, "")
	errBusy        = fault.New(fault.Unavailable, "bankid_unavailable", "BankID is not available at the moment.").From(name, "")
	errInProgress  = fault.New(fault.Conflict, "bankid_in_progress", "The person has another BankID order; it was ended by this one, and no new one was made.").From(name, "")
	errRefused     = fault.New(fault.Invalid, "bankid_refused", "BankID refused the order.").From(name, "")
	errCredentials = fault.New(fault.Forbidden, "bankid_credentials", "BankID does not accept our certificate.").From(name, "")
	errUncertain   = fault.New(fault.Uncertain, "bankid_uncertain", "BankID's answer was lost; what it did is not known.").From(name, "")
	errUnreadable  = fault.New(fault.Uncertain, "bankid_unreadable", "BankID gave an answer that we cannot read.").From(name, "")
	errOrderEnded  = fault.New(fault.NotFound, "bankid_order_ended", "The order had ended before.").From(name, "")
)

// unanswered turns a call without answer into a fault.
func unanswered(err error) error {
	c, ok := errors.AsType[*wire.Error](err)
	switch {
	case !ok: // our own defect, before anything was sent
		return errUnreachable.Because(err)
	case c.Refused:
		return errCredentials.Because(err)
	case c.Sent:
		return errUncertain.Because(err)
	}
	return errUnreachable.Because(err)
}

// errorCode reads the errorCode of an error body. BankID's details are for us
// and may quote the request; they go nowhere. Proxies before BankID answer in
// HTML, which has no code.
func (r reply) errorCode() string {
	var body struct {
		ErrorCode string `json:"errorCode"`
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return ""
	}
	return wire.Word(body.ErrorCode)
}

type statusError int

func (s statusError) Error() string { return "status " + strconv.Itoa(int(s)) }

// refusal is what holds for every call: who we are, and how busy BankID is. ok is
// false where the call has to decide.
func (r reply) refusal() (*fault.Error, bool) {
	code := r.errorCode()
	switch r.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return errCredentials.From(name, code).Because(statusError(r.Status)), true
	case http.StatusTooManyRequests:
		return errBusy.From(name, code).Because(statusError(r.Status)).After(r.RetryAfter()), true
	case http.StatusServiceUnavailable:
		// Only BankID's own word says that nothing was done; a proxy may give 503
		// after it passed the call on.
		if code == "maintenance" {
			return errBusy.From(name, code).Because(statusError(r.Status)).After(r.RetryAfter()), true
		}
	}
	return nil, false
}

// startFault says what is known of an order that was not confirmed.
func (r reply) startFault() error {
	if f, ok := r.refusal(); ok {
		return f
	}
	code := r.errorCode()
	switch r.Status {
	case http.StatusBadRequest:
		if code == "alreadyInProgress" {
			return errInProgress.From(name, code).Because(statusError(r.Status))
		}
		return errRefused.From(name, code).Because(statusError(r.Status))
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		return errRefused.From(name, code).Because(statusError(r.Status))
	}
	// 408 and 500 among them: BankID asks not to repeat these, and does not say
	// whether an order was made.
	return errUncertain.From(name, code).Because(statusError(r.Status))
}

// collectFault says whether it is worth collecting again. All but the loss of
// the order and of our credentials may pass, and giving up would lose a signature.
func (r reply) collectFault() error {
	if f, ok := r.refusal(); ok {
		return f
	}
	if code := r.errorCode(); r.Status == http.StatusBadRequest && code == "invalidParameters" {
		return providers.ErrResultLost.From(name, code).Because(statusError(r.Status))
	}
	return errUncertain.From(name, r.errorCode()).Because(statusError(r.Status))
}

func (r reply) cancelFault() error {
	if f, ok := r.refusal(); ok {
		return f
	}
	if code := r.errorCode(); r.Status == http.StatusBadRequest && code == "invalidParameters" {
		return errOrderEnded.From(name, code).Because(statusError(r.Status))
	}
	return errUncertain.From(name, r.errorCode()).Because(statusError(r.Status))
}
