package online

import "time"

// Bounds of what is kept; answers are kilobytes, lists of some authorities
// megabytes.
const (
	maxKept  = 512
	maxBytes = 64 << 20
)

// cache keeps answers while they are current. Client.mu guards it.
type cache struct {
	entries map[string]kept
	bytes   int
}

type kept struct {
	der   []byte
	until time.Time
}

// kept returns what a place said before. The bytes are shared and never changed.
func (c *Client) kept(key string, now time.Time) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.cache.entries[key]
	return e.der, ok && now.Before(e.until)
}

// keep remembers an answer until it is no longer current. One that does not say
// for how long it is good is good for this once.
func (c *Client) keep(key string, der []byte, until, now time.Time) {
	age := c.MaxAge
	if age == 0 {
		age = time.Hour
	}
	if latest := now.Add(age); until.After(latest) {
		until = latest
	}
	if !until.After(now) || len(der) > maxBytes/2 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cache.entries == nil {
		c.cache.entries = map[string]kept{}
	}
	c.cache.drop(key)
	c.cache.shrink(now, len(der))
	c.cache.entries[key] = kept{der, until}
	c.cache.bytes += len(der)
}

func (c *cache) drop(key string) {
	c.bytes -= len(c.entries[key].der)
	delete(c.entries, key)
}

// shrink makes room: what has ended goes first, then whatever comes.
func (c *cache) shrink(now time.Time, room int) {
	for key, e := range c.entries {
		if !now.Before(e.until) {
			c.drop(key)
		}
	}
	for key := range c.entries {
		if len(c.entries) < maxKept && c.bytes+room <= maxBytes {
			return
		}
		c.drop(key)
	}
}
