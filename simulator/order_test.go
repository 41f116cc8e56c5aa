package simulator_test

import (
	"io"
	"log"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
)

// The timing rules of the Relying Party API, repeated here so that a change of
// the simulator's own constants fails.
const (
	startWindow = 30 * time.Second
	orderLife   = 3 * time.Minute
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func TestSignByQR(t *testing.T) {
	s := start(t, "")
	o := s.order("sign", signBody(nil))
	status, hint := s.collect(o.ref)
	require.Equal(t, "pending", status)
	require.Equal(t, "outstandingTransaction", hint)

	v, err := s.app.Scan(s.ctx(), tolvan, o.qr(0))
	require.NoError(t, err)
	require.Equal(t, "Jag skriver under.", v.Text)
	_, hint = s.collect(o.ref)
	require.Equal(t, "userSign", hint)

	v, err = s.app.Sign(s.ctx(), tolvan, o.ref)
	require.NoError(t, err)
	require.Equal(t, "complete", v.Status)
	code, answer := s.post("collect", object{"orderRef": o.ref})
	require.Equal(t, 200, code)
	require.Equal(t, "complete", answer["status"])
	require.NotContains(t, answer, "hintCode")
	s.gone(o.ref)
}

// BankID's own vector for the animated QR code.
func TestQRVector(t *testing.T) {
	o := started{qrToken: "67df3917-fa0d-44e5-b327-edcc928297f8", qrSecret: "d28db9a7-4cde-429e-a983-359be676944c"}
	require.Equal(t, "bankid.67df3917-fa0d-44e5-b327-edcc928297f8.0.dc69358e712458a66a7525beef148ae8526b1c71610eff2c16cdffb4cdac9bf8", o.qr(0))
}

func TestScan(t *testing.T) {
	for name, row := range map[string]struct {
		age     time.Duration
		qr      func(o started) string
		refusal string
	}{
		"now":                {10 * time.Second, func(o started) string { return o.qr(10) }, ""},
		"two seconds old":    {10 * time.Second, func(o started) string { return o.qr(8) }, ""},
		"three seconds old":  {10 * time.Second, func(o started) string { return o.qr(7) }, "qr_stale"},
		"two seconds ahead":  {10 * time.Second, func(o started) string { return o.qr(12) }, ""},
		"three ahead":        {10 * time.Second, func(o started) string { return o.qr(13) }, "qr_stale"},
		"last moment":        {startWindow - time.Nanosecond, func(o started) string { return o.qr(29) }, ""},
		"too late":           {startWindow, func(o started) string { return o.qr(30) }, "order_ended"},
		"code of another t":  {time.Second, func(o started) string { return strings.Replace(o.qr(0), ".0.", ".1.", 1) }, "qr_wrong"},
		"upper case":         {0, func(o started) string { return strings.ToUpper(o.qr(0)) }, "qr_malformed"},
		"leading zero":       {0, func(o started) string { return strings.Replace(o.qr(0), ".0.", ".00.", 1) }, "qr_malformed"},
		"another QR code":    {0, func(started) string { return "https://example.com/" }, "qr_malformed"},
		"unknown token":      {0, func(started) string { return started{qrToken: "x", qrSecret: "y"}.qr(0) }, "qr_unknown"},
		"autostart token":    {0, func(o started) string { return o.token }, "qr_malformed"},
		"secret as the code": {0, func(o started) string { return "bankid." + o.qrToken + ".0." + o.qrSecret }, "qr_malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, "")
			o := s.order("sign", signBody(nil))
			s.clock.Advance(row.age)
			_, err := s.app.Scan(s.ctx(), tolvan, row.qr(o))
			if row.refusal == "" {
				require.NoError(t, err)
				_, err = s.app.Scan(s.ctx(), test, row.qr(o))
				refused(t, "already_picked_up", err)
				return
			}
			refused(t, row.refusal, err)
			if row.refusal != "order_ended" {
				_, hint := s.collect(o.ref)
				require.Equal(t, "outstandingTransaction", hint, "a refused scan leaves the order alone")
			}
		})
	}
}

func TestOpen(t *testing.T) {
	for name, launch := range map[string]func(token string) string{
		"token":   func(token string) string { return token },
		"mobile":  func(token string) string { return "https://app.bankid.com/?autostarttoken=" + token + "&redirect=null" },
		"desktop": func(token string) string { return "bankid:///?autostarttoken=" + token + "&redirect=null" },
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, "")
			o := s.order("sign", signBody(object{"returnUrl": "https://rp.example/return#nonce"}))
			v, err := s.app.Open(s.ctx(), tolvan, launch(o.token))
			require.NoError(t, err)
			require.Equal(t, "https://rp.example/return#nonce", v.ReturnURL)
			_, err = s.app.Open(s.ctx(), tolvan, launch(o.token))
			refused(t, "token_used", err)
		})
	}
	s := start(t, "")
	_, err := s.app.Open(s.ctx(), tolvan, "131daac9-16c6-4618-beb0-365768f37288")
	refused(t, "token_unknown", err)
	_, err = s.app.OpenPhone(s.ctx(), tolvan)
	refused(t, "no_phone_order", err)
	o := s.order("sign", signBody(nil))
	_, err = s.app.Open(s.ctx(), "199001012385", o.token)
	refused(t, "person_unknown", err)
}

func TestTiming(t *testing.T) {
	pickUp := func(s *stage, o started) {
		_, err := s.app.Open(s.ctx(), tolvan, o.token)
		require.NoError(s.t, err)
	}
	sign := func(s *stage, o started) {
		pickUp(s, o)
		_, err := s.app.Sign(s.ctx(), tolvan, o.ref)
		require.NoError(s.t, err)
	}
	nothing := func(*stage, started) {}
	for name, row := range map[string]struct {
		do           func(*stage, started)
		after        time.Duration
		status, hint string // empty is gone
	}{
		"start window open":          {nothing, startWindow - time.Nanosecond, "pending", "outstandingTransaction"},
		"start window over":          {nothing, startWindow, "failed", "startFailed"},
		"startFailed is kept":        {nothing, startWindow + 5*time.Minute - time.Nanosecond, "failed", "startFailed"},
		"startFailed is forgotten":   {nothing, startWindow + 5*time.Minute, "", ""},
		"order lives":                {pickUp, orderLife - time.Nanosecond, "pending", "userSign"},
		"order expires":              {pickUp, orderLife, "failed", "expiredTransaction"},
		"expiry is kept":             {pickUp, orderLife + 5*time.Minute - time.Nanosecond, "failed", "expiredTransaction"},
		"expiry is forgotten":        {pickUp, orderLife + 5*time.Minute, "", ""},
		"a result is kept":           {sign, 3*time.Minute - time.Nanosecond, "complete", ""},
		"a result is forgotten":      {sign, 3 * time.Minute, "", ""},
		"a signed order outlives it": {sign, orderLife - time.Nanosecond, "complete", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, "")
			o := s.order("sign", signBody(nil))
			row.do(s, o)
			s.clock.Advance(row.after)
			if row.status == "" {
				s.gone(o.ref)
				return
			}
			status, hint := s.collect(o.ref)
			require.Equal(t, row.status, status)
			require.Equal(t, row.hint, hint)
			if status != "pending" {
				s.gone(o.ref)
			}
		})
	}
}

func TestPhoneOrderHasNoStartWindow(t *testing.T) {
	s := start(t, "")
	o := s.order("phone/sign", phoneBody(tolvan))
	require.Empty(t, o.token+o.qrToken+o.qrSecret)
	s.clock.Advance(orderLife - time.Second)
	v, err := s.app.OpenPhone(s.ctx(), tolvan)
	require.NoError(t, err)
	require.Equal(t, "userCallConfirm", v.Awaits)
	_, hint := s.collect(o.ref)
	require.Equal(t, "userCallConfirm", hint)
	_, err = s.app.Sign(s.ctx(), tolvan, o.ref)
	require.NoError(t, err)
	status, _ := s.collect(o.ref)
	require.Equal(t, "complete", status)
}

func TestCancel(t *testing.T) {
	s := start(t, "")
	o := s.order("sign", signBody(nil))
	code, answer := s.post("cancel", object{"orderRef": o.ref})
	require.Equal(t, 200, code)
	require.Empty(t, answer)
	s.gone(o.ref)
	code, _ = s.post("cancel", object{"orderRef": o.ref})
	require.Equal(t, 400, code, "cancelling twice")
	_, err := s.app.Open(s.ctx(), tolvan, o.token)
	refused(t, "order_ended", err)
}

func TestCancelLeavesAResultAlone(t *testing.T) {
	s := start(t, "")
	o := s.order("sign", signBody(nil))
	_, err := s.app.Open(s.ctx(), tolvan, o.token)
	require.NoError(t, err)
	_, err = s.app.Sign(s.ctx(), tolvan, o.ref)
	require.NoError(t, err)
	code, _ := s.post("cancel", object{"orderRef": o.ref})
	require.Equal(t, 400, code)
	status, _ := s.collect(o.ref)
	require.Equal(t, "complete", status)
}

func TestSecondPickUpCancelsTheFirst(t *testing.T) {
	s := start(t, "")
	first, second := s.order("sign", signBody(nil)), s.order("auth", object{"endUserIp": "192.0.2.1"})
	_, err := s.app.Open(s.ctx(), tolvan, first.token)
	require.NoError(t, err)
	_, err = s.app.Open(s.ctx(), tolvan, second.token)
	require.NoError(t, err)
	status, hint := s.collect(first.ref)
	require.Equal(t, "failed", status)
	require.Equal(t, "cancelled", hint)
	_, hint = s.collect(second.ref)
	require.Equal(t, "userSign", hint)

	third := s.order("sign", signBody(nil))
	_, err = s.app.Open(s.ctx(), test, third.token)
	require.NoError(t, err)
	_, hint = s.collect(second.ref)
	require.Equal(t, "userSign", hint, "another person's order is left alone")
}

func TestAlreadyInProgress(t *testing.T) {
	live := map[string]func(*stage) started{
		"picked up": func(s *stage) started {
			o := s.order("sign", signBody(nil))
			_, err := s.app.Open(s.ctx(), tolvan, o.token)
			require.NoError(s.t, err)
			return o
		},
		"by phone": func(s *stage) started { return s.order("phone/sign", phoneBody(tolvan)) },
	}
	for name, begin := range live {
		t.Run(name, func(t *testing.T) {
			s := start(t, "")
			o := begin(s)
			code, answer := s.post("phone/auth", phoneBody(tolvan))
			require.Equal(t, 400, code)
			require.Equal(t, "alreadyInProgress", answer["errorCode"])
			status, hint := s.collect(o.ref)
			require.Equal(t, "failed", status)
			require.Equal(t, "cancelled", hint)
			_, err := s.app.OpenPhone(s.ctx(), tolvan)
			refused(t, "no_phone_order", err)
			s.order("phone/auth", phoneBody(tolvan))
		})
	}
	t.Run("required number", func(t *testing.T) {
		s := start(t, "")
		required := signBody(object{"requirement": object{"personalNumber": tolvan}})
		o := live["picked up"](s)
		s.order("sign", required)
		require.NoError(t, s.app.Settings(s.ctx(), bankid.Settings{WrongPersonHint: "certificateErr", ConflictOnRequirement: true}))
		code, answer := s.post("sign", required)
		require.Equal(t, 400, code)
		require.Equal(t, "alreadyInProgress", answer["errorCode"])
		_, hint := s.collect(o.ref)
		require.Equal(t, "cancelled", hint)
	})
}

func TestRequirements(t *testing.T) {
	s := start(t, "")
	require.NoError(t, s.app.Register(s.ctx(), bankid.Person{PersonalNumber: test, GivenName: "Test", Surname: "Person", Policy: "1.2.752.78.1.2", NoNFC: true}))
	begin := func(requirement object) started { return s.order("sign", signBody(object{"requirement": requirement})) }

	t.Run("another person fails the order", func(t *testing.T) {
		o := begin(object{"personalNumber": tolvan})
		_, err := s.app.Scan(s.ctx(), test, o.qr(0))
		refused(t, "wrong_person", err)
		v, err := s.app.Order(s.ctx(), o.ref)
		require.NoError(t, err)
		require.Equal(t, "The order is for another person.", v.Reason)
		status, hint := s.collect(o.ref)
		require.Equal(t, "failed", status)
		require.Equal(t, "certificateErr", hint)
	})
	t.Run("the right person signs", func(t *testing.T) {
		o := begin(object{"personalNumber": tolvan})
		_, err := s.app.Scan(s.ctx(), tolvan, o.qr(0))
		require.NoError(t, err)
	})
	for policy, fits := range map[string]bool{"1.2.752.78.1.2": true, "1.2.752.78.*": true, "1.2.752.78.1.5": false, "1.2.3.4.*": false} {
		t.Run("policy "+policy, func(t *testing.T) {
			o := begin(object{"certificatePolicies": []string{policy}})
			_, err := s.app.Scan(s.ctx(), test, o.qr(0))
			if fits {
				require.NoError(t, err)
				return
			}
			refused(t, "no_usable_bankid", err)
			_, hint := s.collect(o.ref)
			require.Equal(t, "started", hint, "the app runs and finds no BankID that fits")
		})
	}
	t.Run("card reader needs a card", func(t *testing.T) {
		_, err := s.app.Scan(s.ctx(), tolvan, begin(object{"cardReader": "class2"}).qr(0))
		refused(t, "no_usable_bankid", err)
		_, err = s.app.Scan(s.ctx(), test, begin(object{"cardReader": "class2"}).qr(0))
		require.NoError(t, err)
	})
	t.Run("ID document", func(t *testing.T) {
		o := begin(object{"mrtd": true})
		v, err := s.app.Scan(s.ctx(), tolvan, o.qr(0))
		require.NoError(t, err)
		require.Equal(t, "userMrtd", v.Awaits)
		_, hint := s.collect(o.ref)
		require.Equal(t, "userMrtd", hint)
		_, err = s.app.Sign(s.ctx(), tolvan, o.ref)
		require.NoError(t, err)
		_, answer := s.post("collect", object{"orderRef": o.ref})
		require.Equal(t, object{"mrtd": true}, answer["completionData"].(object)["stepUp"])
	})
	t.Run("ID document without a reader", func(t *testing.T) {
		o := begin(object{"mrtd": true})
		_, err := s.app.Scan(s.ctx(), test, o.qr(0))
		refused(t, "order_failed", err)
		_, hint := s.collect(o.ref)
		require.Equal(t, "nfcNotSupportedByDevice", hint)
	})
}

func TestSecurityCode(t *testing.T) {
	s := start(t, "")
	o := s.order("sign", signBody(object{"requirement": object{"pinCode": true}}))
	_, err := s.app.Open(s.ctx(), tolvan, o.token)
	require.NoError(t, err)
	require.Equal(t, "code_required", s.control("POST", "/v1/orders/"+o.ref+"/sign", object{"personalNumber": tolvan, "biometrics": true})["code"])
	for range 3 {
		_, err = s.app.SignWithCode(s.ctx(), tolvan, o.ref, "000000")
		refused(t, "wrong_code", err)
	}
	_, hint := s.collect(o.ref)
	require.Equal(t, "certificateErr", hint)

	free := s.order("sign", signBody(nil))
	_, err = s.app.Open(s.ctx(), tolvan, free.token)
	require.NoError(t, err)
	require.Equal(t, "complete", s.control("POST", "/v1/orders/"+free.ref+"/sign", object{"personalNumber": tolvan, "biometrics": true})["status"])
}

func TestThePersonEndsIt(t *testing.T) {
	s := start(t, "")
	o := s.order("sign", signBody(nil))
	_, err := s.app.Open(s.ctx(), tolvan, o.token)
	require.NoError(t, err)
	refused(t, "not_yours", s.app.Cancel(s.ctx(), test, o.ref))
	refused(t, "not_ready", s.app.DeclineCall(s.ctx(), tolvan, o.ref))
	require.NoError(t, s.app.Cancel(s.ctx(), tolvan, o.ref))
	_, hint := s.collect(o.ref)
	require.Equal(t, "userCancel", hint)

	call := s.order("phone/auth", phoneBody(tolvan))
	refused(t, "not_ready", s.app.DeclineCall(s.ctx(), tolvan, call.ref))
	_, err = s.app.OpenPhone(s.ctx(), tolvan)
	require.NoError(t, err)
	require.NoError(t, s.app.DeclineCall(s.ctx(), tolvan, call.ref))
	_, hint = s.collect(call.ref)
	require.Equal(t, "userDeclinedCall", hint)
}

func TestScript(t *testing.T) {
	s := start(t, "")
	require.NoError(t, s.app.Script(s.ctx(), "", bankid.Script{
		StartDelay: faults.Duration(2 * time.Second), ProcessingDelay: faults.Duration(3 * time.Second),
		Steps: []string{"userStepUp", "userFace"}, Risk: "high",
	}))
	o := s.order("sign", signBody(object{"returnRisk": true}))
	seen := func() string { _, hint := s.collect(o.ref); return hint }
	_, err := s.app.Open(s.ctx(), tolvan, o.token)
	require.NoError(t, err)
	require.Equal(t, "started", seen())
	_, err = s.app.Sign(s.ctx(), tolvan, o.ref)
	refused(t, "not_ready", err)
	s.clock.Advance(2 * time.Second)
	require.Equal(t, "userStepUp", seen())
	s.control("POST", "/v1/orders/"+o.ref+"/confirm", object{"personalNumber": tolvan})
	require.Equal(t, "userFace", seen())
	_, err = s.app.Sign(s.ctx(), tolvan, o.ref)
	require.NoError(t, err)
	require.Equal(t, "processing", seen())
	refused(t, "not_ready", s.app.Cancel(s.ctx(), tolvan, o.ref))
	s.clock.Advance(3 * time.Second)
	_, answer := s.post("collect", object{"orderRef": o.ref})
	require.Equal(t, "high", answer["completionData"].(object)["risk"])
}

func TestScriptedFailures(t *testing.T) {
	s := start(t, "")
	for _, hint := range []string{
		"expiredTransaction", "certificateErr", "userCancel", "cancelled", "startFailed", "userDeclinedCall", "notSupportedByUserApp",
		"mrtdVerificationFailed", "facialRecognitionFailed", "nfcNotSupportedByDevice", "multipleBankIdsOnDevice", "stepUpFailed", "transactionRiskBlocked",
		"simulatedUnknown",
	} {
		for _, at := range []string{"pickUp", "confirm", "sign"} {
			o := s.order("sign", signBody(nil))
			require.NoError(t, s.app.Script(s.ctx(), o.ref, bankid.Script{Outcome: hint, At: at, Steps: []string{"userFace"}}))
			_, err := s.app.Open(s.ctx(), tolvan, o.token)
			if at == "pickUp" {
				refused(t, "order_failed", err)
			} else {
				_, err = s.app.Sign(s.ctx(), tolvan, o.ref)
				require.Equal(t, at == "confirm", err != nil)
			}
			status, got := s.collect(o.ref)
			require.Equal(t, "failed", status)
			require.Equal(t, hint, got)
		}
	}
	for _, hint := range []string{
		"outstandingTransaction", "noClient", "started", "userMrtd", "userStepUp", "userFace", "userCallConfirm", "userSign", "processing",
		"simulatedUnknown",
	} {
		o := s.order("sign", signBody(nil))
		require.NoError(t, s.app.Script(s.ctx(), o.ref, bankid.Script{Hint: hint}))
		status, got := s.collect(o.ref)
		require.Equal(t, "pending", status)
		require.Equal(t, hint, got)
	}
	refused(t, "bad_script", s.app.Script(s.ctx(), "", bankid.Script{Outcome: "success"}))
	refused(t, "bad_script", s.app.Script(s.ctx(), "", bankid.Script{Hint: "userCancel"}))
	refused(t, "order_unknown", s.app.Script(s.ctx(), "x", bankid.Script{}))
}
