package idkollen

import (
	"sync"
	"time"
)

// budget keeps the pace of status calls: at most one per interval, of an order
// or of the account.
type budget struct {
	every      time.Duration
	perAccount bool
	clock      func() time.Time

	mu     sync.Mutex
	asked  map[string]time.Time // guarded by mu
	pruned time.Time            // guarded by mu
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
	if last, ok := b.asked[b.key(id)]; ok {
		if wait := last.Add(b.every).Sub(now); wait > 0 {
			return wait
		}
	}
	b.asked[b.key(id)] = now
	return 0
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
	for key, at := range b.asked {
		if now.Sub(at) > b.every {
			delete(b.asked, key)
		}
	}
}
