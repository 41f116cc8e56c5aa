package signing

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/handslag/handslag/fault"
)

// Route is the providers that serve a method, in the order in which they are
// asked. In JSON it is a list; a single name, which an earlier release wrote, is
// read as one, too.
type Route []string

// UnmarshalJSON reads a list of names, or one name.
func (r *Route) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*r = Route{one}
		return nil
	}
	var all []string
	if err := json.Unmarshal(b, &all); err != nil {
		return fmt.Errorf("decode route: %w", err)
	}
	*r = all
	return nil
}

// For returns the route of a participant: all of it, or the one provider that
// they were given.
func (r Route) For(p Participant) Route {
	if p.Provider == "" {
		return slices.Clone(r)
	}
	return Route{p.Provider}
}

// Move is what to do after a provider was asked for an order and gave none.
type Move string

// The moves.
const (
	MoveAgain     Move = "again"     // ask Provider, which is the same or the next one
	MovePause     Move = "pause"     // everyone was asked: wait, then ask Provider
	MoveReconcile Move = "reconcile" // an order may exist: find out before anybody is asked
	MoveStop      Move = "stop"      // there will be no order
)

// maxRounds is how often each provider of a route is asked in one attempt: a
// person waits for the answer.
const maxRounds = 3

// Search is the search for a provider that makes an order. All Swedish providers
// end at one BankID, where a second order for a person ends the first. So the
// next provider is asked only when the one before certainly made none.
type Search struct {
	route Route
	at    int // which of route is being asked
	round int // from 0
}

// NewSearch begins at the head of the route.
func NewSearch(r Route) *Search { return &Search{route: slices.Clone(r)} }

// Provider is who is asked now.
func (s *Search) Provider() string { return s.route[s.at] }

// Failed says what follows from a fault of kind k, and moves on.
//
// Only Unavailable and Forbidden (our credentials are refused) say that the next
// provider may make the order. With Conflict the person is busy at BankID,
// whoever asks; an Invalid request stays so.
func (s *Search) Failed(k fault.Kind) Move {
	switch k {
	case fault.Uncertain:
		return MoveReconcile
	case fault.Forbidden:
		s.route = slices.Delete(s.route, s.at, s.at+1)
	case fault.Unavailable:
		s.at++
	default:
		return MoveStop
	}
	if len(s.route) == 0 {
		return MoveStop
	}
	if s.at < len(s.route) {
		return MoveAgain
	}
	s.at = 0
	s.round++
	if s.round == maxRounds {
		return MoveStop
	}
	return MovePause
}
