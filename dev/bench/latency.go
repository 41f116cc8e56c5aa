package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/handslag/handslag/dev/owner"
	"github.com/handslag/handslag/simulator/bankid"
)

// times are how long one attempt's parts took.
type times struct {
	start    time.Duration // the start call, until its launch tokens were here
	provider time.Duration // the simulator's own part of that
	shown    time.Duration // from the signature at the provider until our API showed it
	answered time.Duration // from the collect that brought it until our API showed it
}

// latency measures attempts one after the other.
func (b *Bench) latency(ctx context.Context) error {
	const attempts = 20
	var start, shown, answered []time.Duration
	for i := range attempts {
		// Spread over the pace of collecting, as people's hands are.
		_, t, err := b.one(ctx, time.Duration(i)*100*time.Millisecond)
		if err != nil {
			return err
		}
		start = append(start, t.start-t.provider)
		shown, answered = append(shown, t.shown), append(answered, t.answered)
	}
	fmt.Fprintf(b.Out, "Latency of %d attempts, one after the other, everything on this machine\n", attempts)
	for _, row := range []struct {
		what string
		took []time.Duration
	}{
		{"start call to launch tokens, minus the simulator's own time", start},
		{"signature complete at BankID to shown as signed by our API", shown},
		{"  of that, after the collect that brought it (BankID is asked each 2 s)", answered},
	} {
		slices.Sort(row.took)
		fmt.Fprintf(b.Out, "  %-72s p50 %6d ms   max %6d ms\n", row.what,
			row.took[len(row.took)/2].Milliseconds(), row.took[len(row.took)-1].Milliseconds())
	}
	return nil
}

// sign has a person sign, and measures it.
func (b *Bench) sign(ctx context.Context, collection owner.Collection, i int, p bankid.Person, open time.Duration) (times, error) {
	var t times
	participant := collection.Participants[i].ID
	began := time.Now()
	live, err := b.owner.Start(ctx, collection.ID, participant, "same-device")
	if err != nil {
		return t, fmt.Errorf("start an attempt: %w", err)
	}
	t.start = time.Since(began)
	t.provider = b.Installation.World.Served("sign", began).Took
	order, err := b.app.Open(ctx, p.PersonalNumber, live.Launch.DesktopLink)
	if err != nil {
		return t, fmt.Errorf("open the app: %w", err)
	}
	time.Sleep(open)
	if _, err := b.app.Sign(ctx, p.PersonalNumber, order.OrderRef); err != nil {
		return t, fmt.Errorf("sign: %w", err)
	}
	complete := time.Now()
	for deadline := complete.Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		now, err := b.owner.Collection(ctx, collection.ID)
		if err != nil {
			return t, fmt.Errorf("ask for the collection: %w", err)
		}
		switch now.Participants[i].State {
		case "signed":
			t.shown = time.Since(complete)
			t.answered = time.Since(b.Installation.World.Served("collect", complete).At)
			return t, nil
		case "ready":
			return t, fmt.Errorf("the attempt ended without a signature: %+v", now.Participants[i].Attempts)
		}
	}
	return t, errors.New("the signature was not shown within a minute")
}
