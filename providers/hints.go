package providers

import "github.com/handslag/handslag/signing"

// FailedReason says in our words why a BankID order failed, by BankID's hint. A
// hint that we do not know is a failure all the same.
func FailedReason(hint string) signing.Reason {
	switch hint {
	case "userCancel":
		return signing.ReasonUserCancelled
	case "cancelled":
		return signing.ReasonSuperseded
	case "startFailed":
		return signing.ReasonNotStarted
	case "expiredTransaction":
		return signing.ReasonTimeout
	case "certificateErr":
		return signing.ReasonIDInvalid
	case "notSupportedByUserApp", "nfcNotSupportedByDevice", "multipleBankIdsOnDevice":
		return signing.ReasonAppUnsupported
	case "mrtdVerificationFailed", "facialRecognitionFailed", "stepUpFailed":
		return signing.ReasonStepUpFailed
	case "userDeclinedCall":
		return signing.ReasonCallDeclined
	}
	return signing.ReasonProviderError
}
