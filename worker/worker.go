// Package worker runs the workflows and activities: it registers them on their
// task queues, gives them what they need, and encrypts what Temporal stores.
package worker

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
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

// Options say how much one worker takes on.
type Options struct {
	// Providers yields names of providers, whose queues it serves from then on: one
	// may come while it runs. It does not stop serving one, since orders may be
	// live there.
	Providers <-chan string
	// Followers is how many live orders it follows at each provider; positive. An
	// order beyond that waits, for another worker or for the end of one here, and
	// is not collected meanwhile: it must be more than one worker ever gets. A
	// free slot costs nothing.
	Followers int
	// Workflows is how many collections it keeps in memory, some 50 KB each, those
	// that something happened to lately. Another is read from Temporal, and replayed,
	// when something happens to it. It holds for all of the process.
	Workflows int
}

// Run works until ctx ends, and then lets activities that are running pass on
// what they do.
func Run(ctx context.Context, c client.Client, a Activities, o Options) error {
	if o.Followers <= 0 {
		return fmt.Errorf("HANDSLAG_FOLLOWERS must be positive, and is %d", o.Followers)
	}
	worker.SetStickyWorkflowCacheSize(max(1, o.Workflows))
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
		case name := <-o.Providers:
			running, err = started(running, queues(c, a, name, o.Followers)...)
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
func queues(c client.Client, a Activities, provider string, followers int) []worker.Worker {
	start := worker.New(c, workflows.StartQueue(provider), worker.Options{
		WorkerStopTimeout:            stopTimeout,
		MaxHeartbeatThrottleInterval: beatInterval, // an answer that a hint was handed rides in them
		ActivityTaskPollerBehavior:   polling(pollers / 2),
		DisableWorkflowWorker:        true,
	})
	follow := worker.New(c, workflows.ProviderQueue(provider), worker.Options{
		WorkerStopTimeout:                  stopTimeout,
		MaxHeartbeatThrottleInterval:       beatInterval,
		MaxConcurrentActivityExecutionSize: followers,
		ActivityTaskPollerBehavior:         polling(pollers / 2),
		DisableWorkflowWorker:              true,
	})
	start.RegisterActivity(a.Attempts)
	// One by one, and not as methods of a value: those are called through another
	// layer of reflection, whose frames double the stack of every order that waits.
	for name, followed := range map[string]any{
		"FollowAttempt": a.Attempts.FollowAttempt, "CallAttempt": a.Attempts.CallAttempt, "CollectHinted": a.Attempts.CollectHinted,
	} {
		follow.RegisterActivityWithOptions(followed, activity.RegisterOptions{Name: name})
	}
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
