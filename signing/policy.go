package signing

import (
	"slices"

	"github.com/handslag/handslag/fault"
)

// Method is how a participant signs.
type Method string

// The methods. A collection may name those that its Spec accepts.
const (
	MethodBankIDSE         Method = "bankid-se"          // a Swedish BankID signature over our manifest
	MethodBankIDSEIdentify Method = "bankid-se-identify" // a Swedish BankID identification, then consent in our page
	MethodBankIDSEProcess  Method = "bankid-se-process"  // a signing that the provider itself owns, with Swedish BankID
	MethodNBIDPKI          Method = "nbid-pki"           // a Norwegian BankID signature in the documents themselves
)

// Assurance says what stands behind a signature. A policy is a set of them;
// none is more than another.
type Assurance string

// The assurances.
const (
	AssuranceVerified        Assurance = "verified"         // we checked the cryptography
	AssuranceAttested        Assurance = "attested"         // the provider says they signed our text
	AssuranceAttestedProcess Assurance = "attested-process" // the provider says they signed its own process
	AssuranceIdentified      Assurance = "identified"       // identity proven, consent recorded
)

// Policy is the set of assurances that a collection accepts.
type Policy struct {
	Accept []Assurance `json:"accept"`
}

// DefaultPolicy accepts only what we verified ourselves.
func DefaultPolicy() Policy { return Policy{Accept: []Assurance{AssuranceVerified}} }

// Validate refuses an empty policy and unknown assurances.
func (p Policy) Validate() error {
	if len(p.Accept) == 0 {
		return fault.New(fault.Invalid, "policy_invalid", "The policy must accept at least one assurance.")
	}
	for _, a := range p.Accept {
		switch a {
		case AssuranceVerified, AssuranceAttested, AssuranceAttestedProcess, AssuranceIdentified:
		default:
			return fault.New(fault.Invalid, "policy_invalid", "The policy names an unknown assurance.")
		}
	}
	return nil
}

// Accepts reports whether a signature with assurance a meets the policy.
func (p Policy) Accepts(a Assurance) bool { return slices.Contains(p.Accept, a) }

// Locale is a language that we speak to participants in.
type Locale string

// The locales.
const (
	LocaleSV Locale = "sv"
	LocaleNB Locale = "nb"
	LocaleEN Locale = "en"
)

// Valid reports whether l is one of the locales.
func (l Locale) Valid() bool { return l == LocaleSV || l == LocaleNB || l == LocaleEN }
