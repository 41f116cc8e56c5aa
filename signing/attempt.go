package signing

import "time"

// Channel is how the person reaches their app in an attempt.
type Channel string

// The channels.
const (
	ChannelQR         Channel = "qr"          // another device reads our QR code
	ChannelSameDevice Channel = "same-device" // the app is launched where our page is shown
	ChannelPhone      Channel = "phone"       // the person is in a call with the owner
)

// Outcome is how an attempt ended. The empty outcome is a live attempt.
type Outcome string

// The outcomes.
const (
	OutcomeSigned     Outcome = "signed"
	OutcomeIdentified Outcome = "identified" // who they are is proven; to consent is still theirs
	OutcomeFailed     Outcome = "failed"
	OutcomeCancelled  Outcome = "cancelled"
	OutcomeResultLost Outcome = "result_lost" // the provider gave its answer once and we did not get it
)

// Reason says why an attempt failed, in words that are the same for every
// provider.
type Reason string

// The reasons.
const (
	ReasonUserCancelled      Reason = "user_cancelled"
	ReasonSuperseded         Reason = "superseded"  // another order for the same person
	ReasonNotStarted         Reason = "not_started" // the app was not opened in time
	ReasonTimeout            Reason = "timeout"
	ReasonIDInvalid          Reason = "id_invalid" // blocked, revoked or expired eID
	ReasonAppUnsupported     Reason = "app_unsupported"
	ReasonStepUpFailed       Reason = "step_up_failed"
	ReasonCallDeclined       Reason = "call_declined"
	ReasonWrongSigner        Reason = "wrong_signer"        // another person signed
	ReasonVerificationFailed Reason = "verification_failed" // the signature is not what it claims
	ReasonNotAccepted        Reason = "not_accepted"        // valid, but below the policy
	ReasonStartFailed        Reason = "start_failed"        // no order was created
	ReasonRewritten          Reason = "rewritten"           // the provider changed what was to be signed
	ReasonProviderError      Reason = "provider_error"
)

// Attempt is one try of one participant at one provider.
type Attempt struct {
	ID          AttemptID     `json:"id"`
	Participant ParticipantID `json:"participant"`
	Number      int           `json:"number"` // from 1, within the participant
	Provider    string        `json:"provider"`
	Channel     Channel       `json:"channel"`
	StartedAt   time.Time     `json:"startedAt"`
	EndedAt     time.Time     `json:"endedAt,omitzero"`
	Outcome     Outcome       `json:"outcome,omitempty"`
	Reason      Reason        `json:"reason,omitempty"`
	// ProviderCode is the provider's own word for how it ended, such as a
	// BankID hintCode. It may be empty.
	ProviderCode string `json:"providerCode,omitempty"`
}

// Live reports whether the attempt has not ended.
func (a *Attempt) Live() bool { return a != nil && a.Outcome == "" }

// Signature is the verified outcome of an attempt: who signed what, when and
// how sure that is. The bytes that prove it are evidence, named by Evidence.
//
// What it is worth is said by Assurance: with identified it is a consent, and
// with attested-process a related process, and neither may be called a signature.
type Signature struct {
	Participant ParticipantID `json:"participant"`
	Attempt     AttemptID     `json:"attempt"`
	Method      Method        `json:"method"`
	Provider    string        `json:"provider"`
	Assurance   Assurance     `json:"assurance"`
	Level       Level         `json:"level,omitempty"` // "" in what an earlier release kept: aes
	SignedAt    time.Time     `json:"signedAt"`        // when they identified themselves, with identified
	Manifest    Digest        `json:"manifestSha256"`
	// Evidence is the digest of the provider's raw answer as stored.
	Evidence Digest `json:"evidenceSha256"`
	// Environment is the name of the trust anchor's world: live, test or simulator.
	Environment string `json:"environment"`
	// Revisions are what it made of the documents, when it signs these themselves.
	Revisions []Current `json:"revisions,omitempty"`
	// Consent is there with identified only.
	Consent *Consent `json:"consent,omitempty"`
}

// Consent is what a person, whose identity had been proven, agreed to.
type Consent struct {
	At time.Time `json:"at"`
	// Evidence is the digest of the consent as stored: the text that was shown, the
	// documents' digests, and the identification that it rests on.
	Evidence Digest `json:"evidenceSha256"`
}

// Current is the revision of a document that is signed next.
type Current struct {
	Document DocumentID `json:"document"`
	Revision int        `json:"revision"`
	Length   int64      `json:"length"` // bytes
	Digest   Digest     `json:"sha256"`
}
