package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/seals"
	"github.com/handslag/handslag/simulator/pki"
	"github.com/handslag/handslag/telemetry"
)

// organisation is a PKI with its trust directory and a seal in files.
type organisation struct {
	t     *testing.T
	pki   *pki.PKI
	trust string // directory
	dir   string
}

func newOrganisation(t *testing.T) *organisation {
	p, err := pki.Create(pki.Options{Clock: time.Now, Entropy: rand.Reader, CAKeyBits: 2048, StatusURL: "http://127.0.0.1:1"})
	require.NoError(t, err)
	o := &organisation{t: t, pki: p, trust: t.TempDir(), dir: t.TempDir()}
	require.NoError(t, p.WriteTrust(o.trust))
	o.write(p.Seal())
	return o
}

func (o *organisation) write(id pki.Identity) {
	key, err := id.KeyPEM()
	require.NoError(o.t, err)
	require.NoError(o.t, os.WriteFile(o.file("seal.key"), key, 0o600))
	require.NoError(o.t, os.WriteFile(o.file("seal.pem"), id.CertificatePEM(), 0o600))
}

func (o *organisation) file(name string) string { return filepath.Join(o.dir, name) }

// flags are those of one seal.
func (o *organisation) flags() sealFlags {
	return sealFlags{SealCert: o.file("seal.pem"), SealKey: o.file("seal.key"), SealLevel: "B-LTA", TsaURLs: []string{"http://127.0.0.1:1/"}}
}

func (o *organisation) open(f sealFlags) (*seals.Keeper, error) {
	trust, err := evidence.LoadTrust(o.trust)
	require.NoError(o.t, err)
	known, err := readAnchors(o.trust, "simulator")
	require.NoError(o.t, err)
	k, err := f.open(context.Background(), trust, known, bankidsig.Simulator)
	if err == nil {
		o.t.Cleanup(k.Close)
	}
	return k, err
}

// TestOneSealByFlags: PEM or PKCS #12, for every tenant.
func TestOneSealByFlags(t *testing.T) {
	o := newOrganisation(t)
	seal := o.pki.Seal()
	for _, tt := range []struct {
		name  string
		flags func() sealFlags
	}{
		{"PEM", o.flags},
		{"PKCS #12", func() sealFlags {
			b, err := pkcs12.Modern2026.Encode(seal.Key, seal.Certificate, seal.Chain, "hunter2")
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(o.file("seal.p12"), b, 0o600))
			t.Setenv("HANDSLAG_SEAL_PASSPHRASE", "hunter2")
			f := o.flags()
			f.SealCert, f.SealKey = o.file("seal.p12"), ""
			return f
		}},
	} {
		k, err := o.open(tt.flags())
		require.NoError(t, err, tt.name)
		got, err := tenantSeals{k}.Seal("anybody")
		require.NoError(t, err)
		require.Equal(t, seal.Certificate, got.Chain[0], tt.name)
		require.Equal(t, "B-LTA", string(got.Level))
		require.NotNil(t, got.Stamps)
		require.NotEmpty(t, got.Known, "the anchors complete chains")
	}
}

// TestWorkerRefusesSeals before it connects to anything.
func TestWorkerRefusesSeals(t *testing.T) {
	o, stranger := newOrganisation(t), newOrganisation(t)
	file := o.file("seals.yaml")
	require.NoError(t, os.WriteFile(file, []byte("seals: {}\n"), 0o600))
	for _, tt := range []struct {
		name  string
		trust string
		args  []string
		want  string
	}{
		{"none", o.trust, nil, "one of HANDSLAG_SEALS_FILE and HANDSLAG_SEAL_CERT must say what documents are sealed with"},
		{"both", o.trust, []string{"--seals-file=" + file, "--seal-cert=x"}, "exclude each other"},
		{"file", o.trust, []string{"--seals-file=" + file}, "seals.yaml: seals: there is none"},
		{"no timestamps", o.trust, []string{"--seal-cert=" + o.file("seal.pem"), "--seal-key=" + o.file("seal.key")}, "needs the address of a timestamp authority"},
		{
			"another world's", stranger.trust,
			[]string{"--seal-cert=" + o.file("seal.pem"), "--seal-key=" + o.file("seal.key"), "--tsa-urls=http://127.0.0.1:1/"},
			"does not verify against the trust anchors for seals of this installation (is it one for tests,",
		},
		{"no anchors", t.TempDir(), []string{"--seal-cert=x"}, "HANDSLAG_TRUST_DIR has no file tsa.simulator.pem"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var said bytes.Buffer
			code := run(append([]string{
				"worker", "--environment=simulator",
				"--keyring-file=x", "--s3-bucket=x", "--trust-dir=" + tt.trust,
			}, tt.args...), strings.NewReader(""), &said, &said)
			require.Equal(t, exitFailed, code)
			require.Contains(t, said.String(), tt.want)
		})
	}
}

// TestHealthOfSeals: a month before the end it warns, after it it is unhealthy.
func TestHealthOfSeals(t *testing.T) {
	o := newOrganisation(t)
	c := healthWorker{sealFlags: o.flags()}
	end := o.pki.Seal().Certificate.NotAfter
	for _, above := range o.pki.Seal().Chain {
		if above.NotAfter.Before(end) {
			end = above.NotAfter
		}
	}
	var said bytes.Buffer
	require.NoError(t, c.terms(&said, end.AddDate(0, 0, -31)))
	require.Empty(t, said.String())
	require.NoError(t, c.terms(&said, end.AddDate(0, 0, -12)))
	require.Contains(t, said.String(), `warning: seal "default" expires in 12 days, on `+end.UTC().Format(time.DateOnly))
	said.Reset()
	require.ErrorContains(t, c.terms(&said, end.Add(time.Second)), `seal "default": seal_expired`)
	require.Empty(t, said.String())

	// A running worker has what it needs; nobody shall restart it for a typing error.
	require.NoError(t, os.Remove(o.file("seal.pem")))
	require.NoError(t, c.terms(&said, time.Now()))
	require.Contains(t, said.String(), `warning: seal "default": `)
	said.Reset()
	require.NoError(t, (&healthWorker{sealFlags: sealFlags{SealsFile: o.file("nowhere")}}).terms(&said, time.Now()))
	require.Contains(t, said.String(), "warning: seal_settings")
	said.Reset()
	require.NoError(t, (&healthWorker{}).terms(&said, time.Now()), "who is told of no seals looks at none")
	require.Empty(t, said.String())
}

// TestSealsAreReloaded on the signal that asks for it.
func TestSealsAreReloaded(t *testing.T) {
	o := newOrganisation(t)
	k, err := o.open(o.flags())
	require.NoError(t, err)
	known, err := readAnchors(o.trust, "simulator")
	require.NoError(t, err)
	var log lines
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		keepSeals(ctx, k, known, telemetry.NewLogger(&log, slog.LevelInfo))
		close(done)
	}()
	require.Eventually(t, func() bool { return log.has("a seal is ready") }, 5*time.Second, 5*time.Millisecond)

	other, err := o.pki.IssueSeal(pki.SealOrder{CommonName: "Renewed"})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(o.file("seal.pem"), other.CertificatePEM(), 0o600)) // and not yet the key
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
	require.Eventually(t, func() bool { return log.has("the seals stay as they were") }, 5*time.Second, 5*time.Millisecond)
	require.True(t, log.has("the key does not belong to the certificate"))
	seal, err := k.Seal("anybody")
	require.NoError(t, err)
	require.Equal(t, o.pki.Seal().Certificate, seal.Chain[0])

	o.write(other)
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
	require.Eventually(t, func() bool { return log.has("seals reloaded") }, 5*time.Second, 5*time.Millisecond)
	seal, err = k.Seal("anybody")
	require.NoError(t, err)
	require.Equal(t, other.Certificate, seal.Chain[0])
	cancel()
	<-done
}

// TestAnchorsExpire: who runs the installation learns of it by metric and log.
func TestAnchorsExpire(t *testing.T) {
	o := newOrganisation(t)
	a, err := readAnchors(o.trust, "simulator")
	require.NoError(t, err)
	require.Contains(t, a, "seal")
	require.Contains(t, a, "tsa")
	none, err := readAnchors(o.trust, "live")
	require.NoError(t, err)
	require.Empty(t, none)

	soon := *a["tsa"][0]
	soon.NotAfter = time.Now().Add(49 * time.Hour)
	a = anchors{"seal": a["seal"], "tsa": append([]*x509.Certificate{}, a["tsa"][0], &soon)}
	reader := metric.NewManualReader()
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	require.NoError(t, a.observe(provider.Meter("test")))
	var read metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &read))
	days := map[string]float64{}
	for _, p := range read.ScopeMetrics[0].Metrics[0].Data.(metricdata.Gauge[float64]).DataPoints {
		purpose, _ := p.Attributes.Value("purpose")
		days[purpose.AsString()] = p.Value
	}
	require.InDelta(t, 2.04, days["tsa"], 0.01)
	require.Greater(t, days["seal"], 100.0)
	var log lines
	a.log(telemetry.NewLogger(&log, slog.LevelInfo))
	require.True(t, log.has(`"purpose":"tsa"`))
	require.False(t, log.has(`"purpose":"seal"`))

	require.NoError(t, os.WriteFile(filepath.Join(o.trust, "seal.live.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{1}}), 0o600))
	_, err = readAnchors(o.trust, "live")
	require.ErrorContains(t, err, "certificate 1 cannot be read")
}

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) has(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.b.String(), s)
}
