package seals

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

	"github.com/handslag/handslag/settings"
	"github.com/handslag/handslag/signing"
)

// Term is how long a seal can be used.
type Term struct {
	Seal string
	// Tenants use it; AllOthers for those that the settings do not list.
	Tenants []signing.TenantID
	// Until is when the first certificate of its chain expires. Zero when it has
	// never been loaded.
	Until time.Time
	// Err is why it cannot be used now, or nil.
	Err error
}

// AllOthers stands for the tenants of the default seal. No tenant can be named so.
const AllOthers signing.TenantID = "*"

// Soon is how long before its end a seal's certificate should be renewed: an
// issuer that checks the organisation takes weeks.
const Soon = 30 * 24 * time.Hour

// Days is the number of days left at a time; negative after the end.
func (t Term) Days(now time.Time) float64 {
	return t.Until.Sub(now).Hours() / 24
}

// Terms returns the seals' terms, in the order of their names.
func (k *Keeper) Terms() []Term {
	k.mu.RLock()
	defer k.mu.RUnlock()
	now := k.options.Clock()
	var terms []Term
	for _, name := range slices.Sorted(maps.Keys(k.current.seals)) {
		l := k.current.seals[name]
		t := Term{Seal: name, Tenants: k.current.settings.users(name), Err: l.usable(now)}
		if l.chain != nil {
			_, t.Until = validity(l.chain)
		}
		terms = append(terms, t)
	}
	return terms
}

// users are the tenants of a seal.
func (s *Settings) users(seal string) []signing.TenantID {
	var users []signing.TenantID
	if s.Default == seal {
		users = append(users, AllOthers)
	}
	for _, tenant := range slices.Sorted(maps.Keys(s.Tenants)) {
		if s.Tenants[tenant] == seal {
			users = append(users, tenant)
		}
	}
	return users
}

// ReadTerms reads the terms from the certificates alone, for who must not or
// need not reach the keys. A certificate that cannot be read is the Err of its seal.
func ReadTerms(s Settings, o Options) []Term {
	now := o.Clock()
	var terms []Term
	for _, name := range slices.Sorted(maps.Keys(s.Seals)) {
		settings := s.Seals[name]
		t := Term{Seal: name, Tenants: s.users(name)}
		chain, err := settings.Key.certificates(o)
		if err == nil {
			_, t.Until = validity(chain)
			err = valid(chain, now)
		}
		t.Err = err
		terms = append(terms, t)
	}
	return terms
}

func (k *KeySettings) certificates(o Options) ([]*x509.Certificate, error) {
	switch {
	case k.PEM != nil:
		return settings.Certificates(k.PEM.Certificates)
	case k.PKCS12 != nil:
		_, chain, err := k.PKCS12.Load(o.Getenv)
		return chain, err
	case k.AWSKMS != nil:
		return settings.Certificates(k.AWSKMS.Certificates)
	default:
		return settings.Certificates(k.PKCS11.Certificates)
	}
}

// Observe reports, at each collection of metrics, the days to the end of each
// seal's term (handslag.seal.days_to_expiry, negative after it) and whether it can
// be used (handslag.seal.usable, 1 or 0), by seal and tenant.
func (k *Keeper) Observe(m metric.Meter) error {
	days, err := m.Float64ObservableGauge("handslag.seal.days_to_expiry", metric.WithUnit("d"),
		metric.WithDescription("Days until the first certificate of a seal's chain expires."))
	if err != nil {
		return fmt.Errorf("make gauge: %w", err)
	}
	usable, err := m.Int64ObservableGauge("handslag.seal.usable",
		metric.WithDescription("1 while documents can be sealed with a seal, else 0."))
	if err != nil {
		return fmt.Errorf("make gauge: %w", err)
	}
	_, err = m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		now := k.options.Clock()
		for _, t := range k.Terms() {
			users := t.Tenants
			if len(users) == 0 {
				users = []signing.TenantID{""} // nobody's yet, and still to be renewed
			}
			for _, tenant := range users {
				labels := metric.WithAttributes(attribute.String("seal", t.Seal), attribute.String("tenant", string(tenant)))
				if !t.Until.IsZero() {
					o.ObserveFloat64(days, math.Floor(t.Days(now)*100)/100, labels)
				}
				works := int64(1)
				if t.Err != nil {
					works = 0
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
