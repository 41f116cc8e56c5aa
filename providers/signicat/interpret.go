package signicat

import (
	"strings"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/wire"
	"github.com/handslag/handslag/signing"
)

// Interpret implements providers.Provider. Its reject reasons are
// malformed_answer, wrong_order, wrong_signer, no_pades and wrong_results; else the
// code is the session's state.
func (c *Client) Interpret(raw []byte, x providers.Expectation) (providers.Result, error) {
	s, err := decodeSession(raw)
	switch {
	case err != nil:
		return failed(signing.ReasonProviderError, "malformed_answer"), nil
	case !s.ended():
		return providers.Result{}, fault.New(fault.Internal, "answer_not_terminal", "The stored answer is of a live order.").
			From(name, wire.Word(s.Lifecycle.State))
	case !strings.EqualFold(s.ID, string(x.Order)):
		return failed(signing.ReasonVerificationFailed, "wrong_order"), nil
	case s.Lifecycle.State == stateRejected:
		return failed(signing.ReasonUserCancelled, stateRejected), nil
	case s.Lifecycle.State != stateSigned:
		return failed(reasonOf(s.Lifecycle.State), wire.Word(s.Lifecycle.State)), nil
	case s.Signer.NIN != "" && s.Signer.NIN.Reveal() != x.Signer.Reveal():
		return failed(signing.ReasonWrongSigner, "wrong_signer"), nil
	}
	return returned(s, x), nil
}

func failed(r signing.Reason, code string) providers.Result {
	return providers.Result{Outcome: signing.OutcomeFailed, Reason: r, ProviderCode: code}
}

// reasonOf words the final states that others have seen and that are in no
// documentation.
func reasonOf(state string) signing.Reason {
	switch state {
	case "EXPIRED":
		return signing.ReasonTimeout
	case "CANCELLED":
		return signing.ReasonSuperseded
	}
	return signing.ReasonProviderError
}

// returned names the results of a signed session. They are assigned to our
// documents where Signicat says which originals they were made of, or where
// there is but one of each.
func returned(s session, x providers.Expectation) providers.Result {
	r := providers.Result{
		Outcome: signing.OutcomeSigned, Revisions: map[signing.DocumentID]string{},
		Checks: map[string]string{"signer_named": "no"},
	}
	if s.Signer.NIN != "" {
		r.Checks["signer_named"] = "match"
	}
	ours := map[string]signing.DocumentID{}
	for document, theirs := range x.Documents {
		ours[theirs] = document
	}
	seen := map[string]bool{}
	for _, one := range s.Output.Signatures {
		if one.Type != "PADES" {
			return failed(signing.ReasonVerificationFailed, "no_pades")
		}
		document, known := ours[one.Original]
		if !known && one.Original == "" && len(ours) == 1 && len(s.Output.Signatures) == 1 {
			for _, document = range ours {
				known = true
			}
		}
		if one.Result == "" || seen[one.Result] || one.Original != "" && len(ours) > 0 && !known || known && r.Revisions[document] != "" {
			return failed(signing.ReasonVerificationFailed, "wrong_results")
		}
		seen[one.Result] = true
		if known {
			r.Revisions[document] = one.Result
		} else {
			r.Unplaced = append(r.Unplaced, one.Result)
		}
	}
	if len(ours) > 0 && len(seen) != len(ours) {
		return failed(signing.ReasonVerificationFailed, "wrong_results")
	}
	return r
}
