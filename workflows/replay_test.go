package workflows_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/handslag/handslag/workflows"
)

// paths are the histories that must be there: every way that a collection can
// go. A change of a workflow must still replay those of earlier releases, or
// collections that are open when it is deployed are stuck. The end-to-end tests
// record them with -update.
var paths = []string{
	"called", "cancelled", "cancelled_at_once", "chain_and_hints", "declined", "expired", "identified_then_consented",
	"next_provider", "reconciled", "result_lost", "separate_evidence", "signed", "start_failed",
	"user_cancelled_then_signed", "worker_killed_mid_attempt",
}

// nondeterministic is the SDK's code for a history that the code does not follow.
const nondeterministic = "TMPRL1100"

func histories(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "history", "*.json"))
	require.NoError(t, err)
	named := map[string]string{}
	for _, file := range files {
		named[strings.TrimSuffix(filepath.Base(file), ".json")] = file
	}
	return named
}

func replay(t *testing.T, h *historypb.History, as any) error {
	t.Helper()
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflowWithOptions(as, workflow.RegisterOptions{Name: workflows.CollectionType})
	return replayer.ReplayWorkflowHistory(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), h)
}

func read(t *testing.T, file string) *historypb.History {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	h, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	require.NoError(t, err)
	return h
}

func TestReplay(t *testing.T) {
	stored := histories(t)
	for _, path := range paths {
		require.Contains(t, stored, path)
	}
	for name, file := range stored {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, replay(t, read(t, file), workflows.CollectionWorkflow))
		})
	}
}

// TestReplayNoticesChanges proves that the gate can close.
func TestReplayNoticesChanges(t *testing.T) {
	for name, file := range histories(t) {
		t.Run(name+" with an effect that the code does not have", func(t *testing.T) {
			h := read(t, file)
			require.Equal(t, workflows.CollectionType, h.Events[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName())
			at := slices.IndexFunc(h.Events, func(e *historypb.HistoryEvent) bool {
				return e.GetEventType() == enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
			})
			require.Positive(t, at)
			h.Events[at].GetActivityTaskScheduledEventAttributes().GetActivityType().Name = "NotOurs"
			require.ErrorContains(t, replay(t, h, workflows.CollectionWorkflow), nondeterministic)
		})
		t.Run(name+" with code that does more", func(t *testing.T) {
			more := func(ctx workflow.Context, in workflows.CollectionInput) error {
				_ = workflow.Sleep(ctx, 1)
				_, err := workflows.CollectionWorkflow(ctx, in)
				return err
			}
			require.ErrorContains(t, replay(t, read(t, file), more), nondeterministic)
		})
	}
}

// TestNoPathCostsMoreThanIsHeldBack: what is kept free for an attempt, a consent
// and the sealing is enough on every path.
func TestNoPathCostsMoreThanIsHeldBack(t *testing.T) {
	for name, file := range histories(t) {
		t.Run(name, func(t *testing.T) {
			h := read(t, file)
			held := workflows.EndEvents + 2*workflows.DocumentEvents
			for _, e := range h.Events {
				switch e.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetInput().GetName() {
				case workflows.UpdateStartAttempt:
					held += workflows.AttemptEvents
				case workflows.UpdateConsent:
					held += workflows.ConsentEvents
				case workflows.UpdateHint:
					held += workflows.HintEvents
				}
			}
			t.Logf("%d events, %d held back", len(h.Events), held)
			require.LessOrEqual(t, len(h.Events), held)
		})
	}
}
