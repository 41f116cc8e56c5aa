// Package supervisor runs the parts of a development stack that are processes of
// their own, and keeps two promises about them:
//
//   - A part that ends unasked is started again, and the console says so. State
//     is on disk, so starting again is all the repair there is.
//   - No part outlives the stack. Each has a pipe from us as its standard input
//     and ends when it reads end of file there, which the kernel delivers even
//     when we are killed. On Linux it is sent SIGKILL besides, for parts that do
//     not read their input.
package supervisor

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/handslag/handslag/fault"
)

// Process says how to run one part.
type Process struct {
	// Name is what the console and the log call it.
	Name string
	// Command is the program and its arguments. Secrets go into Env, since
	// every user of the machine may read an argument list.
	Command []string
	// Env is the whole environment; nothing is inherited.
	Env []string
	// Dir is the working directory; empty means ours.
	Dir string
	// LogFile receives what it writes to both its outputs, appended.
	LogFile string
	// Ready is asked again and again until it answers nil, or the process ends,
	// or ReadyWithin has passed. It must not be fooled by another program that
	// listens on the same port. If it is nil, the process is ready once started.
	Ready func(context.Context) error
	// ReadyWithin limits the wait for Ready; 30 s if it is zero.
	ReadyWithin time.Duration
	// Grace is the time between the request to end and SIGKILL; 10 s if it is zero.
	Grace time.Duration
}

// Supervisor runs processes until it is stopped. Its methods may be called
// concurrently.
type Supervisor struct {
	note func(string)

	mu       sync.Mutex
	children []*Child // in the order of their start
}

// New makes a supervisor. Each note is one line for the person at the console;
// note may be called from several goroutines at once.
func New(note func(string)) *Supervisor {
	return &Supervisor{note: note}
}

// Start starts a process and returns when it is ready; ctx limits only that
// wait. From then on it is restarted whenever it ends. If it ends before it was
// ever ready the fault is process_ended, if time runs out process_not_ready; in
// both cases nothing is left running.
func (s *Supervisor) Start(ctx context.Context, p Process) (*Child, error) {
	if p.ReadyWithin == 0 {
		p.ReadyWithin = 30 * time.Second
	}
	if p.Grace == 0 {
		p.Grace = 10 * time.Second
	}
	log, err := os.OpenFile(p.LogFile, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", p.Name, err)
	}
	c := newChild(p, log, s.note)
	go c.run()
	if err := c.awaitReady(ctx); err != nil {
		c.Stop()
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.children = append(s.children, c)
	return c, nil
}

// Stop ends all processes, the last started first, and returns when they have ended.
func (s *Supervisor) Stop() {
	s.mu.Lock()
	children := slices.Clone(s.children)
	s.children = nil
	s.mu.Unlock()
	for _, c := range slices.Backward(children) {
		c.Stop()
	}
}

// pollReady is the pause between two questions to Ready: short against the time
// a person notices, long against the cost of a refused connection.
const pollReady = 20 * time.Millisecond

func (c *Child) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.process.ReadyWithin)
	defer cancel()
	tick := time.NewTicker(pollReady)
	defer tick.Stop()
	for {
		err := c.askReady(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-c.firstEnd:
			return fault.New(fault.Unavailable, "process_ended",
				"%s ended before it was ready; its log is %s", c.process.Name, c.process.LogFile).Because(c.firstErr)
		case <-ctx.Done():
			return fault.New(fault.Unavailable, "process_not_ready",
				"%s was not ready in time; its log is %s", c.process.Name, c.process.LogFile).Because(err)
		case <-tick.C:
		}
	}
}

// askReady asks only while the process lives, so that an answer comes from it.
func (c *Child) askReady(ctx context.Context) error {
	select {
	case <-c.firstStart:
	case <-c.firstEnd:
		return c.firstErr
	case <-ctx.Done():
		return ctx.Err()
	}
	if c.process.Ready != nil {
		if err := c.process.Ready(ctx); err != nil {
			return err
		}
	}
	c.markReady()
	return nil
}
