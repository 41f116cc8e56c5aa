package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/handslag/handslag/simulator/faults"
)

// Clock is the one clock of a world: a base that goes by itself, and how far the
// world is ahead of it. Who makes a PKI before the world gives [Clock.Now] to
// both. It is safe for concurrent use.
//
// What expires in the world expires by it: orders, QR codes, tokens, blocks,
// documents, sessions, retention, callbacks that are to come late, certificates
// and their status. What a client feels on the line (slow answers, hung
// handshakes, pauses between two tries) takes real time.
//
// The product has its own clock, which nobody moves. A signature that is made
// while the world is far ahead comes from the future, and is judged so.
type Clock struct {
	base  func() time.Time
	mu    sync.Mutex
	ahead time.Duration // guarded by mu
}

// NewClock returns a clock that shows what base shows.
func NewClock(base func() time.Time) *Clock { return &Clock{base: base} }

// Now is the world's time.
func (c *Clock) Now() time.Time { return c.base().Add(c.Ahead()) }

// Ahead is how far the world is ahead of its base.
func (c *Clock) Ahead() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ahead
}

// Advance moves the world forward. Never back: orders would come to life again.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += max(0, d)
}

// Reset takes the world back to its base. What was begun ahead of it then lasts
// longer by as much, and the QR code of a live order fits no more: let nothing
// be live.
func (c *Clock) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = 0
}

// clockView is the clock in the control API.
type clockView struct {
	Now   time.Time       `json:"now"`
	Ahead faults.Duration `json:"ahead"`
}

// mountClock adds GET, POST and DELETE of /v1/clock: read, advance and reset.
func (w *World) mountClock(mux *http.ServeMux) {
	show := func(out http.ResponseWriter) {
		replyJSON(out, http.StatusOK, clockView{w.clock.Now().UTC(), faults.Duration(w.clock.Ahead())})
	}
	mux.HandleFunc("GET /v1/clock", func(out http.ResponseWriter, _ *http.Request) { show(out) })
	mux.HandleFunc("POST /v1/clock", func(out http.ResponseWriter, r *http.Request) {
		var in struct {
			Advance faults.Duration `json:"advance"` // it refuses what is negative
		}
		d := json.NewDecoder(io.LimitReader(r.Body, 1<<10))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil {
			refuse(out, http.StatusBadRequest, "bad_clock", `send {"advance":"31s"}; only DELETE takes the clock back`)
			return
		}
		w.clock.Advance(time.Duration(in.Advance))
		show(out)
	})
	mux.HandleFunc("DELETE /v1/clock", func(out http.ResponseWriter, _ *http.Request) {
		w.settle() // or what has ended ahead of its time, unseen, would be alive again
		w.clock.Reset()
		show(out)
	})
}

// settle has everything end that time alone has ended by now.
func (w *World) settle() {
	w.bankid.Settle()
	w.idkollen.Settle()
	w.sbab.Settle()
	w.signicat.Settle()
}
