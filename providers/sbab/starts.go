package sbab

import (
	"sync"
	"time"

	"github.com/handslag/handslag/providers"
)

const (
	// again is how soon a start may follow the conflict of two from one address:
	// SBAB takes the third.
	again = time.Second
	// rememberFor is longer than any signing and block lasts.
	rememberFor = 15 * time.Minute
)

// starts remembers how this process began signings, since SBAB refuses a second
// start in one way for all reasons, and how long the person is blocked depends
// on the first:
//
//	two starts, one address       the third is taken
//	two starts, two addresses     blocked for AddressBlock
//	two calls                     blocked for PhoneBlock
//	one of each                   not stated; as by phone
//	another bank's order, or a start that another process made
//	                              not known; the longest of what it can be
//
// It holds no personal data.
type starts struct {
	addressBlock, phoneBlock time.Duration

	mu    sync.Mutex
	known map[providers.OrderRef]*memory // guarded by mu, as is what it points to
}

// beginning is how a signing was begun, as SBAB sees it.
type beginning struct {
	phone   bool
	address string
}

type memory struct {
	touched time.Time
	live    *beginning // what may still be going on
	blocked time.Time  // until when the person is told to wait
}

func newStarts(addressBlock, phoneBlock time.Duration) *starts {
	return &starts{addressBlock: addressBlock, phoneBlock: phoneBlock, known: map[providers.OrderRef]*memory{}}
}

// attempt is a start on its way.
type attempt struct {
	starts *starts
	ref    providers.OrderRef
	this   beginning
	before *beginning
}

// begin remembers a start that is about to be sent: its answer may be lost.
func (s *starts) begin(ref providers.OrderRef, b beginning, now time.Time) *attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	for old, m := range s.known {
		if now.Sub(m.touched) > rememberFor {
			delete(s.known, old)
		}
	}
	m := s.known[ref]
	if m == nil {
		m = &memory{}
		s.known[ref] = m
	}
	a := &attempt{s, ref, b, m.live}
	m.touched, m.live = now, &b
	return a
}

// undo forgets a start that certainly had no effect.
func (a *attempt) undo() {
	a.starts.mu.Lock()
	defer a.starts.mu.Unlock()
	if m := a.starts.known[a.ref]; m != nil {
		m.live = a.before
	}
}

// conflict says how long to wait after the start was refused for a conflict,
// which ended what was live.
func (a *attempt) conflict(now time.Time) time.Duration {
	s := a.starts
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.known[a.ref]
	if m == nil { // it took longer than anything is remembered
		return s.addressBlock
	}
	m.live = nil
	left := m.blocked.Sub(now)
	if left > 0 && a.before == nil {
		return left // nothing was begun since: it is the same block
	}
	wait := max(left, s.rule(a))
	m.blocked = now.Add(wait)
	return wait
}

// rule is the table above.
func (s *starts) rule(a *attempt) time.Duration {
	switch before := a.before; {
	case a.this.phone, before != nil && before.phone:
		return s.phoneBlock
	case before != nil && before.address == a.this.address:
		return again
	}
	return s.addressBlock
}

// taken remembers that SBAB took the start, so that no block can be on.
func (a *attempt) taken() {
	a.starts.mu.Lock()
	defer a.starts.mu.Unlock()
	if m := a.starts.known[a.ref]; m != nil {
		m.blocked = time.Time{}
	}
}

// wait says how long the person is still blocked, as far as is known.
func (s *starts) wait(ref providers.OrderRef, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.known[ref]; m != nil && m.blocked.After(now) {
		return m.blocked.Sub(now)
	}
	return s.addressBlock
}

// ended remembers that a signing ended, so that the next start is no second one.
func (s *starts) ended(ref providers.OrderRef) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.known[ref]; m != nil {
		m.live = nil
	}
}
