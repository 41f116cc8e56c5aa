package workflows_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

var (
	errDown      = fault.New(fault.Unavailable, "maintenance", "x").From("bankid", "Maintenance")
	errForbidden = fault.New(fault.Forbidden, "provider_refuses_us", "x")
	errBusy      = fault.New(fault.Conflict, "already_in_progress", "x")
	errInvalid   = fault.New(fault.Invalid, "order_invalid", "x")
	errLost      = fault.New(fault.Uncertain, "start_uncertain", "x")
	errNone      = fault.New(fault.NotFound, "none_created", "x")
	errUnheard   = temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START, errors.New("x"))
	errDied      = temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_HEARTBEAT, errors.New("x"))
)

// TestFailover scripts what each question to a provider, and each about a lost
// one, comes to. Another provider is asked only when the one before certainly
// made no order.
func TestFailover(t *testing.T) {
	for name, tc := range map[string]struct {
		route  signing.Route
		starts []error // of one question after the other; then all is well
		seek   []error
		asked  []string
		code   string // of the failed start, or none
	}{
		"the first makes it":               {signing.Route{"bankid", "idkollen"}, nil, nil, []string{"bankid"}, ""},
		"down, so the next":                {signing.Route{"bankid", "idkollen"}, []error{errDown}, nil, []string{"bankid", "idkollen"}, ""},
		"refuses us, so the next":          {signing.Route{"bankid", "idkollen"}, []error{errForbidden}, nil, []string{"bankid", "idkollen"}, ""},
		"no worker, so the next":           {signing.Route{"bankid", "idkollen"}, []error{errUnheard}, nil, []string{"bankid", "idkollen"}, ""},
		"all down, and round":              {signing.Route{"bankid", "idkollen"}, []error{errDown, errDown, errDown}, nil, []string{"bankid", "idkollen", "bankid", "idkollen"}, ""},
		"all down for good":                {signing.Route{"a", "b"}, slices.Repeat([]error{errDown}, 9), nil, []string{"a", "b", "a", "b"}, "maintenance"},
		"one refuses us and one is down":   {signing.Route{"a", "b"}, []error{errForbidden, errDown, errDown}, nil, []string{"a", "b", "b", "b"}, ""},
		"the person is busy":               {signing.Route{"a", "b"}, []error{errBusy}, nil, []string{"a"}, "already_in_progress"},
		"the request is wrong":             {signing.Route{"a", "b"}, []error{errInvalid}, nil, []string{"a"}, "order_invalid"},
		"lost, and nobody knows":           {signing.Route{"a", "b"}, []error{errLost}, []error{errLost}, []string{"a"}, "start_uncertain"},
		"lost, and cannot be told in time": {signing.Route{"a", "b"}, []error{errLost}, []error{errDown}, []string{"a"}, "start_uncertain"},
		"lost, and there are several":      {signing.Route{"a", "b"}, []error{errLost}, []error{errBusy}, []string{"a"}, "start_uncertain"},
		"lost, and found":                  {signing.Route{"a", "b"}, []error{errLost}, nil, []string{"a"}, ""},
		"the worker died, and found":       {signing.Route{"a", "b"}, []error{errDied}, nil, []string{"a"}, ""},
		"lost, and none":                   {signing.Route{"a", "b"}, []error{errLost}, []error{errNone}, []string{"a", "a"}, ""},
		"lost, none, and then down":        {signing.Route{"a", "b"}, []error{errLost, errDown}, []error{errNone}, []string{"a", "a", "b"}, ""},
		"lost again and again":             {signing.Route{"a"}, []error{errLost, errLost, errLost}, []error{errNone, errNone}, []string{"a", "a", "a"}, "start_uncertain"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.in.Routes[signing.MethodBankIDSE] = tc.route
			w.ask = func(in activities.StartInput) (activities.Started, error) {
				if try := len(w.asked) - 1; try < len(tc.starts) {
					return activities.Started{}, tc.starts[try]
				}
				return activities.Started{Order: orderOf(in)}, nil
			}
			w.seek = func(in activities.ReconcileInput) (providers.Order, error) {
				require.Equal(t, tc.asked[0], in.Provider, "the one that was asked")
				if w.sought <= len(tc.seek) {
					return providers.Order{}, tc.seek[w.sought-1]
				}
				return orderOf(in.StartInput), nil
			}
			var followed []activities.AttemptRef
			w.verify = func(ref activities.AttemptRef) (signing.AttemptResult, error) {
				followed = append(followed, ref)
				return signedBy(ref), nil
			}
			r := w.startAt(time.Second, "par_1", "att_1")
			w.at(10*time.Minute, workflows.UpdateCancel, nil)
			v := w.run()
			require.Equal(t, tc.asked, w.asked)
			attempt, last := v.Participants[0].Attempts[0], tc.asked[len(tc.asked)-1]
			require.Equal(t, last, attempt.Provider)
			if tc.code != "" {
				require.Equal(t, tc.code, fault.CodeOf(r.failed), "%v", r.failed)
				require.Equal(t, tc.code, attempt.ProviderCode)
				require.Equal(t, signing.ReasonStartFailed, attempt.Reason)
				return
			}
			require.NoError(t, r.failed)
			require.Equal(t, signing.OutcomeSigned, attempt.Outcome)
			require.Len(t, followed, 1)
			require.Equal(t, last, followed[0].Provider, "what follows is with the one that made the order")
			require.Equal(t, "main", followed[0].Account)
		})
	}
}

// TestAuditOfFailover: the trail says whom else was asked and why, and nothing
// when one provider is asked again.
func TestAuditOfFailover(t *testing.T) {
	for name, tc := range map[string]struct {
		route signing.Route
		want  []string
	}{
		"another": {signing.Route{"bankid", "idkollen"}, []string{"attempt_started bankid", "provider_made_no_order bankid", "participant_signed idkollen"}},
		"again":   {signing.Route{"bankid"}, []string{"attempt_started bankid", "participant_signed bankid"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.in.Routes[signing.MethodBankIDSE] = tc.route
			w.start = func(try int) error {
				if try == 1 {
					return errDown
				}
				return nil
			}
			w.startAt(time.Second, "par_1", "att_1")
			w.at(time.Minute, workflows.UpdateCancel, nil)
			w.run()
			require.Equal(t, tc.want, w.types()[2:2+len(tc.want)])
			if name == "another" {
				require.Contains(t, w.audit[3], `"code":"maintenance"`)
				require.Contains(t, w.audit[3], `"providerCode":"Maintenance"`)
			}
		})
	}
}

// TestOwnProvider: a participant's own provider is the only one that is asked.
func TestOwnProvider(t *testing.T) {
	w := newWorld(t)
	w.in.Routes[signing.MethodBankIDSE] = signing.Route{"bankid", "idkollen"}
	w.in.Spec.Participants[0].Provider = "idkollen"
	w.start = func(int) error { return errDown }
	w.startAt(time.Second, "par_1", "att_1")
	w.at(time.Minute, workflows.UpdateCancel, nil)
	w.run()
	require.Equal(t, []string{"idkollen", "idkollen", "idkollen"}, w.asked)
}
