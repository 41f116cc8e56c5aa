package activities_test

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/revocation/online"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/pki"
	"github.com/handslag/handslag/simulator/revocation"
)

// status is a service that says which certificates are good, while it is up.
type status struct {
	down    atomic.Bool
	service http.Handler
}

func (s *status) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.down.Load() {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	s.service.ServeHTTP(w, r)
}

// newLastingWorld seals at level B-LTA, with proofs of status from a service.
func newLastingWorld(t *testing.T) (*world, *status) {
	t.Helper()
	service := &status{}
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	p, err := pki.Create(pki.Options{Clock: time.Now, Entropy: rand.Reader, CAKeyBits: 2048, StatusURL: server.URL})
	require.NoError(t, err)
	service.service, err = revocation.New(revocation.Options{PKI: p, Clock: time.Now, Entropy: rand.Reader})
	require.NoError(t, err)
	w := newWorldOf(t, p)
	seal, err := w.sealing.Seals.Seal("acme")
	require.NoError(t, err)
	seal.Level, seal.Revocation = pdf.LevelLTA, &online.Client{HTTP: &http.Client{}, Clock: time.Now}
	seal.Known = slices.Concat(p.Anchors(pki.Sealing), p.Anchors(pki.Timestamp))
	w.sealing.Seals = sealer{seal}
	return w, service
}

// TestSealLasts: the result has all that it takes to verify it when the
// certificates have ended, in either way.
func TestSealLasts(t *testing.T) {
	w, _ := newLastingWorld(t)
	in := w.sealInput()
	require.NoError(t, w.run(w.sealing.SealDocument, in, nil))
	r, err := evidence.VerifyDocument(t.Context(), fileOf(w.result()), nil, w.sealing.Trust, time.Now())
	require.NoError(t, err)
	require.True(t, r.Passed(), "%s %s", r.SubIndication, r.Reason)
	require.Equal(t, pdf.LevelLTA, r.Seals[0].Level)
}

// TestNeverALowerLevel: while a service is down that the level needs, nothing is
// kept, and trying again later gives the level that was asked for.
func TestNeverALowerLevel(t *testing.T) {
	for name, breakIt := range map[string]func(w *world, s *status) (mend func()){
		"status": func(_ *world, s *status) func() {
			s.down.Store(true)
			return func() { s.down.Store(false) }
		},
		"timestamps": func(w *world, _ *status) func() {
			require.NoError(w.t, w.app.TimestampFault(w.t.Context(), faults.Fault{Kind: "maintenance", Count: 1}))
			return func() {}
		},
	} {
		for _, kind := range []string{"plain", "PDF/A-2"} {
			t.Run(name+" down, "+kind, func(t *testing.T) {
				w, service := newLastingWorld(t)
				if kind == "PDF/A-2" {
					w.uploadKind(archival())
				}
				in := w.sealInput()
				before := len(w.store.revisions)
				mend := breakIt(w, service)
				err := w.run(w.sealing.SealDocument, in, nil)
				require.Equal(t, fault.Unavailable, fault.KindOf(err), "%v", err)
				require.Len(t, w.store.revisions, before, "nothing is kept")
				mend()
				var result signing.Result
				require.NoError(t, w.run(w.sealing.SealDocument, in, &result))
				if kind == "PDF/A-2" {
					report := w.requirePair(result)
					require.Equal(t, pdf.LevelLTA, report.Seals[0].Level)
					require.Equal(t, pdf.LevelLTA, report.Evidence.Seals[0].Level)
				}
			})
		}
	}
}

// TestSealsThatDoNotLast: a seal of a lower level is handed out, when that is
// what the tenant wants; whether its certificates are good is asked at once,
// since the document does not say.
func TestSealsThatDoNotLast(t *testing.T) {
	for _, level := range []pdf.Level{pdf.LevelB, pdf.LevelT} {
		for _, kind := range []string{"plain", "PDF/A-2"} {
			t.Run(string(level)+", "+kind, func(t *testing.T) {
				w, service := newLastingWorld(t)
				seal, err := w.sealing.Seals.Seal("acme")
				require.NoError(t, err)
				seal.Level = level
				w.sealing.Seals = sealer{seal}
				if kind == "PDF/A-2" {
					w.uploadKind(archival())
				}
				in := w.sealInput()
				service.down.Store(true)
				require.Equal(t, fault.Unavailable, fault.KindOf(w.run(w.sealing.SealDocument, in, nil)), "nobody says that the certificate is good")
				service.down.Store(false)
				require.NoError(t, w.run(w.sealing.SealDocument, in, nil))
				if kind != "plain" {
					return
				}
				r, err := evidence.VerifyDocument(t.Context(), fileOf(w.result()), nil, w.sealing.Trust, time.Now())
				require.NoError(t, err)
				require.Contains(t, []string{pdf.TryLater, pdf.NoProofOfTime}, r.SubIndication, "without proofs of status nobody can tell")
			})
		}
	}
}
