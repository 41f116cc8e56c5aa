package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/handslag/handslag/signing"
)

const (
	// startPause is between rounds in which the providers are asked for an order.
	startPause = time.Second

	// startTimeout is longer than any provider's own time limit for a request,
	// so that it passes only when the worker died. The order may exist then.
	startTimeout = 15 * time.Second
	// uploadTimeout is for a start for which documents have to be sent, and
	// startBeat how long the worker may be silent about it.
	uploadTimeout = 15 * time.Minute
	startBeat     = 10 * time.Second
	// reconcileTime is how long it is tried to find out what became of a lost
	// start. A provider may need a minute before it can be sure (Signicat's list of
	// sessions lags behind); a person waits.
	reconcileTime = 3 * time.Minute
	// holdTime is how long an attempt that signs the documents themselves is taken
	// to hold them while the life of its order is not known.
	holdTime = 15 * time.Minute
	// busyPause is the least that others are asked to wait for the documents.
	busyPause = 5 * time.Second

	// followBeat is how long a worker may be silent before another takes over
	// the order. A person is waiting, so it is short; but each beat is written down
	// by Temporal, and two of them fit in. A worker that only lost touch with
	// Temporal for a moment goes on unharmed (see FollowAttempt).
	followBeat = 15 * time.Second
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
	// deliverTime is instead of both where what was signed has to be fetched from the
	// provider: it may have forty documents, each of which is fetched, proven and
	// timestamped, and says that it is signed for a while before it hands them out.
	deliverTime = 10 * time.Minute
	// effectBeat is how long a worker may be silent about an effect before it is
	// taken for dead, well before effectTimeout has passed.
	effectBeat = 10 * time.Second
)

func startOptions(provider string, m signing.Method) workflow.ActivityOptions {
	o := workflow.ActivityOptions{
		TaskQueue:           StartQueue(provider),
		StartToCloseTimeout: startTimeout,
		// A person waits: with no worker at hand, better say so than queue.
		ScheduleToStartTimeout: 20 * time.Second,
		// Never repeated blindly: the workflow looks at the fault first.
		RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:     "ask the provider for an order",
	}
	if m.SignsDocuments() {
		o.StartToCloseTimeout, o.HeartbeatTimeout = uploadTimeout, startBeat
	}
	return o
}

// reconcileOptions are for a question that may be repeated. Its retries add no
// history.
func reconcileOptions(provider string) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		TaskQueue:              StartQueue(provider),
		StartToCloseTimeout:    reconcileTime,
		ScheduleToCloseTimeout: reconcileTime,
		HeartbeatTimeout:       startBeat,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 1},
		Summary:                "find out whether the provider created an order",
	}
}

// hintOptions are those of following an order, beside which it runs: an answer
// that it was handed is kept in the same way.
func hintOptions(provider string) workflow.ActivityOptions {
	o := followOptions(provider, "")
	o.TaskQueue = StartQueue(provider)
	o.Summary = "collect the order, since the provider hints at its end"
	return o
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
func effectOptions(summary string, within, try time.Duration) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		StartToCloseTimeout:    try,
		ScheduleToCloseTimeout: within,
		HeartbeatTimeout:       effectBeat,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 500 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: time.Minute,
		},
		Summary: summary,
	}
}
