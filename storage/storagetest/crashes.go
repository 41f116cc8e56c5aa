package storagetest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/storage"
)

// step is one effect on the store, prepared so that it can be done any number of
// times. There reports what a reader sees.
type step struct {
	do    func(*storage.Store) error
	there func(*storage.Store) (bool, error)
}

// found turns what a getter returned into whether the thing is there.
func found(err error) (bool, error) {
	if fault.KindOf(err) == fault.NotFound || fault.KindOf(err) == fault.Unauthenticated {
		return false, nil
	}
	return err == nil, err
}

// steps prepares each effect of the store.
var steps = map[string]func(*testing.T, *world) step{
	"upload": func(t *testing.T, w *world) step {
		b := random(t, 1000)
		u := uploadOf(t, newDocument(t), b)
		return step{
			func(s *storage.Store) error { return s.PutUpload(w.ctx, w.tenant, u, bytes.NewReader(b)) },
			func(s *storage.Store) (bool, error) {
				_, err := s.GetUpload(w.ctx, w.tenant, u.ID)
				return found(err)
			},
		}
	},
	"small revision": func(t *testing.T, w *world) step { return revisionStep(t, w, 1000) },
	"large revision": func(t *testing.T, w *world) step { return revisionStep(t, w, large) },
	"evidence PDF": func(t *testing.T, w *world) step {
		ref := newEvidencePDF(t, w)
		b := random(t, 2000)
		made := describe(t, b)
		return step{
			func(s *storage.Store) error { return s.PutEvidencePDF(w.ctx, ref, b, made) },
			func(s *storage.Store) (bool, error) {
				_, err := s.Revision(w.ctx, ref)
				return found(err)
			},
		}
	},
	"given evidence": func(t *testing.T, w *world) step {
		ref := newEvidence(t, w)
		return step{
			func(s *storage.Store) error { return s.PutEvidence(w.ctx, ref, []byte("given")) },
			func(s *storage.Store) (bool, error) {
				_, err := s.GetEvidence(w.ctx, ref)
				return found(err)
			},
		}
	},
	"made evidence": func(t *testing.T, w *world) step {
		ref := newEvidence(t, w)
		made, first := 0, ""
		return step{
			func(s *storage.Store) error {
				made++ // each try makes something else
				_, _, err := s.AdoptEvidence(w.ctx, ref, fmt.Appendf(nil, "made %d", made))
				return err
			},
			func(s *storage.Store) (bool, error) {
				b, err := s.GetEvidence(w.ctx, ref)
				if err == nil && first == "" {
					first = string(b)
				}
				if err == nil && string(b) != first {
					return false, fmt.Errorf("%q became %q", first, b)
				}
				return found(err)
			},
		}
	},
	"spec": func(t *testing.T, w *world) step {
		spec := newSpec(t, w)
		return step{
			func(s *storage.Store) error { return s.PutSpec(w.ctx, spec) },
			func(s *storage.Store) (bool, error) {
				_, err := s.GetSpec(w.ctx, w.tenant, spec.ID)
				return found(err)
			},
		}
	},
	"outcome": func(t *testing.T, w *world) step {
		v := signing.View{ID: newCollection(t), Tenant: w.tenant}
		return step{
			func(s *storage.Store) error { return s.PutOutcome(w.ctx, v) },
			func(s *storage.Store) (bool, error) {
				_, err := s.GetOutcome(w.ctx, w.tenant, v.ID)
				return found(err)
			},
		}
	},
	"audit": func(t *testing.T, w *world) step {
		id := newCollection(t)
		return step{
			func(s *storage.Store) error { return s.PutAudit(w.ctx, w.tenant, id, 1, line(1)) },
			func(s *storage.Store) (bool, error) {
				b, err := s.Audit(w.ctx, w.tenant, id)
				return len(b) > 0, err
			},
		}
	},
	"claim": func(t *testing.T, w *world) step {
		return step{do: func(s *storage.Store) error {
			got, err := s.Claim(w.ctx, w.tenant, "key", signing.Digest{}, "resource")
			if err == nil && got != "resource" {
				return fmt.Errorf("claimed %q", got)
			}
			return err
		}}
	},
	"link": func(t *testing.T, w *world) step {
		token := signing.Digest(random(t, 32))
		l := storage.Link{Tenant: w.tenant, ExpiresAt: at}
		return step{
			func(s *storage.Store) error { return s.PutLink(w.ctx, token, l) },
			func(s *storage.Store) (bool, error) {
				_, err := s.GetLink(w.ctx, token, at.Add(-1))
				return found(err)
			},
		}
	},
	"report": func(t *testing.T, w *world) step {
		r := newReport(t)
		return step{
			func(s *storage.Store) error { return s.PutReport(w.ctx, r) },
			func(s *storage.Store) (bool, error) {
				all, err := s.Reports(w.ctx)
				return slices.ContainsFunc(all, func(x storage.Report) bool { return x.Worker == r.Worker }), err
			},
		}
	},
	"order": func(t *testing.T, w *world) step {
		h := newHolder(t, w)
		return step{
			func(s *storage.Store) error {
				return s.PutOrder(w.ctx, signing.AccountRef{Provider: "signicat", Account: "house"}, "order-1", h)
			},
			func(s *storage.Store) (bool, error) {
				_, err := s.FindOrder(w.ctx, signing.AccountRef{Provider: "signicat", Account: "house"}, "order-1")
				return found(err)
			},
		}
	},
	"lock of a free person": func(t *testing.T, w *world) step { return lockStep(t, w) },
	"lock of an expired one": func(t *testing.T, w *world) step {
		require.NoError(t, w.store.LockPerson(w.ctx, number(t, tolvan), newHolder(t, w), at.Add(-time.Hour), at))
		return lockStep(t, w)
	},
	"unlock": func(t *testing.T, w *world) step {
		n, h, other := number(t, tolvan), newHolder(t, w), newRival(t, w)
		// Each preparation is for a world of its own ring, so the number is free.
		require.NoError(t, w.store.LockPerson(w.ctx, n, h, at, at.Add(time.Minute)))
		return step{
			func(s *storage.Store) error { return s.UnlockPerson(w.ctx, n, h.Attempt) },
			func(s *storage.Store) (bool, error) {
				err := s.LockPerson(w.ctx, n, other, at, at.Add(1))
				return err == nil, busyIsNone(err)
			},
		}
	},
}

func revisionStep(t *testing.T, w *world, length int) step {
	t.Helper()
	b := random(t, length)
	from := w.upload(t, b)
	ref, tail := next(from, newCollection(t), 1), random(t, 500)
	made := describe(t, append(b, tail...))
	return step{
		func(s *storage.Store) error { return s.PutRevision(w.ctx, ref, from, tail, made) },
		func(s *storage.Store) (bool, error) {
			got, err := s.Revision(w.ctx, ref)
			if err == nil && got.Digest != made.Digest {
				err = fmt.Errorf("another revision is there")
			}
			return found(err)
		},
	}
}

func lockStep(t *testing.T, w *world) step {
	t.Helper()
	n, h, other := number(t, tolvan), newHolder(t, w), newRival(t, w)
	return step{do: func(s *storage.Store) error {
		if err := s.LockPerson(w.ctx, n, h, at, at.Add(time.Minute)); err != nil {
			return err
		}
		if err := s.LockPerson(w.ctx, n, other, at, at.Add(time.Minute)); fault.CodeOf(err) != "person_busy" {
			return fmt.Errorf("another took the lock: %w", err)
		}
		return nil
	}}
}

func busyIsNone(err error) error {
	if fault.CodeOf(err) == "person_busy" {
		return nil
	}
	return err
}

// crashTests break each write of each effect on either side of the server.
var crashTests = func() map[string]func(*testing.T, *world) {
	tests := map[string]func(*testing.T, *world){"repeated by the client itself": repeatedByClient}
	for name, prepare := range steps {
		for _, do := range []effect{cutBefore, cutAfter} {
			tests[name+", "+do.String()] = func(t *testing.T, w *world) { breakEachWrite(t, w, prepare, do) }
		}
	}
	return tests
}()

// mostWrites is how many writes of an effect repeatedByClient breaks.
const mostWrites = 5

// repeatedByClient loses one answer to each effect and lets the client repeat
// the request: what the first request did must not be taken for another's. All
// wait for their repetition at the same time.
func repeatedByClient(t *testing.T, w *world) {
	type broken struct {
		step
		name    string
		write   int
		w       *world
		patient *storage.Store
	}
	var all []broken
	for name, prepare := range steps {
		for write := range mostWrites {
			w := newWorld(t, w.server)
			all = append(all, broken{prepare(t, w), name, write, w, w.open(t, 4)})
			w.wire.strike(isWrite, cutAfter, write, 1)
		}
	}
	for i, err := range race(len(all), func(i int) error { return all[i].do(all[i].patient) }) {
		require.NoError(t, err, "%s, write %d", all[i].name, all[i].write)
		if struck := all[i].w.wire.heal(); all[i].write == 0 {
			require.Equal(t, 1, struck, all[i].name)
		}
		all[i].requireThere(t, all[i].w.store)
	}
}

// breakEachWrite does the effect with its first write broken, then anew with its
// second, until no write is left to break. Each time the caller hears that the
// store is unavailable, and the same call again heals everything.
func breakEachWrite(t *testing.T, w *world, prepare func(*testing.T, *world) step, do effect) {
	t.Helper()
	for n := 0; ; n++ {
		w.config.Ring = newRing(t)
		w.store = w.open(t, 1)
		s := prepare(t, w)
		w.wire.strike(isWrite, do, n, 1)
		err := s.do(w.store)
		if w.wire.heal() == 0 {
			require.NoError(t, err)
			require.Positive(t, n, "the effect wrote nothing")
			return
		}
		requireCode(t, fault.Unavailable, "storage_unavailable", err)
		if do == cutBefore && n == 0 && s.there != nil {
			there, err := s.there(w.store)
			require.NoError(t, err)
			require.False(t, there, "nothing was done, so nothing is there")
		}
		require.NoError(t, s.do(w.store), "write %d, again", n)
		require.NoError(t, s.do(w.store), "write %d, and once more", n)
		s.requireThere(t, w.store)
	}
}

func (s step) requireThere(t *testing.T, store *storage.Store) {
	t.Helper()
	if s.there == nil {
		return
	}
	there, err := s.there(store)
	require.NoError(t, err)
	require.True(t, there)
}
