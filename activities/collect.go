package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
)

// hintTries is how often a provider is asked after a hint while it gives no
// answer. Its order is followed all the same.
const hintTries = 3

// CollectHinted collects an order once, since its provider hinted that it has
// ended, beside the activity that follows it. What it finds it keeps, and the
// answer that is kept first wins; so whichever of the two is handed the answer,
// it is in evidence. That the order is unknown means nothing here but that the
// other may have had its answer.
//
// As in FollowAttempt, an answer rides in the heartbeat details until the store
// has taken it, and the next run finds it there.
func (a *Attempts) CollectHinted(ctx context.Context, in FollowInput) (Hinted, error) {
	f, err := a.follower(ctx, in)
	if err != nil {
		return Hinted{}, finally(err)
	}
	if activity.HasHeartbeatDetails(ctx) {
		var last Live
		if err := activity.GetHeartbeatDetails(ctx, &last); err == nil && last.Answer != nil {
			return f.keepHinted(last.Answer)
		}
	}
	if err := f.turn(true); err != nil {
		return Hinted{}, ToTemporal(err)
	}
	var answer providers.Answer
	err = f.beatingWhile(func() (err error) {
		answer, err = f.provider.Collect(f.ctx, f.Order.Ref)
		return err
	})
	switch {
	case err == nil && answer.Terminal:
		return f.keepHinted(f.answered(answer))
	case err == nil:
		return Hinted{}, nil
	case fault.KindOf(err) == fault.NotFound:
		kept, err := f.kept()
		return Hinted{Kept: kept}, ToTemporal(err)
	case activity.GetInfo(ctx).Attempt >= hintTries:
		return Hinted{}, finally(err)
	}
	return Hinted{}, ToTemporal(err)
}

func (f *follower) keepHinted(answer *StoredAnswer) (Hinted, error) {
	if _, err := f.keep(answer); err != nil {
		return Hinted{}, ToTemporal(err)
	}
	f.unlock()
	return Hinted{Kept: true}, nil
}
