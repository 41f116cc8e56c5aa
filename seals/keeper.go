package seals

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

// Keeper holds the seals of an installation. It is safe for concurrent use.
type Keeper struct {
	settings func() (Settings, error)
	options  Options

	reloading sync.Mutex // held by the one Reload that runs

	mu      sync.RWMutex
	current *set // never changed, only replaced

	// What the last Reload did not take, and whether time alone does not mend it.
	// The holder of reloading owns them.
	refused [sha256.Size]byte
	final   bool
}

// set is what one loading of the settings gave.
type set struct {
	settings Settings
	seals    map[string]*loaded
}

// loaded is one seal, or why it cannot be used now.
type loaded struct {
	mark  [sha256.Size]byte
	chain []*x509.Certificate // nil when not even that could be read
	seal  *Seal               // nil when err is not
	err   error               // of kind Unavailable
}

// CodeExpired is the fault of a seal whose chain is not valid now.
const CodeExpired = "seal_expired"

var (
	errMissing = fault.New(fault.Unavailable, "seal_missing", "The installation has no seal for this tenant.")
	errExpired = fault.New(fault.Unavailable, CodeExpired, "The certificate of the seal is not valid now.")
)

// Open loads the seals. settings is asked again at each [Keeper.Reload]. It fails
// with the fault seal_settings when anything is wrong that time does not mend, and
// when not one seal can be used. A seal whose certificate has expired, or whose
// key cannot be reached, stops nobody else's: see [Keeper.Terms].
func Open(ctx context.Context, settings func() (Settings, error), o Options) (*Keeper, error) {
	k := &Keeper{settings: settings, options: o, current: &set{}}
	if _, err := k.reload(ctx, true); err != nil {
		return nil, err
	}
	var all []error
	for _, t := range k.Terms() {
		if t.Err == nil {
			return k, nil
		}
		all = append(all, fmt.Errorf("seal %q: %w", t.Seal, t.Err))
	}
	k.Close()
	return nil, fmt.Errorf("no seal can be used: %w", errors.Join(all...))
}

// Seal returns what seals for a tenant now. Its faults are all of kind
// Unavailable: seal_missing, seal_expired, and why the key cannot be reached.
func (k *Keeper) Seal(tenant signing.TenantID) (Seal, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	name, ok := k.current.settings.Tenants[tenant]
	if !ok {
		name = k.current.settings.Default
	}
	l, ok := k.current.seals[name]
	if !ok {
		return Seal{}, errMissing
	}
	if err := l.usable(k.options.Clock()); err != nil {
		return Seal{}, err
	}
	return *l.seal, nil
}

// usable says why a seal cannot be used now, if it cannot.
func (l *loaded) usable(now time.Time) error {
	if l.err != nil {
		return l.err
	}
	return valid(l.chain, now)
}

func valid(chain []*x509.Certificate, now time.Time) error {
	from, until := validity(chain)
	switch {
	case now.Before(from):
		return errExpired.Because(fmt.Errorf("the certificate or its chain is valid from %s", from.UTC().Format(time.RFC3339)))
	case now.After(until):
		return errExpired.Because(fmt.Errorf("the certificate or its chain expired on %s", until.UTC().Format(time.RFC3339)))
	}
	return nil
}

// Reload takes over the settings and files as they are now, and reports whether
// anything was different. When anything is wrong it keeps all that it has and
// says what: once, and again only when the files have changed again. With force it
// loads every seal anew, as after a secret in the environment's place has changed.
func (k *Keeper) Reload(ctx context.Context, force bool) (changed bool, err error) {
	return k.reload(ctx, force)
}

func (k *Keeper) reload(ctx context.Context, force bool) (bool, error) {
	k.reloading.Lock()
	defer k.reloading.Unlock()
	k.mu.RLock()
	old := k.current
	k.mu.RUnlock()

	settings, err := k.settings()
	if err == nil {
		err = settings.check()
	}
	if err != nil {
		return false, k.refuse(sha256.Sum256([]byte(err.Error())), force, err)
	}
	mark, err := settings.fingerprint()
	if err != nil {
		return false, err
	}
	if k.refused == mark && k.final && !force {
		return false, nil // it would be refused again, and a module counts wrong PINs
	}
	fresh, changed, err := k.load(ctx, settings, old, force)
	if err != nil {
		return false, k.refuse(mark, force, err)
	}
	k.refused = [sha256.Size]byte{}
	if !changed {
		return false, nil
	}
	k.mu.Lock()
	k.current = fresh
	k.mu.Unlock()
	discard(old, fresh)
	return true, nil
}

// refuse remembers what was not taken, and returns why: once, unless somebody asks.
func (k *Keeper) refuse(mark [sha256.Size]byte, force bool, err error) error {
	known := k.refused == mark
	k.refused, k.final = mark, fault.KindOf(err) != fault.Unavailable
	switch {
	case known && !force:
		return nil
	case fault.CodeOf(err) == errSettings.Code:
		return err
	}
	return errSettings.Because(err)
}

// load loads what differs from old, and keeps the rest with its sessions.
func (k *Keeper) load(ctx context.Context, s Settings, old *set, force bool) (fresh *set, changed bool, err error) {
	fresh = &set{settings: s, seals: map[string]*loaded{}}
	changed = force || s.Default != old.settings.Default || !maps.Equal(s.Tenants, old.settings.Tenants) || len(s.Seals) != len(old.seals)
	for _, name := range slices.Sorted(maps.Keys(s.Seals)) {
		settings := s.Seals[name]
		mark, err := settings.fingerprint()
		if err != nil {
			discard(fresh, old)
			return nil, false, err
		}
		before := old.seals[name]
		same := before != nil && before.mark == mark && !force
		if same && before.err == nil {
			fresh.seals[name] = before
			continue
		}
		seal, err := settings.load(ctx, name, k.options)
		if err != nil && (fault.KindOf(err) != fault.Unavailable || before != nil && before.err == nil) {
			discard(fresh, old)
			return nil, false, fmt.Errorf("seal %q: %w", name, err)
		}
		if same && err != nil { // it is as far away as it was
			fresh.seals[name] = before
			continue
		}
		l := &loaded{mark: mark, seal: seal, err: err}
		if err == nil {
			l.chain = seal.Chain
		} else if chain, e := settings.Key.certificates(k.options); e == nil {
			l.chain = chain
		}
		fresh.seals[name], changed = l, true
	}
	return fresh, changed, nil
}

// discard ends what gone has and kept has not.
func discard(gone, kept *set) {
	for _, l := range gone.seals {
		if l.seal == nil {
			continue
		}
		used := false
		for _, other := range kept.seals {
			used = used || other == l
		}
		if !used {
			closeKey(l.seal.Key)
		}
	}
}

// Close ends the sessions that keys have. No seal can be used after it.
func (k *Keeper) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	discard(k.current, &set{})
	k.current = &set{}
}

// fingerprint changes when the settings or a file that they name do.
func (s *Settings) fingerprint() ([sha256.Size]byte, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %v\n", s.Default, s.Tenants) // fmt prints maps in the order of their keys
	for _, name := range slices.Sorted(maps.Keys(s.Seals)) {
		seal := s.Seals[name]
		mark, err := seal.fingerprint()
		if err != nil {
			return [sha256.Size]byte{}, err
		}
		fmt.Fprintf(h, "%q %x\n", name, mark)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
