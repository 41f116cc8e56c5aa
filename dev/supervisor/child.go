package supervisor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Restarts come at once, then slower while the process keeps ending soon after
// its start, so that a broken part does not take the machine.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
	steady     = 10 * time.Second // a life this long forgets earlier failures
)

// Child is a running, watched process.
type Child struct {
	process Process
	log     *os.File
	note    func(string)

	firstStart chan struct{} // closed when the process was first started
	firstEnd   chan struct{} // closed when it first ended, or could not start
	firstErr   error         // why; written before firstEnd is closed
	stop       chan struct{} // closed by the first Stop
	done       chan struct{} // closed when run has returned

	mu       sync.Mutex
	ready    bool
	stopping bool
	cmd      *exec.Cmd      // nil while no process runs
	stdin    io.WriteCloser // of cmd
	restarts int
}

func newChild(p Process, log *os.File, note func(string)) *Child {
	return &Child{
		process: p, log: log, note: note,
		firstStart: make(chan struct{}), firstEnd: make(chan struct{}),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
}

// PID is the process id of the present life, or 0 between two lives.
func (c *Child) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil {
		return 0
	}
	return c.cmd.Process.Pid
}

// Restarts counts how often the process was started again.
func (c *Child) Restarts() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.restarts
}

// Stop asks the process to end, by end of input and SIGTERM, kills it and what
// it started when its grace is over, and returns when it has ended. It is never
// started again. Further calls wait and do nothing else.
func (c *Child) Stop() {
	c.mu.Lock()
	if !c.stopping {
		c.stopping = true
		close(c.stop)
		if c.cmd != nil {
			_ = c.stdin.Close()                       // errors mean that it has ended
			_ = c.cmd.Process.Signal(syscall.SIGTERM) // likewise
		}
	}
	c.mu.Unlock()

	select {
	case <-c.done:
	case <-time.After(c.process.Grace):
		c.kill()
		<-c.done
	}
}

func (c *Child) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd != nil {
		// The negative number is the group, which [contain] made.
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	}
}

func (c *Child) markReady() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready = true
}

// run gives the process one life after another until it is stopped. It keeps its
// thread: PR_SET_PDEATHSIG fires when the thread that forked ends, not the
// process (prctl(2)), and the Go runtime ends threads as it likes.
func (c *Child) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(c.done)
	defer func() { _ = c.log.Close() }()

	pause := firstPause
	for life := 0; ; life++ {
		began := time.Now()
		err := c.live(life)
		if life == 0 {
			c.firstErr = err
			close(c.firstEnd)
		}
		if !c.wanted() {
			return
		}
		if time.Since(began) > steady {
			pause = firstPause
		}
		c.note(fmt.Sprintf("%s ended (%v); starting it again, its log is %s", c.process.Name, err, c.process.LogFile))
		select {
		case <-c.stop:
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}

// wanted says whether another life is to follow: not after Stop, and not when
// the process ended before it was ever ready, which the caller of Start hears.
func (c *Child) wanted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ready && !c.stopping
}

// live is one life: start, wait for the end, say why it ended.
func (c *Child) live(life int) error {
	cmd, err := c.begin(life)
	if err != nil {
		return err
	}
	err = cmd.Wait()
	c.mu.Lock()
	c.cmd, c.stdin = nil, nil
	c.mu.Unlock()
	if err == nil {
		err = errors.New("exit status 0")
	}
	return err
}

// begin starts the process under the lock, so that Stop sees it or prevents it.
func (c *Child) begin(life int) (*exec.Cmd, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopping {
		return nil, errors.New("stopped")
	}
	cmd := exec.Command(c.process.Command[0], c.process.Command[1:]...) //nolint:noctx // its life is the supervisor's, no context's
	cmd.Env = c.process.Env
	if cmd.Env == nil {
		cmd.Env = []string{} // nil would inherit ours
	}
	cmd.Dir = c.process.Dir
	cmd.Stdout, cmd.Stderr = c.log, c.log
	cmd.SysProcAttr = contain()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("pipe to %s: %w", c.process.Name, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.process.Name, err)
	}
	c.cmd, c.stdin = cmd, stdin
	if life == 0 {
		close(c.firstStart)
	} else {
		c.restarts++
	}
	return cmd, nil
}
