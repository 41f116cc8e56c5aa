package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

// CollectionWorkflow carries one collection: it answers commands while
// participants sign, seals the documents when all have, and keeps the outcome.
// It returns the collection as it ended.
func CollectionWorkflow(ctx workflow.Context, in CollectionInput) (signing.View, error) {
	c, err := setup(ctx, in)
	if err != nil {
		return signing.View{}, activities.ToTemporal(err)
	}
	c.untilSettled(ctx)
	if c.State() == signing.StateSealing {
		c.seal()
	}
	c.finish()
	return c.view(), nil
}

// collection is a collection's workflow at work.
type collection struct {
	*signing.Collection
	ctx   workflow.Context // for every effect; the workflow's cancellation does not reach it
	ref   activities.CollectionRef
	route func(signing.Participant) signing.Route
	live  map[signing.ParticipantID]*liveAttempt
	trail trail

	follows   map[signing.ParticipantID]int // how many activities have followed orders
	results   []signing.Result
	attention []*string // the codes of what a person has to look at
	retries   int       // how often an operator asked to try again
	shown     shown
	closed    bool // the trail is complete; nothing more is recorded
	endedAt   time.Time
}

// shown is what the search attributes say.
type shown struct {
	state     signing.State
	attention bool
}

func setup(ctx workflow.Context, in CollectionInput) (*collection, error) {
	started, err := signing.New(in.Spec)
	if err != nil {
		return nil, err
	}
	steady, _ := workflow.NewDisconnectedContext(ctx)
	c := &collection{
		Collection: started,
		ctx:        steady,
		ref:        activities.CollectionRef{Tenant: in.Spec.Tenant, Collection: in.Spec.ID},
		route:      in.Route,
		live:       map[signing.ParticipantID]*liveAttempt{},
		follows:    map[signing.ParticipantID]int{},
	}
	if err := c.register(ctx); err != nil {
		return nil, fmt.Errorf("register handlers: %w", err)
	}
	c.record(signing.AuditEntry{Type: signing.AuditCreated, Collection: c.ID})
	for _, d := range c.Documents {
		c.record(signing.AuditEntry{Type: signing.AuditDocument, Document: d.ID, Digest: d.Digest.String()})
	}
	c.show()
	workflow.GoNamed(c.ctx, "audit", c.keepAudit)
	workflow.GoNamed(c.ctx, "retry", c.hearRetries)
	workflow.GoNamed(c.ctx, "calls", c.hearCalls)
	return c, nil
}

// untilSettled waits for the participants, the deadline, or the owner's cancel,
// whichever settles the collection first.
func (c *collection) untilSettled(ctx workflow.Context) {
	waiting := ctx
	for c.State() == signing.StateInProgress {
		left := c.Deadline.Sub(workflow.Now(ctx))
		var err error
		if c.Ending() != "" {
			err = workflow.Await(waiting, func() bool { return c.State() != signing.StateInProgress })
		} else {
			var inTime bool
			inTime, err = workflow.AwaitWithTimeout(waiting, left, func() bool {
				return c.Ending() != "" || c.State() != signing.StateInProgress
			})
			if err == nil && !inTime {
				c.Expire()
			}
		}
		if temporal.IsCanceledError(err) {
			// An operator cancelled the workflow: the same as the owner's cancel.
			waiting = c.ctx
			c.cancel()
		}
	}
	c.show()
}

// seal makes and keeps the result of each document.
func (c *collection) seal() {
	c.record(signing.AuditEntry{Type: signing.AuditSealing})
	var a *activities.Sealing
	for _, now := range c.Current() {
		in := activities.SealInput{
			CollectionRef: c.ref, Document: now.Document, Signatures: c.SignaturesIn(now.Document), Current: &now, Audit: c.trail.head,
		}
		var result signing.Result
		c.must(c.ctx, "seal a document", a.SealDocument, in, &result)
		c.results = append(c.results, result)
		c.recordResult(result)
	}
	c.Complete()
}

func (c *collection) recordResult(r signing.Result) {
	e := signing.AuditEntry{Type: signing.AuditSealed, Document: r.Document, Digest: r.Digest.String()}
	if r.Unsealed {
		e.Type = signing.AuditUnsealed
	}
	c.record(e)
	if r.Evidence != nil {
		c.record(signing.AuditEntry{Type: signing.AuditEvidence, Document: r.Document, Digest: r.Evidence.Digest.String()})
	}
}

// finish keeps what happened, so that it can be told when Temporal has
// forgotten the workflow.
func (c *collection) finish() {
	c.endedAt = workflow.Now(c.ctx)
	c.record(signing.AuditEntry{Type: signing.AuditEnded, Code: string(c.State())})
	c.show()
	c.flushAudit()
	c.closed = true
	var a *activities.Records
	c.must(c.ctx, "keep the outcome", a.KeepOutcome, c.view(), nil)
	_ = workflow.Await(c.ctx, func() bool { return workflow.AllHandlersFinished(c.ctx) })
}

// must runs an effect until it has happened. When it does not within
// settleTime, the collection needs attention; an operator mends the cause and
// may send the retry signal, and the effect, once it happens, clears the flag.
func (c *collection) must(ctx workflow.Context, what string, activity, in, out any) {
	c.mustBy(ctx, effect{what, settleTime, effectTimeout}, activity, in, out)
}

// effect is an effect that must happen: how long it may fail before somebody is
// told, and how long one try may take.
type effect struct {
	what        string
	settle, try time.Duration
}

func (c *collection) mustBy(ctx workflow.Context, e effect, activity, in, out any) {
	var trouble *string
	within, pause := e.settle, firstPause
	for {
		err := workflow.ExecuteActivity(
			workflow.WithActivityOptions(ctx, effectOptions(e.what, within, e.try)), activity, in).Get(ctx, out)
		if err == nil {
			c.calm(trouble)
			return
		}
		code := fault.CodeOf(activities.FromTemporal(err))
		workflow.GetLogger(ctx).Error("an effect that must happen does not", "effect", e.what, "code", code, "error", err)
		trouble = c.alarm(trouble, code)
		// The activity's own retries add no history. This loop does, so it slows
		// down: in a year of trouble it turns some sixty times.
		c.pause(ctx, pause)
		within, pause = retryTime, min(2*pause, longestPause)
	}
}

// pause waits for a time, or until an operator sends the retry signal.
func (c *collection) pause(ctx workflow.Context, d time.Duration) {
	before := c.retries
	_, _ = workflow.AwaitWithTimeout(ctx, d, func() bool { return c.retries > before })
}

// hearRetries counts the retry signals of operators.
func (c *collection) hearRetries(ctx workflow.Context) {
	signals := workflow.GetSignalChannel(ctx, SignalRetry)
	for signals.Receive(ctx, nil) {
		c.retries++
	}
}

// alarm sets the needs-attention flag for one trouble, and calm clears it.
func (c *collection) alarm(trouble *string, code string) *string {
	if trouble == nil {
		trouble = new(string)
		c.attention = append(c.attention, trouble)
		c.record(signing.AuditEntry{Type: signing.AuditAttention, Code: code})
	}
	*trouble = code
	c.show()
	return trouble
}

func (c *collection) calm(trouble *string) {
	if trouble != nil {
		c.attention = slices.DeleteFunc(c.attention, func(t *string) bool { return t == trouble })
		c.show()
	}
}

// view is what the query and the outcome tell.
func (c *collection) view() signing.View {
	v := c.View()
	v.EndedAt, v.Audit = c.endedAt, c.trail.head
	if len(c.attention) > 0 {
		v.Attention = *c.attention[0]
	}
	for i := range v.Documents {
		for _, r := range c.results {
			if r.Document == v.Documents[i].ID && c.State() == signing.StateCompleted {
				v.Documents[i].Result = &r
			}
		}
	}
	return v
}

// show tells operators where the collection is: search attributes to find it
// by, written when they change, since each write is an event of history; and a
// line in the Temporal UI, which costs none. Both are ids and states only.
func (c *collection) show() {
	now := shown{c.State(), len(c.attention) > 0}
	if now != c.shown {
		c.shown = now
		err := workflow.UpsertTypedSearchAttributes(c.ctx,
			SearchState.ValueSet(string(now.state)), SearchAttention.ValueSet(now.attention))
		if err != nil {
			workflow.GetLogger(c.ctx).Error("upsert search attributes", "error", err)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n", c.State())
	for _, trouble := range c.attention {
		fmt.Fprintf(&b, "\nNeeds attention: %s\n", *trouble)
	}
	for _, p := range c.Participants {
		fmt.Fprintf(&b, "\n- step %d: %s %s", p.Step, p.ID, c.ParticipantState(p))
	}
	workflow.SetCurrentDetails(c.ctx, b.String())
}
