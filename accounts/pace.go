package accounts

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/time/rate"
)

// pace hands out turns at a rate, those that are urgent first. Nil has no limit.
type pace struct {
	limiter *rate.Limiter

	mu      sync.Mutex
	urgent  []chan struct{} // closed when it is their turn; guarded by mu
	waiting []chan struct{} // guarded by mu
	running bool            // whether somebody hands out turns; guarded by mu
}

func newPace(perSecond float64) *pace {
	if perSecond <= 0 {
		return nil
	}
	return &pace{limiter: rate.NewLimiter(rate.Limit(perSecond), 1)}
}

func (p *pace) turn(ctx context.Context, urgent bool) error {
	if p == nil {
		return ctx.Err()
	}
	mine := make(chan struct{})
	p.mu.Lock()
	if urgent {
		p.urgent = append(p.urgent, mine)
	} else {
		p.waiting = append(p.waiting, mine)
	}
	if !p.running {
		p.running = true
		go p.run() //nolint:gosec // it goes on for whoever else waits, and ends when nobody does
	}
	p.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	is := func(c chan struct{}) bool { return c == mine }
	p.urgent, p.waiting = slices.DeleteFunc(p.urgent, is), slices.DeleteFunc(p.waiting, is)
	return ctx.Err()
}

// run hands out turns for as long as somebody waits. Who is next is decided when
// there is a turn, so that an urgent one that comes meanwhile goes first.
func (p *pace) run() {
	for p.needed() {
		_ = p.limiter.Wait(context.Background()) // which has no end, and one turn is never too many
		if next := p.next(); next != nil {
			close(next)
		}
	}
}

// needed reports whether anybody waits, and else says that nobody hands out turns.
func (p *pace) needed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = len(p.urgent)+len(p.waiting) > 0
	return p.running
}

// next takes who is next, or nil when all have gone.
func (p *pace) next() (next chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(p.urgent) > 0:
		next, p.urgent = p.urgent[0], p.urgent[1:]
	case len(p.waiting) > 0:
		next, p.waiting = p.waiting[0], p.waiting[1:]
	}
	return next
}

// Turn waits until the account may be asked how an order stands, as its setting
// collectsPerSecond allows. An urgent turn, as after a hint of the provider's,
// goes before all others. An account that is not known has no limit. Its error is
// that of the context.
func (k *Keeper) Turn(ctx context.Context, provider, name string, urgent bool) error {
	a, err := k.find("", provider, name)
	if err != nil {
		return ctx.Err()
	}
	return a.pace.turn(ctx, urgent)
}
