package accounts_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/handslag/handslag/accounts"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/settings"
	"github.com/handslag/handslag/signing"
)

func (w *world) p12(name, passphrase string) string {
	w.t.Helper()
	key := w.key()
	b, err := pkcs12.Modern2026.Encode(key, w.certificate("Acme", "Bank RP CA", key), nil, passphrase)
	require.NoError(w.t, err)
	return w.write(name, b)
}

// TestPKCS12: a relying party's certificate as BankID's members hand it out.
func TestPKCS12(t *testing.T) {
	w := newWorld(t)
	a := w.bankid(w.p12("rp.p12", "hunter2"))
	a.BankID.Credentials = accounts.Credentials{PKCS12: &settings.PKCS12{File: filepath.Join(w.dir, "rp.p12"), Passphrase: fromEnv}}
	k := w.mustOpen(one(a))
	require.Equal(t, w.now.AddDate(1, 0, 0), k.Terms()[0].Until)
	w.env["SECRET"] = "wrong"
	_, err := w.open(one(a))
	require.ErrorContains(t, err, "credentials: "+filepath.Join(w.dir, "rp.p12")+": the passphrase is wrong")
}

// TestTenantsHaveTheirAccounts: a tenant's own stand in for the default ones,
// provider by provider, and its routes method by method.
func TestTenantsHaveTheirAccounts(t *testing.T) {
	w := newWorld(t)
	s := accounts.Settings{
		Default: accounts.UseSettings{Accounts: []string{"main", "idk", "nor", "qr", "bank"}},
		Tenants: map[signing.TenantID]accounts.UseSettings{
			"acme":  {Accounts: []string{"acme"}},
			"quick": {Routes: map[signing.Method][]string{signing.MethodBankIDSE: {"idkollen", "bankid"}, signing.MethodNBIDPKI: {}}},
		},
		Accounts: map[string]accounts.AccountSettings{
			"main": w.main(), "acme": w.main(), "idk": idkollen(), "nor": signicat(), "qr": qrona(), "bank": sbab(), "spare": qrona(),
		},
	}
	k := w.mustOpen(s)
	for tenant, want := range map[signing.TenantID]string{"acme": "acme", "other": "main", "quick": "main"} {
		a, err := k.Provider(tenant, "bankid", "")
		require.NoError(t, err)
		require.Equal(t, want, a.ID)
		require.Equal(t, "bankid", a.Name())
	}
	require.Equal(t, []string{"bankid", "idkollen"}, routeOf(k, "acme", signing.MethodBankIDSE), "in the order of who proves most")
	require.Equal(t, []string{"idkollen", "bankid"}, routeOf(k, "quick", signing.MethodBankIDSE))
	require.Equal(t, []string{"bankid", "idkollen", "qrona"}, routeOf(k, "quick", signing.MethodBankIDSEIdentify))
	require.Equal(t, []string{"sbab"}, routeOf(k, "quick", signing.MethodBankIDSEProcess))
	require.Empty(t, routeOf(k, "quick", signing.MethodNBIDPKI))
	require.NotContains(t, k.Offers("quick"), signing.MethodNBIDPKI)
	offer := k.Offers("acme")[signing.MethodNBIDPKI][0]
	require.Equal(t, "nor", offer.Account)
	require.Equal(t, "test", offer.Environment)
	require.True(t, offer.Capabilities.ReturnsPDF)
	require.Equal(t, accounts.Order(), k.Providers())

	// A default route holds for a tenant's own account too.
	s.Default.Routes = map[signing.Method][]string{signing.MethodBankIDSE: {"idkollen", "bankid"}}
	k = w.mustOpen(s)
	require.Equal(t, "acme", k.Offers("acme")[signing.MethodBankIDSE][1].Account)

	// Who has no account at a provider is told so.
	s.Default, s.Tenants = accounts.UseSettings{}, map[signing.TenantID]accounts.UseSettings{"acme": {Accounts: []string{"acme"}}}
	k = w.mustOpen(s)
	_, err := k.Provider("other", "bankid", "")
	require.Equal(t, "provider_unknown", fault.CodeOf(err))
	require.Equal(t, fault.Forbidden, fault.KindOf(err))
	require.Empty(t, k.Offers("other"))
}

// TestReload changes what is there under a running keeper.
func TestReload(t *testing.T) {
	w := newWorld(t)
	s, settingsErr := one(w.main()), error(nil)
	k, err := accounts.Open(func() (accounts.Settings, error) { return s, settingsErr }, w.options())
	require.NoError(t, err)
	<-k.Changed()
	current := func() accounts.Account {
		t.Helper()
		a, err := k.Provider("acme", "bankid", "")
		require.NoError(t, err)
		return a
	}
	reload := func(force, want bool) {
		t.Helper()
		changed, err := k.Reload(force)
		require.NoError(t, err)
		require.Equal(t, want, changed)
	}
	first := current()
	reload(false, false)
	require.Same(t, first.Provider, current().Provider)

	// A key that is not the certificate's: files change one after the other.
	right, err := os.ReadFile(filepath.Join(w.dir, "rp.pem"))
	require.NoError(t, err)
	w.write("rp.pem", pemOf(t, w.key(), w.certificate("Acme", "Bank RP CA", nil)))
	_, err = k.Reload(false)
	require.ErrorContains(t, err, `account "main": credentials: the key does not belong to the certificate`)
	require.Same(t, first.Provider, current().Provider)
	reload(false, false) // what was refused is told once
	_, err = k.Reload(true)
	require.Error(t, err, "but to who asks, again")
	w.write("rp.pem", right)
	reload(false, false)
	require.Same(t, first.Provider, current().Provider, "it is as it was")
	w.rp("rp.pem", "Acme", "Bank RP CA", w.now.AddDate(3, 0, 0))
	reload(false, true)
	<-k.Changed()
	renewed := current()
	require.NotSame(t, first.Provider, renewed.Provider)
	require.Equal(t, w.now.AddDate(3, 0, 0), k.Terms()[0].Until)
	reload(true, true)
	require.NotSame(t, renewed.Provider, current().Provider)

	// Wrong settings change nothing either.
	settingsErr = errors.New("line 3: no")
	_, err = k.Reload(false)
	require.ErrorContains(t, err, "line 3: no")
	require.Equal(t, "accounts_settings", fault.CodeOf(err))
	reload(false, false)
	settingsErr = nil
	reload(false, false)

	// Another use of the same accounts.
	s.Default = accounts.UseSettings{}
	s.Tenants = map[signing.TenantID]accounts.UseSettings{"acme": {Accounts: []string{"main"}}}
	reload(false, true)
	current()
	_, err = k.Provider("other", "bankid", "")
	require.Equal(t, "provider_unknown", fault.CodeOf(err))
}

// TestAnOrderKeepsItsAccount: one that has left the settings is still collected
// from, for longer than an order lives, and no new order is made there.
func TestAnOrderKeepsItsAccount(t *testing.T) {
	w := newWorld(t)
	s := one(w.main())
	k, err := accounts.Open(func() (accounts.Settings, error) { return s, nil }, func() accounts.Options {
		o := w.options()
		o.Clock = func() time.Time { return w.now }
		return o
	}())
	require.NoError(t, err)
	began, err := k.Provider("acme", "bankid", "")
	require.NoError(t, err)
	s = accounts.Settings{
		Default:  accounts.UseSettings{Accounts: []string{"other"}},
		Accounts: map[string]accounts.AccountSettings{"other": w.bankid(w.rp("other.pem", "Other", "Bank RP CA", w.now.AddDate(1, 0, 0))), "main": qrona()},
	}
	_, err = k.Reload(false)
	require.NoError(t, err)
	now, err := k.Provider("acme", "bankid", "")
	require.NoError(t, err)
	require.Equal(t, "other", now.ID)
	named, err := k.Provider("acme", "bankid", began.ID)
	require.NoError(t, err)
	require.Same(t, began.Provider, named.Provider, "though another provider's account has its name")
	require.NoError(t, k.Turn(t.Context(), "bankid", began.ID, false))

	w.now = w.now.Add(44 * time.Minute)
	_, err = k.Provider("acme", "bankid", began.ID)
	require.NoError(t, err)
	w.now = w.now.Add(time.Minute)
	_, err = k.Provider("acme", "bankid", began.ID)
	require.Equal(t, "account_gone", fault.CodeOf(err))
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "the operator can put it back")

	// As they do.
	s.Accounts["main"] = w.bankid(filepath.Join(w.dir, "rp.pem"))
	_, err = k.Reload(false)
	require.NoError(t, err)
	_, err = k.Provider("acme", "bankid", began.ID)
	require.NoError(t, err)
}

// TestExpiry: the credentials that end first count. A certificate that has ended
// starts nothing, and stops nobody else.
func TestExpiry(t *testing.T) {
	w := newWorld(t)
	dated := qrona()
	dated.Expires = "2026-12-02"
	early := w.bankid(w.rp("acme.pem", "Acme", "Bank RP CA", w.now.AddDate(0, 0, 10)))
	late := w.bankid(w.rp("late.pem", "Late", "Bank RP CA", w.now.AddDate(1, 0, 0)))
	late.Expires = "2027-03-01" // as something else may end first
	s := accounts.Settings{
		Default: accounts.UseSettings{Accounts: []string{"late", "qrona", "idkollen"}},
		Tenants: map[signing.TenantID]accounts.UseSettings{"acme": {Accounts: []string{"acme"}}},
		Accounts: map[string]accounts.AccountSettings{
			"late": late, "acme": early, "qrona": dated, "idkollen": idkollen(), "spare": idkollen(),
		},
	}
	k := w.mustOpen(s)
	require.Equal(t, k.Terms(), accounts.ReadTerms(s, w.options()), "what health reads")
	days, usable := gauges(t, k)
	require.InDelta(t, 10, days["acme bankid acme"], 0.01)
	require.InDelta(t, 98.5, days["late bankid *"], 0.01)
	require.InDelta(t, 9.5, days["qrona qrona *"], 0.01)
	require.NotContains(t, days, "idkollen idkollen *")
	require.Equal(t, map[string]int64{
		"acme bankid acme": 1, "late bankid *": 1, "qrona qrona *": 1, "idkollen idkollen *": 1, "spare idkollen ": 1,
	}, usable)

	w.now = w.now.AddDate(0, 0, 11)
	_, err := k.Provider("acme", "bankid", "")
	require.Equal(t, accounts.CodeExpired, fault.CodeOf(err))
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "so that the route goes on")
	require.ErrorContains(t, err, "expired on 2026-12-02T12:00:00Z")
	_, err = k.Provider("acme", "bankid", "acme")
	require.NoError(t, err, "an order may be live")
	_, err = k.Provider("other", "bankid", "")
	require.NoError(t, err)
	_, err = k.Provider("other", "qrona", "")
	require.NoError(t, err, "a date that somebody noted is no proof")
	require.Equal(t, accounts.CodeExpired, fault.CodeOf(k.Offers("acme")[signing.MethodBankIDSE][0].Term.Err))
	days, usable = gauges(t, k)
	require.InDelta(t, -1, days["acme bankid acme"], 0.01)
	require.Zero(t, usable["acme bankid acme"])
	require.Equal(t, int64(1), usable["qrona qrona *"])
	require.Equal(t, k.Terms()[0].Err.Error(), accounts.ReadTerms(s, w.options())[0].Err.Error())

	// A renewed one is taken over without a restart, and an expired one stops no start.
	w.rp("acme.pem", "Acme", "Bank RP CA", w.now.AddDate(1, 0, 0))
	changed, err := k.Reload(false)
	require.NoError(t, err)
	require.True(t, changed)
	_, err = k.Provider("acme", "bankid", "")
	require.NoError(t, err)
	w.now = w.now.AddDate(9, 0, 0)
	w.mustOpen(s)
}

// gauges reads the metrics as an exporter does, by "account provider tenant".
func gauges(t *testing.T, k *accounts.Keeper) (days map[string]float64, usable map[string]int64) {
	t.Helper()
	reader := metric.NewManualReader()
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	defer provider.Shutdown(context.Background())
	require.NoError(t, k.Observe(provider.Meter("test")))
	var read metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &read))
	days, usable = map[string]float64{}, map[string]int64{}
	require.Len(t, read.ScopeMetrics, 1)
	for _, m := range read.ScopeMetrics[0].Metrics {
		switch data := m.Data.(type) {
		case metricdata.Gauge[float64]:
			require.Equal(t, "handslag.account.days_to_expiry", m.Name)
			for _, p := range data.DataPoints {
				days[label(p, "account")+" "+label(p, "provider")+" "+label(p, "tenant")] = p.Value
			}
		case metricdata.Gauge[int64]:
			require.Equal(t, "handslag.account.usable", m.Name)
			for _, p := range data.DataPoints {
				usable[label(p, "account")+" "+label(p, "provider")+" "+label(p, "tenant")] = p.Value
			}
		default:
			t.Fatalf("unexpected metric %s", m.Name)
		}
	}
	return days, usable
}

func label[N int64 | float64](p metricdata.DataPoint[N], name string) string {
	for _, a := range p.Attributes.ToSlice() {
		if string(a.Key) == name {
			return a.Value.AsString()
		}
	}
	return ""
}
