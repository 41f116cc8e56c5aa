package bankid

import (
	"time"

	"github.com/handslag/handslag/simulator/faults"
)

// The timing rules of the Relying Party API.
const (
	startWindow      = 30 * time.Second // the app must be started within it
	orderLife        = 3 * time.Minute  // the person must have signed within it
	completeRetained = 3 * time.Minute  // a result waits this long to be collected
	failedRetained   = 5 * time.Minute
	brokerRetained   = time.Hour // see Broker
)

// Hint codes of pending orders. noClient is of older clients of BankID's and is
// given by script alone.
const (
	hintNoClient    = "noClient"
	hintOutstanding = "outstandingTransaction"
	hintStarted     = "started"
	hintCallConfirm = "userCallConfirm"
	hintMRTD        = "userMrtd"
	hintStepUp      = "userStepUp"
	hintFace        = "userFace"
	hintSign        = "userSign"
	hintProcessing  = "processing"
)

// pendings lists every hint code of a pending order, for scripts.
var pendings = []string{
	hintOutstanding, hintNoClient, hintStarted, hintCallConfirm, hintMRTD, hintStepUp, hintFace, hintSign, hintProcessing, UnknownCode,
}

// Hint codes of failed orders that the simulator gives by itself.
const (
	failExpired     = "expiredTransaction"
	failCertificate = "certificateErr"
	failUserCancel  = "userCancel"
	failSuperseded  = "cancelled"
	failNotStarted  = "startFailed"
	failDeclined    = "userDeclinedCall"
	failNoNFC       = "nfcNotSupportedByDevice"
)

// failures lists every hint code that ends an order, for scripts.
var failures = []string{
	failExpired, failCertificate, failUserCancel, failSuperseded, failNotStarted, failDeclined, failNoNFC,
	"notSupportedByUserApp", "mrtdVerificationFailed", "facialRecognitionFailed", "multipleBankIdsOnDevice",
	"stepUpFailed", "transactionRiskBlocked", UnknownCode,
}

// UnknownCode is a hint or error code that no client can know: BankID may add
// codes without notice, and a client must stand that.
const UnknownCode = "simulatedUnknown"

// Script says how an order goes when the person does their part. The zero
// value completes at once.
type Script struct {
	// Outcome is "complete" (or empty), or the hint code to fail with.
	Outcome string `json:"outcome,omitempty"`
	// At is when a failing outcome strikes: "pickUp", "confirm" or "sign" (or empty).
	At string `json:"at,omitempty"`
	// StartDelay is how long the app searches for a BankID: hint started.
	StartDelay faults.Duration `json:"startDelay,omitempty"`
	// ProcessingDelay is how long BankID works after the person signed: hint processing.
	ProcessingDelay faults.Duration `json:"processingDelay,omitempty"`
	// Steps are further things to confirm before signing: userMrtd, userStepUp, userFace.
	Steps []string `json:"steps,omitempty"`
	// Hint replaces the hint code of the order while it is pending, by any that
	// BankID has or by [UnknownCode]. What the person has to do stays as it is.
	Hint string `json:"hint,omitempty"`
	// Life is how long orders live that are made from now on, instead of the three
	// minutes of a real one. It is for measurements.
	Life faults.Duration `json:"life,omitempty"`
	// Risk is reported when the order asked for it: low, moderate or high.
	Risk string `json:"risk,omitempty"`
}

func (s Script) failsAt(moment string) bool {
	at := s.At
	if at == "" {
		at = "sign"
	}
	return s.Outcome != "" && s.Outcome != "complete" && at == moment
}

// relyingParty is who made an order, from its client certificate.
type relyingParty struct {
	Fingerprint string `json:"fingerprint"`
	Subject     string `json:"subject"`
	DisplayName string `json:"displayName"`
	Broker      bool   `json:"broker,omitempty"`
}

// order is one order. It is only read and changed under the server's lock.
type order struct {
	Ref            string          `json:"ref"`
	Kind           kind            `json:"kind"`
	RP             relyingParty    `json:"rp"`
	AutoStartToken string          `json:"autoStartToken,omitempty"`
	QRStartToken   string          `json:"qrStartToken,omitempty"`
	QRStartSecret  string          `json:"qrStartSecret,omitempty"`
	Request        request         `json:"request"`
	Created        time.Time       `json:"created"`
	Life           faults.Duration `json:"life,omitempty"` // see Script
	Script         *Script         `json:"script,omitempty"`

	TokenUsed  bool      `json:"tokenUsed,omitempty"`
	Person     string    `json:"person,omitempty"` // known from a phone request or from pick-up
	SameDevice bool      `json:"sameDevice,omitempty"`
	Started    time.Time `json:"started,omitzero"`  // an app has it
	PickedUp   time.Time `json:"pickedUp,omitzero"` // a usable BankID has it
	StartsUp   time.Time `json:"startsUp,omitzero"` // when the app has found the BankID
	Steps      []string  `json:"steps,omitempty"`   // still to be confirmed
	MRTDRead   bool      `json:"mrtdRead,omitempty"`
	WrongCodes int       `json:"wrongCodes,omitempty"`

	Result    *ending `json:"result,omitempty"` // what it will end with, once Result.At is reached
	End       *ending `json:"end,omitempty"`
	Collected bool    `json:"collected,omitempty"`
}

// ending is how an order ended: complete with data, or failed with a hint.
type ending struct {
	Hint       string          `json:"hint,omitempty"`
	At         time.Time       `json:"at"`
	Completion *completionData `json:"completion,omitempty"`
	Reason     string          `json:"reason,omitempty"` // what the person's app says
}

// settle brings the order up to date: whatever time alone has decided by now.
func (o *order) settle(now time.Time) {
	switch {
	case o.End != nil:
	case o.Result != nil:
		if !now.Before(o.Result.At) {
			o.End = o.Result
		}
	case o.Started.IsZero() && !o.Kind.phone() && !now.Before(o.Created.Add(startWindow)):
		o.end(failNotStarted, o.Created.Add(startWindow), "The app was not started in time.")
	case !now.Before(o.Created.Add(o.life())):
		o.end(failExpired, o.Created.Add(o.life()), "The order has expired.")
	}
}

func (o *order) life() time.Duration {
	if o.Life > 0 {
		return time.Duration(o.Life)
	}
	return orderLife
}

func (o *order) end(hint string, at time.Time, reason string) {
	o.End = &ending{Hint: hint, At: at, Reason: reason}
}

// live reports whether the order can still become a signature.
func (o *order) live() bool { return o.End == nil }

// forgotten reports whether the retention time is over.
func (o *order) forgotten(now time.Time) bool {
	if o.End == nil {
		return false
	}
	retained := failedRetained
	if o.End.Completion != nil {
		retained = completeRetained
	}
	if o.RP.Broker {
		retained = brokerRetained
	}
	return !now.Before(o.End.At.Add(retained))
}

// hint is the hint code of a pending order.
func (o *order) hint(now time.Time) string {
	switch {
	case o.Result != nil:
		return hintProcessing
	case o.Started.IsZero():
		return hintOutstanding
	case o.PickedUp.IsZero() || now.Before(o.StartsUp):
		return hintStarted
	case len(o.Steps) > 0:
		return o.Steps[0]
	default:
		return hintSign
	}
}
