package signicat_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// TestWhereAPersonReturnsTo follows the person to the page that Signicat sends
// them back to: one of ours for each outcome, or the tenant's with its nonce.
func TestWhereAPersonReturnsTo(t *testing.T) {
	for to, want := range map[string]string{
		"https://sign.example.com/return/" + providers.ReturnOutcome + "?lang=nb": "https://sign.example.com/return/cancel?lang=nb",
		"https://example.com/done?case=1#nonce=x_-1":                              "https://example.com/done?case=1&outcome=cancel#nonce=x_-1",
		"https://example.com/done#nonce=x_-1":                                     "https://example.com/done?outcome=cancel#nonce=x_-1",
	} {
		t.Run(to, func(t *testing.T) {
			w := newWorld(t)
			r := request(w.people[0], signing.ChannelSameDevice)
			r.ReturnURL = to
			order, err := w.client(nil).Start(t.Context(), r)
			require.NoError(t, err)
			var seen struct {
				Redirect string `json:"redirect"`
			}
			require.NoError(t, w.call(t.Context(), http.MethodPost, "/v1/signicat/sessions/"+string(order.Ref)+"/cancel", map[string]any{}, &seen))
			require.Equal(t, want, seen.Redirect)
		})
	}
}
