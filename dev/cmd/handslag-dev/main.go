// Command handslag-dev runs Handslag on a laptop: everything that the product
// needs, embedded, with no account anywhere and nothing to install.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/handslag/handslag/fault"
)

type commands struct {
	Up       up              `cmd:"" help:"Run an installation on known ports until Ctrl-C. Its state lasts."`
	Demo     demoCommand     `cmd:"" help:"Get a contract signed by two simulated people, and verify the result."`
	Bench    benchCommand    `cmd:"" help:"Measure history, latency and sealing; takes about four minutes."`
	Follow   followCommand   `cmd:"" help:"Measure what following many live orders costs (make bench-follow); takes about five minutes."`
	Compare  compareCommand  `cmd:"" help:"Measure the PDF engine beside other programs (make bench-compare)."`
	S3       s3              `cmd:"" name:"s3" hidden:"" help:"Run the object store: the stack's child process."`
	Temporal temporalCommand `cmd:"" hidden:"" help:"Run Temporal alone: a measured stack's child process."`
	World    worldCommand    `cmd:"" help:"Serve the simulated world alone: BankID, its person, timestamps."`
}

func main() {
	var c commands
	parsed := kong.Parse(&c, kong.Name("handslag-dev"),
		kong.Description("Handslag with all that it needs, for development."), kong.UsageOnError())

	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal stops in order; a second one, no longer caught, at once.
	context.AfterFunc(ctx, release)
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "handslag-dev: "+explain(err))
		os.Exit(1)
	}
}

// explain leaves the causes out where a fault's message says all that a person
// can act upon.
func explain(err error) string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var lines []string
		for _, one := range joined.Unwrap() {
			lines = append(lines, explain(one))
		}
		return strings.Join(lines, "\n  ")
	}
	if f, ok := fault.As(err); ok && f.Kind == fault.Conflict {
		return f.Message
	}
	return err.Error()
}
