package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// beating tells Temporal that an effect is under way until stop is called, so
// that one whose worker died is soon taken up by another. An effect that is over
// before the first beat costs no call.
func beating(ctx context.Context) (stop func()) {
	over := make(chan struct{})
	beats := time.NewTicker(beatEvery)
	go func() {
		defer beats.Stop()
		for {
			select {
			case <-over:
				return
			case <-beats.C:
				activity.RecordHeartbeat(ctx)
			}
		}
	}()
	return func() { close(over) }
}
