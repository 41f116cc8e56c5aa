package bench

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Collects remembers when the simulated BankID was asked for each order.
type Collects struct {
	mu     sync.Mutex
	orders map[string]*collected // guarded by mu
}

type collected struct {
	at    []time.Time // as they arrived
	ended bool        // its last answer was terminal
}

// Watch notes the collects that next is asked for.
func (c *Collects) Watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/collect") {
			next.ServeHTTP(w, r)
			return
		}
		arrived := time.Now()
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := &answered{ResponseWriter: w}
		next.ServeHTTP(answer, r)
		c.note(body, arrived, !answer.pending)
	})
}

// answered sees whether an order is still pending.
type answered struct {
	http.ResponseWriter
	pending bool
}

func (a *answered) Write(b []byte) (int, error) {
	a.pending = a.pending || bytes.Contains(b, []byte(`"pending"`))
	return a.ResponseWriter.Write(b)
}

func (c *Collects) note(body []byte, arrived time.Time, ended bool) {
	var asked struct {
		OrderRef string `json:"orderRef"`
	}
	if json.Unmarshal(body, &asked) != nil {
		return // the simulator has refused it
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.orders == nil {
		c.orders = map[string]*collected{}
	}
	order := c.orders[asked.OrderRef]
	if order == nil {
		order = &collected{}
		c.orders[asked.OrderRef] = order
	}
	order.at, order.ended = append(order.at, arrived), ended
}

// Pace is how orders were collected in a span of time.
type Pace struct {
	Orders, Collects int
	// Late is how much later than its provider's pace each collect came, sorted.
	// A collect is due a pace after the one before it. What comes sooner than it is
	// due is negative.
	Late []time.Duration
}

// Pace tells how the orders that were live all through a span were collected,
// an order that nobody asks for any more included.
func (c *Collects) Pace(from, to time.Time, pace time.Duration) Pace {
	c.mu.Lock()
	defer c.mu.Unlock()
	var p Pace
	for _, o := range c.orders {
		last := o.at[len(o.at)-1]
		if o.at[0].After(from) || o.ended && last.Before(to) {
			continue // not live yet, or no longer
		}
		p.Orders++
		for i, t := range o.at[1:] {
			if t.After(from) && t.Before(to) { // o.at[i] is the one before t
				p.Collects++
				p.Late = append(p.Late, t.Sub(o.at[i])-pace)
			}
		}
		if due := last.Add(pace); due.Before(to) {
			p.Late = append(p.Late, to.Sub(due)) // at least
		}
	}
	slices.Sort(p.Late)
	return p
}

// quantile is the q-th part of sorted durations, such as 0.99 for p99.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
