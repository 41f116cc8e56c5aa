package seals_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/seals"
	"github.com/handslag/handslag/settings"
	"github.com/handslag/handslag/signing"
)

// until makes a certificate end at a time.
func until(end time.Time) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.NotAfter = end }
}

// TestTenantsHaveTheirSeals reads a file as an operator writes it.
func TestTenantsHaveTheirSeals(t *testing.T) {
	w := newWorld(t)
	w.pem("main", w.seal(p256(t), nil))
	w.pem("acme", w.seal(rsaKey(t), nil))
	w.write("more.pem", certificates(w.root.cert))
	file := w.write("seals.yaml", []byte(`
default: main
tenants:
  acme: acme-2026
seals:
  main:
    level: B-B
    key:
      pem: {certificates: main.pem, key: main.key}
  acme-2026:
    key:
      pem:
        certificates: acme.pem
        key: `+filepath.Join(w.dir, "acme.key")+`
    level: B-T
    pss: true
    timestamps: [http://127.0.0.1:1/tsa, https://tsa.example/]
    known: [more.pem]
    name: Acme AB
    reason: Sealed by Acme AB
    location: Göteborg
`))
	k, err := seals.Open(t.Context(), func() (seals.Settings, error) { return seals.ReadSettings(file) }, w.options())
	require.NoError(t, err)
	defer k.Close()
	acme, err := k.Seal("acme")
	require.NoError(t, err)
	require.Equal(t, "acme-2026", acme.ID)
	require.True(t, acme.PSS)
	require.NotNil(t, acme.Stamps)
	require.Equal(t, []string{"Acme AB", "Sealed by Acme AB", "Göteborg"}, []string{acme.Name, acme.Reason, acme.Location})
	require.Equal(t, []*x509.Certificate{w.root.cert}, acme.Known)
	other, err := k.Seal("other")
	require.NoError(t, err)
	require.Equal(t, "main", other.ID)
	require.Nil(t, other.Stamps)
	require.Equal(t, []seals.Term{
		{Seal: "acme-2026", Tenants: []signing.TenantID{"acme"}, Until: acme.Chain[0].NotAfter},
		{Seal: "main", Tenants: []signing.TenantID{seals.AllOthers}, Until: other.Chain[0].NotAfter},
	}, k.Terms())
	settings, err := seals.ReadSettings(file)
	require.NoError(t, err)
	require.Equal(t, k.Terms(), seals.ReadTerms(settings, w.options()), "what health reads without keys")
}

// TestTheManualsSettings are taken as they stand there.
func TestTheManualsSettings(t *testing.T) {
	manual, err := os.ReadFile(filepath.Join("..", "docs", "seals.md"))
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(manual), "```yaml\n")
	require.True(t, ok)
	example, _, ok := strings.Cut(rest, "```")
	require.True(t, ok)
	s, err := seals.ReadSettings(newWorld(t).write("seals.yaml", []byte(example)))
	require.NoError(t, err)
	require.Equal(t, "Göteborg", s.Seals["acme"].Location)
	require.NotNil(t, s.Seals["main"].Key.PEM)
	require.NotNil(t, s.Seals["acme"].Key.AWSKMS)
}

// FuzzSettings: whatever is in the file, it is taken or refused with the one fault.
func FuzzSettings(f *testing.F) {
	f.Add([]byte("default: main\nseals: {main: {level: B-B, key: {pem: {certificates: a, key: b}}}}\n"))
	f.Add([]byte("tenants: {acme: main}\nseals: {main: {timestamps: [http://a/], key: {pkcs11: {module: m, token: t, id: 01, certificates: c, timeout: 3s}}}}"))
	f.Add([]byte("seals: &a {main: *a}"))
	f.Add([]byte("{\"default\": \"main\", \"seals\": {\"main\": null}}"))
	file := filepath.Join(f.TempDir(), "seals.yaml")
	f.Fuzz(func(t *testing.T, b []byte) {
		require.NoError(t, os.WriteFile(file, b, 0o600))
		s, err := seals.ReadSettings(file)
		if err != nil {
			require.Equal(t, "seal_settings", fault.CodeOf(err))
			return
		}
		require.NotEmpty(t, s.Seals)
	})
}

// TestSettingsThatAreWrong names what is wrong in each, and quotes no secret.
func TestSettingsThatAreWrong(t *testing.T) {
	const seal = "seals: {main: {level: B-B, key: {pem: {certificates: a, key: b}}}}\n"
	for _, tt := range []struct{ name, yaml, want string }{
		{"no YAML", "seals: [", "line 1: "},
		{"unknown field", "default: main\nsales: {}\n", `line 2: unknown field "sales"`},
		{"twice", "default: main\ndefault: main\n" + seal, "line 2: "},
		{"a secret in place of where it is", "default: main\nseals: {main: {key: {pkcs12: {file: a, passphrase: hunter2}}}}", "line 2: "},
		{"no seal", "default: main\n", "seals: there is none"},
		{"name", "default: main\nseals: {Main: {}}", `the name "Main" is not of 1 to 40 lower-case letters`},
		{"unknown default", "default: mine\n" + seal, `default: there is no seal "mine"`},
		{"nobody's", seal, "default: no tenant has a seal"},
		{"tenant", "tenants: {Acme: main}\n" + seal, `tenants: "Acme" is no tenant`},
		{"unknown seal", "tenants: {acme: mine}\n" + seal, `tenants: acme: there is no seal "mine"`},
		{"level", "default: main\nseals: {main: {level: B-X}}", `seal "main": level: "B-X" is none of B-B, B-T, B-LT and B-LTA`},
		{"no timestamps", "default: main\nseals: {main: {key: {pem: {certificates: a, key: b}}}}", "timestamps: level B-LTA needs the address of a timestamp authority"},
		{"timestamps", "default: main\nseals: {main: {level: B-B, timestamps: [ldap://x]}}", `timestamps: "ldap://x" is no http or https address`},
		{"no key", "default: main\nseals: {main: {level: B-B}}", "key: needs exactly one of pem, pkcs12, aws-kms and pkcs11, and has 0"},
		{"two keys", "default: main\nseals: {main: {level: B-B, key: {pem: {certificates: a}, pkcs12: {file: b}}}}", "and has 2"},
		{"half a PEM", "default: main\nseals: {main: {level: B-B, key: {pem: {certificates: a}}}}", "key: pem.key is missing"},
		{"half a PKCS #12", "default: main\nseals: {main: {level: B-B, key: {pkcs12: {}}}}", "key: pkcs12.file is missing"},
		{"half a KMS", "default: main\nseals: {main: {level: B-B, key: {aws-kms: {key: a}}}}", "key: aws-kms.certificates is missing"},
		{"no region", "default: main\nseals: {main: {level: B-B, key: {aws-kms: {key: a, certificates: b}}}}", "key: aws-kms.region is missing"},
		{"half a module", "default: main\nseals: {main: {level: B-B, key: {pkcs11: {module: a, token: b, certificates: c}}}}", "key: pkcs11.label or pkcs11.id is missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			_, err := seals.ReadSettings(w.write("seals.yaml", []byte(tt.yaml)))
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, err, "seals.yaml: ")
			require.NotContains(t, err.Error(), "hunter2")
			require.Equal(t, "seal_settings", fault.CodeOf(err))
		})
	}
	_, err := seals.ReadSettings(filepath.Join(t.TempDir(), "nowhere"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestTenantWithoutSeal(t *testing.T) {
	w := newWorld(t)
	s := one(w.pem("seal", w.seal(p256(t), nil)))
	s.Default, s.Tenants = "", map[signing.TenantID]string{"acme": "main"}
	k, err := w.open(s)
	require.NoError(t, err)
	w.requireSeals(k)
	_, err = k.Seal("other")
	require.Equal(t, "seal_missing", fault.CodeOf(err))
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "the documents wait")
}

// TestReload changes what is there under a running keeper.
func TestReload(t *testing.T) {
	w := newWorld(t)
	first, second := w.seal(p256(t), nil), w.seal(rsaKey(t), nil)
	settings := one(w.pem("seal", first))
	var settingsErr error
	k, err := seals.Open(t.Context(), func() (seals.Settings, error) { return settings, settingsErr }, w.options())
	require.NoError(t, err)
	t.Cleanup(k.Close)
	reload := func(force, want bool) {
		t.Helper()
		changed, err := k.Reload(t.Context(), force)
		require.NoError(t, err)
		require.Equal(t, want, changed)
	}
	sealedBy := func(id *identity) {
		t.Helper()
		w.requireSeals(k)
		seal, err := k.Seal("acme")
		require.NoError(t, err)
		require.Equal(t, id.cert, seal.Chain[0])
	}
	reload(false, false)

	// Certificate and key change one after the other, as files do.
	w.write("seal.pem", certificates(second.cert, w.mid.cert))
	_, err = k.Reload(t.Context(), false)
	require.ErrorContains(t, err, `seal "main": the key does not belong to the certificate`)
	sealedBy(first)
	reload(false, false) // what was refused is told once
	_, err = k.Reload(t.Context(), true)
	require.Error(t, err, "but to who asks, again")
	sealedBy(first)
	w.write("seal.key", pkcs8(t, second.key))
	reload(false, true)
	sealedBy(second)
	reload(false, false)
	reload(true, true)

	// Wrong settings change nothing either.
	settingsErr = errors.New("line 3: no")
	_, err = k.Reload(t.Context(), false)
	require.ErrorContains(t, err, "line 3: no")
	require.Equal(t, "seal_settings", fault.CodeOf(err))
	sealedBy(second)
	reload(false, false)
	settingsErr = nil
	reload(false, false)

	// What the files do not show: another name, another tenant.
	changed := settings.Seals["main"]
	changed.Name = "Acme AB"
	settings = seals.Settings{Tenants: map[signing.TenantID]string{"acme": "main"}, Seals: map[string]seals.SealSettings{"main": changed}}
	reload(false, true)
	sealedBy(second)
	_, err = k.Seal("other")
	require.Equal(t, "seal_missing", fault.CodeOf(err))
}

// TestExpiry: the certificate that ends first counts; who has expired seals
// nothing, and stops nobody else.
func TestExpiry(t *testing.T) {
	w := newWorld(t)
	short := w.issue(w.root, p256(t), "Short CA", func(c *x509.Certificate) {
		ca(c)
		c.NotAfter = w.now.AddDate(0, 0, 10)
	})
	id := w.issue(short, p256(t), "Acme Seal", nil)
	late := w.seal(p256(t), func(c *x509.Certificate) { c.NotBefore = w.now.AddDate(0, 1, 0) })
	wanted := one(w.pem("main", w.seal(p256(t), until(w.now.AddDate(1, 0, 0)))))
	wanted.Tenants = map[signing.TenantID]string{"acme": "acme", "late": "late"}
	wanted.Seals["acme"] = seals.SealSettings{Level: "B-B", Key: seals.KeySettings{PEM: &settings.PEM{
		Certificates: w.write("acme.pem", certificates(id.cert, short.cert)), Key: w.write("acme.key", pkcs8(t, id.key)),
	}}}
	wanted.Seals["late"] = seals.SealSettings{Level: "B-B", Key: w.pem("late", late)}
	clock := w.now
	options := w.options()
	options.Clock = func() time.Time { return clock }
	k, err := seals.Open(t.Context(), func() (seals.Settings, error) { return wanted, nil }, options)
	require.NoError(t, err)
	defer k.Close()
	w.requireSeals(k)
	_, err = k.Seal("late")
	require.Equal(t, "seal_expired", fault.CodeOf(err))
	require.ErrorContains(t, err, "is valid from 2026-12-22T12:00:00Z")

	days, usable := gauges(t, k)
	require.InDelta(t, 10, days["acme acme"], 0.01)
	require.InDelta(t, 365, days["main *"], 0.01)
	require.Equal(t, map[string]int64{"acme acme": 1, "main *": 1, "late late": 0}, usable)

	clock = w.now.AddDate(0, 0, 11)
	_, err = k.Seal("acme")
	require.Equal(t, "seal_expired", fault.CodeOf(err))
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.ErrorContains(t, err, "expired on 2026-12-02T12:00:00Z")
	_, err = k.Seal("other")
	require.NoError(t, err)
	days, usable = gauges(t, k)
	require.InDelta(t, -1, days["acme acme"], 0.01)
	require.Equal(t, int64(0), usable["acme acme"])
	require.Equal(t, int64(1), usable["main *"])

	// A renewed one is taken over without a restart.
	renewed := w.seal(p256(t), nil)
	w.pem("acme", renewed)
	changed, err := k.Reload(t.Context(), false)
	require.NoError(t, err)
	require.True(t, changed)
	_, err = k.Seal("acme")
	require.NoError(t, err)

	// A worker that starts with one expired seal serves the others; with none that
	// can be used it does not start.
	clock = clock.AddDate(1, 0, 0)
	_, err = seals.Open(t.Context(), func() (seals.Settings, error) { return wanted, nil }, options)
	require.NoError(t, err)
	clock = clock.AddDate(10, 0, 0)
	_, err = seals.Open(t.Context(), func() (seals.Settings, error) { return wanted, nil }, options)
	require.ErrorContains(t, err, `no seal can be used: seal "acme": seal_expired`)
}

// gauges reads the metrics as an exporter does, by "seal tenant".
func gauges(t *testing.T, k *seals.Keeper) (days map[string]float64, usable map[string]int64) {
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
			require.Equal(t, "handslag.seal.days_to_expiry", m.Name)
			require.Equal(t, "d", m.Unit)
			for _, p := range data.DataPoints {
				days[labels(p.Attributes.ToSlice())] = p.Value
			}
		case metricdata.Gauge[int64]:
			require.Equal(t, "handslag.seal.usable", m.Name)
			for _, p := range data.DataPoints {
				usable[labels(p.Attributes.ToSlice())] = p.Value
			}
		default:
			t.Fatalf("unexpected metric %s", m.Name)
		}
	}
	return days, usable
}

// TestKeyOutOfReach: a key that cannot be reached at start is asked for again;
// the other seals work meanwhile.
func TestKeyOutOfReach(t *testing.T) {
	w := newWorld(t)
	key := p256(t)
	kms := newKMS(t, key)
	server := httptest.NewServer(http.HandlerFunc(kms.serve))
	t.Cleanup(server.Close)
	id := w.seal(key, nil)
	settings := one(w.pem("seal", w.seal(p256(t), nil)))
	settings.Tenants = map[signing.TenantID]string{"far": "far"}
	settings.Seals["far"] = seals.SealSettings{Level: "B-B", Key: w.kms(server.URL, id)}
	kms.fail(http.StatusServiceUnavailable, "KeyUnavailableException")
	k, err := w.open(settings)
	require.NoError(t, err)
	w.requireSeals(k)
	_, err = k.Seal("far")
	require.Equal(t, "seal_key_unavailable", fault.CodeOf(err))
	days, usable := gauges(t, k)
	require.Positive(t, days["far far"], "the certificate can be read all the same")
	require.Zero(t, usable["far far"])
	changed, err := k.Reload(t.Context(), false)
	require.NoError(t, err)
	require.False(t, changed)
	kms.fail(0, "")
	changed, err = k.Reload(t.Context(), false)
	require.NoError(t, err)
	require.True(t, changed)
	_, err = k.Seal("far")
	require.NoError(t, err)

	// Once it is loaded, a reload during an outage keeps it.
	kms.fail(http.StatusServiceUnavailable, "KeyUnavailableException")
	_, err = k.Reload(t.Context(), true)
	require.Error(t, err)
	_, err = k.Seal("far")
	require.NoError(t, err)
}
