package pdf

import (
	"crypto/x509"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf/cms"
)

// Indication is the outcome of a validation in the words of ETSI EN 319 102-1 5.1.3.
type Indication string

// The indications.
const (
	TotalPassed   Indication = "TOTAL-PASSED"
	Indeterminate Indication = "INDETERMINATE"
	TotalFailed   Indication = "TOTAL-FAILED"
)

// Sub-indications of EN 319 102-1 tables 6 to 8 that are used here, and one of
// our own for a document without any signature.
const (
	FormatFailure        = "FORMAT_FAILURE"
	HashFailure          = "HASH_FAILURE"
	SigCryptoFailure     = "SIG_CRYPTO_FAILURE"
	NotYetValid          = "NOT_YET_VALID"
	SigConstraints       = "SIG_CONSTRAINTS_FAILURE"
	CryptoConstraints    = "CRYPTO_CONSTRAINTS_FAILURE"
	NoCertificateChain   = "NO_CERTIFICATE_CHAIN_FOUND"
	NoSigningCertificate = "NO_SIGNING_CERTIFICATE_FOUND"
	NoProofOfTime        = "NO_POE"
	OutOfBounds          = "OUT_OF_BOUNDS_NO_POE"
	Revoked              = "REVOKED_NO_POE"
	RevokedCA            = "REVOKED_CA_NO_POE"
	TryLater             = "TRY_LATER"
	TimestampOrder       = "TIMESTAMP_ORDER_FAILURE"
	NoSignature          = "NO_SIGNATURE_FOUND"
)

// Kind is what a signature field holds.
type Kind string

// The kinds.
const (
	KindSignature Kind = "signature"
	KindTimestamp Kind = "timestamp" // a document timestamp (EN 319 142-1 5.4.3)
)

// Level is how long a signature can be checked (ETSI EN 319 142-1 6.1).
type Level string

// The levels.
const (
	LevelB   Level = "B-B"   // while its certificate is good
	LevelT   Level = "B-T"   // a timestamp proves when it was there
	LevelLT  Level = "B-LT"  // the document carries the proofs of its certificates' status
	LevelLTA Level = "B-LTA" // and a timestamp over them; to be renewed before that ends
)

// The levels of signatures in the older form of ISO 32000 (adbe.pkcs7.detached),
// which no seal of ours has.
const (
	LevelPKCS7  Level = "PKCS7-B"
	LevelPKCS7T Level = "PKCS7-T" // with a proven time
)

// ChangeKind is what a later revision did to the document. Everything else than
// these makes the signature before it fail.
type ChangeKind string

// The kinds of change.
const (
	ChangeSignature  ChangeKind = "signature-added"
	ChangeTimestamp  ChangeKind = "timestamp-added"
	ChangeField      ChangeKind = "field-added"           // for a signature that is to come, where nobody sees it
	ChangeValidation ChangeKind = "validation-data-added" // the document security store
	ChangeMetadata   ChangeKind = "metadata-changed"      // XMP, or date and producer in /Info
	ChangeExtensions ChangeKind = "version-raised"        // /Version, /Extensions
)

// Change is one thing that came after a signature.
type Change struct {
	Kind     ChangeKind
	Revision int    // counted from 1, as cross-reference sections
	Field    string // of a signature or timestamp, or to be one
	Page     int    // on which a signature that draws is; 0 when it does not
	// Filled is a signature in a field that was there and empty before.
	Filled bool
}

// Verification is what there is to say about every signature of a document.
type Verification struct {
	// Indication is the worst of the signatures'. A document timestamp that is
	// not proven proves nothing and takes nothing away; one that is false does.
	Indication    Indication
	SubIndication string
	Pages         int
	Revisions     int
	Signatures    []SignatureReport // in the order they were made
}

// SignatureReport is what there is to say about one signature or document
// timestamp.
type SignatureReport struct {
	Field         string
	Kind          Kind
	Level         Level // of a signature, "" when the form is not understood
	Indication    Indication
	SubIndication string
	Reason        string // one sentence, empty when passed
	Signer        *x509.Certificate
	NationalID    NationalID // in the signer's certificate, if any
	ClaimedTime   time.Time  // /M; proves nothing
	// Timestamp is the time that a trusted authority vouches for, or zero: of a
	// signature the earliest that is proven, of a document timestamp its own.
	Timestamp       time.Time
	TimestampSigner *x509.Certificate
	CoversUpTo      int64 // bytes; says nothing unless the signature is well formed
	Offset          int64 // where its own object, or the stream that holds it, begins in the file
	CoversWholeFile bool
	// Changes are those since this signature, oldest first. After one that nothing
	// allows, not all of them are told apart.
	Changes []Change
}

func (r *SignatureReport) conclude(i Indication, sub, reason string) {
	// The first finding that is worse than what is known stands.
	if worse(i, r.Indication) {
		r.Indication, r.SubIndication, r.Reason = i, sub, reason
	}
}

func worse(a, b Indication) bool {
	rank := map[Indication]int{TotalPassed: 0, Indeterminate: 1, TotalFailed: 2}
	return rank[a] > rank[b]
}

// fault concludes with the sub-indication that belongs to a fault's code.
func (r *SignatureReport) fault(err error) {
	e, ok := fault.As(err)
	if !ok {
		r.conclude(TotalFailed, FormatFailure, "The signature is not well formed.")
		return
	}
	switch e.Code {
	case cms.CodeDigest:
		r.conclude(TotalFailed, HashFailure, e.Message)
	case cms.CodeSignature:
		r.conclude(TotalFailed, SigCryptoFailure, e.Message)
	case cms.CodeImprint: // of a document timestamp: what it is over was changed
		r.conclude(TotalFailed, HashFailure, e.Message)
	case cms.CodeCertUnnamed:
		r.conclude(Indeterminate, SigConstraints, e.Message)
	case cms.CodeCertBound, cms.CodeNoCert:
		r.conclude(Indeterminate, NoSigningCertificate, e.Message)
	case cms.CodeAlgorithm:
		r.conclude(Indeterminate, CryptoConstraints, e.Message)
	case cms.CodeNotStamper:
		r.conclude(Indeterminate, SigConstraints, e.Message)
	default:
		r.conclude(TotalFailed, FormatFailure, e.Message)
	}
}
