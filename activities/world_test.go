package activities_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/pdfcpuchild"
	"github.com/handslag/handslag/pdf/tsa"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/bankid"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator"
	simulated "github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/person"
	"github.com/handslag/handslag/simulator/pki"
)

// TestMain lets the test binary be the child process that runs pdfcpu.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "pdfcpu-child" {
		os.Exit(pdfcpuchild.Main(os.Stdin, os.Stdout, os.Args[2:]))
	}
	os.Exit(m.Run())
}

var certificates = sync.OnceValues(func() (*pki.PKI, error) {
	return pki.Create(pki.Options{Clock: time.Now, Entropy: rand.Reader, CAKeyBits: 2048})
})

const signer = "191212121212"

// world is a collection of one document and one participant, the activities,
// and the simulated BankID and timestamp authority that they really call.
type world struct {
	t        *testing.T
	store    *memory
	breaker  *breaker
	signals  *signals
	app      *person.App
	bankid   *bankid.Client
	attempts *activities.Attempts
	verify   *activities.Verification
	records  *activities.Records
	sealing  *activities.Sealing
	env      *testsuite.TestActivityEnvironment
	ref      activities.AttemptRef

	accounts map[string]providers.Provider // at every provider; nil is BankID, as main
	current  string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	p, err := certificates()
	require.NoError(t, err)
	return newWorldOf(t, p)
}

func newWorldOf(t *testing.T, p *pki.PKI) *world {
	t.Helper()
	s, err := simulator.New(simulator.Options{PKI: p, Clock: time.Now, Entropy: rand.Reader})
	require.NoError(t, err)
	rp := httptest.NewUnstartedServer(s.RPAPI())
	rp.Listener = tls.NewListener(rp.Listener, s.RPTLS())
	rp.Start()
	control, stamps := httptest.NewServer(s.Control()), httptest.NewServer(s.Timestamp())
	t.Cleanup(func() { rp.Close(); control.Close(); stamps.Close() })

	w := &world{t: t, store: newMemory(spec(t)), breaker: &breaker{}, signals: &signals{hearing: make(chan struct{}), refuse: 2}, app: person.New(control.URL, control.Client())}
	require.NoError(t, w.app.Register(t.Context(), simulated.Person{PersonalNumber: signer, GivenName: "Tolvan", Surname: "Tolvansson"}))
	w.upload()
	trust := evidence.Trust{
		Seal:      map[bankidsig.Environment]*x509.CertPool{bankidsig.Simulator: pool(p.Anchors(pki.Sealing))},
		Timestamp: map[bankidsig.Environment]*x509.CertPool{bankidsig.Simulator: pool(p.Anchors(pki.Timestamp))},
	}
	for _, root := range p.Anchors(pki.BankID) {
		trust.BankID = append(trust.BankID, bankidsig.Anchor{Environment: bankidsig.Simulator, Certificate: root})
	}
	w.bankid, err = bankid.New(bankid.Config{
		BaseURL: "https://" + rp.Listener.Addr().String() + "/rp/v6.0", Credentials: p.RP().TLS(),
		ServerRoots: p.ServerRoots(), Environment: bankidsig.Simulator, Anchors: trust.BankID, Clock: time.Now,
	})
	require.NoError(t, err)
	t.Cleanup(w.bankid.Close)
	w.wire(p, trust, stamps.URL)
	return w
}

func pool(certificates []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certificates {
		p.AddCert(c)
	}
	return p
}

func (w *world) wire(p *pki.PKI, trust evidence.Trust, stamps string) {
	seal := p.Seal()
	w.attempts = &activities.Attempts{
		Providers: w, Specs: w.store, Evidence: w.store, Persons: w.store, Breaker: w.breaker, Signals: w.signals, Revisions: w.store, Clock: time.Now,
		After: func(d time.Duration) <-chan time.Time { return time.After(d / 100) }, // BankID's pace, a hundred times
	}
	w.verify = &activities.Verification{Providers: w, Specs: w.store, Evidence: w.store}
	w.records = &activities.Records{Keeper: w.store, Evidence: w.store}
	w.sealing = &activities.Sealing{
		Specs: w.store, Evidence: w.store, Revisions: w.store,
		Seals: sealer{activities.Seal{
			Key: seal.Key, Chain: append([]*x509.Certificate{seal.Certificate}, seal.Chain...),
			Stamps: &tsa.Client{URLs: []string{stamps}, HTTP: &http.Client{}},
		}},
		Pages: pdfcpuchild.New(os.Args[0], "pdfcpu-child"), Trust: trust, Clock: time.Now,
	}
	w.newRun()
}

// newRun is what Temporal gives an activity when it is tried anew.
func (w *world) newRun() {
	var suite testsuite.WorkflowTestSuite
	w.env = suite.NewTestActivityEnvironment()
	w.env.RegisterActivity(w.attempts)
	w.env.RegisterActivity(w.verify)
	w.env.RegisterActivity(w.records)
	w.env.RegisterActivity(w.sealing)
	w.ref = activities.AttemptRef{
		CollectionRef: activities.CollectionRef{Tenant: w.store.spec.Tenant, Collection: w.store.spec.ID},
		Participant:   w.store.spec.Participants[0].ID, Attempt: "att_0000000000000000000000000a", Provider: "bankid",
	}
}

// Provider implements activities.Providers.
func (w *world) Provider(_ signing.TenantID, _, account string) (activities.Account, error) {
	if w.accounts == nil {
		return activities.Account{ID: "main", Provider: w.bankid}, nil
	}
	if account == "" {
		account = w.current
	}
	return activities.Account{ID: account, Provider: w.accounts[account]}, nil
}

// breaker lets starts go on unless it rests, and writes down how they ended.
type breaker struct {
	resting bool
	ends    []error
}

func (b *breaker) Admit(string, string) (func(error), error) {
	if b.resting {
		return nil, fault.New(fault.Unavailable, "provider_resting", "Resting.").After(time.Minute)
	}
	return func(err error) { b.ends = append(b.ends, err) }, nil
}

type sealer struct{ seal activities.Seal }

func (s sealer) Seal(signing.TenantID) (activities.Seal, error) { return s.seal, nil }

// run runs an activity and reads its result into out.
func (w *world) run(activity any, in, out any) error {
	w.t.Helper()
	value, err := w.env.ExecuteActivity(activity, in)
	if err != nil {
		return activities.FromTemporal(err)
	}
	if out != nil {
		require.NoError(w.t, value.Get(out))
	}
	return nil
}

func (w *world) start() (providers.Order, error) {
	started, err := w.startOf(activities.StartInput{AttemptRef: w.ref, Channel: signing.ChannelSameDevice})
	return started.Order, err
}

func (w *world) startOf(in activities.StartInput) (activities.Started, error) {
	in.EndUser.IP = netip.MustParseAddr("192.0.2.7")
	var started activities.Started
	err := w.run(w.attempts.StartAttempt, in, &started)
	return started, err
}

// sign is what the person does.
func (w *world) sign(order providers.Order) {
	w.t.Helper()
	ctx := context.Background()
	o, err := w.app.Open(ctx, signer, order.AutoStartToken.Reveal())
	require.NoError(w.t, err)
	_, err = w.app.Sign(ctx, signer, o.OrderRef)
	require.NoError(w.t, err)
}

func (w *world) follow(order providers.Order) (activities.FollowResult, error) {
	var r activities.FollowResult
	err := w.run(w.attempts.FollowAttempt, &activities.FollowInput{AttemptRef: w.ref, Order: order}, &r)
	return r, err
}

func (w *world) evidence(name string) []byte {
	return w.store.evidence[signing.EvidenceRef{
		Tenant: w.ref.Tenant, Collection: w.ref.Collection, Attempt: w.ref.Attempt, Name: name,
	}]
}

func spec(t *testing.T) signing.Spec {
	t.Helper()
	n, err := signing.ParsePersonalNumber(signer)
	require.NoError(t, err)
	upload := onePage()
	return signing.Spec{
		ID: "col_0000000000000000000000000a", Tenant: "acme", Locale: signing.LocaleSV, TimeZone: "Europe/Stockholm",
		Documents: []signing.Document{{
			ID: "doc_0000000000000000000000000a", Title: "Avtal", Length: int64(len(upload)), Digest: signing.DigestOf(upload),
		}},
		Participants: []signing.Participant{{
			ID: "par_0000000000000000000000000a", Name: "Tolvan Tolvansson", PersonalNumber: n,
			Method: signing.MethodBankIDSE, Step: 1, Locale: signing.LocaleSV,
		}},
		Policy: signing.DefaultPolicy(), CreatedAt: time.Now(), Deadline: time.Now().Add(time.Hour),
	}
}

// upload keeps the document as intake would.
func (w *world) upload() { w.uploadOf(onePage()) }

func (w *world) uploadOf(content []byte) {
	var h pdf.HashState
	_, err := h.Write(content)
	require.NoError(w.t, err)
	state, err := h.MarshalBinary()
	require.NoError(w.t, err)
	w.store.revisions[signing.RevisionRef{
		Tenant: "acme", Collection: w.store.spec.ID, Document: w.store.spec.Documents[0].ID,
	}] = kept{content, signing.Revision{Length: int64(len(content)), Digest: h.Sum(), HashState: state}}
}

func requireCode(t *testing.T, code string, err error) {
	t.Helper()
	require.Equal(t, code, fault.CodeOf(err), "%v", err)
}
