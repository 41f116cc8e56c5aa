package evidence

import "github.com/handslag/handslag/signing"

// Kind is what a participant's part is.
type Kind string

// The kinds. Only the first can be proven by a document: of the others it carries
// what somebody stated, and the seal says that they did.
const (
	KindSignature Kind = "signature"       // of the document, by cryptography that anybody can check
	KindStatement Kind = "statement"       // the provider says that they signed the document
	KindConsent   Kind = "consent"         // they proved who they are, and agreed
	KindProcess   Kind = "related-process" // they signed something else, at the provider
)

// kindOf returns "" for an unknown assurance.
func kindOf(a signing.Assurance) Kind {
	switch a {
	case signing.AssuranceVerified:
		return KindSignature
	case signing.AssuranceAttested:
		return KindStatement
	case signing.AssuranceIdentified:
		return KindConsent
	case signing.AssuranceAttestedProcess:
		return KindProcess
	}
	return ""
}
