package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

// swaps is how often a compare-and-swap is tried when others change the record.
// Each failure means that another one succeeded.
const swaps = 8

// busyPause is how long whoever finds a person taken is asked to wait: the life of
// a BankID order. It is the same for every lock, since how long another tenant's
// order still has to live would tell when it began.
const busyPause = 3 * time.Minute

// ErrPersonBusy is what LockPerson returns while another tenant holds the lock.
// It says what BankID itself tells whoever asks at the same time (RFA4), and
// nothing about the other: who else asks this person to sign is nobody's business.
var ErrPersonBusy = fault.New(fault.Conflict, "person_busy",
	"An identification or signing for this person is already started. Try again in a few minutes.").After(busyPause)

// lock is the record of a person lock. Released, it is the zero lock: an object
// that is deleted could not be changed by compare-and-swap everywhere.
type lock struct {
	Tenant      signing.TenantID      `json:"tenant,omitempty"`
	Collection  signing.CollectionID  `json:"collection,omitempty"`
	Participant signing.ParticipantID `json:"participant,omitempty"`
	Attempt     signing.AttemptID     `json:"attempt,omitempty"`
	Until       time.Time             `json:"until,omitzero"`
}

// LockPerson takes the lock of a person until a time, for all tenants of the
// installation: a provider cancels a person's order when another begins, so two
// must not be live at once. A lock that has expired at now is taken over. So is
// one of the same tenant, whatever it is for: its person begins anew, and the
// older order ends at the provider as superseded. While another tenant holds the
// lock, the error is [ErrPersonBusy]. Repeated by its holder it succeeds.
func (s *Store) LockPerson(ctx context.Context, n signing.PersonalNumber, h signing.Holder, now, until time.Time) error {
	if err := checkHolder(h); err != nil {
		return err
	}
	if n.IsZero() {
		return errRefused.Because(fmt.Errorf("lock person: there is no number"))
	}
	wanted := lock{h.Tenant, h.Collection, h.Participant, h.Attempt, until.UTC().Round(0)} // as it is read back
	return s.swapLock(ctx, n, func(held lock) (lock, bool, error) {
		if held.Until.After(now) && held.Tenant != wanted.Tenant {
			return lock{}, false, ErrPersonBusy
		}
		return wanted, wanted != held, nil
	})
}

// UnlockPerson gives the lock back if the attempt holds it, and does nothing
// otherwise.
func (s *Store) UnlockPerson(ctx context.Context, n signing.PersonalNumber, attempt signing.AttemptID) error {
	return s.swapLock(ctx, n, func(held lock) (lock, bool, error) {
		return lock{}, held.Attempt == attempt && attempt != "", nil
	})
}

func checkHolder(h signing.Holder) error {
	if _, err := collectionKey(h.Tenant, h.Collection); err != nil {
		return err
	}
	if !signing.ValidID(signing.ParticipantPrefix, string(h.Participant)) {
		return errID.In("participant", "invalid", "The participant's id is not valid.")
	}
	if !signing.ValidID(signing.AttemptPrefix, string(h.Attempt)) {
		return errID.In("attempt", "invalid", "The attempt's id is not valid.")
	}
	return nil
}

// swapLock changes a person's lock as decide says, which sees the zero lock when
// there is none. It starts over when another changes the lock meanwhile, or when
// the answer to its own change was lost; decide then sees its own lock.
func (s *Store) swapLock(ctx context.Context, n signing.PersonalNumber, decide func(held lock) (wanted lock, change bool, err error)) error {
	key := "p/" + s.hashed(purposePerson, n.Reveal())
	var err error
	for range swaps {
		var held lock
		var etag string
		held, etag, err = s.readLock(ctx, key)
		if err != nil {
			return err
		}
		wanted, change, decided := decide(held)
		if decided != nil || !change {
			return decided
		}
		err = s.writeLock(ctx, key, etag, wanted)
		if !isExists(err) && !isMissing(err) {
			return err
		}
	}
	return outward(err)
}

// readLock returns the lock and its ETag, which is empty when there is none.
func (s *Store) readLock(ctx context.Context, key string) (lock, string, error) {
	plain, etag, err := s.readSealed(ctx, key)
	if isMissing(err) {
		return lock{}, "", nil
	}
	if err != nil {
		return lock{}, "", err
	}
	held, err := decode[lock](key, plain)
	return held, etag, err
}

func (s *Store) writeLock(ctx context.Context, key, etag string, l lock) error {
	plain, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	if etag == "" {
		return s.createSealed(ctx, key, plain)
	}
	sealed, err := s.ring.Seal(plain, key)
	if err != nil {
		return fmt.Errorf("encrypt %s: %w", key, err)
	}
	return s.replace(ctx, key, etag, sealed)
}
