package idkollen

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/wire"
)

// The faults of the adapter, before they are given a cause. api/problems.yaml
// explains the codes.
var (
	errUnreachable = fault.New(fault.Unavailable, "idkollen_unreachable", "IDkollen cannot be reached.").From(name, "")
	errBusy        = fault.New(fault.Unavailable, "idkollen_unavailable", "IDkollen is not available at the moment.").From(name, "")
	errPaced       = fault.New(fault.Unavailable, "idkollen_paced", "It is too early to ask IDkollen again.").From(name, "")
	errInProgress  = fault.New(fault.Conflict, "idkollen_in_progress", "The person has another BankID order; it was ended by this one, and no new one was made.").From(name, "")
	errRefused     = fault.New(fault.Invalid, "idkollen_refused", "IDkollen refused the order.").From(name, "")
	errCredentials = fault.New(fault.Forbidden, "idkollen_credentials", "IDkollen does not accept our account.").From(name, "")
	errUncertain   = fault.New(fault.Uncertain, "idkollen_uncertain", "IDkollen's answer was lost; what it did is not known.").From(name, "")
	errUnreadable  = fault.New(fault.Uncertain, "idkollen_unreadable", "IDkollen gave an answer that we cannot read.").From(name, "")
	errOrderEnded  = fault.New(fault.NotFound, "idkollen_order_ended", "The order had ended before.").From(name, "")
	errNotIDkollen = fault.New(fault.Forbidden, "idkollen_callback_unproven", "The callback is not proven to be IDkollen's.").From(name, "")
	errNoCallback  = fault.New(fault.Invalid, "idkollen_callback_invalid", "The callback is not about an order.").From(name, "")
)

// unanswered turns a call without answer into a fault.
func unanswered(err error) error {
	if e, ok := errors.AsType[*wire.Error](err); ok && e.Sent {
		return errUncertain.Because(err)
	}
	return errUnreachable.Because(err)
}

// codeOf reads the message of an error body, which is a word: mostly BankID's
// own errorCode. Proxies before IDkollen answer in HTML, which has none.
func codeOf(r wire.Reply) string {
	var body struct {
		Message string `json:"message"`
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return ""
	}
	if body.Message == "Invalid or expired" {
		return "invalid_or_expired"
	}
	return wire.Word(body.Message)
}

type statusError int

func (s statusError) Error() string { return "status " + strconv.Itoa(int(s)) }

// of adds to a fault what IDkollen said.
func of(f *fault.Error, r wire.Reply) *fault.Error {
	return f.From(name, codeOf(r)).Because(statusError(r.Status))
}

// refusal is what holds for every call: who we are, and how busy IDkollen is. ok
// is false where the call has to decide.
func refusal(r wire.Reply) (*fault.Error, bool) {
	switch r.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return of(errCredentials, r), true
	case http.StatusTooManyRequests:
		return of(errBusy, r).After(r.RetryAfter()), true
	case http.StatusServiceUnavailable:
		// BankID's word, which IDkollen passes on, says that nothing was done. Any
		// other 503 may come after the order was passed on.
		if codeOf(r) == "maintenance" {
			return of(errBusy, r).After(r.RetryAfter()), true
		}
	}
	return nil, false
}

// startFault says what is known of an order that was not confirmed.
func startFault(r wire.Reply) error {
	if f, ok := refusal(r); ok {
		return f
	}
	switch r.Status {
	case http.StatusBadRequest:
		if codeOf(r) == "alreadyInProgress" {
			return of(errInProgress, r)
		}
		return of(errRefused, r)
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
		http.StatusUnprocessableEntity:
		return of(errRefused, r)
	}
	return of(errUncertain, r)
}

// collectFault says whether it is worth collecting again. All but the loss of
// the order and of our credentials may pass, and giving up would lose a signature.
func (c *Client) collectFault(r wire.Reply) error {
	if r.Status == c.config.RateLimitStatus {
		return of(errPaced, r).After(max(c.config.StatusEvery, r.RetryAfter()))
	}
	if f, ok := refusal(r); ok {
		return f
	}
	if unknownOrder(r) {
		return of(providers.ErrResultLost, r)
	}
	return of(errUncertain, r)
}

func cancelFault(r wire.Reply) error {
	if f, ok := refusal(r); ok {
		return f
	}
	if unknownOrder(r) {
		return of(errOrderEnded, r)
	}
	return of(errUncertain, r)
}

// unknownOrder reports whether IDkollen knows no such order, or no longer. The
// page of a proxy says nothing about orders.
func unknownOrder(r wire.Reply) bool {
	return r.Status == http.StatusNotFound && !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html")
}
