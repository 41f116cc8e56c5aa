package worker

import (
	"context"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/handslag/handslag/workflows"
)

// pollMemory is how long ago a living worker has asked for work at most: a poll
// lasts a minute when there is none.
const pollMemory = 2 * time.Minute

// Polling answers nil if, as Temporal has it, a worker on host has asked for
// work lately. A worker listens nowhere, so this is how its health is told; it
// also tells that Temporal is reached.
func Polling(ctx context.Context, c client.Client, host string, now time.Time) error {
	queue, err := c.DescribeTaskQueue(ctx, workflows.TaskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return fmt.Errorf("ask Temporal who polls: %w", err)
	}
	for _, p := range queue.GetPollers() {
		// The SDK's identity is pid@host@.
		if strings.Contains(p.GetIdentity(), "@"+host+"@") && now.Sub(p.GetLastAccessTime().AsTime()) < pollMemory {
			return nil
		}
	}
	return fmt.Errorf("no worker of %s has polled in the last %s", host, pollMemory)
}
