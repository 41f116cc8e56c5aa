package bankid_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/bankid"
	"github.com/handslag/handslag/signing"
	simulated "github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
)

// identification is a request to identify, for the same person and documents as
// request.
func identification(person signing.PersonalNumber, c signing.Channel) providers.StartRequest {
	r := request(person, c)
	r.Method, r.VisibleText = signing.MethodBankIDSEIdentify, "Jag legitimerar mig för att ta ställning till ett dokument."
	return r
}

func TestIdentifyOnTheWire(t *testing.T) {
	r := identification(someone(t), signing.ChannelSameDevice)
	path, _, body := sent(t, r, func(c *bankid.Config) { c.RequirePIN = true })
	require.Equal(t, "/rp/v6.0/auth", path)
	require.Equal(t, map[string]any{
		"endUserIp": "192.0.2.1", "returnUrl": "https://sign.example.com/back?nonce=x",
		"userVisibleData": b64(r.VisibleText.Reveal()), "userVisibleDataFormat": "simpleMarkdownV1",
		"userNonVisibleData": b64("handslag-identification-1;manifest-sha256=" + signing.DigestOf(r.Manifest).String()),
		"web":                map[string]any{"referringDomain": "example.com", "userAgent": "test", "deviceIdentifier": "cookie"},
		"requirement":        map[string]any{"personalNumber": "191212121212", "pinCode": true},
	}, body)
}

func TestIdentifyWithNothingToShowOnTheWire(t *testing.T) {
	r := identification(someone(t), signing.ChannelQR)
	r.VisibleText, r.Manifest, r.EndUser.Web = "", nil, nil
	_, _, body := sent(t, r, nil)
	require.Equal(t, map[string]any{
		"endUserIp": "192.0.2.1", "requirement": map[string]any{"personalNumber": "191212121212"},
	}, body, "a format without a text says nothing")
}

func TestIdentifyByPhoneOnTheWire(t *testing.T) {
	r := identification(someone(t), signing.ChannelPhone)
	path, _, body := sent(t, r, nil)
	require.Equal(t, "/rp/v6.0/phone/auth", path)
	require.Equal(t, map[string]any{
		"personalNumber": "191212121212", "callInitiator": "RP",
		"userVisibleData": b64(r.VisibleText.Reveal()), "userVisibleDataFormat": "simpleMarkdownV1",
		"userNonVisibleData": b64(string(signing.IdentificationData(r.Manifest))),
	}, body)
}

// BankID takes 1,500 characters of base64 to identify with, of each text. The
// manifest may be as large as it likes, since its digest goes.
func TestLimitsOfAnIdentification(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"orderRef":"a","autoStartToken":"b","qrStartToken":"c","qrStartSecret":"d"}`)
	})
	c := account(t, s.URL, nil)
	for text, field := range map[string]string{
		strings.Repeat("a", 1_125): "", strings.Repeat("a", 1_126): "/visibleText", "\xff": "/visibleText",
		strings.Repeat("å", 562): "", strings.Repeat("å", 563): "/visibleText",
	} {
		r := identification(someone(t), signing.ChannelQR)
		r.VisibleText, r.Manifest = signing.Private(text), make([]byte, 300_000)
		_, err := c.Start(t.Context(), r)
		if field == "" {
			require.NoError(t, err)
			continue
		}
		f, ok := fault.As(err)
		require.True(t, ok)
		require.Equal(t, fault.Invalid, f.Kind)
		require.Equal(t, field, f.Fields[0].Pointer)
	}
}

// ran runs an order to its end, and returns its answer and what to expect of it.
func (w *world) ran(c *bankid.Client, r providers.StartRequest) (providers.Answer, providers.Expectation) {
	w.t.Helper()
	o, err := c.Start(w.t.Context(), r)
	require.NoError(w.t, err)
	require.NoError(w.t, w.sign(w.t.Context(), r.Signer, r.Channel, o))
	a, err := c.Collect(w.t.Context(), o.Ref)
	require.NoError(w.t, err)
	require.True(w.t, a.Terminal)
	return a, providers.Expectation{
		Order: o.Ref, Method: r.Method, Signer: r.Signer, VisibleText: r.VisibleText, Manifest: r.Manifest,
		StartedAt: o.StartedAt, CollectedAt: w.clock.Now(),
	}
}

func TestResultOfAnIdentification(t *testing.T) {
	w := newWorld(t)
	c := w.client(func(c *bankid.Config) { c.StrictOCSP = true })
	a, x := w.ran(c, identification(w.people[0], signing.ChannelQR))
	r, err := c.Interpret(a.Raw, x)
	require.NoError(t, err)
	require.Equal(t, signing.OutcomeSigned, r.Outcome, r.ProviderCode)
	require.Equal(t, signing.AssuranceIdentified, r.Assurance)
	require.Equal(t, "Ada A", r.SignerName.Reveal())
	require.WithinDuration(t, w.clock.Now(), r.SignedAt, time.Minute)
	require.Subset(t, r.Checks, map[string]string{
		"ocsp": "good", "nonce_binding": "match", "certificate_purpose": "match", "key_usage": "digitalSignature",
		"visible_text": "match", "visible_format": "match", "non_visible_data": "match", "signer": "match",
		"rp_name": "match", "order_time": "match", "time_source": "ocsp",
	})

	// The proof can be judged again as what it is, and as nothing else.
	require.Len(t, r.Proofs, 2)
	in := bankidsig.Input{
		Signature: base64.StdEncoding.EncodeToString(r.Proofs[providers.ProofIdentification]),
		OCSP:      base64.StdEncoding.EncodeToString(r.Proofs[providers.ProofOCSP]),
	}
	_, err = bankidsig.Verify(in, w.config.Anchors)
	require.Equal(t, bankidsig.NotASignature, bankidsig.ReasonOf(err))
	in.Mode.Identification = true
	report, err := bankidsig.Verify(in, w.config.Anchors)
	require.NoError(t, err)
	require.Equal(t, string(signing.IdentificationData(x.Manifest)), report.NonVisibleData.Reveal())
}

// What was signed for one purpose proves nothing for another, whoever asks.
func TestPurposesAreKeptApart(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	identified, whatIdentified := w.ran(c, identification(w.people[0], signing.ChannelQR))
	signed, whatSigned := w.ran(c, request(w.people[0], signing.ChannelQR))
	for name, tc := range map[string]struct {
		raw    []byte
		x      providers.Expectation
		method signing.Method
		code   string
	}{
		"an identification as a signature":  {identified.Raw, whatIdentified, signing.MethodBankIDSE, "not_a_signature"},
		"a signature as an identification":  {signed.Raw, whatSigned, signing.MethodBankIDSEIdentify, "not_an_identification"},
		"an identification as a process":    {identified.Raw, whatIdentified, signing.MethodBankIDSEProcess, "wrong_method"},
		"a signature as a Norwegian one":    {signed.Raw, whatSigned, signing.MethodNBIDPKI, "wrong_method"},
		"a signature as nothing in general": {signed.Raw, whatSigned, "", "wrong_method"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.x.Method = tc.method
			r, err := c.Interpret(tc.raw, tc.x)
			require.NoError(t, err)
			require.Equal(t, providers.Result{
				Outcome: signing.OutcomeFailed, Reason: signing.ReasonVerificationFailed, ProviderCode: tc.code,
			}, r)
		})
	}
}

// Each forgery of a signature is one of an identification too.
func TestForgedIdentifications(t *testing.T) {
	w := newWorld(t)
	c := w.client(func(c *bankid.Config) { c.StrictOCSP = true })
	for kind, want := range map[faults.Kind]bankidsig.Reason{
		simulated.RevokedLeaf: bankidsig.OCSPNotGood, simulated.WrongNonce: bankidsig.OCSPNonce, simulated.TamperedText: bankidsig.BadDigest,
		simulated.OtherText: bankidsig.ContentMismatch, simulated.ExpiredLeaf: bankidsig.NotValidWhenSigned, simulated.OtherRP: bankidsig.WrongRP,
		simulated.OtherPerson: bankidsig.WrongSigner, simulated.WrappedSignature: bankidsig.UnexpectedStructure,
		simulated.RSASHA1: bankidsig.BadAlgorithm, simulated.MissingOCSP: bankidsig.OCSPMissing,
		simulated.OtherFunction: bankidsig.NotAnIdentification, simulated.OtherCertificate: bankidsig.BadCertificate,
	} {
		t.Run(string(kind), func(t *testing.T) {
			w.fault(faults.Fault{Kind: kind})
			a, x := w.ran(c, identification(w.people[0], signing.ChannelQR))
			r, err := c.Interpret(a.Raw, x)
			require.NoError(t, err)
			require.Equal(t, signing.OutcomeFailed, r.Outcome)
			require.Equal(t, string(want), r.ProviderCode)
		})
	}
	for name, change := range map[string]func(*providers.Expectation){
		"another manifest": func(x *providers.Expectation) { x.Manifest = []byte(`{"version":"handslag-manifest-1","x":1}`) },
		"no manifest":      func(x *providers.Expectation) { x.Manifest = nil },
		"another text":     func(x *providers.Expectation) { x.VisibleText += "!" },
		"no text":          func(x *providers.Expectation) { x.VisibleText = "" },
	} {
		t.Run(name, func(t *testing.T) {
			a, x := w.ran(c, identification(w.people[0], signing.ChannelQR))
			change(&x)
			r, err := c.Interpret(a.Raw, x)
			require.NoError(t, err)
			require.Equal(t, string(bankidsig.ContentMismatch), r.ProviderCode)
		})
	}
}

// A signature by a certificate that is for identification is recorded as that, and
// refused where the account is strict.
func TestSignatureByAnIdentificationCertificate(t *testing.T) {
	for strict, want := range map[bool]signing.Outcome{false: signing.OutcomeSigned, true: signing.OutcomeFailed} {
		w := newWorld(t)
		c := w.client(func(c *bankid.Config) { c.StrictOCSP = strict })
		w.fault(faults.Fault{Kind: simulated.OtherCertificate})
		r := w.signed(c)
		require.Equal(t, want, r.Outcome, r.ProviderCode)
		if strict {
			require.Equal(t, string(bankidsig.BadCertificate), r.ProviderCode)
		} else {
			require.Equal(t, "mismatch", r.Checks["certificate_purpose"])
			require.Equal(t, "digitalSignature", r.Checks["key_usage"])
		}
	}
}
