package activities_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

// errStore is what a failing store says, whether or not it did the work.
var errStore = fault.New(fault.Unavailable, "storage_unavailable", "The store is down.")

// memory is a store with the contracts of needs.go that fails on demand: each
// effect can fail and not be persisted, or fail but be persisted.
type memory struct {
	mu        sync.Mutex
	spec      signing.Spec
	evidence  map[signing.EvidenceRef][]byte
	audit     map[int][]byte
	outcome   *signing.View
	holder    *signing.Holder
	revisions map[signing.RevisionRef]kept
	returned  map[signing.EvidenceRef][]byte
	lost      map[string]int // calls of an effect that fail and are not persisted
	cut       map[string]int // calls of an effect that fail but are persisted
	calls     map[string]int
	fail      struct { // one call that fails
		effect    string
		call      int
		persisted bool
	}
}

// failing has one call of an effect fail, the n-th from now on.
func (m *memory) failing(effect string, n int, persisted bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[effect] = 0
	m.fail.effect, m.fail.call, m.fail.persisted = effect, n, persisted
}

type kept struct {
	content []byte
	signing.Revision
}

func newMemory(spec signing.Spec) *memory {
	return &memory{
		spec: spec, evidence: map[signing.EvidenceRef][]byte{}, audit: map[int][]byte{},
		revisions: map[signing.RevisionRef]kept{}, returned: map[signing.EvidenceRef][]byte{}, lost: map[string]int{}, cut: map[string]int{}, calls: map[string]int{},
	}
}

// effect runs do as the effect of that name, unless it is to fail.
func (m *memory) effect(name string, do func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[name]++
	if m.lost[name] > 0 {
		m.lost[name]--
		return errStore
	}
	failing := m.fail.effect == name && m.fail.call == m.calls[name]
	if failing && !m.fail.persisted {
		return errStore
	}
	err := do()
	if failing {
		return errStore
	}
	if m.cut[name] > 0 {
		m.cut[name]--
		return errStore
	}
	return err
}

// tried is how often the effect of that name was asked for, while it may be.
func (m *memory) tried(name string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[name]
}

// lose has the next n calls of the effect of that name fail, not persisted.
func (m *memory) lose(name string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost[name] = n
}

func (m *memory) GetSpec(context.Context, signing.TenantID, signing.CollectionID) (signing.Spec, error) {
	return m.spec, nil
}

func (m *memory) PutEvidence(_ context.Context, ref signing.EvidenceRef, plain []byte) error {
	return m.effect("put "+ref.Name, func() error {
		if there, ok := m.evidence[ref]; ok && !bytes.Equal(there, plain) {
			return fault.New(fault.Corrupt, "stored_differs", "Other bytes are there.")
		}
		m.evidence[ref] = plain
		return nil
	})
}

func (m *memory) AdoptEvidence(_ context.Context, ref signing.EvidenceRef, made []byte) (piece []byte, adopted bool, err error) {
	err = m.effect("adopt "+ref.Name, func() error {
		if piece, adopted = m.evidence[ref]; !adopted {
			piece = made
			m.evidence[ref] = made
		}
		return nil
	})
	return piece, adopted, err
}

func (m *memory) GetEvidence(_ context.Context, ref signing.EvidenceRef) (piece []byte, err error) {
	err = m.effect("get "+ref.Name, func() error {
		var ok bool
		if piece, ok = m.evidence[ref]; !ok {
			return fault.New(fault.NotFound, "evidence_not_found", "There is none.")
		}
		return nil
	})
	return piece, err
}

func (m *memory) LockPerson(_ context.Context, _ signing.PersonalNumber, h signing.Holder, _, _ time.Time) error {
	return m.effect("lock", func() error {
		if m.holder != nil && m.holder.Tenant != h.Tenant {
			return fault.New(fault.Conflict, "person_busy", "Busy.").After(time.Minute)
		}
		m.holder = &h
		return nil
	})
}

func (m *memory) UnlockPerson(_ context.Context, _ signing.PersonalNumber, attempt signing.AttemptID) error {
	return m.effect("unlock", func() error {
		if m.holder != nil && m.holder.Attempt == attempt {
			m.holder = nil
		}
		return nil
	})
}

func (m *memory) PutAudit(_ context.Context, _ signing.TenantID, _ signing.CollectionID, first int, lines []byte) error {
	return m.effect("put audit", func() error {
		if there, ok := m.audit[first]; ok && !bytes.Equal(there, lines) {
			return fault.New(fault.Corrupt, "stored_differs", "Other bytes are there.")
		}
		m.audit[first] = lines
		return nil
	})
}

func (m *memory) PutOutcome(_ context.Context, v signing.View) error {
	return m.effect("put outcome", func() error {
		m.outcome = &v
		return nil
	})
}

var errNoRevision = fault.New(fault.NotFound, "revision_not_found", "There is none.")

func (m *memory) Revision(_ context.Context, ref signing.RevisionRef) (r signing.Revision, err error) {
	err = m.effect("describe revision", func() error {
		k, ok := m.revisions[ref]
		if !ok {
			return errNoRevision
		}
		r = k.Revision
		return nil
	})
	return r, err
}

func (m *memory) OpenRevision(_ context.Context, ref signing.RevisionRef) (b activities.Bytes, err error) {
	err = m.effect("open revision", func() error {
		k, ok := m.revisions[ref]
		if !ok {
			return errNoRevision
		}
		b = bytes.NewReader(k.content)
		return nil
	})
	return b, err
}

func (m *memory) PutRevision(_ context.Context, ref, from signing.RevisionRef, tail []byte, made signing.Revision) error {
	return m.effect("put revision", func() error {
		base, ok := m.revisions[from]
		switch {
		case !ok:
			return errNoRevision
		case m.revisions[ref].content != nil:
			return fault.New(fault.Conflict, "revision_exists", "It is there.")
		}
		m.revisions[ref] = kept{append(bytes.Clone(base.content), tail...), made}
		if int64(len(m.revisions[ref].content)) != made.Length {
			return errors.New("the length is wrong")
		}
		return nil
	})
}

func (m *memory) PutEvidencePDF(_ context.Context, ref signing.RevisionRef, content []byte, made signing.Revision) error {
	return m.effect("put evidence PDF", func() error {
		if m.revisions[ref].content != nil {
			return fault.New(fault.Conflict, "revision_exists", "It is there.")
		}
		m.revisions[ref] = kept{content, made}
		return nil
	})
}

func (m *memory) KeepReturned(_ context.Context, ref signing.EvidenceRef, content []byte) (digest signing.Digest, err error) {
	err = m.effect("keep "+ref.Name, func() error {
		if m.returned[ref] == nil {
			m.returned[ref] = bytes.Clone(content)
		}
		digest = signing.DigestOf(m.returned[ref])
		return nil
	})
	return digest, err
}

var (
	_ activities.Specs     = (*memory)(nil)
	_ activities.Evidence  = (*memory)(nil)
	_ activities.Persons   = (*memory)(nil)
	_ activities.Keeper    = (*memory)(nil)
	_ activities.Revisions = (*memory)(nil)
	_ activities.Returned  = (*memory)(nil)
)
