package signing

import (
	"slices"
	"strings"
)

// Method is how a participant signs.
type Method string

// The methods.
const (
	MethodBankIDSE         Method = "bankid-se"          // a Swedish BankID signature over our manifest
	MethodBankIDSEIdentify Method = "bankid-se-identify" // a Swedish BankID identification, then consent in our page
	MethodBankIDSEProcess  Method = "bankid-se-process"  // a signing that the provider itself owns, with Swedish BankID
	MethodNBIDPKI          Method = "nbid-pki"           // a Norwegian BankID signature in the documents themselves
)

// Assurances are those that the method can yield; none for an unknown method.
func (m Method) Assurances() []Assurance {
	switch m {
	case MethodBankIDSE:
		return []Assurance{AssuranceVerified, AssuranceAttested}
	case MethodNBIDPKI:
		return []Assurance{AssuranceVerified}
	case MethodBankIDSEIdentify:
		return []Assurance{AssuranceIdentified}
	case MethodBankIDSEProcess:
		return []Assurance{AssuranceAttestedProcess}
	}
	return nil
}

// Known reports whether m is one of the methods.
func (m Method) Known() bool { return m.Assurances() != nil }

// SignsDocuments reports whether the person signs the PDFs themselves, so that
// there is a new revision of each.
func (m Method) SignsDocuments() bool { return m == MethodNBIDPKI }

// yields names what stands behind the method's outcomes, for a message.
func (m Method) yields() string {
	var names []string
	for _, a := range m.Assurances() {
		names = append(names, string(a))
	}
	return strings.Join(names, " or ")
}

// acceptable reports whether the policy accepts anything that the method yields.
func (m Method) acceptable(p Policy) bool {
	return slices.ContainsFunc(m.Assurances(), func(a Assurance) bool { return slices.Contains(p.Accept, a) })
}

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
