// Package pdfcpuchild is all that pdfcpu does for the product, and it does it in
// a child process: a second opinion on the structure of an upload, and the
// making of the evidence page. pdfcpu is a broad library, and a small hostile
// file can make it exhaust the stack or the memory, from which no Go program
// recovers; here only the child ends.
//
// The child is the product's own binary, started with a hidden command that
// calls [Main]. It has a memory limit, a processor limit and a deadline, takes
// no configuration from the machine and opens no connection.
//
//	child := pdfcpuchild.New("/usr/bin/handslag", "pdfcpu-child")
//	opinion, err := child.SecondOpinion(ctx, path)
package pdfcpuchild

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/handslag/handslag/fault"
)

// Child starts child processes, at most two at a time, and is safe for
// concurrent use; make it with [New].
type Child struct {
	// Timeout bounds one child; 0 is 20 s.
	Timeout time.Duration
	// MemoryBytes bounds the memory of one child; 0 is 768 MiB, negative leaves it
	// to the caller's own limits.
	MemoryBytes int64

	command []string
	slots   chan struct{}
}

const (
	atOnce         = 2
	defaultTimeout = 20 * time.Second
	// MaxOpinionBytes is the largest file a second opinion is asked on; pdfcpu
	// holds whole files in memory.
	MaxOpinionBytes = 64 << 20
	maxOutput       = 16 << 20
)

// New returns a Child that runs the command; the operation and its arguments are
// appended to it.
func New(command ...string) *Child {
	return &Child{command: command, slots: make(chan struct{}, atOnce)}
}

// Verdict is what pdfcpu thinks of a file.
type Verdict string

// The verdicts.
const (
	OK          Verdict = "ok"
	Disagrees   Verdict = "disagrees"   // pdfcpu read the file and rejects it
	Unavailable Verdict = "unavailable" // no opinion: crash, time, memory, size
)

// Opinion is a second opinion. Reason is a word for records ("read", "validate",
// "timeout", "crash", "limit", "too_large"), never text of the file.
type Opinion struct {
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason,omitempty"`
	Pages   int     `json:"pages,omitempty"` // to be compared with our own count
}

// SecondOpinion has pdfcpu judge the file at path. An error is only that of ctx,
// or of a command that cannot be started; all that goes wrong in the child is an
// opinion that is Unavailable.
func (c *Child) SecondOpinion(ctx context.Context, path string) (Opinion, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Opinion{}, fmt.Errorf("look at upload: %w", err)
	}
	if info.Size() > MaxOpinionBytes {
		return Opinion{Verdict: Unavailable, Reason: "too_large"}, nil
	}
	out, err := c.run(ctx, nil, "opinion", path)
	if ctx.Err() != nil {
		return Opinion{}, ctx.Err()
	}
	var o Opinion
	var exit *exec.ExitError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return Opinion{Verdict: Unavailable, Reason: "timeout"}, nil
	case errors.As(err, &exit), err == nil && json.Unmarshal(out, &o) != nil:
		return Opinion{Verdict: Unavailable, Reason: "crash"}, nil
	case err != nil:
		return Opinion{}, fmt.Errorf("start pdfcpu child: %w", err)
	}
	return o, nil
}

// EvidencePage makes the PDF of an evidence page, one A4 page or more.
func (c *Child) EvidencePage(ctx context.Context, p Page) ([]byte, error) {
	in, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode evidence page: %w", err)
	}
	out, err := c.run(ctx, in, "evidence-page")
	if err != nil {
		return nil, fault.New(fault.Unavailable, "pdf_evidence_page", "The evidence page could not be made.").Because(err)
	}
	return out, nil
}

func (c *Child) run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	timeout, memory := c.Timeout, c.MemoryBytes
	if timeout == 0 {
		timeout = defaultTimeout
	}
	if memory == 0 {
		memory = defaultMemory
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	dir, err := os.MkdirTemp("", "handslag-pdfcpu-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system cleans its folder too
	args = append([]string{fmt.Sprintf("-memory=%d", memory), fmt.Sprintf("-cpu=%d", int(timeout.Seconds())+1), "-dir=" + dir}, args...)
	//nolint:gosec // G204: the command is our own executable
	cmd := exec.CommandContext(ctx, c.command[0], append(c.command[1:len(c.command):len(c.command)], args...)...)
	cmd.Stdin = bytes.NewReader(stdin)
	out := &capped{left: maxOutput}
	cmd.Stdout = out // the child's stderr is thrown away: a crash report may quote the file
	cmd.Env = []string{"HOME=" + dir, "TMPDIR=" + dir, "GOTRACEBACK=none"}
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return out.buf.Bytes(), err
}

// capped is a buffer that fails when a child writes too much.
type capped struct {
	buf  bytes.Buffer
	left int
}

func (c *capped) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		return 0, io.ErrShortWrite
	}
	return c.buf.Write(p)
}
