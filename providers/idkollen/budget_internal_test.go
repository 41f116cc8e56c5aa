package idkollen

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whoever asks, and however long the answers take: between two calls of which
// one was answered there is the whole interval, and whoever waits as long as
// told gets the turn.
func TestBudgetKeepsThePace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1e9, 0)
		perAccount := rapid.Bool().Draw(t, "per account")
		b := &budget{every: time.Second, perAccount: perAccount, clock: func() time.Time { return now }, asked: map[string]time.Time{}}
		ends := map[string]time.Time{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 700).Draw(t, "ms")) * time.Millisecond)
			id := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "id")
			key := id
			if perAccount {
				key = "all"
			}
			wait := b.take(id)
			if last, asked := ends[key]; asked && now.Sub(last) < time.Second {
				require.Equal(t, time.Second-now.Sub(last), wait)
				continue
			}
			require.Zero(t, wait)
			now = now.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "answer, ms")) * time.Millisecond)
			b.answered(id)
			ends[key] = now
		}
	})
}

func TestBudgetForgets(t *testing.T) {
	now := time.Unix(1e9, 0)
	b := &budget{every: time.Second, clock: func() time.Time { return now }, asked: map[string]time.Time{}}
	for i := range 10_000 {
		now = now.Add(time.Millisecond)
		id := string(rune('a'+i%26)) + time.Duration(i).String()
		require.Zero(t, b.take(id))
		b.answered(id)
	}
	require.Less(t, len(b.asked), 2_100)
}
