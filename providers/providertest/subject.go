// Package providertest is the contract of package providers as a suite of tests.
// Every adapter runs it against a simulator of its provider:
//
//	func TestContract(t *testing.T) { providertest.Run(t, open) }
//
// where open starts a world of its own and returns a [Subject] that plays the
// people in it and breaks what may break. A function that is nil says that the
// provider has no such thing; what needs it is skipped, by name.
package providertest

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// Subject is one adapter and the world behind it.
type Subject struct {
	Provider providers.Provider
	// Request is a request that the provider takes, for a person and a channel.
	Request func(person signing.PersonalNumber, c signing.Channel) providers.StartRequest
	// People have an eID each. There are at least two.
	People []signing.PersonalNumber
	// Clock is the time in the world, and Advance moves it.
	Clock   func() time.Time
	Advance func(d time.Duration)

	// Sign opens the order as a person would in that channel, and signs. The
	// provider has the signature when it returns.
	Sign func(ctx context.Context, person signing.PersonalNumber, c signing.Channel, o providers.Order) error
	// Refuse opens the order and presses cancel.
	Refuse func(ctx context.Context, person signing.PersonalNumber, o providers.Order) error
	// DeclineCall says, in a phone order, that there is no call.
	DeclineCall func(ctx context.Context, person signing.PersonalNumber, o providers.Order) error

	// Each of these breaks the next call of the kind named, once.
	LoseStart   func() // the order is made, and the answer lost
	DropStart   func() // the call is cut when it was sent, and no order made
	LoseCollect func() // the answer is handed out, and lost
	LoseCancel  func() // the order is cancelled, and the answer lost
	Down        func() // the provider says that it does nothing, to any call
	// Forge makes the next signature one that a verifier must refuse, in each of
	// the ways that the world knows, with the provider code expected of it.
	Forge map[string]Forgery
	// Elsewhere returns the adapter with an address where nobody listens.
	Elsewhere func(t *testing.T) providers.Provider
	// Push returns the call that the provider made to us about an order that has
	// ended, with Capabilities.Pushes.
	Push func(ctx context.Context, o providers.Order) (http.Header, []byte, error)
	// OneAnswer says that a terminal answer is handed out once.
	OneAnswer bool
	// Terse says that an answer is a bare status: it names neither the person nor
	// the order, and does not say why an order failed.
	Terse bool
	// LoseCall cuts the connection of the next blocking call while the person is
	// asked, and Patience is longer than any other call may last.
	LoseCall func()
	Patience time.Duration
}

// Forgery is one way to sign something else than was asked for.
type Forgery struct {
	Set          func()
	Reason       signing.Reason
	ProviderCode string
}

// order is a started order and what to expect of it.
type order struct {
	providers.Order
	request providers.StartRequest
	channel signing.Channel
}

// suite is a subject in one test.
type suite struct {
	Subject
	t *testing.T
}

// start insists on an order.
func (s *suite) start(person signing.PersonalNumber, c signing.Channel) order {
	s.t.Helper()
	r := s.Request(person, c)
	o, err := s.Provider.Start(s.t.Context(), r)
	s.safe(o, r, err)
	s.must(err)
	return order{o, r, c}
}

// expectation is what the caller of Interpret would hold an answer against.
func (s *suite) expectation(o order) providers.Expectation {
	return providers.Expectation{
		Order: o.Ref, Method: o.request.Method, Signer: o.request.Signer, VisibleText: o.request.VisibleText,
		Manifest: o.request.Manifest, StartedAt: o.StartedAt, CollectedAt: s.Clock(), Documents: o.Documents,
	}
}
