package idkollen

import (
	"sync"
	"time"
)

// budget keeps the pace of status calls: at most one per interval, of an order
// or of the account. Where orders share the pace of an account, whoever comes too
// early is promised a turn of its own, so that none is kept waiting by the others
// for ever.
type budget struct {
	every      time.Duration
	perAccount bool
	clock      func() time.Time

	mu     sync.Mutex
	asked  map[string]time.Time // guarded by mu; by order, or by "" for the account
	turns  map[string]time.Time // guarded by mu; what orders were promised
	next   time.Time            // guarded by mu; the first turn that nobody was promised
	pruned time.Time            // guarded by mu
}

func newBudget(every time.Duration, perAccount bool, clock func() time.Time) *budget {
	return &budget{every: every, perAccount: perAccount, clock: clock, asked: map[string]time.Time{}, turns: map[string]time.Time{}}
}

func (b *budget) key(id string) string {
	if b.perAccount {
		return ""
	}
	return id
}

// take takes the turn for a call about an order, or says how long to wait for it.
func (b *budget) take(id string) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock()
	turn := b.turn(id, now)
	if wait := turn.Sub(now); wait > 0 {
		return wait
	}
	delete(b.turns, id)
	b.asked[b.key(id)] = now
	b.next = later(b.next, b.after(now))
	return 0
}

// turn returns when an order's turn is, and promises it where it has to wait.
func (b *budget) turn(id string, now time.Time) time.Time {
	free := now
	if last, ok := b.asked[b.key(id)]; ok {
		free = later(now, last.Add(b.every))
	}
	if !b.perAccount {
		return free
	}
	turn, promised := b.turns[id]
	if !promised {
		turn = later(free, b.next)
		if turn.After(now) {
			b.next = b.after(turn)
		}
	}
	turn = later(turn, free) // others may have been slow
	if turn.After(now) {
		b.turns[id] = turn
	}
	return turn
}

// after is when the turn after another can be, with room for the other's way
// there and back.
func (b *budget) after(turn time.Time) time.Time { return turn.Add(b.every + b.every/4) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// answered counts the interval from now on: IDkollen counts from when a call
// arrived there, which was before its answer arrived here.
func (b *budget) answered(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock()
	b.asked[b.key(id)] = now
	if now.Sub(b.pruned) < b.every {
		return
	}
	b.pruned = now
	for _, times := range []map[string]time.Time{b.asked, b.turns} {
		for key, at := range times {
			if now.Sub(at) > b.every {
				delete(times, key) // of turns: nobody came
			}
		}
	}
}
