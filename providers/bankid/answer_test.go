package bankid_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/bankid"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator/pki"
)

func TestFailedHints(t *testing.T) {
	c := account(t, "https://127.0.0.1:1", nil)
	for hint, want := range map[string]signing.Reason{
		"userCancel": signing.ReasonUserCancelled, "cancelled": signing.ReasonSuperseded, "startFailed": signing.ReasonNotStarted,
		"expiredTransaction": signing.ReasonTimeout, "certificateErr": signing.ReasonIDInvalid,
		"notSupportedByUserApp": signing.ReasonAppUnsupported, "nfcNotSupportedByDevice": signing.ReasonAppUnsupported,
		"multipleBankIdsOnDevice": signing.ReasonAppUnsupported, "mrtdVerificationFailed": signing.ReasonStepUpFailed,
		"facialRecognitionFailed": signing.ReasonStepUpFailed, "stepUpFailed": signing.ReasonStepUpFailed,
		"userDeclinedCall": signing.ReasonCallDeclined, "transactionRiskBlocked": signing.ReasonProviderError,
		"somethingNew": signing.ReasonProviderError,
	} {
		r, err := c.Interpret([]byte(`{"orderRef":"x","status":"failed","hintCode":"`+hint+`"}`), providers.Expectation{Order: "x"})
		require.NoError(t, err)
		require.Equal(t, providers.Result{Outcome: signing.OutcomeFailed, Reason: want, ProviderCode: hint}, r)
	}
}

func TestAnswersThatProveNothing(t *testing.T) {
	c := account(t, "https://127.0.0.1:1", nil)
	for raw, code := range map[string]string{
		``:                                     "malformed_answer",
		`{"orderRef":"x","status":"new"}`:      "malformed_answer",
		`{"orderRef":"y","status":"complete"}`: "wrong_order",
		`{"orderRef":"x","status":"complete"}`: "no_completion",
		`{"orderRef":"x","status":"complete","completionData":null}`:                                               "malformed_answer",
		`{"orderRef":"x","status":"complete","completionData":[]}`:                                                 "unexpected_structure",
		`{"orderRef":"x","status":"complete","completionData":{"user":7,"signature":[]}}`:                          "unexpected_structure",
		`{"orderRef":"x","status":"complete","completionData":{}}`:                                                 "unexpected_structure",
		`{"orderRef":"x","status":"complete","completionData":{"signature":"191212121212","ocspResponse":"AA=="}}`: "malformed",
		`{"orderRef":"x","status":"failed","hintCode":"for 191212121212"}`:                                         "unknown",
	} {
		r, err := c.Interpret([]byte(raw), providers.Expectation{Order: "x", Method: signing.MethodBankIDSE})
		require.NoError(t, err)
		require.Equal(t, signing.OutcomeFailed, r.Outcome)
		require.Equal(t, code, r.ProviderCode, raw)
	}
	_, err := c.Interpret([]byte(`{"orderRef":"x","status":"pending","hintCode":"userSign"}`), providers.Expectation{Order: "x", Method: signing.MethodBankIDSE})
	require.Equal(t, fault.Internal, fault.KindOf(err), "a live order is no answer")
}

// completed returns a real answer with a signature, and what to expect of it.
func completed(t *testing.T) (*world, map[string]any, providers.Expectation) {
	t.Helper()
	w := newWorld(t)
	c := w.client(nil)
	r := request(w.people[0], signing.ChannelQR)
	o, err := c.Start(t.Context(), r)
	require.NoError(t, err)
	require.NoError(t, w.sign(t.Context(), w.people[0], signing.ChannelQR, o))
	a, err := c.Collect(t.Context(), o.Ref)
	require.NoError(t, err)
	var body map[string]any
	require.NoError(t, json.Unmarshal(a.Raw, &body))
	return w, body, providers.Expectation{
		Order: o.Ref, Method: r.Method, Signer: r.Signer, VisibleText: r.VisibleText, Manifest: r.Manifest,
		StartedAt: o.StartedAt, CollectedAt: w.clock.Now(),
	}
}

// No form of a member that decides nothing costs a signature.
func TestLenientCompletion(t *testing.T) {
	w, body, x := completed(t)
	c := w.client(nil)
	done, ok := body["completionData"].(map[string]any)
	require.True(t, ok)
	for name, tc := range map[string]struct {
		member string
		value  any
		check  string
		want   string
	}{
		"date alone":          {"bankIdIssueDate", "2020-02-01", "bankid_issue_date", "2020-02-01"},
		"date with Z":         {"bankIdIssueDate", "2025-08-09Z", "bankid_issue_date", "2025-08-09"},
		"date with offset":    {"bankIdIssueDate", "2025-08-09+02:00", "bankid_issue_date", "2025-08-09"},
		"date with time":      {"bankIdIssueDate", "2025-08-09T00:00:00+00:00", "bankid_issue_date", "2025-08-09"},
		"no date":             {"bankIdIssueDate", nil, "bankid_issue_date", ""},
		"date in another way": {"bankIdIssueDate", 1754697600, "bankid_issue_date", ""},
		"step up":             {"stepUp", map[string]any{"mrtd": true}, "step_up_mrtd", "yes"},
		"no step up":          {"stepUp", map[string]any{"mrtd": false}, "step_up_mrtd", "no"},
		"step up as boolean":  {"stepUp", true, "step_up_mrtd", ""},
		"risk":                {"risk", "low", "risk", "low"},
		"risk as number":      {"risk", 3, "risk", ""},
		"no device":           {"device", nil, "risk", ""},
		"device as text":      {"device", "phone", "risk", ""},
		"something new":       {"new", []any{1}, "risk", ""},
	} {
		t.Run(name, func(t *testing.T) {
			kept, had := done[tc.member]
			done[tc.member] = tc.value
			defer func() {
				delete(done, tc.member)
				if had {
					done[tc.member] = kept
				}
			}()
			raw, err := json.Marshal(body)
			require.NoError(t, err)
			r, err := c.Interpret(raw, x)
			require.NoError(t, err)
			require.Equal(t, signing.OutcomeSigned, r.Outcome, r.ProviderCode)
			require.Equal(t, tc.want, r.Checks[tc.check])
		})
	}
}

// The certificate says who signed; an answer that names somebody else is refused.
func TestAnswerAndCertificateDisagree(t *testing.T) {
	w, body, x := completed(t)
	done, _ := body["completionData"].(map[string]any)
	user, _ := done["user"].(map[string]any)
	user["personalNumber"] = w.people[1].Reveal()
	raw, err := json.Marshal(body)
	require.NoError(t, err)
	r, err := w.client(nil).Interpret(raw, x)
	require.NoError(t, err)
	require.Equal(t, signing.ReasonWrongSigner, r.Reason)
}

// A signature of a world that we do not trust is not judged: the anchor may be
// missing here, and the person must not be asked again for that.
func TestOtherWorldsAnchorsTrustNothing(t *testing.T) {
	w, body, x := completed(t)
	raw, err := json.Marshal(body)
	require.NoError(t, err)
	c := w.client(func(c *bankid.Config) {
		c.Anchors = bankidsig.Trust{{Environment: bankidsig.Simulator, Certificate: w.pki.Anchors(pki.Timestamp)[0]}}
	})
	_, err = c.Interpret(raw, x)
	require.Equal(t, "bankid_untrusted_root", fault.CodeOf(err))
	require.Equal(t, fault.Internal, fault.KindOf(err), "to be tried again when the anchor is there")
}

func TestCollectOfALiveOrder(t *testing.T) {
	for hint, want := range map[string]string{
		"outstandingTransaction": "RFA1", "userSign": "RFA9", "processing": "RFA21", "somethingNew": "RFA21", "": "RFA21",
	} {
		s := server(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"orderRef":"x","status":"pending","hintCode":"`+hint+`"}`)
		})
		a, err := account(t, s.URL, nil).Collect(t.Context(), "x")
		require.NoError(t, err)
		require.False(t, a.Terminal)
		require.Equal(t, hint, a.Hint)
		require.Equal(t, want, string(providers.PendingMessage(a.Hint, signing.ChannelQR, providers.DeviceComputer)))
	}
}

// What may be the only copy of a signature is never thrown away unread.
func TestCollectKeepsWhatMayBeASignature(t *testing.T) {
	for _, body := range []string{
		`{"orderRef":"x","status":"complete","completionData":"in a new form"}`,
		`{"orderRef":"x","status":"completed","completionData":{}}`,
		`{"orderRef":"x","status":7,"completionData":{}}`,
		`{"orderRef":"x","status":"complete","hintCode":7}`,
	} {
		s := server(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, body) })
		a, err := account(t, s.URL, nil).Collect(t.Context(), "x")
		require.NoError(t, err, body)
		require.True(t, a.Terminal, body)
		require.Equal(t, body, string(a.Raw))
	}
}

// Whatever a provider answers, it is judged without panic, never signed without
// a signature, and never quoted.
func FuzzInterpret(f *testing.F) {
	c := account(f, "https://127.0.0.1:1", nil)
	for _, seed := range []string{
		`{"orderRef":"x","status":"failed","hintCode":"userCancel"}`,
		`{"orderRef":"x","status":"pending","hintCode":"userSign"}`,
		`{"orderRef":"x","status":"complete","completionData":{"user":{"personalNumber":"191212121212"},"signature":"PGE+PC9hPg==","ocspResponse":"MAA=","bankIdIssueDate":"2020-02-01","stepUp":{"mrtd":true},"risk":"low"}}`,
		`<html></html>`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, m := range []signing.Method{signing.MethodBankIDSE, signing.MethodBankIDSEIdentify, signing.MethodNBIDPKI} {
			r, err := c.Interpret(raw, providers.Expectation{Order: "x", Method: m})
			require.NotEqual(t, signing.OutcomeSigned, r.Outcome)
			if err == nil {
				require.NotEmpty(t, r.Reason)
				require.Regexp(t, `^[A-Za-z0-9_]*$`, r.ProviderCode)
			}
		}
	})
}
