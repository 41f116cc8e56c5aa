package signicat_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/signicat"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator/faults"
	simulated "github.com/handslag/handslag/simulator/signicat"
)

// An answer that comes too late is lost, and its order found.
func TestSlowAnswer(t *testing.T) {
	w := newWorld(t)
	c := w.client(func(c *signicat.Config) { c.RequestTimeout = 500 * time.Millisecond })
	r := request(w.people[0], signing.ChannelSameDevice)
	at := w.clock.Now()
	w.fault(faults.Fault{Kind: faults.Slow, Endpoint: simulated.EndpointCreate, Delay: faults.Duration(5 * time.Second)})
	_, err := c.Start(t.Context(), r)
	require.Equal(t, fault.Uncertain, fault.KindOf(err), "%v", err)
	require.Eventually(t, func() bool {
		o, err := c.Reconcile(t.Context(), r, at)
		return err == nil && len(o.Documents) == 2
	}, 5*time.Second, 20*time.Millisecond)
}

// Before the last call of a start nothing is made, whatever happens: it may be
// repeated as often as needed.
func TestTroubleBeforeTheOrder(t *testing.T) {
	for _, endpoint := range []string{simulated.EndpointToken, simulated.EndpointUpload, simulated.EndpointMetadata, simulated.EndpointCollection} {
		for _, kind := range []faults.Kind{faults.CutBefore, faults.CutAfter, faults.InternalError, faults.BadGateway, faults.TooManyRequests} {
			t.Run(endpoint+" "+string(kind), func(t *testing.T) {
				w := newWorld(t)
				c := w.client(nil)
				r := request(w.people[0], signing.ChannelSameDevice)
				at := w.clock.Now()
				w.fault(faults.Fault{Kind: kind, Endpoint: endpoint})
				_, err := c.Start(t.Context(), r)
				require.Equal(t, fault.Unavailable, fault.KindOf(err), "%v", err)
				w.clock.Advance(2 * time.Minute)
				_, err = c.Reconcile(t.Context(), r, at)
				require.Equal(t, "signicat_not_created", fault.CodeOf(err))
				_, err = c.Start(t.Context(), r)
				require.NoError(t, err)
			})
		}
	}
}

// A token that is withdrawn in the middle is fetched anew, and nobody notices.
func TestTokenWithdrawn(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	for _, endpoint := range []string{simulated.EndpointUpload, simulated.EndpointCreate} {
		w.fault(faults.Fault{Kind: faults.Unauthorized, Endpoint: endpoint})
		_, err := c.Start(t.Context(), request(w.people[0], signing.ChannelSameDevice))
		require.NoError(t, err)
	}
}

func TestDamagedUpload(t *testing.T) {
	for _, encoding := range []string{"hex", "base64"} {
		w := newWorld(t)
		w.set(map[string]any{"hashEncoding": encoding})
		c := w.client(nil)
		w.fault(faults.Fault{Kind: simulated.DamagedFile})
		_, err := c.Start(t.Context(), request(w.people[0], signing.ChannelSameDevice))
		require.Equal(t, "signicat_upload_damaged", fault.CodeOf(err))
		require.Equal(t, fault.Unavailable, fault.KindOf(err))
	}
}

// A state that nobody knows is a live order; the next look may know more.
func TestUnknownState(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	r := request(w.people[0], signing.ChannelSameDevice)
	o, err := c.Start(t.Context(), r)
	require.NoError(t, err)
	require.NoError(t, w.sign(t.Context(), w.people[0], r.Channel, o))
	w.fault(faults.Fault{Kind: simulated.UnknownState})
	a, err := c.Collect(t.Context(), o.Ref)
	require.NoError(t, err)
	require.False(t, a.Terminal)
	require.Equal(t, "SOMETHING_NEW", a.Hint)
	require.Equal(t, signing.OutcomeSigned, w.interpret(c, o, r).Outcome)
}

// What was signed can be fetched long after the order's life, until the due date.
func TestResultsLast(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	r := request(w.people[0], signing.ChannelSameDevice)
	o, err := c.Start(t.Context(), r)
	require.NoError(t, err)
	require.NoError(t, w.sign(t.Context(), w.people[0], r.Channel, o))
	w.clock.Advance(23 * time.Hour)
	id := w.interpret(c, o, r).Unplaced[0]
	require.NotEmpty(t, w.fetch(c, o, id))
	w.clock.Advance(2 * time.Hour)
	_, err = c.Collect(t.Context(), o.Ref)
	require.ErrorIs(t, err, providers.ErrResultLost)
	_, err = c.Revision(t.Context(), o.Ref, id)
	require.Equal(t, fault.NotFound, fault.KindOf(err))
}

// A request that Signicat would not take is refused here, by name.
func TestRequests(t *testing.T) {
	swede, err := signing.ParsePersonalNumber("191212121212")
	require.NoError(t, err)
	c := scripted(t, func(c *signicat.Config) { c.MaxDocument = 100 }, nil)
	for pointer, change := range map[string]func(*providers.StartRequest){
		"/method":      func(r *providers.StartRequest) { r.Method = signing.MethodBankIDSE },
		"/channel":     func(r *providers.StartRequest) { r.Channel = signing.ChannelPhone },
		"/signer":      func(r *providers.StartRequest) { r.Signer = swede },
		"/attempt":     func(r *providers.StartRequest) { r.Attempt = "" },
		"/documents":   func(r *providers.StartRequest) { r.Documents = nil },
		"/documents/0": func(r *providers.StartRequest) { r.Documents[0].Length = 101 },
		"/returnUrl":   func(r *providers.StartRequest) { r.ReturnURL = "javascript:alert(1)" },
	} {
		r := request(someone(t), signing.ChannelSameDevice)
		r.Documents = []providers.Document{document("doc_a", []byte("%PDF"))}
		change(&r)
		_, err := c.Start(t.Context(), r)
		f, ok := fault.As(err)
		require.True(t, ok, pointer)
		require.Equal(t, fault.Invalid, f.Kind)
		require.Equal(t, pointer, f.Fields[0].Pointer)
	}
}

func TestConfig(t *testing.T) {
	w := newWorld(t)
	for field, change := range map[string]func(*signicat.Config){
		"baseURL":        func(c *signicat.Config) { c.BaseURL = "http://api.signicat.com/sign" },
		"tokenURL":       func(c *signicat.Config) { c.TokenURL = "https://user:pass@a.example/" },
		"clientSecret":   func(c *signicat.Config) { c.ClientSecret = "" },
		"orderLife":      func(c *signicat.Config) { c.OrderLife = 31 * time.Minute },
		"dueIn":          func(c *signicat.Config) { c.DueIn = 31 * 24 * time.Hour },
		"requestTimeout": func(c *signicat.Config) { c.CollectEvery = -1 },
		"webhook.secret": func(c *signicat.Config) { c.Webhook = signicat.Webhook{Required: true} },
		"clock":          func(c *signicat.Config) { c.Clock = nil },
	} {
		config := w.config
		change(&config)
		_, err := signicat.New(config)
		f, ok := fault.As(err)
		require.True(t, ok, field)
		require.Equal(t, field, f.Fields[0].Pointer)
		require.NotContains(t, err.Error(), "simulated-secret")
	}
}
