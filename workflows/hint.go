package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/signing"
)

// mayHint refuses a hint that no order can answer.
func (c *collection) mayHint(_ workflow.Context, h Hint) error {
	if c.liveBy(h.Attempt) == nil {
		return activities.ToTemporal(signing.ErrNoAttempt)
	}
	return nil
}

func (c *collection) onHint(workflow.Context, Hint) error { return nil }

// liveBy returns the live attempt of that id, or nil.
func (c *collection) liveBy(id signing.AttemptID) *liveAttempt {
	for _, p := range c.Participants {
		if a, err := c.LiveAttempt(p.ID); err == nil && a.ID == id {
			return c.live[p.ID]
		}
	}
	return nil
}
