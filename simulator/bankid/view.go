package bankid

import (
	"encoding/base64"
	"time"
)

// OrderView is an order as the person's app and a test see it. Tokens are not
// part of it: a person has to be shown the QR code.
type OrderView struct {
	OrderRef     string    `json:"orderRef"`
	Kind         string    `json:"kind"` // auth, sign, phone/auth, phone/sign
	RelyingParty string    `json:"relyingParty"`
	Status       string    `json:"status"` // pending, complete, failed
	HintCode     string    `json:"hintCode,omitempty"`
	Reason       string    `json:"reason,omitempty"`         // why it failed, in words
	Person       string    `json:"personalNumber,omitempty"` // who has it, or is called by phone
	Created      time.Time `json:"created"`
	// Awaits is the step that the person has to take now: userCallConfirm,
	// userMrtd, userStepUp, userFace (all by confirm) or userSign.
	Awaits       string `json:"awaits,omitempty"`
	CodeRequired bool   `json:"codeRequired,omitempty"`
	// Text and Format are there once a person has the order.
	Text   string `json:"text,omitempty"`
	Format string `json:"format,omitempty"`
	// ReturnURL is where a browser on the same device goes when it is done.
	ReturnURL string `json:"returnUrl,omitempty"`
}

func (o *order) view(now time.Time) OrderView {
	v := OrderView{
		OrderRef: o.Ref, Kind: string(o.Kind), RelyingParty: o.RP.DisplayName, Person: o.Person, Created: o.Created.UTC(),
		CodeRequired: o.Request.Requirement.PinCode,
	}
	if !o.PickedUp.IsZero() {
		text, _ := base64.StdEncoding.DecodeString(o.Request.Visible) // checked when the order was made
		v.Text, v.Format = string(text), o.Request.Format
	}
	if o.SameDevice {
		v.ReturnURL = o.Request.ReturnURL
	}
	if !o.live() {
		v.Status, v.HintCode, _ = o.outcome()
		v.Reason = o.End.Reason
		return v
	}
	v.Status, v.HintCode = "pending", o.hint(now)
	switch v.HintCode {
	case hintOutstanding, hintStarted, hintProcessing:
	default:
		v.Awaits = v.HintCode
	}
	return v
}
