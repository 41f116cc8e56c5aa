package storagetest

import (
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

var personTests = map[string]func(*testing.T, *world){
	"held": func(t *testing.T, w *world) {
		n, h, other := number(t, tolvan), newHolder(t, w), newHolder(t, w)
		other.Tenant += "x"
		require.NoError(t, w.store.LockPerson(w.ctx, n, h, at, at.Add(time.Minute)))
		require.NoError(t, w.store.LockPerson(w.ctx, n, h, at, at.Add(time.Minute)), "again")

		err := w.store.LockPerson(w.ctx, n, other, at.Add(20*time.Second), at.Add(time.Hour))
		requireCode(t, fault.Conflict, "person_busy", err)
		require.ErrorIs(t, err, storage.ErrPersonBusy)
		f, _ := fault.As(err)
		require.Equal(t, 40*time.Second, f.RetryAfter)
		for _, secret := range []string{string(h.Tenant), string(h.Collection), string(h.Participant), string(h.Attempt), tolvan} {
			require.NotContains(t, err.Error(), secret)
		}
		require.NoError(t, w.store.LockPerson(w.ctx, number(t, adaBy), other, at, at.Add(time.Minute)), "another person")
	},
	"replaced by the same participant": func(t *testing.T, w *world) {
		n, h, other := number(t, tolvan), newHolder(t, w), newHolder(t, w)
		require.NoError(t, w.store.LockPerson(w.ctx, n, h, at, at.Add(time.Minute)))
		second := h
		second.Attempt = newAttempt(t)
		require.NoError(t, w.store.LockPerson(w.ctx, n, second, at, at.Add(time.Hour)))
		require.NoError(t, w.store.UnlockPerson(w.ctx, n, h.Attempt), "not the holder any more")
		requireCode(t, fault.Conflict, "person_busy", w.store.LockPerson(w.ctx, n, other, at.Add(2*time.Minute), at.Add(time.Hour)))

		sibling := h
		sibling.Participant = other.Participant
		requireCode(t, fault.Conflict, "person_busy", w.store.LockPerson(w.ctx, n, sibling, at, at.Add(time.Hour)))
	},
	"expired": func(t *testing.T, w *world) {
		n, h, other := number(t, tolvan), newHolder(t, w), newHolder(t, w)
		require.NoError(t, w.store.LockPerson(w.ctx, n, h, at, at.Add(time.Minute)))
		require.NoError(t, w.store.LockPerson(w.ctx, n, other, at.Add(time.Minute), at.Add(time.Hour)))
		requireCode(t, fault.Conflict, "person_busy", w.store.LockPerson(w.ctx, n, h, at.Add(2*time.Minute), at.Add(time.Hour)))
	},
	"unlocked": func(t *testing.T, w *world) {
		n, h, other := number(t, tolvan), newHolder(t, w), newHolder(t, w)
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

func raceForPerson(t *testing.T, w *world, now time.Time) {
	n := number(t, tolvan)
	holders := make([]signing.Holder, racers)
	for i := range holders {
		holders[i] = newHolder(t, w)
	}
	errs := race(racers, func(i int) error { return w.store.LockPerson(w.ctx, n, holders[i], now, now.Add(time.Minute)) })
	winner := oneWinner(t, errs, fault.Conflict, "person_busy")
	require.NoError(t, w.store.LockPerson(w.ctx, n, holders[winner], now, now.Add(time.Minute)))
}
