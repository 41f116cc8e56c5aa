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

// The bounds of a search: a person waits for the answer, and each step is some
// events of history.
const (
	maxRounds = 3 // in which each provider of the route is asked
	maxAsked  = 4 // in all
	maxLost   = 2 // starts whose end nobody saw
)

// Search is the search for a provider that makes an order. All Swedish providers
// end at one BankID, where a second order for a person ends the first. So the
// next provider is asked only when the one before certainly made none.
type Search struct {
	route Route
	at    int // which of route is being asked
	round int // from 0
	asked int // how often somebody was
	lost  int // how often the end of that was not seen
}

// NewSearch begins at the head of the route, which must not be empty.
func NewSearch(r Route) *Search { return &Search{route: slices.Clone(r)} }

// Provider is who is asked now.
func (s *Search) Provider() string { return s.route[s.at] }

// Failed says what follows from a fault of kind k, and moves on.
//
// Only Unavailable and Forbidden (our credentials are refused) say that the next
// provider may make the order. With Conflict the person is busy at BankID,
// whoever asks; an Invalid request stays so.
func (s *Search) Failed(k fault.Kind) Move {
	s.asked++
	switch k {
	case fault.Uncertain:
		if s.lost++; s.lost > maxLost {
			return MoveStop
		}
		return MoveReconcile
	case fault.Forbidden:
		if len(s.route) == 1 {
			return MoveStop
		}
		s.route = slices.Delete(s.route, s.at, s.at+1)
	case fault.Unavailable:
		s.at++
	default:
		return MoveStop
	}
	move := MoveAgain
	if s.at == len(s.route) {
		s.at = 0
		s.round++
		move = MovePause
	}
	if s.round == maxRounds || s.asked == maxAsked {
		return MoveStop
	}
	return move
}

// Cleared says what follows when it has been found out that the provider, after
// MoveReconcile, made no order: it is asked again.
func (s *Search) Cleared() Move {
	if s.asked == maxAsked {
		return MoveStop
	}
	return MoveAgain
}
