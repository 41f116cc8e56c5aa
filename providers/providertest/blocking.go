package providertest

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// soon is when a test that waits for what comes at once gives up.
const soon = 10 * time.Second

// call is a blocking call on its way.
type call struct {
	*suite
	order    order
	sent     chan providers.OrderRef
	times    atomic.Int32 // how often sent was called
	ended    chan struct{}
	answer   providers.Answer // read after ended is closed
	err      error
	provider providers.Provider
}

// calling starts a blocking call of the first person, or skips the test.
func (s *suite) calling(ctx context.Context, p providers.Provider) *call {
	s.t.Helper()
	starter, ok := p.(providers.BlockingStarter)
	if !ok {
		s.t.Skip("no call of the provider blocks")
	}
	r := s.Request(s.People[0], signing.ChannelPhone)
	c := &call{
		suite: s, sent: make(chan providers.OrderRef, 8), ended: make(chan struct{}), provider: p,
		order: order{providers.Order{StartedAt: s.Clock()}, r, signing.ChannelPhone},
	}
	go func() {
		defer close(c.ended)
		c.answer, c.err = starter.StartAndWait(ctx, r, func(ref providers.OrderRef) {
			c.times.Add(1)
			c.sent <- ref
		})
	}()
	return c
}

// asked waits until the request has left us, and for the person to have it.
func (c *call) asked() {
	c.t.Helper()
	select {
	case c.order.Ref = <-c.sent:
	case <-c.ended:
		require.Fail(c.t, "the call ended before it was said to be sent", "%v", c.err)
	case <-time.After(soon):
		require.Fail(c.t, "the call was never said to be sent")
	}
}

// over waits for the end of the call.
func (c *call) over() {
	c.t.Helper()
	select {
	case <-c.ended:
	case <-time.After(soon):
		require.Fail(c.t, "the call did not end")
	}
	c.safe(c.answer, c.err)
}

func (c *call) result() providers.Result {
	c.t.Helper()
	c.over()
	c.must(c.err)
	require.True(c.t, c.answer.Terminal)
	require.NotEmpty(c.t, c.answer.Raw)
	require.EqualValues(c.t, 1, c.times.Load(), "sent was not called once")
	r, err := c.provider.Interpret(c.answer.Raw, c.expectation(c.order))
	c.must(err)
	c.safe(r)
	return r
}

// eventually does what the person cannot do until the provider has asked them.
func (c *call) eventually(act func() error) {
	c.t.Helper()
	var err error
	for deadline := time.Now().Add(soon); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = act(); err == nil {
			return
		}
	}
	c.must(err)
}

// A person takes longer than a server may, and meanwhile nobody but they can end
// the call.
func (s *suite) blocks() {
	c := s.calling(s.t.Context(), s.Provider)
	c.asked()
	if c.order.Ref == "" {
		s.kind(s.Provider.Cancel(s.t.Context(), ""), fault.Conflict)
		_, err := s.Provider.Collect(s.t.Context(), "")
		s.kind(err, fault.Conflict)
	}
	s.Advance(s.Provider.Capabilities().OrderLife / 2)
	select {
	case <-c.ended:
		require.Fail(s.t, "the call did not wait for the person", "%v", c.err)
	case <-time.After(s.Patience):
	}
	c.eventually(func() error { return s.Sign(s.t.Context(), s.People[0], signing.ChannelPhone, c.order.Order) })
	s.signedBy(c.result())
	x := s.expectation(c.order)
	x.Signer = s.People[1]
	r, err := s.Provider.Interpret(c.answer.Raw, x)
	s.must(err)
	s.failed(r, signing.ReasonWrongSigner)
}

func (s *suite) blocksInVain() {
	c := s.calling(s.t.Context(), s.Provider)
	c.asked()
	c.eventually(func() error { // the request may have left us and not arrived
		s.Advance(s.Provider.Capabilities().OrderLife + time.Second)
		select {
		case <-c.ended:
			return nil
		case <-time.After(100 * time.Millisecond):
			return context.DeadlineExceeded
		}
	})
	s.failed(c.result(), s.why(signing.ReasonNotStarted, signing.ReasonTimeout)...)
}

func (s *suite) blocksDeclined() {
	c := s.calling(s.t.Context(), s.Provider)
	if s.DeclineCall == nil {
		s.t.Skip("nobody can decline a call")
	}
	c.asked()
	c.eventually(func() error { return s.DeclineCall(s.t.Context(), s.People[0], c.order.Order) })
	s.failed(c.result(), s.why(signing.ReasonCallDeclined)...)
}

// unsent insists on a call of which nothing has left us.
func (c *call) unsent() {
	c.t.Helper()
	c.over()
	c.kind(c.err, fault.Unavailable)
	require.Zero(c.t, c.times.Load(), "a call that was not sent was said to be")
}

func (s *suite) blocksUnsent() {
	s.calling(s.t.Context(), s.Elsewhere(s.t)).unsent()
	ctx, cancel := context.WithCancel(s.t.Context())
	cancel()
	s.calling(ctx, s.Provider).unsent()
}

// What was said to be sent is lost with the connection, and not to be repeated.
func (s *suite) blocksCut() {
	if s.LoseCall != nil {
		s.LoseCall()
	}
	c := s.calling(s.t.Context(), s.Provider)
	c.over()
	s.kind(c.err, fault.Uncertain)
	require.EqualValues(s.t, 1, c.times.Load(), "sent was not called once")
}

func (s *suite) blocksGivenUp() {
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	c := s.calling(ctx, s.Provider)
	c.asked()
	cancel()
	c.over()
	s.kind(c.err, fault.Uncertain)
	require.ErrorIs(s.t, c.err, context.Canceled)
	require.EqualValues(s.t, 1, c.times.Load(), "sent was not called once")
}
