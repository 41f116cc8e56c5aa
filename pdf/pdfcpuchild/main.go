package pdfcpuchild

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/filter"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
)

// Main is the child: it sets its own limits, does one thing and returns the exit
// code. Arguments are flags followed by "opinion PATH" or "evidence-page".
func Main(stdin io.Reader, stdout io.Writer, args []string) int {
	flags := flag.NewFlagSet("pdfcpu-child", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	memory := flags.Int64("memory", 0, "bytes of memory at most")
	cpu := flags.Uint64("cpu", 0, "seconds of processor time at most")
	dir := flags.String("dir", "", "folder for temporary files")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if err := limit(*memory, *cpu); err != nil {
		return 2
	}
	switch flags.Arg(0) {
	case "opinion":
		return opinion(stdout, flags.Arg(1))
	case "evidence-page":
		var p Page
		if json.NewDecoder(stdin).Decode(&p) != nil {
			return 2
		}
		if err := render(stdout, p, *dir); err != nil {
			return 1
		}
		return 0
	}
	return 2
}

const maxStack = 64 << 20 // Go's default of 1 GB lets a recursion eat the machine first

// limit bounds this process. The soft limit makes the collector work harder
// before the hard one ends the process.
func limit(memory int64, cpuSeconds uint64) error {
	debug.SetMaxStack(maxStack)
	if memory > 0 {
		debug.SetMemoryLimit(memory * 3 / 4)
	}
	return limitProcess(memory, cpuSeconds)
}

// configuration is pdfcpu's with everything off that reaches outside or does
// more than asked, and limits far below its own.
func configuration() *model.Configuration {
	api.DisableConfigDir()
	c := model.NewDefaultConfiguration()
	c.Optimize, c.OptimizeBeforeWriting, c.OptimizeResourceDicts = false, false, false
	c.Offline = true
	c.ValidateLinks = false
	const mb = 1 << 20
	c.Limits = model.ResourceLimits{
		MaxStreamBytes: 64 * mb, MaxDecodeBytes: 64 * mb, MaxImagePixels: 64 * mb, MaxImageBytes: 128 * mb,
		MaxObjectCount: 1_000_000, MaxObjectStreamCount: 100_000, MaxObjectStreamFirst: 4 * mb,
		MaxXRefEntries: 1_000_000, MaxRecursionDepth: 100,
	}
	return c
}

func opinion(stdout io.Writer, path string) int {
	o := judge(path)
	if err := json.NewEncoder(stdout).Encode(o); err != nil {
		return 1
	}
	return 0
}

func judge(path string) Opinion {
	f, err := os.Open(path)
	if err != nil {
		return Opinion{Verdict: Unavailable, Reason: "open"}
	}
	defer f.Close() //nolint:errcheck // read only
	ctx, err := guarded(func() (*model.Context, error) { return api.ReadContext(f, configuration()) })
	if err != nil {
		return complaint("read", err)
	}
	_, err = guarded(func() (*model.Context, error) { return ctx, api.ValidateContext(ctx) })
	if err != nil {
		return complaint("validate", err)
	}
	return Opinion{Verdict: OK, Pages: ctx.PageCount}
}

func complaint(stage string, err error) Opinion {
	switch {
	case errors.Is(err, errPanic):
		return Opinion{Verdict: Unavailable, Reason: "crash"}
	case errors.Is(err, filter.ErrDecodeLimitExceeded), errors.Is(err, model.ErrMaxRecursionDepthExceeded):
		return Opinion{Verdict: Unavailable, Reason: "limit"} // a limit of ours, and no word on the file
	}
	return Opinion{Verdict: Disagrees, Reason: stage}
}

var errPanic = errors.New("pdfcpu panicked")

// guarded turns a panic of pdfcpu, which is not a verdict, into an error.
func guarded(do func() (*model.Context, error)) (ctx *model.Context, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %T", errPanic, r)
		}
	}()
	return do()
}
