package api_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/api"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

// temporalStub answers as Temporal's client, with function fields.
type temporalStub struct {
	execute  func(client.StartWorkflowOptions, ...any) error
	update   func(context.Context, client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error)
	query    func() (converter.EncodedValue, error)
	describe func() (*workflowservice.DescribeWorkflowExecutionResponse, error)
	queue    func(string) (*workflowservice.DescribeTaskQueueResponse, error)
}

func (s temporalStub) DescribeTaskQueue(_ context.Context, queue string, _ enums.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error) {
	return s.queue(queue)
}

func (s temporalStub) ExecuteWorkflow(_ context.Context, o client.StartWorkflowOptions, _ any, args ...any) (client.WorkflowRun, error) {
	return nil, s.execute(o, args...)
}

func (s temporalStub) UpdateWorkflow(ctx context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	return s.update(ctx, o)
}

func (s temporalStub) QueryWorkflow(context.Context, string, string, string, ...any) (converter.EncodedValue, error) {
	return s.query()
}

func (s temporalStub) DescribeWorkflowExecution(context.Context, string, string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	return s.describe()
}

// updateHandle is a handle whose answer is there.
type updateHandle struct {
	client.WorkflowUpdateHandle
	value any
	err   error
}

func (h updateHandle) Get(_ context.Context, out any) error {
	if h.err != nil || out == nil {
		return h.err
	}
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(h.value)
	if err != nil {
		return err
	}
	return converter.GetDefaultDataConverter().FromPayloads(payloads, out)
}

func newTemporal(t *testing.T, s temporalStub) *api.Temporal {
	t.Helper()
	o, err := api.NewTemporal(api.TemporalConfig{
		Client: s, Deadline: 50 * time.Millisecond, Entropy: rand.Reader,
	})
	require.NoError(t, err)
	return o
}

func TestStartNamesTheWorkflowAndTellsNothingPersonal(t *testing.T) {
	spec := signing.Spec{
		ID: "col_1", Tenant: "acme", Documents: make([]signing.Document, 2),
		Participants: []signing.Participant{{ID: "par_1", Name: nameAnna}},
	}
	var seen client.StartWorkflowOptions
	var input workflows.CollectionInput
	o := newTemporal(t, temporalStub{execute: func(o client.StartWorkflowOptions, args ...any) error {
		seen, input = o, args[0].(workflows.CollectionInput)
		return nil
	}})
	require.NoError(t, o.Start(t.Context(), workflows.CollectionInput{
		Spec: spec, Routes: map[signing.Method]signing.Route{signing.MethodBankIDSE: {"bankid"}},
	}))
	require.Equal(t, "col_1", seen.ID)
	require.Equal(t, workflows.TaskQueue, seen.TaskQueue)
	require.Equal(t, enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, seen.WorkflowIDReusePolicy)
	require.Equal(t, "2 documents, 1 participants", seen.StaticSummary)
	require.Empty(t, seen.Memo)
	tenant, ok := seen.TypedSearchAttributes.GetKeyword(workflows.SearchTenant)
	require.True(t, ok)
	require.Equal(t, "acme", tenant)
	require.Equal(t, signing.Route{"bankid"}, input.Routes[signing.MethodBankIDSE])
}

func TestStartOfWhatRunsIsSuccess(t *testing.T) {
	for name, row := range map[string]struct {
		err  error
		code string
	}{
		"started":     {nil, ""},
		"again":       {serviceerror.NewWorkflowExecutionAlreadyStarted("", "", ""), ""},
		"down":        {serviceerror.NewUnavailable("x"), "orchestrator_unavailable"},
		"crowded":     {serviceerror.NewResourceExhausted(enums.RESOURCE_EXHAUSTED_CAUSE_RPS_LIMIT, "x"), "orchestrator_unavailable"},
		"slow":        {serviceerror.NewDeadlineExceeded("x"), "try_again"},
		"our time-up": {context.DeadlineExceeded, "try_again"},
		"defect":      {errors.New("x"), "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newTemporal(t, temporalStub{execute: func(client.StartWorkflowOptions, ...any) error { return row.err }})
			err := o.Start(t.Context(), workflows.CollectionInput{})
			if row.code == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, row.code, fault.CodeOf(err))
		})
	}
}

func TestCommandsAreUpdates(t *testing.T) {
	ended := signing.Attempt{ID: "att_1", Outcome: signing.OutcomeSigned}
	var seen []client.UpdateWorkflowOptions
	o := newTemporal(t, temporalStub{update: func(_ context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
		seen = append(seen, o)
		switch o.UpdateName {
		case workflows.UpdateStartAttempt:
			return updateHandle{value: workflows.StartedAttempt{Attempt: ended}}, nil
		case workflows.UpdateCancelAttempt:
			return updateHandle{value: ended}, nil
		case workflows.UpdateConfirmReturn:
			return updateHandle{}, nil
		}
		return updateHandle{value: signing.View{ID: "col_1"}}, nil
	}})
	started, err := o.StartAttempt(t.Context(), "col_1", workflows.StartAttempt{Attempt: "att_1"})
	require.NoError(t, err)
	require.Equal(t, ended, started.Attempt)
	cancelled, err := o.CancelAttempt(t.Context(), "col_1", workflows.ParticipantCommand{})
	require.NoError(t, err)
	require.Equal(t, ended, cancelled)
	view, err := o.Decline(t.Context(), "col_1", workflows.ParticipantCommand{})
	require.NoError(t, err)
	require.Equal(t, signing.CollectionID("col_1"), view.ID)
	_, err = o.Cancel(t.Context(), "col_1")
	require.NoError(t, err)
	require.NoError(t, o.ConfirmReturn(t.Context(), "col_1", workflows.ConfirmReturn{}))
	agreed := workflows.ConsentCommand{Attempt: "att_1", Manifest: signing.DigestOf([]byte("m")), Locale: signing.LocaleSV}
	view, err = o.Consent(t.Context(), "col_1", agreed)
	require.NoError(t, err)
	require.Equal(t, signing.CollectionID("col_1"), view.ID)
	agreed.Text = signing.DigestOf([]byte("t"))
	_, err = o.Consent(t.Context(), "col_1", agreed)
	require.NoError(t, err)
	require.Equal(t, "att_1", seen[0].UpdateID, "a repeated start must be the same command")
	ids := map[string]bool{}
	for _, u := range seen {
		require.Equal(t, "col_1", u.WorkflowID)
		require.Equal(t, client.WorkflowUpdateStageCompleted, u.WaitForStage)
		require.False(t, ids[u.UpdateID])
		ids[u.UpdateID] = true
	}
}

// TestHintIsNotWaitedFor, and is the same hint when it is repeated.
func TestHintIsNotWaitedFor(t *testing.T) {
	var seen []client.UpdateWorkflowOptions
	var answer error
	o := newTemporal(t, temporalStub{update: func(_ context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
		seen = append(seen, o)
		return updateHandle{err: errors.New("nobody asks")}, answer
	}})
	for range 2 {
		require.NoError(t, o.Hint(t.Context(), "col_1", "idkollen/event-1", workflows.Hint{Attempt: "att_1"}))
	}
	require.Equal(t, seen[0], seen[1])
	require.Equal(t, "hint/idkollen/event-1", seen[0].UpdateID)
	require.Equal(t, client.WorkflowUpdateStageAccepted, seen[0].WaitForStage)
	answer = activities.ToTemporal(signing.ErrNoAttempt)
	require.ErrorIs(t, o.Hint(t.Context(), "col_1", "k", workflows.Hint{}), signing.ErrNoAttempt)
}

func TestFaultsOfCommandsComeBack(t *testing.T) {
	busy := fault.New(fault.Conflict, "person_busy", "The person has another signing under way.").After(7 * time.Second)
	for name, row := range map[string]struct {
		err  error
		want error
	}{
		"a fault":         {activities.ToTemporal(busy), busy},
		"no workflow":     {serviceerror.NewNotFound("x"), api.ErrNotRunning},
		"update cut off":  {client.NewWorkflowUpdateServiceTimeoutOrCanceledError(context.DeadlineExceeded), fault.New("", "try_again", "")},
		"worker is away":  {context.DeadlineExceeded, fault.New("", "try_again", "")},
		"temporal is out": {serviceerror.NewUnavailable("x"), fault.New("", "orchestrator_unavailable", "")},
	} {
		t.Run(name, func(t *testing.T) {
			for _, atOnce := range []bool{true, false} {
				o := newTemporal(t, temporalStub{update: func(context.Context, client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
					if atOnce {
						return nil, row.err
					}
					return updateHandle{err: row.err}, nil
				}})
				_, err := o.Cancel(t.Context(), "col_1")
				require.ErrorIs(t, err, row.want)
			}
		})
	}
}

// TestCommandHasADeadline leaves a caller waiting no longer than was set, where
// no worker takes the command up.
func TestCommandHasADeadline(t *testing.T) {
	o := newTemporal(t, temporalStub{update: func(ctx context.Context, _ client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	_, err := o.Cancel(t.Context(), "col_1")
	require.Equal(t, "try_again", fault.CodeOf(err))
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
}

func TestFollowedReadsTheHeartbeat(t *testing.T) {
	live := workflows.Live{Attempt: "att_1", Hint: "userSign", At: time.Now().UTC()}
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(live)
	require.NoError(t, err)
	pending := func(id string, details *commonpb.Payloads) *workflowpb.PendingActivityInfo {
		return &workflowpb.PendingActivityInfo{ActivityId: id, HeartbeatDetails: details}
	}
	older, newer := pending("follow/par_1/9", nil), pending("follow/par_1/10", payloads)
	for name, row := range map[string]struct {
		pending []*workflowpb.PendingActivityInfo
		want    *workflows.Live
		fails   bool
	}{
		"followed":   {[]*workflowpb.PendingActivityInfo{pending("7", nil), pending("follow/par_1", payloads)}, &live, false},
		"second try": {[]*workflowpb.PendingActivityInfo{pending("follow/par_10", nil), pending("follow/par_1/2", payloads)}, &live, false},
		"one that is over before, one that is new": {[]*workflowpb.PendingActivityInfo{older, newer}, &live, false},
		"the other way around":                     {[]*workflowpb.PendingActivityInfo{newer, older}, &live, false},
		"not heard of":                             {[]*workflowpb.PendingActivityInfo{pending("follow/par_1", nil)}, &workflows.Live{}, false},
		"somebody else":                            {[]*workflowpb.PendingActivityInfo{pending("follow/par_2", payloads)}, nil, false},
		"nobody":                                   {nil, nil, false},
		"undecodable":                              {[]*workflowpb.PendingActivityInfo{pending("follow/par_1", &commonpb.Payloads{Payloads: []*commonpb.Payload{{Data: []byte("x")}}})}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			o := newTemporal(t, temporalStub{describe: func() (*workflowservice.DescribeWorkflowExecutionResponse, error) {
				return &workflowservice.DescribeWorkflowExecutionResponse{PendingActivities: row.pending}, nil
			}})
			got, err := o.Followed(t.Context(), "col_1", "par_1")
			require.Equal(t, row.fails, err != nil)
			require.Equal(t, row.want, got)
		})
	}
}
