package storagetest

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/storage"
)

func newHolder(t *testing.T, w *world) signing.Holder {
	t.Helper()
	return signing.Holder{
		Tenant: w.tenant, Collection: newCollection(t),
		Participant: newID[signing.ParticipantID](t, signing.ParticipantPrefix), Attempt: newAttempt(t),
	}
}

// newRival is a holder of another tenant.
func newRival(t *testing.T, w *world) signing.Holder {
	t.Helper()
	h := newHolder(t, w)
	h.Tenant = signing.TenantID("rival-" + strings.TrimPrefix(string(h.Attempt), "att_"))
	return h
}

var personTests = map[string]func(*testing.T, *world){
	"held": func(t *testing.T, w *world) {
		n, h, other := number(t, tolvan), newHolder(t, w), newRival(t, w)
		require.NoError(t, w.store.LockPerson(w.ctx, n, h, at, at.Add(time.Minute)))
		require.NoError(t, w.store.LockPerson(w.ctx, n, h, at, at.Add(time.Minute)), "again")
		require.NoError(t, w.store.LockPerson(w.ctx, number(t, adaBy), other, at, at.Add(time.Minute)), "another person")

		// However long the other's order still has to live, the answer is the same.
		var told []string
		for _, later := range []time.Duration{0, 20 * time.Second, 59 * time.Second} {
			err := w.store.LockPerson(w.ctx, n, other, at.Add(later), at.Add(time.Hour))
			requireCode(t, fault.Conflict, "person_busy", err)
			require.ErrorIs(t, err, storage.ErrPersonBusy)
			f, _ := fault.As(err)
			require.Equal(t, 3*time.Minute, f.RetryAfter)
			for _, secret := range []string{string(h.Tenant), string(h.Collection), string(h.Participant), string(h.Attempt), tolvan} {
				require.NotContains(t, err.Error(), secret)
			}
			told = append(told, err.Error())
		}
		require.Equal(t, []string{told[0], told[0], told[0]}, told)
	},
	"replaced by the same participant": func(t *testing.T, w *world) {
		h := newHolder(t, w)
		second := h
		second.Attempt = newAttempt(t)
		replacePerson(t, w, h, second)
	},
	"replaced by another participant of the collection": func(t *testing.T, w *world) {
		h, second := newHolder(t, w), newHolder(t, w)
		second.Collection = h.Collection
		replacePerson(t, w, h, second)
	},
	"replaced in another collection of the tenant": func(t *testing.T, w *world) {
		replacePerson(t, w, newHolder(t, w), newHolder(t, w))
	},
	"expired": func(t *testing.T, w *world) {
		n, h, other := number(t, tolvan), newHolder(t, w), newRival(t, w)
		require.NoError(t, w.store.LockPerson(w.ctx, n, h, at, at.Add(time.Minute)))
		require.NoError(t, w.store.LockPerson(w.ctx, n, other, at.Add(time.Minute), at.Add(time.Hour)))
		requireCode(t, fault.Conflict, "person_busy", w.store.LockPerson(w.ctx, n, h, at.Add(2*time.Minute), at.Add(time.Hour)))
	},
	"unlocked": func(t *testing.T, w *world) {
		n, h, other := number(t, tolvan), newHolder(t, w), newRival(t, w)
		require.NoError(t, w.store.UnlockPerson(w.ctx, n, h.Attempt), "never locked")
		require.NoError(t, w.store.LockPerson(w.ctx, n, h, at, at.Add(time.Minute)))
		require.NoError(t, w.store.UnlockPerson(w.ctx, n, other.Attempt), "not the holder")
		requireCode(t, fault.Conflict, "person_busy", w.store.LockPerson(w.ctx, n, other, at, at.Add(time.Minute)))
		require.NoError(t, w.store.UnlockPerson(w.ctx, n, h.Attempt))
		require.NoError(t, w.store.UnlockPerson(w.ctx, n, h.Attempt), "again")
		require.NoError(t, w.store.LockPerson(w.ctx, n, other, at, at.Add(time.Minute)))
		require.NoError(t, w.store.UnlockPerson(w.ctx, n, h.Attempt), "late")
		requireCode(t, fault.Conflict, "person_busy", w.store.LockPerson(w.ctx, n, h, at, at.Add(time.Minute)))
	},
	"race for a free one": func(t *testing.T, w *world) { raceForPerson(t, w, at) },
	"race for an expired one": func(t *testing.T, w *world) {
		require.NoError(t, w.store.LockPerson(w.ctx, number(t, tolvan), newHolder(t, w), at.Add(-time.Hour), at))
		raceForPerson(t, w, at)
	},
	"no number": func(t *testing.T, w *world) {
		require.Error(t, w.store.LockPerson(w.ctx, signing.PersonalNumber{}, newHolder(t, w), at, at.Add(time.Minute)))
	},
}

// replacePerson lets a second attempt of the tenant take the lock of the first.
func replacePerson(t *testing.T, w *world, first, second signing.Holder) {
	t.Helper()
	n, rival := number(t, tolvan), newRival(t, w)
	require.NoError(t, w.store.LockPerson(w.ctx, n, first, at, at.Add(time.Minute)))
	require.NoError(t, w.store.LockPerson(w.ctx, n, second, at, at.Add(time.Hour)))
	require.NoError(t, w.store.UnlockPerson(w.ctx, n, first.Attempt), "not the holder any more")
	requireCode(t, fault.Conflict, "person_busy", w.store.LockPerson(w.ctx, n, rival, at.Add(2*time.Minute), at.Add(time.Hour)))
	require.NoError(t, w.store.UnlockPerson(w.ctx, n, second.Attempt))
	require.NoError(t, w.store.LockPerson(w.ctx, n, rival, at, at.Add(time.Hour)))
}

func raceForPerson(t *testing.T, w *world, now time.Time) {
	n := number(t, tolvan)
	holders := make([]signing.Holder, racers)
	for i := range holders {
		holders[i] = newRival(t, w)
	}
	errs := race(racers, func(i int) error { return w.store.LockPerson(w.ctx, n, holders[i], now, now.Add(time.Minute)) })
	winner := oneWinner(t, errs, fault.Conflict, "person_busy")
	require.NoError(t, w.store.LockPerson(w.ctx, n, holders[winner], now, now.Add(time.Minute)))
}
