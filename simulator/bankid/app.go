package bankid

import (
	"crypto/hmac"
	"sort"
	"time"

	"github.com/handslag/handslag/fault"
)

// What the person's app refuses.
var (
	errPersonUnknown = fault.New(fault.NotFound, "person_unknown", "no such person; register them first")
	errOrderUnknown  = fault.New(fault.NotFound, "order_unknown", "no such order, or it is long over")
	errOrderEnded    = fault.New(fault.Conflict, "order_ended", "the order has ended")
	errNotYours      = fault.New(fault.Forbidden, "not_yours", "another person has this order")
	errWrongPerson   = fault.New(fault.Forbidden, "wrong_person", "the order is for another person")
	errPickedUp      = fault.New(fault.Conflict, "already_picked_up", "an app has this order already")
	errQRMalformed   = fault.New(fault.Invalid, "qr_malformed", "this is not a BankID QR code")
	errQRUnknown     = fault.New(fault.NotFound, "qr_unknown", "no order shows this QR code")
	errQRWrong       = fault.New(fault.Invalid, "qr_wrong", "the QR code is not genuine")
	errQRStale       = fault.New(fault.Conflict, "qr_stale", "the QR code is not of this moment; scan the one that is shown now")
	errTokenUnknown  = fault.New(fault.NotFound, "token_unknown", "no order has this start token")
	errTokenUsed     = fault.New(fault.Conflict, "token_used", "this start token was used already")
	errNoPhoneOrder  = fault.New(fault.NotFound, "no_phone_order", "no phone order waits for this person")
	errNoUsable      = fault.New(fault.Conflict, "no_usable_bankid", "this BankID does not meet the relying party's requirement")
	errNotReady      = fault.New(fault.Conflict, "not_ready", "something else comes first; see awaits")
	errWrongCode     = fault.New(fault.Forbidden, "wrong_code", "wrong security code")
	errCodeRequired  = fault.New(fault.Conflict, "code_required", "the relying party asks for the security code")
	errFailed        = fault.New(fault.Conflict, "order_failed", "the order failed; see its hint code")
)

// orders lists what is not forgotten, newest first.
func (s *Server) orders() []OrderView {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	s.forget(now)
	out := make([]OrderView, 0, len(s.state.Orders))
	for _, o := range s.state.Orders {
		out = append(out, o.view(now))
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Created.Equal(out[j].Created) {
			return out[i].OrderRef < out[j].OrderRef
		}
		return out[i].Created.After(out[j].Created)
	})
	return out
}

// Settle brings every order up to date, and drops those that nobody can ask
// about any more.
func (s *Server) Settle() { s.orders() }

func (s *Server) find(match func(*order) bool, now time.Time) *order {
	for _, o := range s.state.Orders {
		if match(o) {
			o.settle(now)
			return o
		}
	}
	return nil
}

// act runs what a person does with an order and returns how it stands after.
// choose finds the order; do changes it. An order that do ended stays ended
// even though the person is told an error.
func (s *Server) act(number string, choose func(now time.Time) (*order, error), do func(*order, Person, time.Time) error) (OrderView, error) {
	var v OrderView
	err := s.change(func(now time.Time) (bool, error) {
		p, ok := s.state.Persons[number]
		if !ok {
			return false, errPersonUnknown
		}
		o, err := choose(now)
		if err != nil {
			return false, err
		}
		if !o.live() {
			return false, errOrderEnded
		}
		err = do(o, p, now)
		o.settle(now)
		v = o.view(now)
		return true, err
	})
	return v, err
}

// scan is the person pointing the app at a QR code. The code must be of this
// second, give or take two, which is what makes it useless to pass on.
func (s *Server) scan(number, qr string) (OrderView, error) {
	token, at, code, err := readQR(qr)
	if err != nil {
		return OrderView{}, err
	}
	choose := func(now time.Time) (*order, error) {
		o := s.find(func(o *order) bool { return o.QRStartToken == token && token != "" }, now)
		if o == nil {
			return nil, errQRUnknown
		}
		if !hmac.Equal(code, qrCode(o.QRStartSecret, at)) {
			return nil, errQRWrong
		}
		if !o.live() {
			return nil, errOrderEnded
		}
		age := int64(now.Sub(o.Created) / time.Second)
		if at < age-2 || at > age+2 {
			return nil, errQRStale
		}
		return o, nil
	}
	return s.act(number, choose, s.pickUp)
}

// open starts the app on the device that shows the page: with an autostart
// token or a launch URL that holds one, and with neither by hand, which finds
// the person's phone order.
func (s *Server) open(number, tokenOrURL string) (OrderView, error) {
	token := launchToken(tokenOrURL)
	choose := func(now time.Time) (*order, error) {
		if token == "" {
			o := s.find(func(o *order) bool {
				o.settle(now)
				return o.Kind.phone() && o.Person == number && o.live()
			}, now)
			if o == nil {
				return nil, errNoPhoneOrder
			}
			return o, nil
		}
		o := s.find(func(o *order) bool { return o.AutoStartToken == token }, now)
		if o == nil {
			return nil, errTokenUnknown
		}
		if o.TokenUsed {
			return nil, errTokenUsed
		}
		return o, nil
	}
	return s.act(number, choose, func(o *order, p Person, now time.Time) error {
		if token != "" {
			o.TokenUsed = true
		}
		err := s.pickUp(o, p, now)
		o.SameDevice = token != "" && o.Person == p.PersonalNumber
		return err
	})
}

// pickUp hands an order to a person's app. Requirements are judged here, as
// BankID does, since only now is the person known.
func (s *Server) pickUp(o *order, p Person, now time.Time) error {
	if !o.PickedUp.IsZero() {
		return errPickedUp
	}
	if want := o.Request.PersonalNumber; want != "" && want != p.PersonalNumber {
		o.end(s.state.Settings.WrongPersonHint, now, "The order is for another person.")
		return errWrongPerson
	}
	o.Started = now
	if !o.Request.Requirement.satisfies(p.Policy) {
		return errNoUsable // the app runs without a BankID that fits: hint started
	}
	if running := s.liveOrderOf(p.PersonalNumber, o, now); running != nil {
		running.end(failSuperseded, now, "You started another order.")
	}
	o.Person, o.PickedUp = p.PersonalNumber, now
	script := s.scriptOf(o)
	o.StartsUp = now.Add(time.Duration(script.StartDelay))
	if o.Kind.phone() {
		o.Steps = append(o.Steps, hintCallConfirm)
	}
	if o.Request.Requirement.MRTD {
		o.Steps = append(o.Steps, hintMRTD)
		if p.NoNFC {
			o.end(failNoNFC, now, "This device cannot read an ID document.")
			return errFailed
		}
	}
	o.Steps = append(o.Steps, script.Steps...)
	return s.strike(o, script, "pickUp", now)
}

func (s *Server) scriptOf(o *order) Script {
	if o.Script != nil {
		return *o.Script
	}
	return s.state.Script
}

// strike ends an order whose script says that it fails at this moment.
func (s *Server) strike(o *order, script Script, moment string, now time.Time) error {
	if !script.failsAt(moment) {
		return nil
	}
	o.end(script.Outcome, now, "Scripted outcome.")
	return errFailed
}

// held chooses the order with the reference when the person has it.
func (s *Server) held(number, ref string) func(time.Time) (*order, error) {
	return func(now time.Time) (*order, error) {
		o := s.find(func(o *order) bool { return o.Ref == ref }, now)
		switch {
		case o == nil:
			return nil, errOrderUnknown
		case o.Person != number:
			return nil, errNotYours
		case o.live() && o.PickedUp.IsZero():
			return nil, errNotReady // a phone order that nobody has opened
		}
		return o, nil
	}
}

// confirm takes the step that stands before signing.
func (s *Server) confirm(number, ref string) (OrderView, error) {
	return s.act(number, s.held(number, ref), func(o *order, _ Person, now time.Time) error {
		if len(o.Steps) == 0 || o.hint(now) != o.Steps[0] {
			return errNotReady
		}
		if err := s.strike(o, s.scriptOf(o), "confirm", now); err != nil {
			return err
		}
		o.MRTDRead = o.MRTDRead || o.Steps[0] == hintMRTD
		o.Steps = o.Steps[1:]
		return nil
	})
}

// maxWrongCodes is how many wrong codes block a BankID for the order.
const maxWrongCodes = 3

// signOrder is the person entering the security code, or using biometrics.
func (s *Server) signOrder(number, ref, code string, biometrics bool) (OrderView, error) {
	return s.act(number, s.held(number, ref), func(o *order, p Person, now time.Time) error {
		if o.hint(now) != hintSign {
			return errNotReady
		}
		if biometrics && o.Request.Requirement.PinCode {
			return errCodeRequired
		}
		if !biometrics && code != p.SecurityCode {
			o.WrongCodes++
			if o.WrongCodes >= maxWrongCodes {
				o.end(failCertificate, now, "Too many wrong security codes.")
			}
			return errWrongCode
		}
		return s.finish(o, p, biometrics, now)
	})
}

// finish decides how a signed order ends; it ends so when BankID has processed it.
func (s *Server) finish(o *order, p Person, biometrics bool, now time.Time) error {
	script := s.scriptOf(o)
	at := now.Add(time.Duration(script.ProcessingDelay))
	if script.failsAt("sign") {
		o.Result = &ending{Hint: script.Outcome, At: at, Reason: "Scripted outcome."}
		return nil
	}
	authentication := "pw"
	if biometrics {
		authentication = "bio"
	}
	risk := script.Risk
	if risk == "" {
		risk = "low"
	}
	data, err := s.complete(o, p, authentication, risk, at)
	if err != nil {
		return err
	}
	o.Result = &ending{At: at, Completion: data}
	return nil
}

// cancelOrder is the person pressing cancel; decline is the same for somebody
// who is called and is in no call with the relying party.
func (s *Server) cancelOrder(number, ref, hint string) (OrderView, error) {
	return s.act(number, s.held(number, ref), func(o *order, _ Person, now time.Time) error {
		if o.Result != nil || hint == failDeclined && o.hint(now) != hintCallConfirm {
			return errNotReady
		}
		o.end(hint, now, "You cancelled.")
		return nil
	})
}
