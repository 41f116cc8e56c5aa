package api

import (
	"context"
	"time"

	enums "go.temporal.io/api/enums/v1"

	"github.com/handslag/handslag/workflows"
)

// pollMemory is how long ago a living worker has asked for work at most: a poll
// lasts a minute when there is none.
const pollMemory = 2 * time.Minute

// Polled implements Orchestrator: both queues of the provider must have pollers,
// that of starts and that of orders that are followed.
func (t *Temporal) Polled(ctx context.Context, provider string, now time.Time) (bool, error) {
	ctx, stop := context.WithTimeout(ctx, t.config.Deadline)
	defer stop()
	for _, queue := range []string{workflows.StartQueue(provider), workflows.ProviderQueue(provider)} {
		described, err := t.config.Client.DescribeTaskQueue(ctx, queue, enums.TASK_QUEUE_TYPE_ACTIVITY)
		if err != nil {
			return false, fromTemporal("ask who polls "+queue, err)
		}
		polled := false
		for _, p := range described.GetPollers() {
			polled = polled || now.Sub(p.GetLastAccessTime().AsTime()) < pollMemory
		}
		if !polled {
			return false, nil
		}
	}
	return true, nil
}
