package accounts

import (
	"fmt"
	"maps"
	"slices"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// Offer is a provider as it serves a tenant.
type Offer struct {
	Provider     string
	Account      string // its name in the settings
	Environment  string
	Capabilities providers.Capabilities
	// Term is how long the account's credentials last.
	Term Term
}

// Offers returns, for each method that a tenant can sign by, the providers in the
// order in which they are tried. One whose certificate has expired is among them:
// Term.Err says so.
func (k *Keeper) Offers(tenant signing.TenantID) map[signing.Method][]Offer {
	k.mu.RLock()
	defer k.mu.RUnlock()
	now := k.options.Clock()
	all := map[signing.Method][]Offer{}
	for method, route := range k.current.use(tenant).routes {
		for _, a := range route {
			all[method] = append(all[method], Offer{
				Provider: a.provider, Account: a.name, Environment: a.settings.Environment,
				Capabilities: a.adapter.Capabilities(), Term: k.current.term(a, now),
			})
		}
	}
	return all
}

// Providers returns the providers that any tenant has an account at, in the order
// of [Order]: those whose queues a worker polls.
func (k *Keeper) Providers() []string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return slices.DeleteFunc(Order(), func(provider string) bool {
		for _, a := range k.current.accounts {
			if a.provider == provider {
				return false
			}
		}
		return true
	})
}

// merge lays a tenant's settings over the default ones, and finds the routes.
func (s *set) merge(own UseSettings) (use, error) {
	u := use{accounts: map[string]*account{}, routes: map[signing.Method][]*account{}}
	for _, names := range [][]string{s.settings.Default.Accounts, own.Accounts} {
		for _, name := range names {
			a := s.accounts[name]
			u.accounts[a.provider] = a
		}
	}
	for _, provider := range Order() {
		a, ok := u.accounts[provider]
		if !ok {
			continue
		}
		for _, method := range a.adapter.Capabilities().Methods {
			u.routes[method] = append(u.routes[method], a)
		}
	}
	said := maps.Clone(s.settings.Default.Routes)
	if said == nil {
		said = map[signing.Method][]string{}
	}
	maps.Copy(said, own.Routes)
	for _, method := range slices.Sorted(maps.Keys(said)) {
		route, err := u.route(method, said[method])
		if err != nil {
			return u, err
		}
		if u.routes[method] = route; len(route) == 0 {
			delete(u.routes, method)
		}
	}
	return u, nil
}

func (u use) route(method signing.Method, by []string) ([]*account, error) {
	var route []*account
	for _, provider := range by {
		a, ok := u.accounts[provider]
		switch {
		case !ok:
			return nil, fmt.Errorf("routes: %s: there is no account at %s", method, provider)
		case !slices.Contains(a.adapter.Capabilities().Methods, method):
			return nil, fmt.Errorf("routes: %s: %s does not serve it", method, provider)
		}
		route = append(route, a)
	}
	return route, nil
}
