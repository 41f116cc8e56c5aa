package qrona

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/wire"
	"github.com/handslag/handslag/signing"
)

// The faults of the adapter, before they are given a cause. api/problems.yaml
// explains the codes.
var (
	errUnreachable = fault.New(fault.Unavailable, "qrona_unreachable", "Qrona cannot be reached.").From(name, "")
	errBusy        = fault.New(fault.Unavailable, "qrona_unavailable", "Qrona is not available at the moment.").From(name, "")
	errInProgress  = fault.New(fault.Conflict, "qrona_in_progress", "The person has another BankID order; no new one was made.").From(name, "")
	errRefused     = fault.New(fault.Invalid, "qrona_refused", "Qrona refused the order.").From(name, "")
	errCredentials = fault.New(fault.Forbidden, "qrona_credentials", "Qrona does not accept our token.").From(name, "")
	errUncertain   = fault.New(fault.Uncertain, "qrona_uncertain", "Qrona's answer was lost; what it did is not known.").From(name, "")
	errUnreadable  = fault.New(fault.Uncertain, "qrona_unreadable", "Qrona gave an answer that we cannot read.").From(name, "")
	errOrderEnded  = fault.New(fault.NotFound, "qrona_order_ended", "The order had ended before.").From(name, "")
	errCallRuns    = fault.New(fault.Conflict, "qrona_call_runs", "A phone call has no order that can be collected or withdrawn: the person ends it in the app, or it ends by itself within minutes.").From(name, "")
)

// unanswered turns a call without answer into a fault.
func unanswered(err error) error {
	if c, ok := errors.AsType[*wire.Error](err); ok && c.Sent {
		return errUncertain.Because(err)
	}
	return errUnreachable.Because(err)
}

// reply is an answer of the API, whatever its status.
type reply struct{ wire.Reply }

func (r reply) ok() bool { return r.Status == http.StatusOK }

type statusError int

func (s statusError) Error() string { return "status " + strconv.Itoa(int(s)) }

// code reads the errorCode of an error body, if it has BankID's form.
func (r reply) code() string {
	var body struct {
		ErrorCode string `json:"errorCode"`
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return ""
	}
	return wire.Word(body.ErrorCode)
}

func (r reply) as(f *fault.Error) *fault.Error {
	return f.From(name, r.code()).Because(statusError(r.Status))
}

// answer reads how an order stands, or returns the fault that refused gives. A
// refusal by one of the words with which BankID orders fail is how Qrona may
// tell of a failed order, and is an answer as well.
func (r reply) answer(refused func() error) (providers.Answer, error) {
	if !r.ok() {
		if r.Status >= 400 && r.Status < 500 && providers.FailedReason(r.code()) != signing.ReasonProviderError {
			return providers.Answer{Raw: r.Body, Terminal: true, Hint: r.code()}, nil
		}
		return providers.Answer{}, refused()
	}
	a, err := decodeAnswer(r.Body)
	if err != nil {
		return providers.Answer{}, errUnreadable.Because(err)
	}
	return providers.Answer{Raw: r.Body, Terminal: a.Status != statusPending, Hint: wire.Word(a.HintCode), RelayedQR: a.QRCode}, nil
}

// refusal is what holds for every call. ok is false where the call has to decide.
func (r reply) refusal() (*fault.Error, bool) {
	switch r.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return r.as(errCredentials), true
	case http.StatusTooManyRequests:
		return r.as(errBusy).After(r.RetryAfter()), true
	case http.StatusServiceUnavailable:
		// A proxy may give 503 after it passed the call on; this word is BankID's.
		if r.code() == "maintenance" {
			return r.as(errBusy).After(r.RetryAfter()), true
		}
	}
	return nil, false
}

// startFault says what is known of an order that was not confirmed.
func (r reply) startFault() error {
	if f, ok := r.refusal(); ok {
		return f
	}
	switch r.Status {
	case http.StatusConflict:
		return r.as(errInProgress)
	case http.StatusBadRequest:
		if r.code() == "alreadyInProgress" {
			return r.as(errInProgress)
		}
		return r.as(errRefused)
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return r.as(errRefused)
	}
	return r.as(errUncertain)
}

// unknownOrder reports whether Qrona says that there is no such order, by
// BankID's word for it or by the status.
func (r reply) unknownOrder() bool {
	return r.Status == http.StatusBadRequest && r.code() == "invalidParameters" || r.Status == http.StatusNotFound || r.Status == http.StatusGone
}

// collectFault says whether it is worth collecting again: giving up would lose
// an answer.
func (r reply) collectFault() error {
	if f, ok := r.refusal(); ok {
		return f
	}
	if r.unknownOrder() {
		return r.as(providers.ErrResultLost)
	}
	return r.as(errUncertain)
}

func (r reply) cancelFault() error {
	if f, ok := r.refusal(); ok {
		return f
	}
	if r.unknownOrder() {
		return r.as(errOrderEnded)
	}
	return r.as(errUncertain)
}
