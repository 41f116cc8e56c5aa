package main

import (
	"context"
	"os"

	"github.com/handslag/handslag/dev/objectstore"
	"github.com/handslag/handslag/dev/supervisor"
)

type s3 struct{}

// Run is the command. It ends with its standard input, and so with its parent.
func (*s3) Run(ctx context.Context) error {
	c, err := objectstore.ConfigFromEnv(os.Getenv)
	if err != nil {
		return err
	}
	return objectstore.Serve(supervisor.UntilEOF(ctx, os.Stdin), c)
}
