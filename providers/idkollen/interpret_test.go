package idkollen_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/idkollen"
	"github.com/handslag/handslag/signing"
)

func offline(t testing.TB) *idkollen.Client {
	return account(t, func(http.ResponseWriter, *http.Request) { t.Error("interpreting needs no network") }, nil)
}

func expectation(t testing.TB) providers.Expectation {
	return providers.Expectation{
		Order: "x", Method: signing.MethodBankIDSE, Signer: someone(t), StartedAt: time.Unix(1e9, 0), CollectedAt: time.Unix(1e9+60, 0),
	}
}

func TestFailures(t *testing.T) {
	c := offline(t)
	for code, want := range map[string]signing.Reason{
		"CANCELLED": signing.ReasonUserCancelled, "CONFLICT": signing.ReasonSuperseded, "SESSION_TIMEOUT": signing.ReasonTimeout,
		"INVALID_ID": signing.ReasonIDInvalid, "UNSUPPORTED_CLIENT": signing.ReasonAppUnsupported,
		"AUTH_FAILED": signing.ReasonProviderError, "INTERNAL_ERROR": signing.ReasonProviderError, "SOMETHING_NEW": signing.ReasonProviderError,
	} {
		r, err := c.Interpret([]byte(`{"id":"x","status":"FAILED","error":"`+code+`"}`), expectation(t))
		require.NoError(t, err)
		require.Equal(t, providers.Result{Outcome: signing.OutcomeFailed, Reason: want, ProviderCode: code}, r)
	}
}

func TestAnswersThatProveNothing(t *testing.T) {
	c := offline(t)
	for raw, code := range map[string]string{
		``:                                "malformed_answer",
		`{}`:                              "malformed_answer",
		`{"id":"x","ssn":"191212121212"}`: "malformed_answer",
		`{"id":"y","status":"COMPLETED","ssn":"191212121212"}`:                           "wrong_order",
		`{"id":"y","status":"FAILED","error":"CANCELLED"}`:                               "wrong_order",
		`{"id":"x","status":"NEW","ssn":"191212121212"}`:                                 "NEW",
		`{"id":"x","status":"COMPLETED"}`:                                                "no_person",
		`{"id":"x","status":"COMPLETED","ssn":{}}`:                                       "no_person",
		`{"id":"x","status":"COMPLETED","ssn":"121212-1212"}`:                            "wrong_signer",
		`{"id":"x","status":"COMPLETED","ssn":"200211242383"}`:                           "wrong_signer",
		`{"id":"x","status":"FAILED","error":"for 191212121212"}`:                        "unknown",
		`{"id":"x","status":"FAILED"}`:                                                   "unknown",
		`{"id":"x","status":"FAILED","error":"CANCELLED","ssn":"191212121212","name":1}`: "CANCELLED",
	} {
		r, err := c.Interpret([]byte(raw), expectation(t))
		require.NoError(t, err)
		require.Equal(t, signing.OutcomeFailed, r.Outcome, raw)
		require.Equal(t, code, r.ProviderCode, raw)
	}
	_, err := c.Interpret([]byte(`{"id":"x","status":"PENDING"}`), expectation(t))
	require.Equal(t, fault.Internal, fault.KindOf(err), "a live order is no answer")
}

func TestCompleted(t *testing.T) {
	raw := []byte(`{"id":"X","status":"COMPLETED","ssn":"191212121212","givenName":"Ada","surname":"Å","certStartDate":"2025-08-09",
		"companySignatoryText":"Firman tecknas av Ada Å","address":{"street":"Gatan 1"},"refId":"att_x","new":[1]}`)
	c := offline(t)
	r, err := c.Interpret(raw, expectation(t))
	require.NoError(t, err)
	require.Equal(t, providers.Result{
		Outcome: signing.OutcomeSigned, Assurance: signing.AssuranceAttested, SignedAt: time.Unix(1e9+60, 0).UTC(), SignerName: "Ada Å",
		Environment: "simulator", Checks: map[string]string{
			"order": "match", "signer": "match", "signature": "not_returned", "ocsp": "not_returned", "time_source": "collected",
			"visible_text": "not_told", "non_visible_data": "not_told", "bankid_issue_date": "2025-08-09", "address": "told",
			"company_signatory": "told",
		},
	}, r)

	x := expectation(t)
	x.Order, x.Method, x.CollectedAt = "auth/x", signing.MethodBankIDSEIdentify, time.Time{}
	r, err = c.Interpret(raw, x)
	require.NoError(t, err)
	require.Equal(t, signing.AssuranceIdentified, r.Assurance)
	require.Equal(t, x.StartedAt.UTC(), r.SignedAt)
	require.NotContains(t, r.Checks, "visible_text")

	// An identification is no signature, whichever of the two says so.
	for _, other := range []struct {
		order  providers.OrderRef
		method signing.Method
	}{{"auth/x", signing.MethodBankIDSE}, {"x", signing.MethodBankIDSEIdentify}, {"x", signing.MethodNBIDPKI}, {"x", ""}} {
		x.Order, x.Method = other.order, other.method
		r, err := c.Interpret(raw, x)
		require.NoError(t, err)
		require.Equal(t, "wrong_method", r.ProviderCode, "%v", other)
	}
}

// Whatever IDkollen answers, it is judged without panic, is a signature only of
// the person asked for, and is never quoted.
func FuzzInterpret(f *testing.F) {
	c := offline(f)
	for _, seed := range []string{
		`{"id":"x","status":"FAILED","error":"CANCELLED"}`, `{"id":"x","status":"PENDING","hintCode":"userSign"}`,
		`{"id":"x","status":"COMPLETED","ssn":"191212121212","name":"Ada","certStartDate":"2020-02-01","address":{},"companySignatoryText":"x"}`,
		`<html></html>`, ``,
	} {
		f.Add([]byte(seed))
	}
	other, err := signing.ParsePersonalNumber("200211242383")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, raw []byte) {
		x := expectation(t)
		r, err := c.Interpret(raw, x)
		if err == nil && r.Outcome != signing.OutcomeSigned {
			require.NotEmpty(t, r.Reason)
			require.Regexp(t, `^[A-Za-z0-9_]+$`, r.ProviderCode)
		}
		require.NotContains(t, fmt.Sprint(err, r.ProviderCode, r.Checks), "191212121212")
		if r.Outcome == signing.OutcomeSigned {
			x.Signer = other
			again, err := c.Interpret(raw, x)
			require.NoError(t, err)
			require.Equal(t, signing.ReasonWrongSigner, again.Reason)
		}
	})
}
