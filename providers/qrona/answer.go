package qrona

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/wire"
	"github.com/handslag/handslag/signing"
)

const (
	statusPending  = "pending"
	statusFailed   = "failed"
	statusComplete = "complete"
)

// answer is what we read of an answer. Members that we do not know are ignored,
// among them age, sex and initials, which nobody asked for.
type answer struct {
	OrderRef   string          `json:"orderRef"`
	Status     string          `json:"status"`
	HintCode   string          `json:"hintCode"`
	ErrorCode  string          `json:"errorCode"` // of a failure that is told as an error
	QRCode     signing.Private `json:"qrCode"`
	Completion json.RawMessage `json:"completionData"`
}

type completion struct {
	User struct {
		PersonalNumber signing.Private `json:"personalNumber"`
		Name           signing.Private `json:"name"`
		GivenName      signing.Private `json:"givenName"`
		Surname        signing.Private `json:"surname"`
	} `json:"user"`
}

// The errors do not wrap those of the decoder, which may quote the body.
var (
	errNoJSON   = errors.New("the answer is not a JSON object of the form that collect has")
	errNoStatus = errors.New("the answer has a status that we do not know")
)

// decode reads JSON. A member of another type than expected stays empty, and the
// rest is read all the same.
func decode(raw []byte, into any) error {
	if err := json.Unmarshal(raw, into); err != nil {
		if _, other := errors.AsType[*json.UnmarshalTypeError](err); !other {
			return errNoJSON
		}
	}
	return nil
}

func decodeAnswer(raw []byte) (answer, error) {
	var a answer
	if err := decode(raw, &a); err != nil {
		return answer{}, err
	}
	switch {
	case a.Status == statusPending, a.Status == statusFailed, a.Status == statusComplete:
		return a, nil
	case len(a.Completion) > 0:
		// Under whatever name, it ended, and we may not be given this again.
		a.Status = statusComplete
		return a, nil
	case a.Status == "" && a.ErrorCode != "":
		a.Status, a.HintCode = statusFailed, a.ErrorCode
		return a, nil
	}
	return answer{}, errNoStatus
}

// Interpret implements providers.Provider. Its reject reasons are
// malformed_answer, wrong_order, no_completion, no_person and wrong_signer.
// Nothing here is proven but by Qrona's word.
func (c *Client) Interpret(raw []byte, x providers.Expectation) (providers.Result, error) {
	a, err := decodeAnswer(raw)
	switch {
	case err != nil:
		return failed(signing.ReasonProviderError, "malformed_answer"), nil
	case a.Status == statusPending:
		return providers.Result{}, fault.New(fault.Internal, "answer_not_terminal", "The stored answer is of a live order.").From(name, wire.Word(a.HintCode))
	case !c.names(a, x):
		return failed(signing.ReasonVerificationFailed, "wrong_order"), nil
	case a.Status == statusFailed:
		return failed(providers.FailedReason(a.HintCode), hint(a.HintCode)), nil
	case len(a.Completion) == 0:
		return failed(signing.ReasonVerificationFailed, "no_completion"), nil
	}
	var done *completion
	if err := decode(a.Completion, &done); err != nil || done == nil {
		return failed(signing.ReasonProviderError, "malformed_answer"), nil
	}
	if done.User.PersonalNumber == "" {
		return failed(signing.ReasonVerificationFailed, "no_person"), nil
	}
	// What is no personal number is not the one that was asked for.
	if who, err := signing.ParsePersonalNumber(done.User.PersonalNumber.Reveal()); err != nil || x.Signer.IsZero() || who != x.Signer {
		return failed(signing.ReasonWrongSigner, "wrong_signer"), nil
	}
	return providers.Result{
		Outcome: signing.OutcomeSigned, Assurance: signing.AssuranceIdentified, SignedAt: x.CollectedAt.UTC(),
		SignerName: done.person(), Environment: c.config.Environment,
		Checks: map[string]string{"signer": "match", "time_source": "collected", "proof": "none"},
	}, nil
}

// names reports whether the answer is to the order expected. A phone call's
// reference comes with its answer, and an answer that failed may have none.
func (c *Client) names(a answer, x providers.Expectation) bool {
	return x.Order == "" || strings.EqualFold(a.OrderRef, string(x.Order)) || a.OrderRef == "" && a.Status == statusFailed
}

func (d *completion) person() signing.Private {
	if d.User.Name != "" {
		return d.User.Name
	}
	if whole := strings.TrimSpace(d.User.GivenName.Reveal() + " " + d.User.Surname.Reveal()); whole != "" {
		return signing.Private(whole)
	}
	return ""
}

func failed(r signing.Reason, code string) providers.Result {
	return providers.Result{Outcome: signing.OutcomeFailed, Reason: r, ProviderCode: code}
}

// hint is BankID's word for a failure, or "failed" where Qrona gives none.
func hint(code string) string {
	if code == "" {
		return statusFailed
	}
	return wire.Word(code)
}
