package bankid

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/handslag/handslag/fault"
)

// Broker is a relying party in the same process. The simulated brokers and banks
// are built on it, as the real ones are on BankID: their orders are orders of
// one BankID, so a person has one app for all of them, and an order at one ends
// an order at another.
//
// A real broker follows its orders all the time. To spare the simulation that,
// what one of them ended with waits longer to be collected than BankID has it.
type Broker struct {
	server *Server
	rp     relyingParty
}

// Broker returns the relying party with the name, which is what the app shows.
func (s *Server) Broker(name string) *Broker {
	return &Broker{s, relyingParty{
		Fingerprint: "in process: " + name, DisplayName: name, Broker: true,
		Subject: "cn=Simulated " + name + ",name=" + name + ",serialNumber=5560000001,o=Simulated Bank AB (publ),c=SE",
	}}
}

// BrokerOrder is what a broker asks for. Limits are BankID's.
type BrokerOrder struct {
	Sign, Phone bool
	// PersonalNumber is who is called by phone, or else the only person who may
	// complete the order. Empty lets anybody.
	PersonalNumber string
	EndUserIP      string // unless by phone
	CalledByUser   bool   // the person called, with Phone
	Text           string // UTF-8; required with Sign
	Markdown       bool   // Text is simpleMarkdownV1
	NonVisible     []byte
	RequirePIN     bool
	ReturnURL      string
}

// BrokerStart is a created order. By phone there are no tokens.
type BrokerStart struct{ Ref, AutoStartToken, QRStartToken, QRStartSecret string }

// Standing is how an order stands.
type Standing struct {
	Status string // pending, complete, failed
	Hint   string // BankID's hint code, unless complete
	// QR is the text that the QR code has now, while no app has the order.
	QR string
	// The rest is there when Status is complete.
	PersonalNumber, GivenName, Surname string
	IPAddress                          string
	Signature                          string // base64 of the XML
	IssueDate                          string // of their BankID, YYYY-MM-DD
}

// Start creates an order. A refusal is a fault with BankID's errorCode as its
// code: Conflict for alreadyInProgress, or Invalid.
func (b *Broker) Start(o BrokerOrder) (BrokerStart, error) {
	body := map[string]any{}
	requirement := map[string]any{}
	if o.Text != "" {
		body["userVisibleData"] = base64.StdEncoding.EncodeToString([]byte(o.Text))
		if o.Markdown {
			body["userVisibleDataFormat"] = simpleMarkdown
		}
	}
	if len(o.NonVisible) > 0 {
		body["userNonVisibleData"] = base64.StdEncoding.EncodeToString(o.NonVisible)
	}
	if o.RequirePIN {
		requirement["pinCode"] = true
	}
	if o.Phone {
		body["personalNumber"], body["callInitiator"] = o.PersonalNumber, "RP"
		if o.CalledByUser {
			body["callInitiator"] = "user"
		}
	} else {
		body["endUserIp"] = o.EndUserIP
		if o.ReturnURL != "" {
			body["returnUrl"] = o.ReturnURL
		}
		if o.PersonalNumber != "" {
			requirement["personalNumber"] = o.PersonalNumber
		}
	}
	if len(requirement) > 0 {
		body["requirement"] = requirement
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return BrokerStart{}, fmt.Errorf("encode order: %w", err)
	}
	started, err := b.server.start(b.rp, kindOf(o), encoded)
	if err != nil {
		return BrokerStart{}, brokerFault(err, fault.Invalid)
	}
	a, _ := started.(startAnswer) // start returns nothing else
	return BrokerStart{a.OrderRef, a.AutoStartToken, a.QRStartToken, a.QRStartSecret}, nil
}

func kindOf(o BrokerOrder) kind {
	switch {
	case o.Phone && o.Sign:
		return phoneSign
	case o.Phone:
		return phoneAuth
	case o.Sign:
		return sign
	}
	return auth
}

// Collect asks how an order stands. It hands out a terminal answer once, as
// BankID does; after that, and for an unknown order, it returns a NotFound fault.
func (b *Broker) Collect(ref string) (Standing, error) {
	encoded, err := json.Marshal(map[string]string{"orderRef": ref})
	if err != nil {
		return Standing{}, fmt.Errorf("encode reference: %w", err)
	}
	collected, _, err := b.server.collect(b.rp, encoded)
	if err != nil {
		return Standing{}, brokerFault(err, fault.NotFound)
	}
	a, _ := collected.(collectAnswer) // collect returns nothing else
	v := Standing{Status: a.Status, Hint: a.HintCode, QR: b.qr(ref)}
	if c := a.Completion; c != nil {
		v.PersonalNumber, v.GivenName, v.Surname = c.User.PersonalNumber, c.User.GivenName, c.User.Surname
		v.IPAddress, v.Signature = c.Device.IPAddress, c.Signature
		v.IssueDate = strings.TrimSuffix(c.BankIDIssueDate, "Z")
	}
	return v, nil
}

// Cancel withdraws a live order; for any other it returns a NotFound fault.
func (b *Broker) Cancel(ref string) error {
	encoded, err := json.Marshal(map[string]string{"orderRef": ref})
	if err != nil {
		return fmt.Errorf("encode reference: %w", err)
	}
	if err := b.server.cancel(b.rp, encoded); err != nil {
		return brokerFault(err, fault.NotFound)
	}
	return nil
}

// Busy reports whether the person has a live order of another relying party in
// their app.
func (b *Broker) Busy(number string) bool {
	s := b.server
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	return s.find(func(o *order) bool {
		o.settle(now)
		return o.live() && o.Person == number && o.RP.Fingerprint != b.rp.Fingerprint
	}, now) != nil
}

// qr returns the text of the QR code at this moment, or "".
func (b *Broker) qr(ref string) string {
	s := b.server
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	o := s.state.Orders[ref]
	if o == nil || !o.live() || o.QRStartToken == "" || !o.Started.IsZero() {
		return ""
	}
	at := int64(now.Sub(o.Created) / time.Second)
	return fmt.Sprintf("bankid.%s.%d.%x", o.QRStartToken, at, qrCode(o.QRStartSecret, at))
}

func brokerFault(err error, kind fault.Kind) error {
	var e *apiError
	if !errors.As(err, &e) {
		return err
	}
	if e.code == "alreadyInProgress" {
		kind = fault.Conflict
	}
	return fault.New(kind, e.code, "%s", e.details)
}
