// Package bankidsig verifies what Swedish BankID returns for a completed order:
// an XML signature over the texts that the person was shown, and an OCSP
// response about their certificate. It is pure: no network, no clock, no files.
//
// The idea is to accept one shape only. BankID emits its signatures in canonical
// form (Canonical XML 1.0), and each of the three parts that are hashed or signed
// declares its own namespace. So the raw bytes of those parts are their canonical
// form, and SHA-256 over a raw slice is the digest that XML Signature asks for.
// A document that departs from that form anywhere is refused, which leaves no
// room for the ambiguities that signature-wrapping attacks live on, and no need
// for a canonicaliser. Inside clientInfo, where BankID adds elements without
// notice, any elements are accepted, in the same strict syntax.
//
// Invariants:
//
//   - No value in a [Report] comes from outside the slices whose digests were
//     checked, the certificates whose chain was checked, or the OCSP response
//     whose signature was checked.
//   - No certificate of the document is ever a trust anchor. Anchors come from
//     the caller, each with the environment it stands for.
//   - The document states no time of signing. The time is the OCSP response's
//     producedAt; the caller's own time is used only without a response, which
//     the caller must allow and the report states.
//   - Each refusal has a [Reason], a stable string that may be stored.
//
// Use:
//
//	trust, err := bankidsig.ParseAnchors(bankidsig.Live, pem)
//	report, err := bankidsig.Verify(bankidsig.Input{
//		Signature: completion.Signature,
//		OCSP:      completion.OCSPResponse,
//		Expect:    bankidsig.Expectation{VisibleText: sent, Signer: number},
//	}, trust)
package bankidsig
