package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/signing"
)

// trail is the audit trail: its head, and the lines that are not in S3 yet.
// Those are safe meanwhile, since the workflow's history makes them again.
type trail struct {
	head  signing.AuditTrail
	lines []string // not yet taken by an activity
	due   bool     // an entry is waiting that should not wait for more
	busy  bool     // an activity is writing
}

// record adds an entry to the trail. What only says that something began rides
// with the next entry, which keeps histories short.
func (c *collection) record(e signing.AuditEntry) {
	if c.closed {
		return
	}
	e.At = workflow.Now(c.ctx)
	line, err := c.trail.head.Add(e)
	if err != nil {
		workflow.GetLogger(c.ctx).Error("add to the audit trail", "error", err)
		return
	}
	c.trail.lines = append(c.trail.lines, string(line))
	switch e.Type {
	case signing.AuditCreated, signing.AuditDocument, signing.AuditStarted, signing.AuditReturned, signing.AuditSealing,
		signing.AuditSealed, signing.AuditUnsealed, signing.AuditEvidence, signing.AuditNoOrder, signing.AuditRevised:
	case signing.AuditAttempt, signing.AuditSigned, signing.AuditDeclined, signing.AuditCancel,
		signing.AuditEnded, signing.AuditAttention,
		signing.AuditIdentified, signing.AuditConsented, signing.AuditProcess:
		c.trail.due = true
	}
}

// keepAudit writes the trail to S3 as it grows, one write at a time. It lasts
// as long as the workflow.
func (c *collection) keepAudit(ctx workflow.Context) {
	for {
		if err := workflow.Await(ctx, func() bool { return c.trail.due }); err != nil {
			return
		}
		t := &c.trail
		in := activities.AuditInput{CollectionRef: c.ref, FirstSeq: t.head.Seq - len(t.lines) + 1, Lines: t.lines}
		t.lines, t.due, t.busy = nil, false, true
		var a *activities.Records
		c.must(ctx, "keep the audit trail", a.KeepAudit, in, nil)
		t.busy = false
	}
}

// flushAudit waits until the whole trail is in S3.
func (c *collection) flushAudit() {
	c.trail.due = len(c.trail.lines) > 0
	_ = workflow.Await(c.ctx, func() bool { return !c.trail.due && !c.trail.busy })
}
