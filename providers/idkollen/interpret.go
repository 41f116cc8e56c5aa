package idkollen

import (
	"strings"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/wire"
	"github.com/handslag/handslag/signing"
)

// Interpret implements providers.Provider. Its own reject reasons are
// malformed_answer, wrong_order, wrong_method, no_person and wrong_signer.
//
// It can hold the answer against the order and the person, and no more: text and
// digest are not told. Since no time is told either, SignedAt is when we heard.
func (c *Client) Interpret(raw []byte, x providers.Expectation) (providers.Result, error) {
	a, err := decodeAnswer(raw)
	if err != nil {
		return failed(signing.ReasonProviderError, "malformed_answer"), nil
	}
	if a.Status == statusPending {
		return providers.Result{}, fault.New(fault.Internal, "answer_not_terminal", "The stored answer is of a live order.").From(name, wire.Word(a.HintCode))
	}
	ref, ok := parseReference(x.Order)
	switch {
	case !ok || !strings.EqualFold(a.ID, ref.id):
		return failed(signing.ReasonVerificationFailed, "wrong_order"), nil
	case a.Status == statusFailed:
		return failed(reasonOf(a.Error), wordOf(a.Error)), nil
	case a.Status != statusCompleted:
		return failed(signing.ReasonProviderError, wordOf(a.Status)), nil
	}
	return c.judge(a, ref, x), nil
}

// judge holds a completed order against what was asked for.
func (c *Client) judge(a answer, ref reference, x providers.Expectation) providers.Result {
	var assurance signing.Assurance
	switch {
	case x.Method == signing.MethodBankIDSE && ref.kind == kindSign:
		assurance = signing.AssuranceAttested
	case x.Method == signing.MethodBankIDSEIdentify && ref.kind == kindAuth:
		assurance = signing.AssuranceIdentified
	default: // who was identified has signed nothing
		return failed(signing.ReasonVerificationFailed, "wrong_method")
	}
	if a.SSN == "" {
		return failed(signing.ReasonVerificationFailed, "no_person")
	}
	person, err := signing.ParsePersonalNumber(a.SSN.Reveal())
	if err != nil || person.IsZero() || person != x.Signer {
		return failed(signing.ReasonWrongSigner, "wrong_signer")
	}
	checks := a.remarks()
	checks["order"], checks["signer"] = "match", "match"
	checks["signature"], checks["ocsp"] = "not_returned", "not_returned"
	checks["time_source"] = "collected"
	if assurance == signing.AssuranceAttested {
		checks["visible_text"], checks["non_visible_data"] = "not_told", "not_told"
	}
	return providers.Result{
		Outcome: signing.OutcomeSigned, Assurance: assurance, SignedAt: heard(x), SignerName: a.signerName(),
		Environment: c.config.Environment, Checks: checks,
	}
}

func heard(x providers.Expectation) time.Time {
	if x.CollectedAt.IsZero() {
		return x.StartedAt.UTC()
	}
	return x.CollectedAt.UTC()
}

func failed(r signing.Reason, code string) providers.Result {
	return providers.Result{Outcome: signing.OutcomeFailed, Reason: r, ProviderCode: code}
}

func wordOf(s string) string {
	if w := wire.Word(s); w != "" {
		return w
	}
	return "unknown"
}

// reasonOf says in our words why an order failed. IDkollen has few words: what
// it calls AUTH_FAILED may be a declined call or a failed step-up as well, and
// CANCELLED may have been us.
func reasonOf(code string) signing.Reason {
	switch code {
	case "CANCELLED":
		return signing.ReasonUserCancelled
	case "CONFLICT":
		return signing.ReasonSuperseded
	case "SESSION_TIMEOUT":
		return signing.ReasonTimeout
	case "INVALID_ID":
		return signing.ReasonIDInvalid
	case "UNSUPPORTED_CLIENT":
		return signing.ReasonAppUnsupported
	}
	return signing.ReasonProviderError // AUTH_FAILED and INTERNAL_ERROR among them
}
