package signicat_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/signicat"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator/faults"
	simulated "github.com/handslag/handslag/simulator/signicat"
)

func signed(body string) []byte {
	mac := hmac.New(sha256.New, []byte("hush"))
	mac.Write([]byte(body))
	return mac.Sum(nil)
}

func TestReadPush(t *testing.T) {
	const completed = `{"id":"82fa","eventName":"signing-session.completed","eventData":{"id":"s1"},"tags":[]}`
	for name, tc := range map[string]struct {
		body, signature, header string
		required, noSecret      bool
		want                    fault.Kind
		authentic               bool
	}{
		"hex":               {body: completed, signature: hex.EncodeToString(signed(completed)), authentic: true},
		"base64":            {body: completed, signature: base64.StdEncoding.EncodeToString(signed(completed)), authentic: true},
		"with a prefix":     {body: completed, signature: "sha256=" + hex.EncodeToString(signed(completed)), authentic: true},
		"required":          {body: completed, signature: hex.EncodeToString(signed(completed)), required: true, authentic: true},
		"another header":    {body: completed, signature: hex.EncodeToString(signed(completed)), header: "X-Other", authentic: true},
		"unsigned":          {body: completed},
		"unsigned, refused": {body: completed, required: true, want: fault.Forbidden},
		"no secret":         {body: completed, signature: "whatever", noSecret: true},
		"forged":            {body: completed, signature: hex.EncodeToString(signed("other")), want: fault.Forbidden},
		"no signature":      {body: completed, signature: "%%%", want: fault.Forbidden},
		"with its service":  {body: `{"id":"1","eventName":"signature:signing-session.rejected","eventData":{"id":"s1"}}`},
		"a name of later":   {body: `{"id":"1","eventName":"signing-session.whatever","eventData":{"id":"s1","x":1}}`},
		"a package":         {body: `{"id":"1","eventName":"package.completed","eventData":{"id":"p1"}}`, want: fault.Invalid},
		"a test":            {body: `{"id":"1","eventName":"signing-session.completed","eventData":{"id":"s1"},"tags":["mock"]}`, want: fault.Invalid},
		"no session":        {body: `{"id":"1","eventName":"signing-session.completed","eventData":{}}`, want: fault.Invalid},
		"a path for an id":  {body: `{"id":"1","eventName":"signing-session.completed","eventData":{"id":"../documents/x"}}`, want: fault.Invalid},
		"no JSON":           {body: `<html>`, want: fault.Invalid},
		"nothing":           {want: fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			c := scripted(t, func(c *signicat.Config) {
				c.Webhook = signicat.Webhook{Secret: "hush", Required: tc.required, Header: tc.header}
				if tc.noSecret {
					c.Webhook.Secret = ""
				}
			}, nil)
			header := http.Header{}
			if tc.signature != "" {
				name := tc.header
				if name == "" {
					name = "X-Signicat-Signature"
				}
				header.Set(name, tc.signature)
			}
			p, err := c.ReadPush(header, []byte(tc.body))
			if tc.want != "" {
				require.Equal(t, tc.want, fault.KindOf(err), "%v", err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, []providers.OrderRef{"s1"}, p.Orders)
			require.Equal(t, tc.authentic, p.Authentic)
			require.NotEmpty(t, p.Key)
		})
	}
}

// Events come twice, late, in another order, or not at all; the session says the
// same in any case.
func TestEventsAsTheyCome(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	keys := map[string]int{}
	run := func(kind faults.Kind) providers.Order {
		r := request(w.people[0], signing.ChannelSameDevice)
		o, err := c.Start(t.Context(), r)
		require.NoError(t, err)
		if kind != "" {
			w.fault(faults.Fault{Kind: kind, Delay: 1e6})
		}
		require.NoError(t, w.sign(t.Context(), w.people[0], r.Channel, o))
		require.Equal(t, signing.OutcomeSigned, w.interpret(c, o, r).Outcome)
		return o
	}
	next := func(o providers.Order) {
		header, body, err := w.push(t.Context(), o)
		require.NoError(t, err)
		p, err := c.ReadPush(header, body)
		require.NoError(t, err)
		require.True(t, p.Authentic)
		keys[p.Key]++
	}
	run(simulated.WebhookDropped)
	twice := run(simulated.WebhookDuplicate)
	next(twice)
	next(twice)
	require.Len(t, keys, 1, "a repeated event is known by its key")
	late := run(simulated.WebhookDelayed)
	w.clock.Advance(1e6)
	next(late)
	held := run(simulated.WebhookHeld)
	next(run("")) // comes before the one that was held
	next(held)

	o := run(simulated.WebhookUnsigned)
	header, body, err := w.push(t.Context(), o)
	require.NoError(t, err)
	p, err := c.ReadPush(header, body)
	require.NoError(t, err)
	require.False(t, p.Authentic)

	o = run(simulated.WebhookForged)
	header, body, err = w.push(t.Context(), o)
	require.NoError(t, err)
	_, err = c.ReadPush(header, body)
	require.Equal(t, fault.Forbidden, fault.KindOf(err))
}
