package bankid

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/wire"
	"github.com/handslag/handslag/signing"
)

// Interpret implements providers.Provider. Beside bankidsig's, its reject reasons
// are malformed_answer, wrong_order, wrong_method and no_completion.
func (c *Client) Interpret(raw []byte, x providers.Expectation) (providers.Result, error) {
	a, err := decodeAnswer(raw)
	switch {
	case err != nil:
		return failed(signing.ReasonProviderError, "malformed_answer"), nil
	case a.Status == statusPending:
		return providers.Result{}, fault.New(fault.Internal, "answer_not_terminal", "The stored answer is of a live order.").From(name, wire.Word(a.HintCode))
	case !strings.EqualFold(a.OrderRef, string(x.Order)):
		return failed(signing.ReasonVerificationFailed, "wrong_order"), nil
	case a.Status == statusFailed:
		return failed(providers.FailedReason(a.HintCode), wire.Word(a.HintCode)), nil
	case len(a.Completion) == 0:
		return failed(signing.ReasonVerificationFailed, "no_completion"), nil
	}
	done, err := decodeCompletion(a.Completion)
	if err != nil {
		return failed(signing.ReasonProviderError, "malformed_answer"), nil
	}
	p, ok := purposeOf(x.Method)
	if !ok {
		return failed(signing.ReasonVerificationFailed, "wrong_method"), nil
	}
	return c.judge(done, p, x)
}

// judge verifies what a completed order carries, a signature or an
// identification, and holds it against the order.
func (c *Client) judge(done *completion, p purpose, x providers.Expectation) (providers.Result, error) {
	report, err := bankidsig.Verify(bankidsig.Input{
		Signature: done.Signature.Reveal(), OCSP: done.OCSP.Reveal(),
		Expect: p.expectation(x, c.relyingParty),
		Mode:   bankidsig.Mode{Identification: p.identifies, Strict: c.config.StrictOCSP},
	}, c.config.Anchors)
	if err != nil {
		return refused(err)
	}
	// The person is who the certificate says; BankID must not say otherwise.
	if done.User.PersonalNumber.Reveal() != report.Signer.PersonalNumber.Reveal() {
		return failed(signing.ReasonWrongSigner, string(bankidsig.WrongSigner)), nil
	}
	proofs, err := proofsOf(done, p.proof)
	if err != nil {
		return failed(signing.ReasonVerificationFailed, string(bankidsig.Malformed)), nil
	}
	return providers.Result{
		Outcome: signing.OutcomeSigned, Assurance: p.assurance,
		SignedAt: report.SignedAt.UTC(), SignerName: signing.Private(report.Signer.Name.Reveal()),
		Environment: string(report.Environment), Checks: c.checks(report, done), Proofs: proofs,
	}, nil
}

func failed(r signing.Reason, code string) providers.Result {
	return providers.Result{Outcome: signing.OutcomeFailed, Reason: r, ProviderCode: code}
}

// refused turns a refusal into a result; an error that is none could not be
// judged, and stays an error.
func refused(err error) (providers.Result, error) {
	switch reason := bankidsig.ReasonOf(err); reason {
	case "":
		if f, ok := fault.As(err); ok {
			return providers.Result{}, f.From(name, "")
		}
		return providers.Result{}, fault.New(fault.Internal, "bankid_verification", "The BankID signature could not be judged.").Because(err).From(name, "")
	case bankidsig.UntrustedRoot:
		// The signature may be genuine and the anchor for it missing here: that is
		// for an operator to mend, and no reason to ask the person again.
		return providers.Result{}, fault.New(fault.Internal, "bankid_untrusted_root",
			"The BankID signature leads to no trust anchor of this installation.").Because(err).From(name, string(reason))
	case bankidsig.WrongSigner:
		return failed(signing.ReasonWrongSigner, string(reason)), nil
	default:
		return failed(signing.ReasonVerificationFailed, string(reason)), nil
	}
}

func proofsOf(done *completion, proof string) (map[string][]byte, error) {
	xml, err := base64.StdEncoding.DecodeString(done.Signature.Reveal())
	if err != nil {
		return nil, err
	}
	response, err := base64.StdEncoding.DecodeString(done.OCSP.Reveal())
	if err != nil {
		return nil, err
	}
	return map[string][]byte{proof: xml, providers.ProofOCSP: response}, nil
}

func (c *Client) checks(report *bankidsig.Report, done *completion) map[string]string {
	checks := maps.Clone(report.Checks)
	maps.Copy(checks, done.remarks())
	checks["time_source"] = string(report.TimeSource)
	checks["anchor_sha256"] = report.AnchorSHA256
	checks["certificate_sha256"] = report.CertificateSHA256
	checks["key_usage"] = "digitalSignature"
	if report.NonRepudiation {
		checks["key_usage"] = "nonRepudiation"
	}
	// BankID enforces our policies when the person signs. That is recorded and not
	// enforced again, since the setting may have changed in the meantime and a
	// signature would be lost.
	checks["certificate_policy"] = "not_compared"
	if len(c.config.CertificatePolicies) > 0 {
		checks["certificate_policy"] = "mismatch"
		if slices.ContainsFunc(report.Policies, c.allowsPolicy) {
			checks["certificate_policy"] = "match"
		}
	}
	return checks
}

// allowsPolicy compares with what we ask for, where a * stands for any rest.
func (c *Client) allowsPolicy(oid string) bool {
	return slices.ContainsFunc(c.config.CertificatePolicies, func(want string) bool {
		prefix, wild := strings.CutSuffix(want, "*")
		return oid == want || wild && strings.HasPrefix(oid, prefix)
	})
}
