package accounts

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/handslag/handslag/fault"
)

const (
	// restAfter is how many starts in a row must fail for an account to rest: more
	// than one person's own repeats.
	restAfter = 5
	// restFor is how long it rests before one start is let through again.
	restFor = 30 * time.Second
	// probePause is what others are asked to wait while that one is under way.
	probePause = 3 * time.Second
)

// State is how an account does.
type State string

// The states. Resting and refused may hold together: refused says more.
const (
	StateUnknown State = "unknown" // nothing was started there yet
	StateOK      State = "ok"
	StateResting State = "resting" // it failed too often, and is left alone for a while
	StateRefused State = "refused" // the provider does not accept our credentials
)

// Condition is what a process has seen of an account.
type Condition struct {
	Account  string
	Provider string
	State    State
	Since    time.Time // zero when unknown
	Code     string    // of the last failure, while it is not ok
	// LastSuccess is when a start last showed that the account works.
	LastSuccess time.Time
}

var errResting = fault.New(fault.Unavailable, "provider_resting",
	"The provider has failed several times in a row and is left alone for a moment; nothing was sent.")

// watch sees how the starts at an account end.
type watch struct {
	provider string
	clock    func() time.Time
	changed  func()
	breaker  *gobreaker.TwoStepCircuitBreaker[struct{}]

	mu      sync.Mutex
	seen    Condition // without names; guarded by mu
	resting bool      // guarded by mu
	opened  time.Time // when it last began to rest; guarded by mu
}

func newWatch(provider string, clock func() time.Time, changed func()) *watch {
	w := &watch{provider: provider, clock: clock, changed: changed, seen: Condition{State: StateUnknown}}
	w.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests:  1,
		Timeout:      restFor,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= restAfter },
		IsSuccessful: func(err error) bool { return !failure(err) },
		// What is Invalid may never have left us, and says nothing of the provider.
		IsExcluded: func(err error) bool { return err != nil && fault.KindOf(err) == fault.Invalid },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if to == gobreaker.StateOpen {
				w.opened = clock()
			}
			w.resting = to != gobreaker.StateClosed
		},
	})
	return w
}

// failure reports whether a start that ended so failed because of the account.
func failure(err error) bool {
	if err == nil {
		return false
	}
	kind := fault.KindOf(err)
	return kind == fault.Unavailable || kind == fault.Uncertain || kind == fault.Forbidden
}

func (w *watch) admit() (done func(error), err error) {
	ended, err := w.breaker.Allow()
	if err != nil {
		wait := probePause
		if !errors.Is(err, gobreaker.ErrTooManyRequests) {
			w.mu.Lock()
			wait = max(time.Second, w.opened.Add(restFor).Sub(w.clock()))
			w.mu.Unlock()
		}
		return nil, errResting.From(w.provider, "").After(wait)
	}
	var once sync.Once
	return func(err error) {
		once.Do(func() {
			ended(err)
			w.note(err)
		})
	}, nil
}

// note remembers how a start ended.
func (w *watch) note(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.clock()
	state, code := w.seen.State, w.seen.Code
	switch {
	case err != nil && fault.KindOf(err) == fault.Invalid:
		return
	case !failure(err):
		state, code = StateOK, ""
		w.seen.LastSuccess = now
	case fault.KindOf(err) == fault.Forbidden:
		state, code = StateRefused, fault.CodeOf(err)
	case w.resting && state != StateRefused:
		state, code = StateResting, fault.CodeOf(err)
	}
	if state != w.seen.State {
		w.seen.State, w.seen.Since = state, now
		w.changed()
	}
	w.seen.Code = code
}

func (w *watch) condition() Condition {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

// Admit lets a start at an account go on, or is the fault provider_resting, with
// how long it is left alone: nothing was sent. After that one start is let
// through, and the others when it has ended well. Whoever is admitted calls done
// once with how the start ended. Unavailable, Uncertain and Forbidden count
// against the account; Invalid counts neither way, and all else for it.
func (k *Keeper) Admit(provider, name string) (done func(error), err error) {
	a, err := k.find("", provider, name)
	if err != nil {
		return nil, err
	}
	return a.watch.admit()
}

// Conditions returns what this process has seen of the accounts in the settings,
// in the order of their names.
func (k *Keeper) Conditions() []Condition {
	k.mu.RLock()
	defer k.mu.RUnlock()
	var all []Condition
	for _, name := range slices.Sorted(maps.Keys(k.current.accounts)) {
		a := k.current.accounts[name]
		c := a.watch.condition()
		c.Account, c.Provider = name, a.provider
		all = append(all, c)
	}
	return all
}

// Changed yields after the state of an account has changed, or the settings have.
// It is for one reader.
func (k *Keeper) Changed() <-chan struct{} { return k.changed }
