package main

import (
	"context"
	"os"

	"github.com/handslag/handslag/dev/stack"
	"github.com/handslag/handslag/dev/supervisor"
)

type temporalCommand struct{ stack.TemporalOptions }

// Run is the command. It ends with its standard input, and so with its parent.
func (c *temporalCommand) Run(ctx context.Context) error {
	return stack.ServeTemporal(supervisor.UntilEOF(ctx, os.Stdin), c.TemporalOptions)
}
