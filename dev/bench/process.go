package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// process is one process of the measured installation.
type process struct {
	name string
	pid  int
}

// ticks is how many of the kernel's clock ticks make a second, the same on every
// Linux for programs (USER_HZ).
const ticks = 100

// cpu is how long a process has used processors.
func (p process) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		return 0, fmt.Errorf("read the time of %s: %w", p.name, err)
	}
	// The name of the program is in brackets and may hold anything; utime and
	// stime are the 14th and 15th fields.
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	var all int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the time of %s: %w", p.name, err)
		}
		all += n
	}
	return time.Duration(all) * time.Second / ticks, nil
}

// resident is how much of a process is in memory, in bytes.
func (p process) resident() (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		return 0, fmt.Errorf("read the memory of %s: %w", p.name, err)
	}
	return field(string(b), `VmRSS:\s+(\d+) kB`, 1024)
}

// Memory is what a worker holds, in bytes, right after a collection of garbage.
type Memory struct {
	Heap     int64 // reachable, and the free parts of its pages
	Live     int64 // reachable alone
	Stacks   int64
	Resident int64 // all that the kernel counts, which lags behind
	Routines int64
}

// memory asks a worker that serves profiles at an address.
func memory(ctx context.Context, p process, profiles string) (Memory, error) {
	var m Memory
	// Twice: what has a finalizer goes with the second.
	for range 2 {
		text, err := fetch(ctx, profiles+"/debug/pprof/heap?debug=1&gc=1")
		if err != nil {
			return m, err
		}
		for _, f := range []struct {
			to      *int64
			pattern string
		}{
			{&m.Heap, `# HeapInuse = (\d+)`},
			{&m.Live, `# HeapAlloc = (\d+)`},
			{&m.Stacks, `# Stack = (\d+)`},
		} {
			if *f.to, err = field(text, f.pattern, 1); err != nil {
				return m, err
			}
		}
	}
	text, err := fetch(ctx, profiles+"/debug/pprof/goroutine?debug=1")
	if err != nil {
		return m, err
	}
	if m.Routines, err = field(text, `goroutine profile: total (\d+)`, 1); err != nil {
		return m, err
	}
	m.Resident, err = p.resident()
	return m, err
}

func field(text, pattern string, unit int64) (int64, error) {
	found := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("there is no %s", pattern)
	}
	n, err := strconv.ParseInt(found[1], 10, 64)
	return n * unit, err
}

func fetch(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close() //nolint:errcheck // read only
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", url, err)
	}
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s", url, answer.Status)
	}
	return string(b), nil
}

// processes are those of the installation. The simulator's is this one, which
// does nothing else while it is measured.
func (f *Follow) processes() []process {
	in := f.Installation
	return []process{
		{"worker", in.Worker.PID()},
		{"Temporal", in.TemporalChild.PID()},
		{"API", in.Server.PID()},
		{"S3", in.Objects.Child.PID()},
		{"simulator", os.Getpid()},
	}
}
