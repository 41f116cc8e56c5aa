package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func spec(t *testing.T) signing.Spec {
	t.Helper()
	s := signing.Spec{
		ID: "col_0000000000000000000000000a", Tenant: "acme", Locale: signing.LocaleSV, TimeZone: "Europe/Stockholm",
		Documents: []signing.Document{{ID: "doc_0000000000000000000000000a", Title: "Avtal", Length: 9}},
		Policy:    signing.DefaultPolicy(), CreatedAt: start, Deadline: start.Add(time.Hour),
	}
	for i, pn := range []string{"191212121212", "200211242383"} {
		n, err := signing.ParsePersonalNumber(pn)
		require.NoError(t, err)
		s.Participants = append(s.Participants, signing.Participant{
			ID: []signing.ParticipantID{"par_1", "par_2"}[i], Name: "Person", PersonalNumber: n,
			Method: signing.MethodBankIDSE, Step: i + 1, Locale: signing.LocaleSV,
		})
	}
	return s
}

// world plays the activities: each test scripts what it needs of it.
type world struct {
	*testsuite.TestWorkflowEnvironment
	t *testing.T

	in     workflows.CollectionInput
	start  func(try int) error // of StartAttempt, unless ask is set
	ask    func(in activities.StartInput) (activities.Started, error)
	seek   func(in activities.ReconcileInput) (providers.Order, error)
	call   func(in activities.StartInput) (activities.Called, error)
	hint   func(in activities.FollowInput) (activities.Hinted, error)
	follow func(ctx context.Context, in activities.FollowInput) (activities.FollowResult, error)
	verify func(ref activities.AttemptRef) (signing.AttemptResult, error)
	seal   func(try int) error

	mu      sync.Mutex
	starts  int
	asked   []string // the providers that were, in that order
	sought  int      // how often it was asked what became of a start
	consent []signing.ConsentRecord
	seals   int
	audit   []string
	outcome *signing.View
}

func newWorld(t *testing.T) *world {
	t.Helper()
	suite := testsuite.WorkflowTestSuite{}
	w := &world{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t}
	w.SetStartTime(start)
	w.in = workflows.CollectionInput{
		Spec: spec(t), Routes: map[signing.Method]signing.Route{signing.MethodBankIDSE: {"bankid"}},
	}
	w.start = func(int) error { return nil }
	w.seek = func(activities.ReconcileInput) (providers.Order, error) {
		return providers.Order{}, fault.New(fault.Uncertain, "start_uncertain", "x")
	}
	w.seal = func(int) error { return nil }
	w.follow = func(context.Context, activities.FollowInput) (activities.FollowResult, error) {
		return activities.FollowResult{End: activities.FollowAnswered}, nil
	}
	w.verify = func(ref activities.AttemptRef) (signing.AttemptResult, error) { return signedBy(ref), nil }
	register := func(name string, f any) { w.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name}) }
	register("StartAttempt", func(_ context.Context, in activities.StartInput) (activities.Started, error) {
		w.mu.Lock()
		w.starts++
		w.asked = append(w.asked, in.Provider)
		try := w.starts
		w.mu.Unlock()
		if w.ask != nil {
			started, err := w.ask(in)
			return started, activities.ToTemporal(err)
		}
		return activities.Started{Order: orderOf(in)}, activities.ToTemporal(w.start(try))
	})
	register("ReconcileAttempt", func(_ context.Context, in activities.ReconcileInput) (providers.Order, error) {
		w.mu.Lock()
		w.sought++
		w.mu.Unlock()
		found, err := w.seek(in)
		return found, final(err)
	})
	register("CallAttempt", func(_ context.Context, in activities.StartInput) (activities.Called, error) {
		called, err := w.call(in)
		return called, final(err)
	})
	register("CollectHinted", func(_ context.Context, in activities.FollowInput) (activities.Hinted, error) {
		found, err := w.hint(in)
		return found, final(err)
	})
	register("KeepConsent", func(_ context.Context, in activities.ConsentInput) (signing.Consent, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.consent = append(w.consent, in.Record)
		return signing.Consent{At: in.Record.At, Evidence: signing.DigestOf([]byte("consent"))}, nil
	})
	register("FollowAttempt", func(ctx context.Context, in activities.FollowInput) (activities.FollowResult, error) {
		return w.follow(ctx, in)
	})
	register("VerifyAttempt", func(_ context.Context, ref activities.AttemptRef) (signing.AttemptResult, error) {
		r, err := w.verify(ref)
		return r, activities.ToTemporal(err)
	})
	register("SealDocument", func(_ context.Context, in activities.SealInput) (signing.Result, error) {
		w.mu.Lock()
		w.seals++
		try := w.seals
		w.mu.Unlock()
		return signing.Result{Document: in.Document, Revision: 1}, activities.ToTemporal(w.seal(try))
	})
	register("KeepAudit", func(_ context.Context, in activities.AuditInput) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		require.Equal(t, len(w.audit)+1, in.FirstSeq, "the trail has no gaps")
		w.audit = append(w.audit, in.Lines...)
		return nil
	})
	register("KeepOutcome", func(_ context.Context, v signing.View) error {
		w.outcome = &v
		return nil
	})
	return w
}

func orderOf(in activities.StartInput) providers.Order {
	return providers.Order{Ref: providers.OrderRef("order-" + in.Attempt), Account: "main", Life: 5 * time.Minute, StartedAt: start}
}

// final is how an activity says its last word.
func final(err error) error {
	err = activities.ToTemporal(err)
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		var details any
		_ = app.Details(&details)
		return temporal.NewNonRetryableApplicationError(app.Message(), app.Type(), nil, details)
	}
	return err
}

// types are those of the audit trail's entries, with the providers they name.
func (w *world) types() []string {
	var all []string
	for _, line := range w.audit {
		var e signing.AuditEntry
		require.NoError(w.t, json.Unmarshal([]byte(line), &e))
		name := string(e.Type)
		if e.Provider != "" {
			name += " " + e.Provider
		}
		all = append(all, name)
	}
	return all
}

// anything is any argument of an activity.
var anything = mock.Anything

func signedBy(ref activities.AttemptRef) signing.AttemptResult {
	return signing.AttemptResult{Outcome: signing.OutcomeSigned, Signature: &signing.Signature{
		Participant: ref.Participant, Attempt: ref.Attempt, Assurance: signing.AssuranceVerified, SignedAt: start,
	}}
}

// reply is what came of an Update.
type reply struct {
	rejected, failed error
	value            any
}

// at sends an Update at a time after the start and returns where its reply will be.
func (w *world) at(after time.Duration, update string, arg any) *reply {
	r := &reply{}
	w.RegisterDelayedCallback(func() {
		args := []any{}
		if arg != nil {
			args = append(args, arg)
		}
		w.UpdateWorkflow(update, "", &testsuite.TestUpdateCallback{
			OnAccept:   func() {},
			OnReject:   func(err error) { r.rejected = workflows.Fault(err) },
			OnComplete: func(v any, err error) { r.value, r.failed = v, workflows.Fault(err) },
		}, args...)
	}, after)
	return r
}

func (w *world) startAt(after time.Duration, p signing.ParticipantID, id signing.AttemptID) *reply {
	return w.at(after, workflows.UpdateStartAttempt, workflows.StartAttempt{Participant: p, Attempt: id, Channel: signing.ChannelQR})
}

// run runs the workflow to its end and checks what must hold at every end.
func (w *world) run() signing.View {
	w.t.Helper()
	w.ExecuteWorkflow(workflows.CollectionWorkflow, w.in)
	require.True(w.t, w.IsWorkflowCompleted())
	require.NoError(w.t, w.GetWorkflowError())
	var v signing.View
	require.NoError(w.t, w.GetWorkflowResult(&v))
	require.NotNil(w.t, w.outcome, "the outcome was kept")
	require.Equal(w.t, v.State, w.outcome.State)
	require.True(w.t, v.State.Ended())
	var trail signing.AuditTrail
	for _, line := range w.audit {
		_, err := trail.Check([]byte(line))
		require.NoError(w.t, err)
	}
	require.Equal(w.t, v.Audit, trail, "the whole trail was kept")
	return v
}
