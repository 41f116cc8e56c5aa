package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/dev/bench"
)

// TestFollow follows fewer orders than make bench-follow does, on machines that
// do other things besides, and holds what must not get worse: the pace, the
// history and the memory.
func TestFollow(t *testing.T) {
	const attempts = 120
	c := followCommand{
		State: filepath.Join(t.TempDir(), "state"), Product: product, PDF: filepath.Join("..", "..", "demo", "hyresavtal.pdf"),
		Attempts: attempts, Still: 10 * time.Second, Probes: 2,
		Worker: []string{"HANDSLAG_WORKFLOWS=10"}, // what is measured is the order, not the workflow
	}
	m, err := c.measure(t.Context())
	require.NoError(t, err)
	t.Log(m.String())

	for name, p := range map[string]bench.Pace{"still": m.Pace, "busy": m.Busy} {
		require.GreaterOrEqual(t, p.Orders, attempts, name)
		require.GreaterOrEqual(t, p.Late[0], time.Duration(0), "%s: BankID is never asked faster than its pace", name)
		require.Less(t, p.Late[len(p.Late)/2], 2*time.Second, "%s: half of the collects are less than a turn late", name)
	}
	require.Greater(t, m.Pace.Collects, 2*attempts)
	require.Zero(t, m.Grown, "a wait adds nothing to a history")
	require.Less(t, m.PerAttempt(), int64(60<<10), "a stack has grown, or more is kept of an order")
}
