package idkollen_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/idkollen"
	"github.com/handslag/handslag/signing"
)

const html = "<html><head><title>Oops</title></head><body>191212121212</body></html>"

// What IDkollen's answers mean, for each call. "" is no fault.
func TestStatuses(t *testing.T) {
	message := func(c string) string { return `{"message":"` + c + `"}` }
	for _, tc := range []struct {
		status                 int
		body                   string
		start, collect, cancel fault.Kind
	}{
		{400, message("alreadyInProgress"), fault.Conflict, fault.Uncertain, fault.Uncertain},
		{400, message("invalidParameters"), fault.Invalid, fault.Uncertain, fault.Uncertain},
		{400, message("startFailed"), fault.Invalid, fault.Uncertain, fault.Uncertain},
		{400, message("somethingNew"), fault.Invalid, fault.Uncertain, fault.Uncertain},
		{400, html, fault.Invalid, fault.Uncertain, fault.Uncertain},
		{401, message("unauthorized"), fault.Forbidden, fault.Forbidden, fault.Forbidden},
		{403, html, fault.Forbidden, fault.Forbidden, fault.Forbidden},
		{404, message("Invalid or expired"), fault.Invalid, fault.NotFound, fault.NotFound},
		{404, "", fault.Invalid, fault.NotFound, fault.NotFound},
		{404, html, fault.Invalid, fault.Uncertain, fault.Uncertain},
		{405, message("methodNotAllowed"), fault.Invalid, fault.Uncertain, fault.Uncertain},
		{408, "", fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{415, html, fault.Invalid, fault.Uncertain, fault.Uncertain},
		{429, message("tooManyRequests"), fault.Unavailable, fault.Unavailable, fault.Unavailable},
		{500, message("internalError"), fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{502, html, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{503, message("maintenance"), fault.Unavailable, fault.Unavailable, fault.Unavailable},
		{503, html, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{302, html, fault.Uncertain, fault.Uncertain, fault.Uncertain},
		{200, html, fault.Uncertain, fault.Uncertain, ""},
		{201, `{"id":"../x","autoStartToken":"a","qrStartToken":"b","qrStartSecret":"c"}`, fault.Uncertain, fault.Uncertain, ""},
		{201, `{"id":"x"}`, fault.Uncertain, fault.Uncertain, ""},
		{204, "", fault.Uncertain, fault.Uncertain, ""},
		{200, `{"id":"y","status":"PENDING"}`, fault.Uncertain, fault.Uncertain, ""},
		{200, `{"id":"y","status":"COMPLETED","ssn":"191212121212"}`, fault.Uncertain, fault.Uncertain, ""},
		{200, `{"id":"x","status":"PENDING","hintCode":"userSign"}`, fault.Uncertain, "", ""},
	} {
		t.Run(fmt.Sprintf("%d %.40s", tc.status, tc.body), func(t *testing.T) {
			c := account(t, func(w http.ResponseWriter, _ *http.Request) {
				if strings.HasPrefix(tc.body, "<") {
					w.Header().Set("Content-Type", "text/html; charset=utf-8")
				}
				w.Header().Set("Retry-After", "7")
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			}, nil)
			_, errStart := c.Start(t.Context(), request(someone(t), signing.ChannelQR))
			_, errCollect := c.Collect(t.Context(), "x")
			errCancel := c.Cancel(t.Context(), "x")
			for call, row := range map[string]struct {
				err  error
				want fault.Kind
			}{"start": {errStart, tc.start}, "collect": {errCollect, tc.collect}, "cancel": {errCancel, tc.cancel}} {
				if row.want == "" {
					require.NoError(t, row.err, call)
					continue
				}
				f, ok := fault.As(row.err)
				require.True(t, ok, call)
				require.Equal(t, row.want, f.Kind, "%s: %v", call, row.err)
				require.Equal(t, "idkollen", f.Provider)
				require.NotContains(t, row.err.Error(), "191212121212", call)
				if row.want == fault.Unavailable {
					require.Equal(t, 7*time.Second, f.RetryAfter, call)
				}
			}
			if tc.collect == fault.NotFound {
				require.ErrorIs(t, errCollect, providers.ErrResultLost)
			}
		})
	}
}

func TestMessagesAreWords(t *testing.T) {
	for message, want := range map[string]string{
		"alreadyInProgress": "alreadyInProgress", "Invalid or expired": "invalid_or_expired",
		"Ada Andersson 191212121212 is busy": "unknown", "191212121212": "unknown",
	} {
		c := account(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"message":"`+message+`"}`)
		}, nil)
		_, err := c.Start(t.Context(), request(someone(t), signing.ChannelQR))
		f, _ := fault.As(err)
		require.Equal(t, want, f.ProviderCode)
	}
}

func TestOtherRateLimitStatus(t *testing.T) {
	c := account(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		func(c *idkollen.Config) { c.RateLimitStatus = http.StatusForbidden })
	_, err := c.Collect(t.Context(), "x")
	f, _ := fault.As(err)
	require.Equal(t, fault.Unavailable, f.Kind)
	require.Equal(t, time.Second, f.RetryAfter)
	require.Equal(t, fault.Forbidden, fault.KindOf(c.Cancel(t.Context(), "x")), "of status calls alone")
}

// What would come too early is not sent at all.
func TestOwnPace(t *testing.T) {
	for perAccount, want := range map[bool]int{false: 2, true: 1} {
		calls, now := 0, time.Unix(1e9, 0)
		c := account(t, func(w http.ResponseWriter, r *http.Request) {
			calls++
			_, _ = io.WriteString(w, `{"id":"`+r.URL.Path[len("/v3/bankid-se/sign/"):]+`","status":"PENDING"}`)
		}, func(c *idkollen.Config) { c.StatusPerAccount, c.Clock = perAccount, func() time.Time { return now } })
		wait := map[providers.OrderRef]time.Duration{}
		for _, ref := range []providers.OrderRef{"a", "a", "b", "b"} {
			if _, err := c.Collect(t.Context(), ref); err != nil {
				f, _ := fault.As(err)
				require.Equal(t, "idkollen_paced", f.Code)
				require.GreaterOrEqual(t, f.RetryAfter, time.Second)
				wait[ref] = f.RetryAfter
			}
		}
		require.Equal(t, want, calls)
		require.Equal(t, perAccount, wait["b"] > wait["a"], "turns")
		now = now.Add(wait["a"])
		_, err := c.Collect(t.Context(), "a")
		require.NoError(t, err)
	}
}

// A reference that is none is not made a part of an address.
func TestStrangeReferencesAreNotSent(t *testing.T) {
	calls := 0
	c := account(t, func(http.ResponseWriter, *http.Request) { calls++ }, nil)
	for _, ref := range []providers.OrderRef{"", "../auth/x", "x/y", "auth/", "auth/../x", "x?y", "x y", "å", providers.OrderRef(strings.Repeat("x", 65))} {
		_, err := c.Collect(t.Context(), ref)
		require.ErrorIs(t, err, providers.ErrResultLost)
		require.Equal(t, fault.NotFound, fault.KindOf(c.Cancel(t.Context(), ref)))
	}
	require.Zero(t, calls)
}

func TestHintsOfLiveOrders(t *testing.T) {
	for body, want := range map[string]string{
		`{"id":"x","status":"PENDING","hintCode":"userSign"}`:         "userSign",
		`{"id":"x","status":"PENDING"}`:                               "",
		`{"id":"X","status":"PENDING","hintCode":7,"refId":[]}`:       "",
		`{"id":"x","status":"SOMETHING_NEW"}`:                         "SOMETHING_NEW",
		`{"id":"x","status":"for 191212121212"}`:                      "unknown",
		`{"id":"x","status":"PENDING","hintCode":"for 191212121212"}`: "unknown",
	} {
		c := account(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }, nil)
		a, err := c.Collect(t.Context(), "x")
		require.NoError(t, err, body)
		require.False(t, a.Terminal, body)
		require.Equal(t, want, a.Hint, body)
		require.Equal(t, body, string(a.Raw))
	}
}

func TestUntrustedServerGetsNothing(t *testing.T) {
	calls := 0
	c := account(t, func(http.ResponseWriter, *http.Request) { calls++ }, func(c *idkollen.Config) { c.ServerRoots = nil })
	_, err := c.Start(t.Context(), request(someone(t), signing.ChannelQR))
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "%v", err)
	require.Zero(t, calls)
}
