package providers

import (
	"net/http"

	"github.com/handslag/handslag/signing"
)

// PushReader is a provider that calls us back (Capabilities.Pushes). What it
// says there proves nothing about an order, however well it is signed: it is a
// reason to collect now, at the provider's pace, and not to wait for the next
// turn. Calls may come late, twice or not at all.
type PushReader interface {
	// ReadPush reads a call to us, from its header and its body as it arrived,
	// byte for byte. A Forbidden fault means that it is not the provider's, and
	// an Invalid one that it is not a call about an order. It has no side effects.
	ReadPush(header http.Header, body []byte) (Push, error)
}

// Push is what a provider's call hints at.
type Push struct {
	// Orders are the orders that it can mean. There is more than one where the
	// provider does not tell orders of different kinds apart.
	Orders []OrderRef
	// Attempt is what we gave the provider as our own reference, or empty.
	Attempt signing.AttemptID
	// Key identifies what happened, so that a repeated call is recognised.
	Key string
	// Authentic says that the call is proven to be the provider's. One that is
	// not may still be worth a collect, and no more than a few.
	Authentic bool
}
