// Command handslag is the product: the API, the worker, and the offline
// verification of documents. It is configured by flags or by the environment
// variables that the help text names; secrets come from files or the
// environment, never from flags.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // an image may have no zone files, and deadlines have zones

	"github.com/alecthomas/kong"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf/pdfcpuchild"
	"github.com/handslag/handslag/telemetry"
)

type commands struct {
	API     apiCommand     `cmd:"" name:"api" help:"Serve the HTTP API."`
	Worker  workerCommand  `cmd:"" help:"Run workflows and activities."`
	Verify  verifyCommand  `cmd:"" help:"Verify a signed document offline. Exit code 0: passed, 1: failed, 2: indeterminate or not readable."`
	Keyring keyringCommand `cmd:"" help:"Print a new key ring for HANDSLAG_KEYRING_FILE."`
	Health  healthCommand  `cmd:"" help:"Ask whether something works, for health checks. Exit code 0: it does."`
}

// exit codes of verify; other commands use 0 and 1.
const (
	exitPassed        = 0
	exitFailed        = 1
	exitIndeterminate = 2
)

// pdfcpuChild is the hidden command that runs pdfcpu in a process of its own.
const pdfcpuChild = "pdfcpu-child"

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == pdfcpuChild {
		return pdfcpuchild.Main(stdin, stdout, args[1:])
	}
	var cli commands
	exited := -1
	parser, err := kong.New(&cli, kong.Name("handslag"), kong.DefaultEnvars("HANDSLAG"), kong.UsageOnError(),
		kong.Description("Gets PDF documents signed with BankID and seals them."),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }))
	if err != nil {
		fmt.Fprintln(stderr, "handslag:", err)
		return exitFailed
	}
	command, err := parser.Parse(args)
	if exited >= 0 { // --help has been answered
		return exited
	}
	if err != nil {
		fmt.Fprintln(stderr, "handslag:", err)
		return exitIndeterminate
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code := exitPassed
	logger := telemetry.NewLogger(stderr, slog.LevelInfo)
	command.BindTo(ctx, (*context.Context)(nil))
	command.Bind(logger, &code)
	command.BindTo(stdout, (*io.Writer)(nil))
	command.BindTo(stdin, (*io.Reader)(nil))
	if err := command.Run(); err != nil {
		explain(stderr, logger, err)
		return max(code, exitFailed)
	}
	return code
}

// explain says why a command ended: what a person can act on, in full.
func explain(stderr io.Writer, logger *slog.Logger, err error) {
	logger.Debug("ended", "error", err)
	fmt.Fprintln(stderr, "handslag:", err)
	if f, ok := fault.As(err); ok {
		for _, field := range f.Fields {
			fmt.Fprintf(stderr, "  %s: %s\n", field.Pointer, field.Message)
		}
	}
}
