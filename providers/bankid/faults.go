package bankid

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
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
	var c *callError
	switch {
	case !errors.As(err, &c):
		return errUncertain.Because(err)
	case c.refused:
		return errCredentials.Because(err)
	case c.sent:
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
	if err := json.Unmarshal(r.body, &body); err != nil {
		return ""
	}
	return word(body.ErrorCode)
}

// word returns one of BankID's code words, or "unknown" for what cannot be one:
// codes are stored and logged, so that nothing else may ride along.
func word(s string) string {
	if len(s) > 64 {
		return "unknown"
	}
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') {
			return "unknown"
		}
	}
	return s
}

type statusError int

func (s statusError) Error() string { return "status " + strconv.Itoa(int(s)) }

// refusal is what holds for every call: who we are, and how busy BankID is. ok is
// false where the call has to decide.
func (r reply) refusal() (*fault.Error, bool) {
	code := r.errorCode()
	switch r.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return errCredentials.From(name, code).Because(statusError(r.status)), true
	case http.StatusTooManyRequests:
		return errBusy.From(name, code).Because(statusError(r.status)).After(r.retryAfter()), true
	case http.StatusServiceUnavailable:
		// Only BankID's own word says that nothing was done; a proxy may give 503
		// after it passed the call on.
		if code == "maintenance" {
			return errBusy.From(name, code).Because(statusError(r.status)).After(r.retryAfter()), true
		}
	}
	return nil, false
}

// retryAfter reads how long to wait, in seconds (RFC 9110 10.2.3), and for the
// rate limit also from RateLimit-Reset, which BankID documents for its ID card API.
func (r reply) retryAfter() time.Duration {
	for _, header := range []string{"Retry-After", "RateLimit-Reset"} {
		if s, err := strconv.Atoi(r.header.Get(header)); err == nil && s > 0 && s <= 3600 {
			return time.Duration(s) * time.Second
		}
	}
	return 0
}

// startFault says what is known of an order that was not confirmed.
func (r reply) startFault() error {
	if f, ok := r.refusal(); ok {
		return f
	}
	code := r.errorCode()
	switch r.status {
	case http.StatusBadRequest:
		if code == "alreadyInProgress" {
			return errInProgress.From(name, code).Because(statusError(r.status))
		}
		return errRefused.From(name, code).Because(statusError(r.status))
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		return errRefused.From(name, code).Because(statusError(r.status))
	}
	// 408 and 500 among them: BankID asks not to repeat these, and does not say
	// whether an order was made.
	return errUncertain.From(name, code).Because(statusError(r.status))
}

// collectFault says whether it is worth collecting again. All but the loss of
// the order and of our credentials may pass, and giving up would lose a signature.
func (r reply) collectFault() error {
	if f, ok := r.refusal(); ok {
		return f
	}
	if code := r.errorCode(); r.status == http.StatusBadRequest && code == "invalidParameters" {
		return providers.ErrResultLost.From(name, code).Because(statusError(r.status))
	}
	return errUncertain.From(name, r.errorCode()).Because(statusError(r.status))
}

func (r reply) cancelFault() error {
	if f, ok := r.refusal(); ok {
		return f
	}
	if code := r.errorCode(); r.status == http.StatusBadRequest && code == "invalidParameters" {
		return errOrderEnded.From(name, code).Because(statusError(r.status))
	}
	return errUncertain.From(name, r.errorCode()).Because(statusError(r.status))
}
