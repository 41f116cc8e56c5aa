// Package worker runs the workflows and activities: it registers them on their
// task queues, gives them what they need, and encrypts what Temporal stores.
package worker

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/workflows"
)

const (
	// beatInterval is how often heartbeats are sent at most. It is a little
	// less than the pace of collecting, or statuses would be swallowed; the same
	// value is the deadline of a heartbeat's call.
	beatInterval = 1500 * time.Millisecond
	// stopTimeout is how long running activities may take to pass on their work.
	stopTimeout = 10 * time.Second
	// followers is how many live orders one worker follows per provider.
	followers = 1000
	// pollers: with the SDK's default of two, fifty clients wait for seconds.
	pollers = 16
)

// Activities are the activities, with all that they need.
type Activities struct {
	Attempts     *activities.Attempts
	Verification *activities.Verification
	Sealing      *activities.Sealing
	Records      *activities.Records
}

// Run works until ctx ends, and then lets activities that are running pass on
// what they do. It serves the queues of each provider that it is sent, from then
// on: a provider may come while it runs. It does not stop serving one, since
// orders may be live there.
func Run(ctx context.Context, c client.Client, a Activities, providers <-chan string) error {
	main := worker.New(c, workflows.TaskQueue, worker.Options{
		WorkerStopTimeout:            stopTimeout,
		MaxHeartbeatThrottleInterval: beatInterval,
		WorkflowTaskPollerBehavior:   polling(pollers),
		ActivityTaskPollerBehavior:   polling(pollers / 2),
	})
	Register(main)
	main.RegisterActivity(a.Verification)
	main.RegisterActivity(a.Sealing)
	main.RegisterActivity(a.Records)
	running, err := started(nil, main)
	for err == nil {
		select {
		case name := <-providers:
			running, err = started(running, queues(c, a, name)...)
			continue
		case <-ctx.Done():
		}
		break
	}
	for _, w := range running {
		w.Stop()
	}
	return err
}

// started starts workers, and adds those that it could start.
func started(running []worker.Worker, more ...worker.Worker) ([]worker.Worker, error) {
	for _, w := range more {
		if err := w.Start(); err != nil {
			return running, fmt.Errorf("start worker: %w", err)
		}
		running = append(running, w)
	}
	return running, nil
}

// queues are the workers of a provider's queues: one for starts, which people
// wait for, and one for orders that are followed.
func queues(c client.Client, a Activities, provider string) []worker.Worker {
	start := worker.New(c, workflows.StartQueue(provider), worker.Options{
		WorkerStopTimeout:          stopTimeout,
		ActivityTaskPollerBehavior: polling(pollers / 2),
		DisableWorkflowWorker:      true,
	})
	follow := worker.New(c, workflows.ProviderQueue(provider), worker.Options{
		WorkerStopTimeout:                  stopTimeout,
		MaxHeartbeatThrottleInterval:       beatInterval,
		MaxConcurrentActivityExecutionSize: followers,
		ActivityTaskPollerBehavior:         polling(pollers / 2),
		DisableWorkflowWorker:              true,
	})
	start.RegisterActivity(a.Attempts)
	follow.RegisterActivity(a.Attempts)
	return []worker.Worker{start, follow}
}

func polling(n int) worker.PollerBehavior {
	return worker.NewPollerBehaviorSimpleMaximum(worker.PollerBehaviorSimpleMaximumOptions{MaximumNumberOfPollers: n})
}

// Register registers the workflows, for workers and for replay.
func Register(r interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
},
) {
	r.RegisterWorkflowWithOptions(workflows.CollectionWorkflow, workflow.RegisterOptions{Name: workflows.CollectionType})
}
