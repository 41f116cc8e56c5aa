package supervisor

import (
	"context"
	"io"
)

// UntilEOF returns a context that ends when input does. It is the child's half
// of the bargain: a part of the stack gives it os.Stdin and stops when the
// context ends, and so ends with its parent, however that ended.
func UntilEOF(ctx context.Context, input io.Reader) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, input) // an error ends the input just as well
	}()
	return ctx
}
