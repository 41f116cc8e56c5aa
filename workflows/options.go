package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

const (
	// A workflow takes further attempts up to moreAttempts events of history, and
	// each participant's first up to firstAttempts; what is live then ends, and
	// the documents are sealed, within 5,000 events.
	moreAttempts  = 3_000
	firstAttempts = 4_000

	// startTries is how often an order is asked for while the provider says
	// that it did nothing, startPause apart: a person waits for the answer.
	startTries = 3
	startPause = time.Second

	// startTimeout is longer than any provider's own time limit for a request,
	// so that it passes only when the worker died. The order may exist then.
	startTimeout = 15 * time.Second

	// followBeat is how long a worker may be silent before another takes over
	// the order. A person is waiting, so it is short; a worker that only lost
	// touch with Temporal for a moment goes on unharmed (see FollowAttempt).
	followBeat = 10 * time.Second
	// followLife is longer than the longest life of an order, 30 minutes.
	followLife = 35 * time.Minute

	// settleTime is how long an effect that must happen may fail before a
	// person is told that the collection needs attention.
	settleTime = 2 * time.Minute
	// retryTime is how long it is tried after that, and firstPause to longestPause
	// how long the workflow then waits: for faults that trying does not mend.
	retryTime    = 7 * 24 * time.Hour
	firstPause   = time.Hour
	longestPause = 7 * 24 * time.Hour
	// effectTimeout is for one try of an effect: reading, writing or sealing
	// 100 MB on a slow store.
	effectTimeout = 2 * time.Minute
	// effectBeat is how long a worker may be silent about an effect before it is
	// taken for dead, well before effectTimeout has passed.
	effectBeat = 10 * time.Second
)

func startOptions(provider string) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		TaskQueue:           StartQueue(provider),
		StartToCloseTimeout: startTimeout,
		// A person waits: with no worker at hand, better say so than queue.
		ScheduleToStartTimeout: 20 * time.Second,
		// Never repeated blindly: the workflow looks at the fault first.
		RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:     "ask the provider for an order",
	}
}

func followOptions(provider, id string) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		ActivityID:             id,
		TaskQueue:              ProviderQueue(provider),
		StartToCloseTimeout:    followLife,
		ScheduleToCloseTimeout: 2 * followLife,
		HeartbeatTimeout:       followBeat,
		WaitForCancellation:    true,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 1},
		Summary:                "follow the order until it ends",
	}
}

// effectOptions are for an effect that must happen, tried for as long as within
// says.
func effectOptions(summary string, within time.Duration) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		StartToCloseTimeout:    effectTimeout,
		ScheduleToCloseTimeout: within,
		HeartbeatTimeout:       effectBeat,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 500 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: time.Minute,
		},
		Summary: summary,
	}
}
