package simulator_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/pki"
)

func TestTokensAreUUIDs(t *testing.T) {
	s := start(t, "")
	o := s.order("sign", signBody(nil))
	phone := s.order("phone/sign", phoneBody(tolvan))
	seen := map[string]bool{}
	for _, token := range []string{o.ref, o.token, o.qrToken, o.qrSecret, phone.ref} {
		id, err := uuid.Parse(token)
		require.NoError(t, err)
		require.Equal(t, id.String(), token)
		require.False(t, seen[token])
		seen[token] = true
	}
}

// An answer that comes when nobody waits any more: everything was done, and a
// terminal one is gone with it.
func TestLateAnswer(t *testing.T) {
	s := start(t, "")
	late := func(endpoint string, terminal bool) {
		require.NoError(t, s.app.Fault(s.ctx(), faults.Fault{
			Kind: bankid.LateAnswer, Endpoint: endpoint, Count: 1, Delay: faults.Duration(300 * time.Millisecond), TerminalOnly: terminal,
		}))
	}
	impatient := *s.rp
	impatient.Timeout = 100 * time.Millisecond

	late("sign", false)
	_, _, err := s.try(&impatient, "sign", signBody(nil))
	require.ErrorContains(t, err, "Timeout")
	require.Len(t, s.orders(), 1, "the order was made all the same")

	o := s.order("sign", signBody(nil))
	late("collect", true)
	_, _, err = s.try(&impatient, "collect", object{"orderRef": o.ref})
	require.NoError(t, err, "a live order is answered at once")
	_, err = s.app.Open(s.ctx(), tolvan, o.token)
	require.NoError(t, err)
	_, err = s.app.Sign(s.ctx(), tolvan, o.ref)
	require.NoError(t, err)
	_, _, err = s.try(&impatient, "collect", object{"orderRef": o.ref})
	require.ErrorContains(t, err, "Timeout")
	s.gone(o.ref)

	late("sign", false)
	begin := time.Now()
	s.order("sign", signBody(nil))
	require.GreaterOrEqual(t, time.Since(begin), 300*time.Millisecond, "who waits is answered")
}

// A burst is over when it has counted itself out, in the middle of an order too.
func TestMaintenanceBurst(t *testing.T) {
	s := start(t, "")
	o := s.order("sign", signBody(nil))
	_, err := s.app.Scan(s.ctx(), tolvan, o.qr(0))
	require.NoError(t, err)
	require.NoError(t, s.app.Fault(s.ctx(), faults.Fault{Kind: faults.Maintenance, Count: 3}))
	_, err = s.app.Sign(s.ctx(), tolvan, o.ref)
	require.NoError(t, err, "the person's app does not notice")
	for _, endpoint := range []string{"collect", "cancel", "collect"} {
		code, answer := s.post(endpoint, object{"orderRef": o.ref})
		require.Equal(t, http.StatusServiceUnavailable, code)
		require.Equal(t, "maintenance", answer["errorCode"])
	}
	status, _ := s.collect(o.ref)
	require.Equal(t, "complete", status, "nothing was lost to it")
}

// A token starts the app once, whoever comes first.
func TestStartTokenRace(t *testing.T) {
	s := start(t, "")
	o := s.order("sign", signBody(nil))
	var wg sync.WaitGroup
	var opened atomic.Int32
	for i := range 8 {
		wg.Go(func() {
			if _, err := s.app.Open(s.ctx(), []string{tolvan, test}[i%2], o.token); err == nil {
				opened.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, opened.Load())
}

// A refused pick-up uses the token up as well.
func TestRefusedOpenUsesTheToken(t *testing.T) {
	s := start(t, "")
	o := s.order("sign", signBody(object{"requirement": object{"certificatePolicies": []string{"1.2.752.78.1.2"}}}))
	_, err := s.app.Open(s.ctx(), tolvan, o.token)
	refused(t, "no_usable_bankid", err)
	_, err = s.app.Open(s.ctx(), test, o.token)
	refused(t, "token_used", err)
}

// What is required of a phone order is judged when it is picked up, as of any
// other; mrtd and personalNumber are no requirements there.
func TestPhoneRequirements(t *testing.T) {
	s := start(t, "")
	body := func(requirement object) object {
		b := phoneBody(tolvan)
		b["requirement"] = requirement
		return b
	}
	o := s.order("phone/sign", body(object{"certificatePolicies": []string{"1.2.752.78.1.2"}}))
	_, err := s.app.OpenPhone(s.ctx(), tolvan)
	refused(t, "no_usable_bankid", err)
	_, hint := s.collect(o.ref)
	require.Equal(t, "started", hint)
	s.clock.Advance(orderLife)

	s.order("phone/sign", body(object{"cardReader": "class2"}))
	_, err = s.app.OpenPhone(s.ctx(), tolvan)
	refused(t, "no_usable_bankid", err)
	s.clock.Advance(orderLife)

	o = s.order("phone/sign", body(object{"pinCode": true}))
	_, err = s.app.OpenPhone(s.ctx(), test)
	refused(t, "no_phone_order", err)
	v, err := s.app.OpenPhone(s.ctx(), tolvan)
	require.NoError(t, err)
	require.True(t, v.CodeRequired)
	s.control("POST", "/v1/orders/"+o.ref+"/confirm", object{"personalNumber": tolvan})
	require.Equal(t, "code_required", s.control("POST", "/v1/orders/"+o.ref+"/sign", object{"personalNumber": tolvan, "biometrics": true})["code"])
	_, err = s.app.Sign(s.ctx(), tolvan, o.ref)
	require.NoError(t, err)
}

// Each start of a phone order while another one is live ends both; the next one
// is free.
func TestPhoneOrdersEndEachOther(t *testing.T) {
	s := start(t, "")
	for _, endpoint := range []string{"phone/auth", "phone/sign"} {
		for _, other := range []string{"phone/auth", "phone/sign"} {
			t.Run(fmt.Sprintf("%s after %s", other, endpoint), func(t *testing.T) {
				o := s.order(endpoint, phoneBody(tolvan))
				_, err := s.app.OpenPhone(s.ctx(), tolvan)
				require.NoError(t, err)
				code, answer := s.post(other, phoneBody(tolvan))
				require.Equal(t, http.StatusBadRequest, code)
				require.Equal(t, "alreadyInProgress", answer["errorCode"])
				require.NotContains(t, answer, "orderRef")
				status, hint := s.collect(o.ref)
				require.Equal(t, "failed", status)
				require.Equal(t, "cancelled", hint)
				free := s.order(other, phoneBody(tolvan))
				code, _ = s.post("cancel", object{"orderRef": free.ref})
				require.Equal(t, http.StatusOK, code)
			})
		}
	}
}

// What was collected as complete, as failed, or was cancelled cannot be collected
// or cancelled again, and what was never there neither.
func TestWhatIsOverIsUnknown(t *testing.T) {
	s := start(t, "")
	over := map[string]func(o started){
		"complete": func(o started) {
			_, err := s.app.Open(s.ctx(), tolvan, o.token)
			require.NoError(t, err)
			_, err = s.app.Sign(s.ctx(), tolvan, o.ref)
			require.NoError(t, err)
			s.collect(o.ref)
		},
		"failed": func(o started) {
			s.clock.Advance(startWindow)
			s.collect(o.ref)
		},
		"cancelled": func(o started) {
			code, _ := s.post("cancel", object{"orderRef": o.ref})
			require.Equal(t, http.StatusOK, code)
		},
	}
	for name, end := range over {
		o := s.order("sign", signBody(nil))
		end(o)
		s.gone(o.ref)
		code, answer := s.post("cancel", object{"orderRef": o.ref})
		require.Equal(t, http.StatusBadRequest, code, name)
		require.Equal(t, object{"errorCode": "invalidParameters", "details": "No such order"}, answer, name)
	}
}

// The keys have BankID's sizes unless a test asks for quicker ones.
func TestKeySizes(t *testing.T) {
	p, err := pki.Create(pki.Options{Clock: func() time.Time { return noon }, Entropy: rand.Reader})
	require.NoError(t, err)
	bits := func(c *x509.Certificate) int { return c.PublicKey.(*rsa.PublicKey).N.BitLen() }
	for use, usage := range map[pki.Use]x509.KeyUsage{pki.Sign: x509.KeyUsageContentCommitment, pki.Identify: x509.KeyUsageDigitalSignature} {
		id, err := p.Person(pki.Leaf{PersonalNumber: tolvan, GivenName: "Tolvan", Surname: "Tolvansson", Issued: noon.Add(-time.Hour), Use: use})
		require.NoError(t, err)
		require.Equal(t, usage, id.Certificate.KeyUsage)
		require.Equal(t, 2048, bits(id.Certificate))
		for _, c := range append(id.Chain, p.Anchors(pki.BankID)...) {
			require.Equal(t, 4096, bits(c))
			require.Equal(t, x509.SHA512WithRSA, c.SignatureAlgorithm)
		}
	}
}

// An identification is as real as a signature: text, data, RP, certificate and
// OCSP response, by QR code and by phone.
func TestIdentificationsAreReal(t *testing.T) {
	s := start(t, "")
	data := s.signed("auth", object{
		"endUserIp": "192.0.2.1", "userVisibleData": b64("Jag legitimerar mig."), "userNonVisibleData": b64("bound"),
		"userVisibleDataFormat": "simpleMarkdownV1",
	})
	document := signatureOf(t, data)
	require.Equal(t, verdict{true, true, true}, check(t, document))
	require.Contains(t, document, `format="simpleMarkdownV1" visible="wysiwys">`+b64("Jag legitimerar mig.")+`<`)
	require.Equal(t, b64("bound"), inner(t, document, "usrNonVisibleData"))
	require.Equal(t, "Identification", inner(t, document, "funcId"))
	require.NotEmpty(t, data["ocspResponse"])

	o := s.order("phone/auth", phoneBody(tolvan))
	_, err := s.app.OpenPhone(s.ctx(), tolvan)
	require.NoError(t, err)
	_, err = s.app.Sign(s.ctx(), tolvan, o.ref)
	require.NoError(t, err)
	_, answer := s.post("collect", object{"orderRef": o.ref})
	document = signatureOf(t, answer["completionData"].(object))
	require.Equal(t, verdict{true, true, true}, check(t, document))
	require.Equal(t, "Identification", inner(t, document, "funcId"))
	_, err = base64.StdEncoding.DecodeString(answer["completionData"].(object)["ocspResponse"].(string))
	require.NoError(t, err)
}
