// Package faults holds the switches that make a simulator misbehave: which
// fault, where, how often. A simulator asks at each place where the real system
// could fail, and a switch that fires may count itself out.
//
// A switch with Count 0 stays on until it is cleared. Switches fire in the
// order in which they were set. A set is safe for concurrent use.
package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/handslag/handslag/fault"
)

// Kind names one way to fail.
type Kind string

// Faults of transport, which every simulator knows.
const (
	Maintenance   Kind = "maintenance"   // 503
	InternalError Kind = "internalError" // 500
	Slow          Kind = "slow"          // answers after Delay
	CutBefore     Kind = "cutBefore"     // the connection is cut before anything was done
	CutAfter      Kind = "cutAfter"      // everything was done, the connection is cut before the answer
	HandshakeHang Kind = "handshakeHang" // the TLS handshake never ends
)

// Fault is one switch.
type Fault struct {
	ID       int    `json:"id"`
	Kind     Kind   `json:"kind"`
	Endpoint string `json:"endpoint,omitempty"` // "" is every endpoint
	Count    int    `json:"count,omitempty"`    // how many times more; 0 is until cleared
	// Delay is how long a fault lasts that is one of time, such as Slow or
	// HandshakeHang: "2s".
	Delay Duration `json:"delay,omitempty"`
	// TerminalOnly restricts a fault of collect to answers that end an order.
	TerminalOnly bool `json:"terminalOnly,omitempty"`
}

// Duration is a time.Duration that is text in JSON, such as "1.5s".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil || v < 0 {
		return fmt.Errorf("not a duration such as \"2s\"")
	}
	*d = Duration(v)
	return nil
}

// Set is the switches of one simulator.
type Set struct {
	known     []Kind
	endpoints []string

	mu     sync.Mutex
	next   int     // guarded by mu
	active []Fault // guarded by mu
}

// NewSet returns a set that accepts the kinds and endpoints given.
func NewSet(kinds []Kind, endpoints []string) *Set {
	return &Set{known: kinds, endpoints: endpoints}
}

// Add sets a switch.
func (s *Set) Add(f Fault) (Fault, error) {
	if !slices.Contains(s.known, f.Kind) {
		return Fault{}, fault.New(fault.Invalid, "unknown_fault", "there is no such fault; there are %v", s.known)
	}
	if f.Endpoint != "" && !slices.Contains(s.endpoints, f.Endpoint) {
		return Fault{}, fault.New(fault.Invalid, "unknown_endpoint", "there is no such endpoint; there are %v", s.endpoints)
	}
	if f.Count < 0 {
		return Fault{}, fault.New(fault.Invalid, "bad_count", "count must not be negative")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	f.ID = s.next
	s.active = append(s.active, f)
	return f, nil
}

// Take fires the first switch of the kind at the endpoint, counting it down.
// terminal says whether the answer at hand ends an order.
func (s *Set) Take(kind Kind, endpoint string, terminal bool) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.active {
		if f.Kind != kind || f.Endpoint != "" && f.Endpoint != endpoint || f.TerminalOnly && !terminal {
			continue
		}
		if f.Count == 1 {
			s.active = slices.Delete(s.active, i, i+1)
		} else if f.Count > 1 {
			s.active[i].Count--
		}
		return f, true
	}
	return Fault{}, false
}

// Clear removes the switch with the id, or every switch when id is 0.
func (s *Set) Clear(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = slices.DeleteFunc(s.active, func(f Fault) bool { return id == 0 || f.ID == id })
}

// List returns the switches that are on.
func (s *Set) List() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Fault{}, s.active...)
}

// Mount adds the routes of the set under a path such as "/v1/faults": GET
// lists, POST sets, DELETE clears all, DELETE with an id clears one.
func (s *Set) Mount(mux *http.ServeMux, path string) {
	mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.List()) })
	mux.HandleFunc("DELETE "+path, func(w http.ResponseWriter, _ *http.Request) {
		s.Clear(0)
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE "+path+"/{id}", func(w http.ResponseWriter, r *http.Request) {
		if id, err := strconv.Atoi(r.PathValue("id")); err == nil && id > 0 {
			s.Clear(id)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		d := json.NewDecoder(io.LimitReader(r.Body, 1<<16))
		d.DisallowUnknownFields()
		if err := d.Decode(&f); err != nil {
			reply(w, http.StatusBadRequest, map[string]string{"code": "bad_json", "message": "the body is not a fault as JSON"})
			return
		}
		set, err := s.Add(f)
		if err != nil {
			e, _ := fault.As(err)
			reply(w, http.StatusBadRequest, map[string]string{"code": e.Code, "message": e.Message})
			return
		}
		reply(w, http.StatusCreated, set)
	})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone; nobody is left to tell
}
