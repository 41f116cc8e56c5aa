package activities_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// TestRestingProviderLocksNobody: nothing is sent, kept or locked, and the
// breaker hears of every start that it let go on, once.
func TestRestingProviderLocksNobody(t *testing.T) {
	w := newWorld(t)
	w.breaker.resting = true
	_, err := w.start()
	requireCode(t, "provider_resting", err)
	require.Nil(t, w.store.holder)
	require.Empty(t, w.store.evidence)
	require.Empty(t, w.breaker.ends)

	w.breaker.resting = false
	w.store.holder = &signing.Holder{Tenant: "somebody-else"}
	_, err = w.start()
	requireCode(t, "person_busy", err)
	require.Equal(t, fault.Invalid, fault.KindOf(w.breaker.ends[0]), "which counts neither way: nothing was sent")

	w.store.holder = nil
	order, err := w.start()
	require.NoError(t, err)
	require.Len(t, w.breaker.ends, 2)
	require.NoError(t, w.breaker.ends[1])
	require.Equal(t, "main", order.Account)
	require.Equal(t, w.bankid.Capabilities().OrderLife, order.Life)
}

// TestWhatIsAsked: each method has its own text, and the manifest names the
// revisions that are signed.
func TestWhatIsAsked(t *testing.T) {
	w := newWorld(t)
	current := []signing.Current{{Document: w.store.spec.Documents[0].ID, Revision: 2, Length: 77, Digest: signing.DigestOf([]byte("x"))}}
	_, err := w.startOf(activities.StartInput{AttemptRef: w.ref, Current: current, Channel: signing.ChannelQR})
	require.NoError(t, err)
	asked := string(w.evidence("request"))
	require.Contains(t, asked, current[0].Digest.String(), "in the text")
	m, err := w.store.spec.At(current).Manifest(w.ref.Participant).Encode()
	require.NoError(t, err)
	require.Contains(t, asked, base64Of(m))

	for method, version := range map[signing.Method]string{
		signing.MethodBankIDSE: signing.TextVersion, signing.MethodBankIDSEIdentify: "handslag-identification-1",
		signing.MethodBankIDSEProcess: "", signing.MethodNBIDPKI: "",
	} {
		p := w.store.spec.Participants[0]
		p.Method = method
		named, text := w.store.spec.Text(p)
		require.Equal(t, version, named)
		require.Equal(t, version == "", text == "")
	}
}

// reconciler is BankID, which can be asked what became of a start.
type reconciler struct {
	providers.Provider
	found providers.Order
	err   error
	asked []providers.StartRequest
}

func (r *reconciler) Reconcile(_ context.Context, q providers.StartRequest, _ time.Time) (providers.Order, error) {
	r.asked = append(r.asked, q)
	return r.found, r.err
}

func (w *world) reconcile() (providers.Order, error) {
	var order providers.Order
	err := w.run(w.attempts.ReconcileAttempt, activities.ReconcileInput{
		StartInput: activities.StartInput{AttemptRef: w.ref, Channel: signing.ChannelSameDevice}, At: time.Now(),
	}, &order)
	return order, err
}

// TestReconcile: what a lost start sent is asked for again, of the account that
// it was sent to, whatever the settings say now.
func TestReconcile(t *testing.T) {
	w := newWorld(t)
	_, err := w.reconcile()
	require.Equal(t, fault.Uncertain, fault.KindOf(err), "BankID cannot be asked")

	can := &reconciler{Provider: w.bankid, found: providers.Order{Ref: "found", StartedAt: time.Now()}}
	w.accounts = map[string]providers.Provider{"old": can, "new": &reconciler{Provider: w.bankid}}
	w.current = "old"
	_, err = w.reconcile()
	requireCode(t, "start_not_sent", err)
	require.Equal(t, fault.NotFound, fault.KindOf(err), "nothing was ever sent")

	require.NoError(t, w.app.Fault(t.Context(), cutAfter))
	_, err = w.start()
	require.Equal(t, fault.Uncertain, fault.KindOf(err))
	require.NotNil(t, w.store.holder)
	w.current = "new" // the settings are changed, and loaded at once
	order, err := w.reconcile()
	require.NoError(t, err)
	require.Equal(t, "old", order.Account)
	require.Equal(t, providers.OrderRef("found"), order.Ref)
	require.Len(t, can.asked, 1)
	require.Contains(t, string(w.evidence("request")), base64Of(can.asked[0].Manifest), "the same request")
	require.NotNil(t, w.store.holder, "the order is live")

	can.err = fault.New(fault.Unavailable, "not_settled", "x").After(time.Second)
	_, err = w.reconcile()
	requireCode(t, "not_settled", err)
	require.NotNil(t, w.store.holder)
	can.err = fault.New(fault.NotFound, "not_created", "x")
	_, err = w.reconcile()
	requireCode(t, "not_created", err)
	require.Nil(t, w.store.holder, "there is nothing to guard")

	order, err = w.start()
	require.NoError(t, err)
	require.Equal(t, "old", order.Account, "an attempt stays with its account")
}

// TestPinEffects: an account that could not be remembered is not asked.
func TestPinEffects(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		w := newWorld(t)
		w.accounts, w.current = map[string]providers.Provider{"main": &reconciler{Provider: w.bankid}}, "main"
		if persisted {
			w.store.cut["adopt account-bankid"] = 1
		} else {
			w.store.lost["adopt account-bankid"] = 1
		}
		_, err := w.start()
		requireCode(t, errStore.Code, err)
		require.Nil(t, w.store.holder)
		_, err = w.start()
		require.NoError(t, err)
	}
}

// TestConsentEffects fails the one effect of a consent, both ways.
func TestConsentEffects(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		w := newWorld(t)
		in := activities.ConsentInput{CollectionRef: w.ref.CollectionRef, Record: signing.ConsentRecord{
			Version: signing.ConsentVersion, Collection: w.ref.Collection, Participant: w.ref.Participant, Attempt: w.ref.Attempt,
			Locale: signing.LocaleSV, Text: w.store.spec.ConsentText(signing.LocaleSV), Manifest: signing.DigestOf([]byte("m")), At: time.Now(),
			Identification: signing.Identification{Provider: "qrona", At: time.Now(), Answer: signing.DigestOf([]byte("a"))},
		}}
		if persisted {
			w.store.cut["put consent"] = 1
		} else {
			w.store.lost["put consent"] = 1
		}
		var c signing.Consent
		requireCode(t, errStore.Code, w.run(w.records.KeepConsent, in, nil))
		require.NoError(t, w.run(w.records.KeepConsent, in, &c))
		kept, err := signing.ParseConsent(w.evidence("consent"))
		require.NoError(t, err)
		require.Equal(t, in.Record.Text, kept.Text)
		require.Equal(t, signing.DigestOf(w.evidence("consent")), c.Evidence)
		require.True(t, in.Record.At.Equal(c.At))
	}
}

// posing has an activity believe that it runs for the n-th time.
type posing struct {
	interceptor.WorkerInterceptorBase
	run  int32
	late time.Duration // how long it waited for a worker
}

func (p *posing) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &posingIn{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next}, posing: p}
}

type posingIn struct {
	interceptor.ActivityInboundInterceptorBase
	posing *posing
}

func (p *posingIn) Init(out interceptor.ActivityOutboundInterceptor) error {
	return p.Next.Init(&posingOut{ActivityOutboundInterceptorBase: interceptor.ActivityOutboundInterceptorBase{Next: out}, posing: p.posing})
}

type posingOut struct {
	interceptor.ActivityOutboundInterceptorBase
	posing *posing
}

func (p *posingOut) GetInfo(ctx context.Context) activity.Info {
	info := p.Next.GetInfo(ctx)
	info.Attempt = max(1, p.posing.run)
	info.ScheduledTime = info.StartedTime.Add(-p.posing.late)
	return info
}

// signals is a Temporal that can be signalled, which it refuses a few times first.
type signals struct {
	mu      sync.Mutex
	refuse  int
	heard   []activities.CallSent
	hearing chan struct{}
}

func (s *signals) SignalWorkflow(_ context.Context, _, _, name string, arg any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse > 0 {
		s.refuse--
		return errStore
	}
	if name == activities.SignalCallSent {
		s.heard = append(s.heard, arg.(activities.CallSent))
		close(s.hearing)
	}
	return nil
}

func (w *world) pose(p *posing) {
	w.newRun()
	w.env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{p}})
}

// TestOrganisationThatNobodyLooksUpAnyMore: nobody signs for an organisation at an
// account whose settings have changed since the collection was created.
func TestOrganisationThatNobodyLooksUpAnyMore(t *testing.T) {
	w := newWorld(t)
	w.store.spec.Participants[0].Organisation = "559000-0948"
	_, err := w.start()
	requireCode(t, "organisation_not_looked_up", err)
	require.Equal(t, fault.Forbidden, fault.KindOf(err), "certainly no order: the next provider may be asked")
	require.Nil(t, w.store.holder)
	require.Empty(t, w.store.evidence)
	require.Equal(t, fault.Invalid, fault.KindOf(w.breaker.ends[0]), "which says nothing of the account")
}
