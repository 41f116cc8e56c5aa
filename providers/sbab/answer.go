package sbab

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/wire"
	"github.com/handslag/handslag/signing"
)

// The statuses that we know. Any other has ended the signing, without success.
const (
	statusInitiated = "INITIATED"
	statusInitated  = "INITATED" // SBAB's text has both
	statusPending   = "PENDING"
	statusComplete  = "COMPLETE"
)

// answer is what we read of an answer. Members that we do not know are ignored.
type answer struct {
	Status        string          `json:"status"`
	HintCode      string          `json:"hint_code"`
	HintCamel     string          `json:"hintCode"` // as SBAB's text has it in places
	QR            signing.Private `json:"qr_string"`
	ParticipantID string          `json:"participant_id"`
}

// The errors do not wrap those of the decoder, which may quote the body.
var (
	errNoJSON   = errors.New("the answer is not a JSON object of the form that collect has")
	errNoStatus = errors.New("the answer has no status")
)

// decodeAnswer reads an answer. A member of another type than expected stays
// empty, and the rest is read all the same.
func decodeAnswer(raw []byte) (answer, error) {
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil {
		if _, other := errors.AsType[*json.UnmarshalTypeError](err); !other {
			return answer{}, errNoJSON
		}
	}
	if a.Status == "" {
		return answer{}, errNoStatus
	}
	return a, nil
}

func (a answer) terminal() bool {
	return a.Status != statusInitiated && a.Status != statusInitated && a.Status != statusPending
}

// hint returns BankID's word for what is waited for, or for why it failed:
// USER_SIGN is userSign.
func (a answer) hint() string {
	hint := a.HintCode
	if hint == "" {
		hint = a.HintCamel
	}
	switch {
	case hint != "":
		return wire.Word(camel(hint))
	case a.terminal():
		return ""
	case a.Status == statusPending:
		return "unknown"
	}
	return "initiated"
}

// camel turns UPPER_SNAKE into camelCase, and leaves all else as it is.
func camel(s string) string {
	if s != strings.ToUpper(s) {
		return s
	}
	words := strings.Split(strings.ToLower(s), "_")
	for i, w := range words[1:] {
		if w != "" {
			words[i+1] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "")
}

// Interpret implements providers.Provider. Its reject reasons are
// malformed_answer and wrong_order. What SBAB calls complete is signed, by its
// word and by whoever the participant is.
func (c *Client) Interpret(raw []byte, x providers.Expectation) (providers.Result, error) {
	a, err := decodeAnswer(raw)
	switch {
	case err != nil:
		return failed(signing.ReasonProviderError, "malformed_answer"), nil
	case !a.terminal():
		return providers.Result{}, fault.New(fault.Internal, "answer_not_terminal", "The stored answer is of a live order.").From(name, a.hint())
	case a.ParticipantID != "" && !strings.EqualFold(a.ParticipantID, string(x.Order)):
		return failed(signing.ReasonVerificationFailed, "wrong_order"), nil
	case a.Status == statusComplete:
		return providers.Result{
			Outcome: signing.OutcomeSigned, Assurance: signing.AssuranceAttestedProcess,
			SignedAt: x.CollectedAt.UTC(), Environment: c.config.Environment,
			Checks: map[string]string{"signer": "not_told", "time_source": "collected", "proof": "none"},
		}, nil
	}
	hint := a.hint()
	reason := providers.FailedReason(hint)
	if reason == signing.ReasonProviderError || hint == "unknown" {
		hint = wire.Word(a.Status) // COLLECT_ERROR, say, which is all that there is to know
	}
	return failed(reason, hint), nil
}

func failed(r signing.Reason, code string) providers.Result {
	return providers.Result{Outcome: signing.OutcomeFailed, Reason: r, ProviderCode: code}
}
