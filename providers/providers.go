// Package providers is the contract between Handslag and the systems through
// which people sign: BankID itself, brokers in front of it, and signing
// platforms. Each has an adapter in a package of its own, and every adapter
// passes the suite in providertest.
//
// An order goes through four calls. Start creates it and is never repeated
// blindly. Collect asks how it stands; a terminal answer may be handed out only
// once, so its raw bytes are stored before anybody looks at them. Interpret
// turns stored raw bytes into a result, as often as wanted, with no network.
// Cancel withdraws the order.
//
// What a provider cannot do is said by its Capabilities and is refused when a
// collection is created, not when the person stands there. What only some can do
// are interfaces of their own: [BlockingStarter] for a call that lasts as long as
// the person takes, [RevisionReturner] for a provider that signs the documents
// themselves, [Reconciler] for one that can be asked what became of a lost start,
// and [PushReader] for one that calls us back.
package providers

import (
	"context"
	"io"
	"net/netip"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

// Provider is one account at one signing system. Its methods may be called from
// many goroutines at once. None retries: whoever calls decides, by the fault.
//
// Every error is or wraps a *fault.Error whose Provider is Name. No error, and
// no String of any value here, contains a personal number, a name, a text or a
// secret.
type Provider interface {
	// Name is the provider's name in the design: bankid, idkollen, sbab, …
	Name() string

	// Capabilities says what the account can do. It is constant.
	Capabilities() Capabilities

	// Start creates an order. Its faults say what is known about the order:
	//
	//	Unavailable  certainly none was created (nothing was sent, or the
	//	             provider says that it did nothing); may be repeated
	//	Conflict     none was created since the person has another; RetryAfter
	//	             says when to try again, where the provider tells
	//	Invalid      none was created and the same request never will be
	//	Forbidden    none was created: our credentials are refused
	//	Uncertain    it was sent and the answer was lost; an order may exist. It
	//	             must not be repeated, here or at another provider
	Start(ctx context.Context, r StartRequest) (Order, error)

	// Collect asks how an order stands. Answer.Raw holds the provider's body
	// unchanged. When Answer.Terminal is set, the provider may never give that
	// body again: store it before anything else is done.
	//
	// A fault of kind Unavailable or Uncertain may pass: collect again. NotFound
	// means that the provider knows no such order, or no longer: it ended and
	// its answer was given to somebody.
	Collect(ctx context.Context, ref OrderRef) (Answer, error)

	// Cancel withdraws an order. NotFound means that it had ended before, so
	// that a collect may still yield its answer. To cancel twice is harmless.
	Cancel(ctx context.Context, ref OrderRef) error

	// Interpret reads a stored terminal answer and checks everything about it
	// that can be checked, against what was asked for. It has no side effects
	// and yields equal results for equal inputs. An answer that proves nothing
	// is a Result with OutcomeFailed, not an error; an error means that we could
	// not judge (no trust anchors, say).
	Interpret(raw []byte, x Expectation) (Result, error)
}

// BlockingStarter is a provider whose phone call is one request that lasts
// until the person is done (Capabilities.PhoneBlocks). Start refuses such an
// order as Invalid.
type BlockingStarter interface {
	// StartAndWait asks the person and returns the terminal answer, which is to be
	// stored before anything else is done with it.
	//
	// sent is called once, from another goroutine, when the request has left us,
	// so that whoever started the attempt is answered then; it must not block. It
	// gets the order's reference, or an empty one where the provider tells that
	// with the answer only. With an empty reference Collect and Cancel are a
	// Conflict, as is the truth: nobody but the person can end the call, by the
	// app or by not answering for Capabilities.OrderLife. The Expectation of its
	// answer has the same empty reference.
	//
	// Before sent, faults are those of Start. After it they are too, but for two:
	// a connection that is lost and a context that ends are Uncertain, for the
	// person may go on, and what they do is lost to us. The end of the context
	// tells the provider nothing.
	StartAndWait(ctx context.Context, r StartRequest, sent func(OrderRef)) (Answer, error)
}

// RevisionReturner is a provider that signs the documents themselves
// (Capabilities.ReturnsPDF). Revision fetches what an order made of a document,
// named by Result.Revisions or Result.Unplaced. The caller closes the reader. It
// may be called again for as long as the provider keeps the result.
//
// Such a provider's Interpret has seen no document. The result that it calls
// signed says which files to fetch, and has no assurance, signer or time: these
// are the caller's to find in the files. It accepts one that begins with every
// byte of what was sent and adds one signature, by the person who was asked.
type RevisionReturner interface {
	Revision(ctx context.Context, ref OrderRef, resultID string) (io.ReadCloser, error)
}

// Reconciler is a provider that can be asked what became of a Start that ended
// Uncertain. Until it has answered, the request must not be made again, here or
// at another provider.
type Reconciler interface {
	// Reconcile looks for the order of r, by its attempt. at is when the lost
	// Start was called. Its faults say what is known then:
	//
	//	NotFound     certainly none was created, so r may be started again
	//	Unavailable  it cannot be known yet: ask again after RetryAfter
	//	Uncertain    likewise
	//	Conflict     there are several, which a repeated start must have made; a
	//	             person has to look
	//	Forbidden    our credentials are refused
	//
	// An order that is found counts as if Start had returned it. It may have been
	// completed already, though nobody was sent to it.
	Reconcile(ctx context.Context, r StartRequest, at time.Time) (Order, error)
}

// QRMode says where the text of an animated QR code comes from.
type QRMode string

// The QR modes.
const (
	QRNone    QRMode = ""        // there is none, as with a redirect
	QRCompute QRMode = "compute" // we compute it from Order.QRToken and Order.QRSecret
	QRRelay   QRMode = "relay"   // each Answer carries the next one
)

// Capabilities says what an account can do, for policy and routing.
type Capabilities struct {
	Methods     []signing.Method
	Assurance   signing.Assurance // of what it returns
	Level       signing.Level     // of what it returns, at best
	BindsText   bool              // the person sees and signs our text
	BindsDigest bool              // the signature covers our manifest
	ReturnsPDF  bool              // it signs the documents; see RevisionReturner
	MaxDocument int64             // the largest revision that it takes, in bytes; 0 has no limit
	QR          QRMode
	Redirect    bool // the person is sent to Order.RedirectURL
	Phone       bool
	PhoneBlocks bool // see BlockingStarter
	// LooksUpSignatories says that it finds out for which organisations the person
	// may sign; see StartRequest.Organisation.
	LooksUpSignatories bool
	Pushes             bool // it calls us back; a hint to collect, never a result
	// CollectEvery is the pace at which a live order is collected.
	CollectEvery time.Duration
	// OrderLife is the longest that an order can be live, at most 30 minutes. A
	// provider may keep it open for longer (a redirect, say): whoever follows the
	// order then cancels it.
	OrderLife time.Duration
}

// Yields is what stands behind an order of a method, and its level. Whatever an
// account yields otherwise, an identification is no signature.
func (c Capabilities) Yields(m signing.Method) (signing.Assurance, signing.Level) {
	switch m {
	case signing.MethodBankIDSEIdentify:
		return signing.AssuranceIdentified, signing.LevelAny
	case signing.MethodBankIDSEProcess:
		return signing.AssuranceAttestedProcess, signing.LevelAny
	case signing.MethodBankIDSE, signing.MethodNBIDPKI:
	}
	return c.Assurance, c.Level
}

// StartRequest is everything that any provider needs to create an order. An
// adapter ignores what its provider has no use for and refuses, as Invalid, a
// request that lacks what it needs.
type StartRequest struct {
	Collection  signing.CollectionID
	Attempt     signing.AttemptID // for the provider's own reference field
	Method      signing.Method
	Channel     signing.Channel
	Signer      signing.PersonalNumber // only this person may complete the order
	Locale      signing.Locale
	VisibleText signing.Private // simpleMarkdownV1
	Manifest    []byte          // signing.Manifest, encoded
	EndUser     EndUser
	// ReturnURL is where the person's app or browser goes afterwards. It holds a
	// single-use nonce, or its path ends with ReturnOutcome. Arriving there proves
	// nothing.
	ReturnURL string
	// CallInitiator is set with signing.ChannelPhone.
	CallInitiator CallInitiator
	// Documents are the revisions to sign, for a provider that signs PDFs.
	Documents []Document
	// Organisation is the number of the Swedish organisation that the person signs
	// for, such as 559000-0948, for a provider that looks up who may.
	Organisation string
	// ProviderParticipant is the id that the provider's own process gave the
	// person, for a provider that owns the process.
	ProviderParticipant string
}

// ReturnOutcome ends the path of a return address that is a page for each outcome.
// A provider that tells them apart puts success, cancel or error in its place.
const ReturnOutcome = "{outcome}"

// CallInitiator says who called whom in a phone order.
type CallInitiator string

// The call initiators.
const (
	CallByUser  CallInitiator = "user"
	CallByOwner CallInitiator = "owner"
)

// EndUser is what we know of the device that the person signs with.
type EndUser struct {
	IP  netip.Addr `json:"ip"`
	Web *WebDevice `json:"web,omitempty"`
	App *AppDevice `json:"app,omitempty"`
}

// WebDevice describes a browser; it excludes AppDevice.
type WebDevice struct {
	ReferringDomain  string `json:"referringDomain,omitempty"`
	UserAgent        string `json:"userAgent,omitempty"`
	DeviceIdentifier string `json:"deviceIdentifier,omitempty"`
}

// AppDevice describes a phone with the owner's app; it excludes WebDevice.
type AppDevice struct {
	AppIdentifier    string `json:"appIdentifier,omitempty"`
	DeviceOS         string `json:"deviceOS,omitempty"`
	DeviceModelName  string `json:"deviceModelName,omitempty"`
	DeviceIdentifier string `json:"deviceIdentifier,omitempty"`
}

// Document is one revision to be signed by a provider that signs PDFs.
type Document struct {
	signing.Document
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// OrderRef names an order at its provider. It is no secret.
type OrderRef string

// Order is a created order. It holds secrets: it travels in encrypted payloads
// only.
type Order struct {
	Ref OrderRef `json:"ref"`
	// Account is the name of the account that it was made at. Who called Start
	// sets it, since a provider does not know what the installation calls it.
	Account string `json:"account,omitempty"`
	// Life is the longest that it can be live. Who called Start sets it, from the
	// account's capabilities; 0 in what an earlier release wrote.
	Life time.Duration `json:"life,omitempty"`
	// StartedAt is when the provider's answer reached us; QR time counts from it.
	StartedAt time.Time `json:"startedAt"`
	// AutoStartToken launches the app on the same device.
	AutoStartToken signing.Private `json:"autoStartToken,omitempty"`
	QRToken        signing.Private `json:"qrToken,omitempty"`
	QRSecret       signing.Private `json:"qrSecret,omitempty"` // never leaves the server
	RelayedQR      signing.Private `json:"relayedQR,omitempty"`
	RedirectURL    signing.Private `json:"redirectURL,omitempty"`
	// Documents is what the provider calls the documents that were sent, for a
	// provider that signs PDFs. It belongs in the Expectation.
	Documents map[signing.DocumentID]string `json:"documents,omitempty"`
}

// Answer is what a provider says of an order.
type Answer struct {
	// Raw is the provider's body, byte for byte. It holds personal data.
	Raw []byte
	// Terminal says that the order has ended and this is its only answer.
	Terminal bool
	// Hint is the provider's word for what a live order waits for.
	Hint string
	// RelayedQR is the next text of the QR code, with QRRelay.
	RelayedQR signing.Private
}

// Expectation is what an answer is held against.
type Expectation struct {
	Order       OrderRef
	Method      signing.Method
	Signer      signing.PersonalNumber
	VisibleText signing.Private
	Manifest    []byte
	StartedAt   time.Time
	CollectedAt time.Time
	// Documents are those of the Order.
	Documents map[signing.DocumentID]string
}

// Result is what an answer proves. What OutcomeSigned is worth is said by
// Assurance: with identified, the person proved who they are and has signed
// nothing; with attested-process, they signed what belongs to the provider.
type Result struct {
	Outcome      signing.Outcome   `json:"outcome"`                // signed, failed or cancelled
	Reason       signing.Reason    `json:"reason,omitempty"`       // when failed
	ProviderCode string            `json:"providerCode,omitempty"` // the provider's word, or our reject reason
	Assurance    signing.Assurance `json:"assurance,omitempty"`
	SignedAt     time.Time         `json:"signedAt,omitzero"` // the best time known; for BankID the OCSP response's
	SignerName   signing.Private   `json:"signerName,omitempty"`
	// Level is set where it is read out of the signature itself; else it is what the
	// account yields (Capabilities).
	Level signing.Level `json:"level,omitempty"`
	// Environment is the world of the trust anchor: live, test or simulator.
	Environment string `json:"environment,omitempty"`
	// Checks names what was checked and how it went, for the evidence. Fields
	// that rest on one source are here and decide nothing.
	Checks map[string]string `json:"checks,omitempty"`
	// Proofs are parts of the raw answer that stand on their own, by file name,
	// such as the XML signature and the OCSP response.
	Proofs map[string][]byte `json:"-"`
	// Revisions maps documents to the ids of what the provider made of them.
	Revisions map[signing.DocumentID]string `json:"revisions,omitempty"`
	// Unplaced are the ids of what it made of it does not say which documents. They
	// are told apart by the bytes that they begin with.
	Unplaced []string `json:"unplaced,omitempty"`
}

// The names of proofs that a BankID signature or identification consists of. The
// two have the same form, and are told apart by name as well: nobody who looks
// for a signature finds an identification.
const (
	ProofXML            = "signature.xml"      // the XML signature, decoded
	ProofIdentification = "identification.xml" // likewise, of an identification
	ProofOCSP           = "ocsp.der"           // the OCSP response
)

// ErrResultLost is returned by Collect when the provider knows of no answer any
// more: it was given to somebody who did not keep it.
var ErrResultLost = fault.New(fault.NotFound, "order_unknown", "The provider knows no such order any more.")
