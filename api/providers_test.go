package api_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/handslag/handslag/api"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

// fakeConditions is what workers say.
type fakeConditions struct {
	all  []api.Condition
	fail error
}

// Conditions implements api.Conditions.
func (f *fakeConditions) Conditions(context.Context, time.Time) ([]api.Condition, error) {
	return f.all, f.fail
}

// providersOf asks for the providers, by name.
func providersOf(t *testing.T, w *world) (routes []any, names []string, by map[string]map[string]any) {
	t.Helper()
	a := w.do(call{method: "GET", path: "/v1/providers", token: keyAcme})
	require.Equal(t, http.StatusOK, a.StatusCode, "%s", a.body)
	by = map[string]map[string]any{}
	for _, p := range a.json(t)["providers"].([]any) {
		p := p.(map[string]any)
		names = append(names, p["provider"].(string))
		by[p["provider"].(string)] = p
	}
	return a.json(t)["routes"].([]any), names, by
}

// settle gives every offer an account and a world.
func (f *fakeAccounts) settle() {
	for _, offers := range f.offers {
		for i := range offers {
			offers[i].Account, offers[i].Environment = "main-"+offers[i].Provider, "simulator"
		}
	}
}

// TestProvidersOfATenant: in the order of the routes, with what they can do.
func TestProvidersOfATenant(t *testing.T) {
	w := newWorld(t)
	w.accounts.settle()
	w.temporal.idle = "sbab"
	routes, names, by := providersOf(t, w)
	require.Equal(t, []any{
		map[string]any{"method": "bankid-se", "providers": []any{"bankid", "idkollen"}},
		map[string]any{"method": "nbid-pki", "providers": []any{"signicat"}},
		map[string]any{"method": "bankid-se-identify", "providers": []any{"qrona", "bankid"}},
		map[string]any{"method": "bankid-se-process", "providers": []any{"sbab"}},
	}, routes)
	require.Equal(t, []string{"bankid", "idkollen", "signicat", "qrona", "sbab"}, names)
	require.Equal(t, map[string]any{
		"provider": "bankid", "environment": "simulator", "state": "unknown", "polled": true,
		"methods": []any{
			map[string]any{"method": "bankid-se", "assurance": "verified", "level": "aes"},
			map[string]any{"method": "bankid-se-identify", "assurance": "identified", "level": "any"},
		},
		"channels": []any{"qr", "same-device", "phone"}, "qr": "computed", "redirect": false, "returnsPdf": false, "pushes": false,
	}, by["bankid"])
	require.Equal(t, []any{}, by["signicat"]["channels"])
	require.Equal(t, "none", by["signicat"]["qr"])
	require.Equal(t, true, by["signicat"]["redirect"])
	require.Equal(t, true, by["signicat"]["returnsPdf"])
	require.Equal(t, "relayed", by["qrona"]["qr"])
	require.Equal(t, false, by["sbab"]["polled"])

	clear(w.accounts.offers)
	routes, names, _ = providersOf(t, w)
	require.Empty(t, routes)
	require.Empty(t, names)
}

// TestHowProvidersDo: the worst that a worker says, and never which account it is.
func TestHowProvidersDo(t *testing.T) {
	w := newWorld(t)
	w.accounts.settle()
	began := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	w.now = func() time.Time { return began.Add(time.Hour) }
	bankid := func(state api.AccountState, minutes int, code string, success int) api.Condition {
		return api.Condition{
			Account: "main-bankid", State: state, Since: began.Add(time.Duration(minutes) * time.Minute), Code: code,
			LastSuccess: began.Add(time.Duration(success) * time.Minute),
		}
	}
	other := api.Condition{Account: "acme-bankid", State: api.AccountRefused, Since: began, Code: "bankid_credentials"}
	for name, row := range map[string]struct {
		said               []api.Condition
		state, since, code any
		success            any
	}{
		"nobody says anything": {nil, "unknown", nil, nil, nil},
		"another account's":    {[]api.Condition{other}, "unknown", nil, nil, nil},
		"one who has not tried": {
			[]api.Condition{{Account: "main-bankid", State: api.AccountUnknown}, bankid(api.AccountOK, 1, "", 9)},
			"ok", "2026-11-22T12:01:00Z", nil, "2026-11-22T12:09:00Z",
		},
		"one worker cannot reach it": {
			[]api.Condition{bankid(api.AccountResting, 3, "bankid_unreachable", 2), bankid(api.AccountOK, 1, "", 9)},
			"resting", "2026-11-22T12:03:00Z", "bankid_unreachable", "2026-11-22T12:09:00Z",
		},
		"refused says more than resting": {
			[]api.Condition{bankid(api.AccountResting, 3, "bankid_unreachable", 2), bankid(api.AccountRefused, 4, "bankid_credentials", 1)},
			"refused", "2026-11-22T12:04:00Z", "bankid_credentials", "2026-11-22T12:02:00Z",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w.seen.all = row.said
			_, _, by := providersOf(t, w)
			p := by["bankid"]
			require.Equal(t, []any{row.state, row.since, row.code, row.success}, []any{p["state"], p["since"], p["code"], p["lastSuccess"]})
			require.Equal(t, "unknown", by["idkollen"]["state"])
		})
	}
	for _, expired := range []bool{false, true} {
		for i := range w.accounts.offers[signing.MethodBankIDSE] {
			w.accounts.offers[signing.MethodBankIDSE][i].Until = began.Add(-24 * time.Hour)
			w.accounts.offers[signing.MethodBankIDSE][i].Expired = expired
		}
		_, _, by := providersOf(t, w)
		require.InDelta(t, -1.1, by["idkollen"]["daysToExpiry"], 0.001)
		require.Equal(t, map[bool]any{false: "unknown", true: "refused"}[expired], by["idkollen"]["state"])
		require.Equal(t, map[bool]any{false: nil, true: "account_expired"}[expired], by["idkollen"]["code"])
	}
	for i := range w.accounts.offers[signing.MethodBankIDSE] {
		w.accounts.offers[signing.MethodBankIDSE][i].Until = began.Add(365 * 24 * time.Hour)
	}
	_, _, by := providersOf(t, w)
	require.Equal(t, "refused", by["idkollen"]["state"], "it is not valid yet")
	require.Nil(t, by["idkollen"]["since"], "which did not begin in the future")
}

// TestProvidersWhenSomethingIsDown, and for whom they are not.
func TestProvidersWhenSomethingIsDown(t *testing.T) {
	w := newWorld(t)
	w.accounts.settle()
	w.seen.fail = fault.New(fault.Unavailable, "storage_unavailable", "The document store cannot be reached just now.")
	require.Equal(t, http.StatusServiceUnavailable, w.do(call{method: "GET", path: "/v1/providers", token: keyAcme}).StatusCode)
	w.seen.fail, w.temporal.fail = nil, fault.New(fault.Unavailable, "try_again", "The answer took too long.")
	require.Equal(t, http.StatusServiceUnavailable, w.do(call{method: "GET", path: "/v1/providers", token: keyAcme}).StatusCode)
	require.Equal(t, http.StatusUnauthorized, w.do(call{method: "GET", path: "/v1/providers"}).StatusCode)
}

// TestPolled: both queues, and of late.
func TestPolled(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	poller := func(ago time.Duration) *taskqueuepb.PollerInfo {
		return &taskqueuepb.PollerInfo{LastAccessTime: timestamppb.New(now.Add(-ago))}
	}
	for name, row := range map[string]struct {
		start, follow []*taskqueuepb.PollerInfo
		want          bool
	}{
		"nobody":      {nil, nil, false},
		"starts only": {[]*taskqueuepb.PollerInfo{poller(0)}, nil, false},
		"long ago":    {[]*taskqueuepb.PollerInfo{poller(0)}, []*taskqueuepb.PollerInfo{poller(3 * time.Minute)}, false},
		"both":        {[]*taskqueuepb.PollerInfo{poller(time.Hour), poller(0)}, []*taskqueuepb.PollerInfo{poller(time.Minute)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			o := newTemporal(t, temporalStub{queue: func(queue string) (*workflowservice.DescribeTaskQueueResponse, error) {
				if queue == workflows.StartQueue("bankid") {
					return &workflowservice.DescribeTaskQueueResponse{Pollers: row.start}, nil
				}
				require.Equal(t, workflows.ProviderQueue("bankid"), queue)
				return &workflowservice.DescribeTaskQueueResponse{Pollers: row.follow}, nil
			}})
			polled, err := o.Polled(t.Context(), "bankid", now)
			require.NoError(t, err)
			require.Equal(t, row.want, polled)
		})
	}
	o := newTemporal(t, temporalStub{queue: func(string) (*workflowservice.DescribeTaskQueueResponse, error) {
		return nil, context.DeadlineExceeded
	}})
	_, err := o.Polled(t.Context(), "bankid", now)
	require.Equal(t, "try_again", fault.CodeOf(err))
}
