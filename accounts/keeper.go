package accounts

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/settings"
	"github.com/handslag/handslag/signing"
)

// Keeper holds the accounts of an installation. It is safe for concurrent use.
type Keeper struct {
	settings func() (Settings, error)
	options  Options
	changed  chan struct{} // holds an element when a condition has changed

	reloading sync.Mutex        // held by the one Reload that runs
	refused   [sha256.Size]byte // what the last Reload did not take; guarded by reloading

	mu       sync.RWMutex
	current  *set                // never changed, only replaced; guarded by mu
	departed map[place]departure // guarded by mu
}

// set is what one loading of the settings gave.
type set struct {
	settings Settings
	accounts map[string]*account
	fallback use
	tenants  map[signing.TenantID]use
}

// use is what serves a tenant: accounts by provider, and routes.
type use struct {
	accounts map[string]*account
	routes   map[signing.Method][]*account
}

// account is one account, loaded.
type account struct {
	name, provider string
	settings       AccountSettings
	mark           [sha256.Size]byte
	adapter        adapter
	chain          []*x509.Certificate // of the client certificate, if there is one
	watch          *watch
	pace           *pace
}

// place is how an order remembers its account.
type place struct{ provider, account string }

// departure is an account that has left the settings, and until when it is kept.
type departure struct {
	*account
	until time.Time
}

// keepFor is longer than any order lives, with the time in which its answer is
// still asked for.
const keepFor = 45 * time.Minute

// CodeExpired is the fault of an account whose certificate is not valid now.
const CodeExpired = "account_expired"

var (
	// Forbidden says that the next provider of a route may make the order: this one
	// was taken out of the settings after the collection was created.
	errNone = fault.New(fault.Forbidden, "provider_unknown", "The installation has no account at that provider.")
	errGone = fault.New(fault.Unavailable, "account_gone",
		"The account that the order was made at is not in the settings any more.").After(time.Minute)
	errExpired = fault.New(fault.Unavailable, CodeExpired, "The certificate of the provider's account is not valid now.")
)

// Open loads the accounts. settings is asked again at each [Keeper.Reload]. It
// fails with the fault accounts_settings when anything is wrong that time does not
// mend. An account whose certificate has expired stops nobody else's: see
// [Keeper.Terms].
func Open(settings func() (Settings, error), o Options) (*Keeper, error) {
	k := &Keeper{
		settings: settings, options: o, changed: make(chan struct{}, 1),
		current: &set{}, departed: map[place]departure{},
	}
	if _, err := k.Reload(true); err != nil {
		return nil, err
	}
	return k, nil
}

// Account is one account at a provider.
type Account struct {
	ID string // its name in the settings
	providers.Provider
}

// Provider returns the account of that name at the provider, or, where it is
// empty, the one that serves the tenant now. Its faults are provider_unknown
// (Forbidden), and account_gone and account_expired (Unavailable). An account that
// is asked for by its name is returned though its certificate has expired: there
// may be an order, and the provider decides.
func (k *Keeper) Provider(tenant signing.TenantID, provider, name string) (Account, error) {
	a, err := k.find(tenant, provider, name)
	if err != nil {
		return Account{}, err
	}
	return Account{ID: a.name, Provider: a.adapter}, nil
}

func (k *Keeper) find(tenant signing.TenantID, provider, name string) (*account, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if name == "" {
		a, ok := k.current.use(tenant).accounts[provider]
		if !ok {
			return nil, errNone.From(provider, "")
		}
		return a, a.usable(k.options.Clock())
	}
	if a, ok := k.current.accounts[name]; ok && a.provider == provider {
		return a, nil
	}
	if d, ok := k.departed[place{provider, name}]; ok && k.options.Clock().Before(d.until) {
		return d.account, nil
	}
	return nil, errGone.From(provider, "")
}

func (s *set) use(tenant signing.TenantID) use {
	if u, ok := s.tenants[tenant]; ok {
		return u
	}
	return s.fallback
}

// Reload takes over the settings and files as they are now, and reports whether
// anything was different. When anything is wrong it keeps all that it has and
// says what: once, and again only when something has changed again. With force it
// makes every account anew, as after a secret in the environment's place has
// changed; they are then as if nothing had failed.
func (k *Keeper) Reload(force bool) (changed bool, err error) {
	k.reloading.Lock()
	defer k.reloading.Unlock()
	k.mu.RLock()
	old := k.current
	k.mu.RUnlock()

	s, err := k.settings()
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return false, k.refuse(sha256.Sum256([]byte(err.Error())), force, err)
	}
	mark, err := s.fingerprint()
	if err != nil {
		return false, err
	}
	if k.refused == mark && !force {
		return false, nil // it would be refused again
	}
	fresh, changed, err := k.load(s, old, force)
	if err != nil {
		return false, k.refuse(mark, force, err)
	}
	k.refused = [sha256.Size]byte{}
	if changed {
		k.replace(fresh)
	}
	return changed, nil
}

// refuse remembers what was not taken, and returns why: once, unless somebody asks.
func (k *Keeper) refuse(mark [sha256.Size]byte, force bool, err error) error {
	known := k.refused == mark
	k.refused = mark
	switch {
	case known && !force:
		return nil
	case fault.CodeOf(err) == errSettings.Code:
		return err
	}
	return errSettings.Because(err)
}

// replace takes over a loaded set. What has left it is kept by its name for as
// long as an order may need it; connections that nobody needs any more are closed.
func (k *Keeper) replace(fresh *set) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.options.Clock()
	maps.DeleteFunc(k.departed, func(_ place, d departure) bool {
		if now.Before(d.until) {
			return false
		}
		d.adapter.Close()
		return true
	})
	for name, a := range k.current.accounts {
		at := place{a.provider, name}
		switch b, ok := fresh.accounts[name]; {
		case !ok || b.provider != a.provider:
			k.departed[at] = departure{a, now.Add(keepFor)}
		case a != b:
			a.adapter.Close() // calls under way end as they would
		}
	}
	for name, a := range fresh.accounts {
		delete(k.departed, place{a.provider, name})
	}
	k.current = fresh
	k.tell()
}

// load loads what differs from old, and keeps the rest with its tokens and what
// is known of how it does.
func (k *Keeper) load(s Settings, old *set, force bool) (fresh *set, changed bool, err error) {
	fresh = &set{settings: s, accounts: map[string]*account{}, tenants: map[signing.TenantID]use{}}
	for _, name := range slices.Sorted(maps.Keys(s.Accounts)) {
		of := s.Accounts[name]
		mark, err := of.fingerprint()
		if err != nil {
			return nil, false, err
		}
		if before := old.accounts[name]; before != nil && before.mark == mark && !force {
			fresh.accounts[name] = before
			continue
		}
		a, err := k.open(name, of)
		if err != nil {
			return nil, false, fmt.Errorf("account %q: %w", name, err)
		}
		a.mark = mark
		fresh.accounts[name], changed = a, true
	}
	if fresh.fallback, err = fresh.merge(UseSettings{}); err != nil {
		return nil, false, fmt.Errorf("default: %w", err)
	}
	for _, tenant := range slices.Sorted(maps.Keys(s.Tenants)) {
		if fresh.tenants[tenant], err = fresh.merge(s.Tenants[tenant]); err != nil {
			return nil, false, fmt.Errorf("tenants: %s: %w", tenant, err)
		}
	}
	return fresh, changed || !sameUse(s, old.settings) || len(s.Accounts) != len(old.accounts), nil
}

// sameUse compares all but the accounts themselves, as fmt prints it: maps in the
// order of their keys.
func sameUse(a, b Settings) bool {
	return fmt.Sprintf("%q %q", a.Default, a.Tenants) == fmt.Sprintf("%q %q", b.Default, b.Tenants)
}

func (k *Keeper) open(name string, s AccountSettings) (*account, error) {
	if s.Environment != k.options.Environment {
		return nil, fmt.Errorf("environment: is %s, and the installation is %s", s.Environment, k.options.Environment)
	}
	adapter, err := s.kind().open(s.Environment, k.options)
	if err != nil {
		return nil, err
	}
	chain, err := s.kind().certificates(k.options)
	if err != nil {
		return nil, err
	}
	return &account{
		name: name, provider: s.provider(), settings: s, adapter: adapter, chain: chain,
		watch: newWatch(s.provider(), k.options.Clock, k.tell), pace: newPace(s.CollectsPerSecond),
	}, nil
}

// tell says that a condition has changed, to whoever looks at [Keeper.Changed].
func (k *Keeper) tell() {
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// fingerprint changes when the settings or a file that they name do.
func (s *Settings) fingerprint() ([sha256.Size]byte, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q\n", s.Default, s.Tenants)
	for _, name := range slices.Sorted(maps.Keys(s.Accounts)) {
		a := s.Accounts[name]
		mark, err := a.fingerprint()
		if err != nil {
			return [sha256.Size]byte{}, err
		}
		fmt.Fprintf(h, "%q %x\n", name, mark)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// fingerprint changes when anything changes that an account is made of.
func (a *AccountSettings) fingerprint() ([sha256.Size]byte, error) {
	h := sha256.New()
	b, err := yaml.Marshal(a)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("encode settings: %w", err)
	}
	h.Write(b)
	for _, name := range a.kind().files() {
		content, err := settings.ReadFile(*name)
		if *name != "" && err != nil {
			content = []byte(err.Error()) // loading says it better; here it only has to differ
		}
		sum := sha256.Sum256(content)
		h.Write(sum[:])
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
