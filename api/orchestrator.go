package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

// temporalClient is what is used of Temporal's client.
type temporalClient interface {
	ExecuteWorkflow(ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
	UpdateWorkflow(ctx context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error)
	QueryWorkflow(ctx context.Context, workflowID, runID, query string, args ...any) (converter.EncodedValue, error)
	DescribeWorkflowExecution(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error)
	DescribeTaskQueue(ctx context.Context, queue string, kind enums.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error)
}

// TemporalConfig says how an Orchestrator reaches its workflows.
type TemporalConfig struct {
	Client temporalClient
	// Converter decodes heartbeats. It must be the one that the workers encode
	// with, or live attempts cannot be told.
	Converter converter.DataConverter
	// Deadline is how long a command may take before its sender is told to send
	// it again; 30 seconds unless set. The start of an order is a command.
	Deadline time.Duration
	// Entropy makes the ids of commands that need none of their own. It is
	// required, and must be random enough for no two ids to be equal.
	Entropy io.Reader
}

// Temporal is the Orchestrator that runs collections as workflows.
type Temporal struct{ config TemporalConfig }

var _ Orchestrator = (*Temporal)(nil)

// NewTemporal makes an Orchestrator.
func NewTemporal(c TemporalConfig) (*Temporal, error) {
	if c.Client == nil || c.Entropy == nil {
		return nil, errors.New("orchestrator: Client and Entropy are required")
	}
	if c.Converter == nil {
		c.Converter = converter.GetDefaultDataConverter()
	}
	if c.Deadline <= 0 {
		c.Deadline = 30 * time.Second
	}
	return &Temporal{c}, nil
}

// Start implements Orchestrator.
func (t *Temporal) Start(ctx context.Context, in workflows.CollectionInput) error {
	ctx, stop := context.WithTimeout(ctx, t.config.Deadline)
	defer stop()
	spec := in.Spec
	_, err := t.config.Client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:        workflows.WorkflowID(spec.ID),
		TaskQueue: workflows.TaskQueue,
		// An id is used once, ever: a collection that has ended is not run again by
		// a late repeat of the request that created it.
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy:                 enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			workflows.SearchCollection.ValueSet(string(spec.ID)),
			workflows.SearchTenant.ValueSet(string(spec.Tenant)),
			workflows.SearchState.ValueSet(string(signing.StateInProgress)),
			workflows.SearchAttention.ValueSet(false),
		),
		StaticSummary: fmt.Sprintf("%d documents, %d participants", len(spec.Documents), len(spec.Participants)),
	}, workflows.CollectionType, in)
	if _, started := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); started {
		return nil
	}
	return fromTemporal("start collection "+string(spec.ID), err)
}

// StartAttempt implements Orchestrator. The attempt's id is the Update's.
func (t *Temporal) StartAttempt(ctx context.Context, id signing.CollectionID, c workflows.StartAttempt) (workflows.StartedAttempt, error) {
	var started workflows.StartedAttempt
	err := t.update(ctx, id, workflows.UpdateStartAttempt, string(c.Attempt), &started, c)
	return started, err
}

// CancelAttempt implements Orchestrator.
func (t *Temporal) CancelAttempt(ctx context.Context, id signing.CollectionID, c workflows.ParticipantCommand) (signing.Attempt, error) {
	var ended signing.Attempt
	err := t.update(ctx, id, workflows.UpdateCancelAttempt, "", &ended, c)
	return ended, err
}

// Decline implements Orchestrator.
func (t *Temporal) Decline(ctx context.Context, id signing.CollectionID, c workflows.ParticipantCommand) (signing.View, error) {
	var view signing.View
	err := t.update(ctx, id, workflows.UpdateDecline, "", &view, c)
	return view, err
}

// ConfirmReturn implements Orchestrator.
func (t *Temporal) ConfirmReturn(ctx context.Context, id signing.CollectionID, c workflows.ConfirmReturn) error {
	return t.update(ctx, id, workflows.UpdateConfirmReturn, "", nil, c)
}

// Consent implements Orchestrator. The Update's id follows from all that was
// agreed to, so that a repeat is the same consent and another one is judged anew.
func (t *Temporal) Consent(ctx context.Context, id signing.CollectionID, c workflows.ConsentCommand) (signing.View, error) {
	agreed := signing.DigestOf([]byte(c.Manifest.String() + c.Text.String() + string(c.Locale)))
	var view signing.View
	err := t.update(ctx, id, workflows.UpdateConsent, "consent/"+string(c.Attempt)+"/"+agreed.String(), &view, c)
	return view, err
}

// Hint implements Orchestrator.
func (t *Temporal) Hint(ctx context.Context, id signing.CollectionID, key string, h workflows.Hint) error {
	ctx, stop := context.WithTimeout(ctx, t.config.Deadline)
	defer stop()
	_, err := t.config.Client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflows.WorkflowID(id), UpdateID: "hint/" + key, UpdateName: workflows.UpdateHint, Args: []any{h},
		WaitForStage: client.WorkflowUpdateStageAccepted,
	})
	return fromTemporal("hint in "+string(id), err)
}

// Cancel implements Orchestrator.
func (t *Temporal) Cancel(ctx context.Context, id signing.CollectionID) (signing.View, error) {
	var view signing.View
	err := t.update(ctx, id, workflows.UpdateCancel, "", &view)
	return view, err
}

// update sends a command and waits for its answer. An updateID makes a repeat
// the same command; without one each call is a command of its own.
func (t *Temporal) update(ctx context.Context, id signing.CollectionID, name, updateID string, out any, args ...any) error {
	ctx, stop := context.WithTimeout(ctx, t.config.Deadline)
	defer stop()
	if updateID == "" {
		var random [16]byte
		if _, err := io.ReadFull(t.config.Entropy, random[:]); err != nil {
			return fmt.Errorf("read entropy for a command's id: %w", err)
		}
		updateID = fmt.Sprintf("%s/%x", name, random)
	}
	handle, err := t.config.Client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflows.WorkflowID(id), UpdateID: updateID, UpdateName: name, Args: args,
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, out)
	}
	return fromTemporal(name+" in "+string(id), err)
}

// View implements Orchestrator.
func (t *Temporal) View(ctx context.Context, id signing.CollectionID) (signing.View, error) {
	ctx, stop := context.WithTimeout(ctx, t.config.Deadline)
	defer stop()
	var view signing.View
	value, err := t.config.Client.QueryWorkflow(ctx, workflows.WorkflowID(id), "", workflows.QueryView)
	if err == nil {
		err = value.Get(&view)
	}
	return view, fromTemporal("ask for a view of "+string(id), err)
}

// Followed implements Orchestrator. Heartbeats are in the description of the
// workflow, not in its history, so asking each second costs no events.
func (t *Temporal) Followed(ctx context.Context, id signing.CollectionID, p signing.ParticipantID) (*workflows.Live, error) {
	ctx, stop := context.WithTimeout(ctx, t.config.Deadline)
	defer stop()
	described, err := t.config.Client.DescribeWorkflowExecution(ctx, workflows.WorkflowID(id), "")
	if err != nil {
		return nil, fromTemporal("describe "+string(id), err)
	}
	pending := latestFollow(described.GetPendingActivities(), p)
	if pending == nil {
		return nil, nil //nolint:nilnil // nobody is followed, and that is no error
	}
	var live workflows.Live
	if details := pending.GetHeartbeatDetails(); len(details.GetPayloads()) > 0 {
		if err := t.config.Converter.FromPayloads(details, &live); err != nil {
			return nil, fmt.Errorf("decode the heartbeat of %s: %w", pending.GetActivityId(), err)
		}
	}
	return &live, nil
}

// latestFollow finds the activity that follows a participant's order. An attempt
// whose answer came by a provider's call may be over before its activity is; the
// next one's has a higher number behind the participant's id.
func latestFollow(all []*workflowpb.PendingActivityInfo, p signing.ParticipantID) *workflowpb.PendingActivityInfo {
	var latest *workflowpb.PendingActivityInfo
	last := 0
	for _, a := range all {
		rest, ours := strings.CutPrefix(a.GetActivityId(), workflows.FollowID(p))
		n := 1
		if ours && rest != "" {
			var err error
			n, err = strconv.Atoi(strings.TrimPrefix(rest, "/"))
			ours = err == nil && strings.HasPrefix(rest, "/")
		}
		if ours && n > last {
			latest, last = a, n
		}
	}
	return latest
}

// fromTemporal translates what Temporal answers into faults.
func fromTemporal(attempted string, err error) error {
	if err == nil {
		return nil
	}
	if f, ok := fault.As(workflows.Fault(err)); ok {
		return f
	}
	var (
		absent    *serviceerror.NotFound
		deadline  *serviceerror.DeadlineExceeded
		cancelled *serviceerror.Canceled
		slow      *client.WorkflowUpdateServiceTimeoutOrCanceledError
		down      *serviceerror.Unavailable
		crowded   *serviceerror.ResourceExhausted
		unserved  *serviceerror.WorkflowNotReady
	)
	err = fmt.Errorf("%s: %w", attempted, err)
	switch {
	case errors.As(err, &absent):
		return ErrNotRunning.Because(err)
	case errors.As(err, &slow), errors.As(err, &deadline), errors.As(err, &cancelled), errors.As(err, &unserved),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return errTryAgain.Because(err)
	case errors.As(err, &down), errors.As(err, &crowded):
		return errTemporal.Because(err)
	}
	return err
}
