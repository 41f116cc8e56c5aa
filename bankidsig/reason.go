package bankidsig

import (
	"fmt"

	"github.com/handslag/handslag/fault"
)

// Reason names why a signature was refused. The strings are stored in evidence
// and never change.
type Reason string

// The reasons, in the order in which they are looked for.
const (
	Malformed           Reason = "malformed"            // no strict base64 or UTF-8
	TooLarge            Reason = "too_large"            // larger than BankID can return
	UnexpectedStructure Reason = "unexpected_structure" // not the one shape that BankID emits
	DuplicateID         Reason = "duplicate_id"         // two elements answer to one Id
	BadReference        Reason = "reference"            // not exactly the two references that must be signed
	BadAlgorithm        Reason = "algorithm"            // an algorithm that is not on the list, such as rsa-sha1
	BadDigest           Reason = "digest"               // a signed part was changed
	UntrustedRoot       Reason = "untrusted_root"       // the chain ends at no anchor of ours
	NotValidWhenSigned  Reason = "not_valid_when_signed"
	BadCertificate      Reason = "certificate" // not a certificate that a person signs with
	WeakKey             Reason = "weak_key"    // a key that is too short to mean anything
	BadSignature        Reason = "signature"   // the signature value does not match
	OCSPMissing         Reason = "ocsp_missing"
	OCSPMalformed       Reason = "ocsp_malformed"
	OCSPResponder       Reason = "ocsp_responder" // signed by somebody who may not
	OCSPSignature       Reason = "ocsp_signature"
	OCSPWrong           Reason = "ocsp_wrong_certificate" //nolint:gosec // G101: no credentials
	OCSPNotGood         Reason = "ocsp_not_good"          // revoked or unknown
	OCSPTime            Reason = "ocsp_time"              // outside the life of the order
	OCSPNonce           Reason = "ocsp_nonce"             // not bound to this signature; in strict mode only
	NotASignature       Reason = "not_a_signature"        // an identification, where a signature was to be
	NotAnIdentification Reason = "not_an_identification"  // a signature, where an identification was to be
	ContentMismatch     Reason = "content_mismatch"       // another text than we sent
	WrongSigner         Reason = "wrong_signer"           // another person
	WrongRP             Reason = "wrong_rp"               // made for another relying party
)

// reject makes the fault for a refusal. The detail is for operators and must not
// quote the document.
func reject(r Reason, detail string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, string(r), "The BankID signature is refused: %s.", fmt.Sprintf(detail, args...))
}

// ReasonOf returns why [Verify] refused, or "" when err is not a refusal: then
// nothing was judged.
func ReasonOf(err error) Reason {
	if f, ok := fault.As(err); ok && f.Kind == fault.Invalid {
		return Reason(f.Code)
	}
	return ""
}
