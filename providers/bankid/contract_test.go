package bankid_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/bankid"
	"github.com/handslag/handslag/providers/providertest"
	"github.com/handslag/handslag/signing"
	simulated "github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
)

func TestContract(t *testing.T) { providertest.Run(t, subject) }

func subject(t *testing.T) providertest.Subject {
	w := newWorld(t)
	once := func(f faults.Fault) func() { return func() { w.fault(f) } }
	forge := func(kind faults.Kind, reason signing.Reason, code bankidsig.Reason) providertest.Forgery {
		return providertest.Forgery{Set: once(faults.Fault{Kind: kind}), Reason: reason, ProviderCode: string(code)}
	}
	return providertest.Subject{
		Provider: w.client(nil), Request: request, People: w.people, Clock: w.clock.Now, Advance: w.clock.Advance,
		Sign: w.sign,
		Refuse: func(ctx context.Context, who signing.PersonalNumber, o providers.Order) error {
			if err := w.open(ctx, who, signing.ChannelQR, o); err != nil {
				return err
			}
			return w.app.Cancel(ctx, who.Reveal(), string(o.Ref))
		},
		DeclineCall: func(ctx context.Context, who signing.PersonalNumber, o providers.Order) error {
			if err := w.open(ctx, who, signing.ChannelPhone, o); err != nil {
				return err
			}
			return w.app.DeclineCall(ctx, who.Reveal(), string(o.Ref))
		},
		LoseStart:   once(faults.Fault{Kind: faults.CutAfter, Endpoint: "sign"}),
		LoseCollect: once(faults.Fault{Kind: faults.CutAfter, Endpoint: "collect", TerminalOnly: true}),
		LoseCancel:  once(faults.Fault{Kind: faults.CutAfter, Endpoint: "cancel"}),
		Down:        once(faults.Fault{Kind: faults.Maintenance}),
		Forge: map[string]providertest.Forgery{
			"revoked":      forge(simulated.RevokedLeaf, signing.ReasonVerificationFailed, bankidsig.OCSPNotGood),
			"tampered":     forge(simulated.TamperedText, signing.ReasonVerificationFailed, bankidsig.BadDigest),
			"other text":   forge(simulated.OtherText, signing.ReasonVerificationFailed, bankidsig.ContentMismatch),
			"expired":      forge(simulated.ExpiredLeaf, signing.ReasonVerificationFailed, bankidsig.NotValidWhenSigned),
			"other RP":     forge(simulated.OtherRP, signing.ReasonVerificationFailed, bankidsig.WrongRP),
			"other person": forge(simulated.OtherPerson, signing.ReasonWrongSigner, bankidsig.WrongSigner),
			"wrapped":      forge(simulated.WrappedSignature, signing.ReasonVerificationFailed, bankidsig.UnexpectedStructure),
			"rsa-sha1":     forge(simulated.RSASHA1, signing.ReasonVerificationFailed, bankidsig.BadAlgorithm),
			"no OCSP":      forge(simulated.MissingOCSP, signing.ReasonVerificationFailed, bankidsig.OCSPMissing),
			"identified":   forge(simulated.OtherFunction, signing.ReasonVerificationFailed, bankidsig.NotASignature),
		},
		Elsewhere: func(t *testing.T) providers.Provider {
			return w.client(func(c *bankid.Config) { c.BaseURL = nowhere(t) })
		},
		OneAnswer: true,
	}
}

// The nonce rule rests on one source: by default it is recorded, and in strict
// mode it decides.
func TestWrongNonce(t *testing.T) {
	for strict, want := range map[bool]signing.Outcome{false: signing.OutcomeSigned, true: signing.OutcomeFailed} {
		w := newWorld(t)
		c := w.client(func(c *bankid.Config) { c.StrictOCSP = strict })
		w.fault(faults.Fault{Kind: simulated.WrongNonce})
		r := w.signed(c)
		require.Equal(t, want, r.Outcome)
		if strict {
			require.Equal(t, string(bankidsig.OCSPNonce), r.ProviderCode)
		} else {
			require.Equal(t, "mismatch", r.Checks["nonce_binding"])
		}
	}
}

// signed runs an order of the first person to its end.
func (w *world) signed(c *bankid.Client) providers.Result {
	w.t.Helper()
	r := request(w.people[0], signing.ChannelQR)
	o, err := c.Start(w.t.Context(), r)
	require.NoError(w.t, err)
	require.NoError(w.t, w.sign(w.t.Context(), w.people[0], signing.ChannelQR, o))
	a, err := c.Collect(w.t.Context(), o.Ref)
	require.NoError(w.t, err)
	require.True(w.t, a.Terminal)
	result, err := c.Interpret(a.Raw, providers.Expectation{
		Order: o.Ref, Method: r.Method, Signer: r.Signer, VisibleText: r.VisibleText, Manifest: r.Manifest,
		StartedAt: o.StartedAt, CollectedAt: w.clock.Now(),
	})
	require.NoError(w.t, err)
	return result
}

func TestResultOfASignature(t *testing.T) {
	w := newWorld(t)
	c := w.client(func(c *bankid.Config) { c.ReturnRisk, c.CertificatePolicies = true, []string{"1.2.3.4.*"} })
	require.NoError(t, w.app.Script(t.Context(), "", simulated.Script{Risk: "moderate"}))
	r := w.signed(c)
	require.Equal(t, signing.OutcomeSigned, r.Outcome, r.ProviderCode)
	require.Equal(t, "Ada A", r.SignerName.Reveal())
	require.Equal(t, "simulator", r.Environment)
	require.Subset(t, r.Checks, map[string]string{
		"ocsp": "good", "nonce_binding": "match", "ocsp_nocheck": "present", "visible_text": "match", "visible_format": "match",
		"non_visible_data": "match", "signer": "match", "rp_name": "match", "order_time": "match", "risk": "moderate",
		"certificate_policy": "match", "key_usage": "nonRepudiation", "time_source": "ocsp",
	})
	require.Contains(t, r.Checks, "bankid_issue_date")
	require.Contains(t, string(r.Proofs["signature.xml"]), "<bankIdSignedData")
	require.NotEmpty(t, r.Proofs["ocsp.der"])
}

// Two phone orders for one person: BankID refuses the second and ends the first.
func TestPersonWithAnotherOrder(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	first, err := c.Start(t.Context(), request(w.people[0], signing.ChannelPhone))
	require.NoError(t, err)
	_, err = c.Start(t.Context(), request(w.people[0], signing.ChannelPhone))
	f, ok := fault.As(err)
	require.True(t, ok)
	require.Equal(t, fault.Conflict, f.Kind)
	require.Equal(t, providers.MessageInProgress, providers.ErrorMessage(f.ProviderCode))
	a, err := c.Collect(t.Context(), first.Ref)
	require.NoError(t, err)
	require.True(t, a.Terminal)
	require.Equal(t, "cancelled", a.Hint)
}

// A stranger's certificate gets an HTML page from the gate before BankID.
func TestStrangersCertificate(t *testing.T) {
	w := newWorld(t)
	c := w.client(func(c *bankid.Config) { c.Credentials = w.pki.Seal().TLS() })
	_, err := c.Start(t.Context(), request(w.people[0], signing.ChannelQR))
	require.Equal(t, fault.Forbidden, fault.KindOf(err), "%v", err)
}

// The simulator's handshake hangs as BankID's test environment does.
func TestHandshakeHangsOnce(t *testing.T) {
	w := newWorld(t)
	w.fault(faults.Fault{Kind: faults.HandshakeHang, Delay: faults.Duration(2 * time.Second)})
	c := w.client(func(c *bankid.Config) { c.ConnectTimeout = 300 * time.Millisecond })
	_, err := c.Start(t.Context(), request(w.people[0], signing.ChannelQR))
	require.NoError(t, err)
}

// What was sent is uncertain even if BankID did nothing with it: we cannot know.
func TestCutBeforeAnythingWasDone(t *testing.T) {
	w := newWorld(t)
	w.fault(faults.Fault{Kind: faults.CutBefore, Endpoint: "sign"})
	_, err := w.client(nil).Start(t.Context(), request(w.people[0], signing.ChannelQR))
	require.Equal(t, fault.Uncertain, fault.KindOf(err), "%v", err)
}

// An answer that comes after we gave up: the order was made, and whoever started
// it knows that they do not know.
func TestLateAnswer(t *testing.T) {
	w := newWorld(t)
	c := w.client(func(c *bankid.Config) { c.RequestTimeout = 300 * time.Millisecond })
	late := faults.Fault{Kind: simulated.LateAnswer, Delay: faults.Duration(2 * time.Second)}
	late.Endpoint = "phone/sign"
	w.fault(late)
	_, err := c.Start(t.Context(), request(w.people[0], signing.ChannelPhone))
	require.Equal(t, fault.Uncertain, fault.KindOf(err), "%v", err)
	_, err = w.client(nil).Start(t.Context(), request(w.people[0], signing.ChannelPhone))
	require.Equal(t, "bankid_in_progress", fault.CodeOf(err), "a blind repetition ends what the person has")

	patient := w.client(nil)
	o, err := patient.Start(t.Context(), request(w.people[0], signing.ChannelQR))
	require.NoError(t, err)
	require.NoError(t, w.sign(t.Context(), w.people[0], signing.ChannelQR, o))
	late.Endpoint, late.TerminalOnly = "collect", true
	w.fault(late)
	_, err = c.Collect(t.Context(), o.Ref)
	require.Equal(t, fault.Uncertain, fault.KindOf(err), "%v", err)
	_, err = c.Collect(t.Context(), o.Ref)
	require.ErrorIs(t, err, providers.ErrResultLost)
}
