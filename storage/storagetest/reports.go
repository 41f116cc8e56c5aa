package storagetest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/storage"
)

// newReport is one of a worker of the test's own.
func newReport(t *testing.T) storage.Report {
	t.Helper()
	return storage.Report{
		Worker: "w-" + strings.TrimPrefix(string(newAttempt(t)), "att_"), At: at,
		Accounts: []storage.AccountFinding{
			{Account: "acme-bankid", Provider: "bankid", State: "resting", Since: at, Code: "bankid_unreachable", LastSuccess: at.Add(-time.Hour)},
			{Account: "idkollen", Provider: "idkollen", State: "unknown"},
		},
	}
}

// reported returns what is told of these workers. Others may report meanwhile, of
// installations with other keys.
func reported(t *testing.T, w *world, s *storage.Store, workers ...string) []storage.Report {
	t.Helper()
	all, err := s.Reports(w.ctx)
	require.NoError(t, err)
	var mine []storage.Report
	for _, worker := range workers {
		for _, r := range all {
			if r.Worker == worker {
				mine = append(mine, r)
			}
		}
	}
	return mine
}

var reportTests = map[string]func(*testing.T, *world){
	"replaced and dropped": func(t *testing.T, w *world) {
		first, other := newReport(t), newReport(t)
		require.Empty(t, reported(t, w, w.store, first.Worker, other.Worker))
		require.NoError(t, w.store.PutReport(w.ctx, first))
		require.NoError(t, w.store.PutReport(w.ctx, first), "again")
		require.NoError(t, w.store.PutReport(w.ctx, other))
		require.Equal(t, []storage.Report{first, other}, reported(t, w, w.store, first.Worker, other.Worker))
		later := first
		later.At, later.Accounts = at.Add(time.Minute), []storage.AccountFinding{{Account: "acme-bankid", Provider: "bankid", State: "ok"}}
		require.NoError(t, w.store.PutReport(w.ctx, later))
		require.Equal(t, []storage.Report{later, other}, reported(t, w, w.store, first.Worker, other.Worker))
		require.NoError(t, w.store.DropReport(w.ctx, first.Worker))
		require.NoError(t, w.store.DropReport(w.ctx, first.Worker), "again")
		require.Equal(t, []storage.Report{other}, reported(t, w, w.store, first.Worker, other.Worker))
	},
	"encrypted": func(t *testing.T, w *world) {
		r := newReport(t)
		require.NoError(t, w.store.PutReport(w.ctx, r))
		require.False(t, bytes.Contains(w.stored(t, "h/"+r.Worker), []byte("acme-bankid")))
	},
	"of another installation": func(t *testing.T, w *world) {
		foreign, mine := newReport(t), newReport(t)
		require.NoError(t, newWorld(t, w.server).store.PutReport(w.ctx, foreign))
		require.NoError(t, w.store.PutReport(w.ctx, mine))
		require.Equal(t, []storage.Report{mine}, reported(t, w, w.store, mine.Worker, foreign.Worker), "it is not ours to read, and blinds nobody")
	},
	"race": func(t *testing.T, w *world) {
		r := newReport(t)
		errs := race(racers, func(i int) error {
			mine := r
			mine.At = at.Add(time.Duration(i) * time.Second)
			return w.store.PutReport(w.ctx, mine)
		})
		for _, err := range errs {
			require.NoError(t, err)
		}
		require.Len(t, reported(t, w, w.store, r.Worker), 1)
	},
	"names": func(t *testing.T, w *world) {
		for _, worker := range []string{"", "Ä", "a/b", "../a", strings.Repeat("a", 65)} {
			requireCode(t, fault.Invalid, "id_invalid", w.store.PutReport(w.ctx, storage.Report{Worker: worker}))
			requireCode(t, fault.Invalid, "id_invalid", w.store.DropReport(w.ctx, worker))
		}
	},
}
