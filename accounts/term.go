package accounts

import (
	"context"
	"crypto/x509"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/handslag/handslag/signing"
)

// Term is how long the credentials of an account last.
type Term struct {
	Account  string
	Provider string
	// Tenants use it; AllOthers for those that name no other at the provider.
	Tenants []signing.TenantID
	// Until is the first end of a certificate or secret. Zero when none is known.
	Until time.Time
	// Err is why it cannot be used now, or nil.
	Err error
}

// AllOthers stands for the tenants that a default account serves. No tenant can be
// named so.
const AllOthers signing.TenantID = "*"

// Soon is how long before their end credentials should be renewed.
const Soon = 30 * 24 * time.Hour

// Days is the number of days left at a time; negative after the end.
func (t Term) Days(now time.Time) float64 {
	return t.Until.Sub(now).Hours() / 24
}

// Terms returns the accounts' terms, in the order of their names.
func (k *Keeper) Terms() []Term {
	k.mu.RLock()
	defer k.mu.RUnlock()
	now := k.options.Clock()
	var terms []Term
	for _, name := range slices.Sorted(maps.Keys(k.current.accounts)) {
		terms = append(terms, k.current.term(k.current.accounts[name], now))
	}
	return terms
}

func (s *set) term(a *account, now time.Time) Term {
	return Term{
		Account: a.name, Provider: a.provider, Tenants: s.settings.users(a.name),
		Until: ends(a.settings, a.chain), Err: a.usable(now),
	}
}

// users are the tenants of an account.
func (s *Settings) users(account string) []signing.TenantID {
	var users []signing.TenantID
	if slices.Contains(s.Default.Accounts, account) {
		users = append(users, AllOthers)
	}
	for _, tenant := range slices.Sorted(maps.Keys(s.Tenants)) {
		if slices.Contains(s.Tenants[tenant].Accounts, account) {
			users = append(users, tenant)
		}
	}
	return users
}

// ends is the first end of what an account is known by.
func ends(s AccountSettings, chain []*x509.Certificate) time.Time {
	until, _ := s.expires() // it has been checked
	for _, c := range chain {
		if until.IsZero() || c.NotAfter.Before(until) {
			until = c.NotAfter
		}
	}
	return until
}

// usable says why an account cannot be used now, if it cannot. The day that the
// settings name is a reminder: whether a secret has ended, the provider knows.
func (a *account) usable(now time.Time) error {
	if err := valid(a.chain, now); err != nil {
		return errExpired.From(a.provider, "").Because(err)
	}
	return nil
}

func valid(chain []*x509.Certificate, now time.Time) error {
	for _, c := range chain {
		switch {
		case now.Before(c.NotBefore):
			return fmt.Errorf("the certificate or its chain is valid from %s", c.NotBefore.UTC().Format(time.RFC3339))
		case now.After(c.NotAfter):
			return fmt.Errorf("the certificate or its chain expired on %s", c.NotAfter.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// ReadTerms reads the terms from the settings and certificates alone, for who
// need not speak to providers. A certificate that cannot be read is the Err of its
// account.
func ReadTerms(s Settings, o Options) []Term {
	now := o.Clock()
	var terms []Term
	for _, name := range slices.Sorted(maps.Keys(s.Accounts)) {
		of := s.Accounts[name]
		t := Term{Account: name, Provider: of.provider(), Tenants: s.users(name)}
		chain, err := of.kind().certificates(o)
		if err == nil {
			t.Until = ends(of, chain)
			if err = valid(chain, now); err != nil {
				err = errExpired.From(t.Provider, "").Because(err)
			}
		}
		t.Err = err
		terms = append(terms, t)
	}
	return terms
}

// Observe reports, at each collection of metrics, the days to the end of each
// account's credentials (handslag.account.days_to_expiry, negative after it) and
// whether starts are let through to it (handslag.account.usable, 1 or 0), by
// account, provider and tenant.
func (k *Keeper) Observe(m metric.Meter) error {
	days, err := m.Float64ObservableGauge("handslag.account.days_to_expiry", metric.WithUnit("d"),
		metric.WithDescription("Days until the first certificate or secret of a provider's account expires."))
	if err != nil {
		return fmt.Errorf("make gauge: %w", err)
	}
	usable, err := m.Int64ObservableGauge("handslag.account.usable",
		metric.WithDescription("1 while orders can be started at a provider's account, else 0."))
	if err != nil {
		return fmt.Errorf("make gauge: %w", err)
	}
	_, err = m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		now := k.options.Clock()
		states := map[string]State{}
		for _, c := range k.Conditions() {
			states[c.Account] = c.State
		}
		for _, t := range k.Terms() {
			users := t.Tenants
			if len(users) == 0 {
				users = []signing.TenantID{""} // nobody's yet, and still to be renewed
			}
			works := int64(1)
			if state := states[t.Account]; t.Err != nil || state == StateResting || state == StateRefused {
				works = 0
			}
			for _, tenant := range users {
				labels := metric.WithAttributes(attribute.String("account", t.Account),
					attribute.String("provider", t.Provider), attribute.String("tenant", string(tenant)))
				if !t.Until.IsZero() {
					o.ObserveFloat64(days, math.Floor(t.Days(now)*100)/100, labels)
				}
				o.ObserveInt64(usable, works, labels)
			}
		}
		return nil
	}, days, usable)
	if err != nil {
		return fmt.Errorf("register gauges: %w", err)
	}
	return nil
}
