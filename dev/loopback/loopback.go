// Package loopback hands out ports of this machine's loopback interface, the
// only one that a development stack ever listens on: none of its servers asks
// who is calling.
package loopback

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/handslag/handslag/fault"
)

// Host is the address every server of the stack binds.
const Host = "127.0.0.1"

// Address joins Host and a port.
func Address(port int) string { return net.JoinHostPort(Host, strconv.Itoa(port)) }

// Free returns n different ports that nobody listens on. They are not reserved:
// whoever binds one must be ready to lose the race and ask again.
func Free(ctx context.Context, n int) ([]int, error) {
	var lc net.ListenConfig
	ports := make([]int, 0, n)
	for range n {
		l, err := lc.Listen(ctx, "tcp4", Address(0))
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer func() { _ = l.Close() }() // held until all are found, so that they differ
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// Check answers nil if the port can be bound now, and else the fault port_taken,
// which names the part that needs the port and, where the system tells, the
// process that has it.
func Check(ctx context.Context, part string, port int) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp4", Address(port))
	if err != nil {
		return fault.New(fault.Conflict, "port_taken",
			"port %d, which %s needs, is taken by %s; stop that, or choose another port", port, part, holder(port)).Because(err)
	}
	return l.Close()
}

// vacateWithin is how long a port may take to become free. The parts of a stack
// that was killed end with it, but a moment later.
const vacateWithin = 2 * time.Second

// Vacant checks the ports of parts, given by the parts' names, and answers with
// every taken one at once, not only the first. Port 0, which stands for any
// free one, is passed over.
func Vacant(ctx context.Context, ports map[string]int) error {
	limit := time.After(vacateWithin)
	for {
		var taken []error
		for _, part := range slices.Sorted(maps.Keys(ports)) {
			if ports[part] == 0 {
				continue
			}
			if err := Check(ctx, part, ports[part]); err != nil {
				taken = append(taken, err)
			}
		}
		if len(taken) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-limit:
			return errors.Join(taken...)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
