package idkollen

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whoever asks, whenever, and however long the answers take: no call comes
// sooner than the interval after the answer to the one before.
func TestBudgetKeepsThePace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1e9, 0)
		perAccount := rapid.Bool().Draw(t, "per account")
		b := newBudget(time.Second, perAccount, func() time.Time { return now })
		ends := map[string]time.Time{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 700).Draw(t, "ms")) * time.Millisecond)
			id := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "id")
			key := id
			if perAccount {
				key = "all"
			}
			last, asked := ends[key]
			wait := b.take(id)
			if asked && now.Sub(last) < time.Second {
				require.GreaterOrEqual(t, wait, time.Second-now.Sub(last))
			} else if !perAccount || !asked {
				require.Zero(t, wait, "nobody was before")
			}
			if wait > 0 {
				require.LessOrEqual(t, wait, 6*time.Second, "there are three orders")
				continue
			}
			now = now.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "answer, ms")) * time.Millisecond)
			b.answered(id)
			ends[key] = now
		}
	})
}

// Thirty orders of one account, each asking again when it was told to, and two
// seconds after an answer: all of them get their share, and the pace is used.
func TestBudgetIsFair(t *testing.T) {
	const orders = 30
	start := time.Unix(1e9, 0)
	now := start
	b := newBudget(time.Second, true, func() time.Time { return now })
	due, served := [orders]time.Time{}, [orders]int{}
	for i := range due {
		due[i] = now.Add(time.Duration(i) * time.Millisecond)
	}
	for now.Sub(start) < 10*time.Minute {
		first := 0
		for i := range due {
			if due[i].Before(due[first]) {
				first = i
			}
		}
		now = later(now, due[first])
		if wait := b.take(strconv.Itoa(first)); wait > 0 {
			due[first] = now.Add(wait)
			continue
		}
		now = now.Add(100 * time.Millisecond)
		b.answered(strconv.Itoa(first))
		served[first]++
		due[first] = now.Add(2 * time.Second)
	}
	least, all := served[0], 0
	for _, n := range served {
		least, all = min(least, n), all+n
	}
	require.Greater(t, all, 450, "of some 545 that fit")
	require.GreaterOrEqual(t, least, all/orders-2, "%v", served)
}

// A turn that nobody comes for holds up nobody for long.
func TestBudgetForgets(t *testing.T) {
	now := time.Unix(1e9, 0)
	for _, perAccount := range []bool{false, true} {
		b := newBudget(time.Second, perAccount, func() time.Time { return now })
		for i := range 5_000 {
			now = now.Add(time.Millisecond)
			if id := strconv.Itoa(i); b.take(id) == 0 {
				b.answered(id)
			}
			if i%100 == 0 {
				now = now.Add(2 * time.Minute)
			}
		}
		now = now.Add(10 * time.Minute)
		require.Zero(t, b.take("last"))
		b.answered("last")
		require.Len(t, b.asked, 1)
		require.Empty(t, b.turns)
	}
}
