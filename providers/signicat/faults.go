package signicat

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers/wire"
)

// The faults of the adapter, before they are given a cause. docs/problems.md
// lists the codes.
var (
	errUnreachable = fault.New(fault.Unavailable, "signicat_unreachable", "Signicat cannot be reached.").From(name, "")
	errBusy        = fault.New(fault.Unavailable, "signicat_unavailable", "Signicat is not available at the moment.").From(name, "")
	errDamaged     = fault.New(fault.Unavailable, "signicat_upload_damaged", "A document reached Signicat otherwise than it left us.").From(name, "")
	errDocument    = fault.New(fault.Unavailable, "signicat_document_unread", "A document could not be read to be sent to Signicat.").From(name, "")
	errNotYet      = fault.New(fault.Unavailable, "signicat_not_settled", "Whether Signicat has the order cannot be known yet.").From(name, "")
	errRefused     = fault.New(fault.Invalid, "signicat_refused", "Signicat refused the order.").From(name, "")
	errCredentials = fault.New(fault.Forbidden, "signicat_credentials", "Signicat does not accept our credentials.").From(name, "")
	errUncertain   = fault.New(fault.Uncertain, "signicat_uncertain", "Signicat's answer was lost; what it did is not known.").From(name, "")
	errUnreadable  = fault.New(fault.Uncertain, "signicat_unreadable", "Signicat gave an answer that we cannot read.").From(name, "")
	errOrderEnded  = fault.New(fault.NotFound, "signicat_order_ended", "The order had ended before.").From(name, "")
	errNotCreated  = fault.New(fault.NotFound, "signicat_not_created", "Signicat has no order of this attempt.").From(name, "")
	errNoResult    = fault.New(fault.NotFound, "signicat_result_unknown", "Signicat has no such document any more.").From(name, "")
	errSeveral     = fault.New(fault.Conflict, "signicat_several_orders", "Signicat has several orders of this attempt.").From(name, "")
	errForeignPush = fault.New(fault.Forbidden, "signicat_push_foreign", "The event does not come from Signicat.").From(name, "")
	errOtherPush   = fault.New(fault.Invalid, "signicat_push_other", "The event is not about an order.").From(name, "")
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

type statusError int

func (s statusError) Error() string { return "status " + strconv.Itoa(int(s)) }

// codeOf reads the code of a problem. What it says beside that may quote the
// request, and goes nowhere.
func codeOf(r wire.Reply) string {
	var body struct {
		Code string `json:"code"`
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return ""
	}
	return wire.Word(body.Code)
}

// because gives a fault the status and code of an answer.
func because(f *fault.Error, r wire.Reply) error {
	return f.From(name, codeOf(r)).Because(statusError(r.Status)).After(r.RetryAfter())
}

// prepareFault is for a call before the one that makes an order: whatever went
// wrong, there is none.
func prepareFault(r wire.Reply) error {
	switch r.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return because(errCredentials, r)
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return because(errRefused, r)
	}
	return because(errBusy, r)
}

// prepared says of an unanswered call before the one that makes an order that
// nothing is uncertain about it.
func prepared(err error) error {
	if fault.KindOf(err) == fault.Uncertain {
		return errUnreachable.Because(err)
	}
	return err
}

// createFault is for the call that makes an order.
func createFault(r wire.Reply) error {
	switch r.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return because(errCredentials, r)
	case http.StatusTooManyRequests:
		return because(errBusy, r)
	case http.StatusNotFound: // what was uploaded is gone, and is uploaded anew
		return because(errBusy, r)
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusConflict, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return because(errRefused, r)
	}
	// 503 among them: something before Signicat may answer it after the call was
	// passed on, and Reconcile finds out.
	return because(errUncertain, r)
}

// lookFault is for a call about something that is there or not.
func lookFault(r wire.Reply, gone *fault.Error) error {
	switch r.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return because(errCredentials, r)
	case http.StatusNotFound, http.StatusGone:
		return because(gone, r)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return because(errBusy, r)
	}
	return because(errUncertain, r)
}

// endedFor says of an order that is not there that it had ended.
func endedFor(err error) error {
	if fault.KindOf(err) == fault.NotFound {
		return errOrderEnded.Because(err)
	}
	return err
}
