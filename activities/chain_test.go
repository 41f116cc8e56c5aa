package activities_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/revocation/online"
	"github.com/handslag/handslag/pdf/tsa"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/signicat"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator"
	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/pki"
	"github.com/handslag/handslag/simulator/revocation"
	simulated "github.com/handslag/handslag/simulator/signicat"
)

// norwegianPKI is one PKI for all tests of the chain, with its service of status.
var norwegianPKI = sync.OnceValues(func() (*pki.PKI, error) {
	return pki.Create(pki.Options{Clock: time.Now, Entropy: rand.Reader, CAKeyBits: 2048, StatusURL: "http://status.invalid"})
})

// chain is a collection of two documents and three Norwegians, the simulated
// Signicat, and the activities that judge what it returns.
type chain struct {
	t        *testing.T
	pki      *pki.PKI
	store    *memory
	control  string
	signicat *signicat.Client
	status   *status
	verify   *activities.Verification
	ahead    time.Duration // of our clock
	current  []signing.Current
	attempts int
}

func newChain(t *testing.T) *chain {
	t.Helper()
	p, err := norwegianPKI()
	require.NoError(t, err)
	s, err := simulator.New(simulator.Options{PKI: p, Clock: time.Now, Entropy: rand.Reader})
	require.NoError(t, err)
	api := httptest.NewUnstartedServer(s.Signicat().API())
	api.Listener = tls.NewListener(api.Listener, s.Signicat().TLSConfig())
	api.Config.ErrorLog = log.New(io.Discard, "", 0)
	api.Start()
	control, stamps := httptest.NewServer(s.Control()), httptest.NewServer(s.Timestamp())
	t.Cleanup(func() { api.Close(); control.Close(); stamps.Close(); s.Signicat().Close() })

	c := &chain{t: t, pki: p, control: control.URL}
	c.store = newMemory(c.spec())
	for i, d := range c.store.spec.Documents {
		content := c.upload(i)
		c.store.revisions[c.ref(d.ID, 0)] = kept{content, describe(t, content)}
		c.current = append(c.current, signing.Current{Document: d.ID, Length: d.Length, Digest: d.Digest})
	}
	account := simulated.DefaultClient()
	c.signicat, err = signicat.New(signicat.Config{
		BaseURL: "https://" + api.Listener.Addr().String() + "/sign", TokenURL: "https://" + api.Listener.Addr().String() + "/auth/open/connect/token",
		ClientID: account.ID, ClientSecret: signing.Private(account.Secret), ServerRoots: p.ServerRoots(), Clock: time.Now,
	})
	require.NoError(t, err)
	t.Cleanup(c.signicat.Close)
	c.set(map[string]any{"signUrl": control.URL})

	c.status = &status{}
	c.status.service, err = revocation.New(revocation.Options{PKI: p, Clock: time.Now, Entropy: rand.Reader})
	require.NoError(t, err)
	seal := p.Seal()
	c.verify = &activities.Verification{
		Providers: c, Specs: c.store, Evidence: c.store, Revisions: c.store, Returned: c.store, Clock: func() time.Time { return time.Now().Add(c.ahead) },
		Seals: sealer{activities.Seal{
			Key: seal.Key, Chain: append([]*x509.Certificate{seal.Certificate}, seal.Chain...), Level: pdf.LevelLTA,
			Stamps:     &tsa.Client{URLs: []string{stamps.URL}, HTTP: &http.Client{}},
			Revocation: &online.Client{HTTP: &http.Client{Transport: within{c.status}}, Clock: time.Now, MaxAge: time.Nanosecond},
			Known:      slices.Concat(p.Anchors(pki.Sealing), p.Anchors(pki.Timestamp), p.Anchors(pki.Norwegian)),
		}},
		Trust: evidence.Trust{
			NBID:      map[bankidsig.Environment]*x509.CertPool{bankidsig.Simulator: pool(p.Anchors(pki.Norwegian))},
			Timestamp: map[bankidsig.Environment]*x509.CertPool{bankidsig.Simulator: pool(p.Anchors(pki.Timestamp))},
		},
	}
	return c
}

// within is a transport to a handler in this process, whatever the host.
type within struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (w within) RoundTrip(r *http.Request) (*http.Response, error) {
	out := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w.handler.ServeHTTP(out, r)
	return out.Result(), nil
}

func describe(t *testing.T, content []byte) signing.Revision {
	t.Helper()
	var h pdf.HashState
	_, err := h.Write(content)
	require.NoError(t, err)
	state, err := h.MarshalBinary()
	require.NoError(t, err)
	return signing.Revision{Length: int64(len(content)), Digest: h.Sum(), HashState: state}
}

// upload is a document of its own; the second begins with the first.
func (c *chain) upload(i int) []byte {
	if i == 0 {
		return onePage()
	}
	return slices.Concat(onePage(), overridePage(onePage()))
}

func (c *chain) spec() signing.Spec {
	s := spec(c.t)
	s.Documents, s.Participants = nil, nil
	for i := range 2 {
		content := c.upload(i)
		s.Documents = append(s.Documents, signing.Document{
			ID: signing.DocumentID(fmt.Sprintf("doc_%026d", i)), Title: "Avtale", Length: int64(len(content)), Digest: signing.DigestOf(content),
		})
	}
	for i := range 3 {
		nin := pki.SyntheticNIN(time.Date(1990+i, 3, 1, 0, 0, 0, 0, time.UTC), i)
		n, err := signing.ParseNIN(nin)
		require.NoError(c.t, err)
		s.Participants = append(s.Participants, signing.Participant{
			ID: signing.ParticipantID(fmt.Sprintf("par_%026d", i)), Name: "Kari Nordmann", PersonalNumber: n,
			Method: signing.MethodNBIDPKI, Step: 1, Locale: signing.LocaleNB,
		})
		c.tell(http.MethodPost, "/v1/signicat/persons", simulated.Person{NIN: nin, GivenName: "Kari", Surname: fmt.Sprintf("Nordmann %c", 'A'+i)}, nil)
	}
	return s
}

// Provider implements activities.Providers.
func (c *chain) Provider(signing.TenantID, string, string) (activities.Account, error) {
	return activities.Account{ID: "main", Provider: c.signicat}, nil
}

func (c *chain) tell(method, path string, in, out any) {
	c.t.Helper()
	b, err := json.Marshal(in)
	require.NoError(c.t, err)
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.control+path, bytes.NewReader(b))
	require.NoError(c.t, err)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	require.NoError(c.t, err)
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	require.NoError(c.t, err)
	require.Less(c.t, answer.StatusCode, 300, "%s", got)
	if out != nil {
		require.NoError(c.t, json.Unmarshal(got, out))
	}
}

func (c *chain) set(v map[string]any) { c.tell(http.MethodPut, "/v1/signicat/settings", v, nil) }

func (c *chain) ref(d signing.DocumentID, revision int) signing.RevisionRef {
	return signing.RevisionRef{Tenant: "acme", Collection: c.store.spec.ID, Document: d, Revision: revision}
}

// signedBy has a person sign the current revisions at Signicat, up to where its
// answer is in evidence.
func (c *chain) signedBy(number int) activities.AttemptRef {
	c.t.Helper()
	ctx, p := c.t.Context(), c.store.spec.Participants[number]
	c.attempts++
	ref := activities.AttemptRef{
		CollectionRef: activities.CollectionRef{Tenant: "acme", Collection: c.store.spec.ID},
		Participant:   p.ID, Attempt: signing.AttemptID(fmt.Sprintf("att_%026d", c.attempts)), Provider: "signicat",
	}
	spec := c.store.spec.At(c.current)
	manifest, err := spec.Manifest(p.ID).Encode()
	require.NoError(c.t, err)
	order, err := c.signicat.Start(ctx, providers.StartRequest{
		Collection: ref.Collection, Attempt: ref.Attempt, Method: p.Method, Channel: signing.ChannelSameDevice, Signer: p.PersonalNumber,
		Locale: p.Locale, ReturnURL: "https://sign.example.com/back", Documents: activities.Documents(c.store, ref.CollectionRef, spec),
	})
	require.NoError(c.t, err)
	var page simulated.SessionView
	c.tell(http.MethodPost, "/v1/signicat/sessions/"+string(order.Ref)+"/sign", simulated.Act{NIN: p.PersonalNumber.Reveal()}, &page)
	require.Equal(c.t, "success", page.Outcome)
	answer, err := c.signicat.Collect(ctx, order.Ref)
	require.NoError(c.t, err)
	require.True(c.t, answer.Terminal)
	c.keep(ref, "request", map[string]any{"textVersion": signing.TextVersion, "manifest": manifest})
	c.keep(ref, "answer", activities.StoredAnswer{
		Provider: "signicat", Order: order.Ref, StartedAt: order.StartedAt, CollectedAt: time.Now(), Raw: answer.Raw, Documents: order.Documents,
	})
	return ref
}

func (c *chain) keep(ref activities.AttemptRef, name string, v any) {
	b, err := json.Marshal(v)
	require.NoError(c.t, err)
	c.store.evidence[piece(ref, name)] = b
}

func (c *chain) read(ref activities.AttemptRef, name string, into any) {
	c.t.Helper()
	require.NoError(c.t, json.Unmarshal(c.store.evidence[piece(ref, name)], into))
}

func piece(ref activities.AttemptRef, name string) signing.EvidenceRef {
	return signing.EvidenceRef{Tenant: ref.Tenant, Collection: ref.Collection, Attempt: ref.Attempt, Name: name}
}

// judge is VerifyAttempt.
func (c *chain) judge(ref activities.AttemptRef) (signing.AttemptResult, error) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(c.verify)
	var r signing.AttemptResult
	value, err := env.ExecuteActivity(c.verify.VerifyAttempt, ref)
	if err != nil {
		return r, activities.FromTemporal(err)
	}
	require.NoError(c.t, value.Get(&r))
	return r, nil
}

// hop has a person sign and takes over what that made.
func (c *chain) hop(number int) *signing.Signature {
	c.t.Helper()
	ref := c.signedBy(number)
	r, err := c.judge(ref)
	require.NoError(c.t, err)
	c.requireSigned(ref, r, number)
	c.current = r.Signature.Revisions
	return r.Signature
}

// requireSigned holds a result to what is kept, read with nothing but the file
// and the anchors.
func (c *chain) requireSigned(ref activities.AttemptRef, r signing.AttemptResult, number int) {
	c.t.Helper()
	require.Equal(c.t, signing.OutcomeSigned, r.Outcome, "%s %s", r.Reason, r.ProviderCode)
	s := r.Signature
	require.Equal(c.t, signing.AssuranceVerified, s.Assurance)
	require.Equal(c.t, signing.LevelQES, s.Level)
	require.Equal(c.t, "simulator", s.Environment)
	require.WithinDuration(c.t, time.Now(), s.SignedAt, time.Minute)
	require.Len(c.t, s.Revisions, 2)
	var result providers.Result
	c.read(ref, "result", &result)
	require.Equal(c.t, fmt.Sprintf("Kari Nordmann %c", 'A'+number), result.SignerName.Reveal())
	for i, made := range s.Revisions {
		before := c.store.revisions[c.ref(made.Document, c.current[i].Revision)].content
		now := c.store.revisions[c.ref(made.Document, made.Revision)]
		require.Equal(c.t, c.current[i].Revision+1, made.Revision)
		require.Equal(c.t, describe(c.t, now.content), now.Revision, "length, digest and hash state are those of the bytes")
		require.Equal(c.t, signing.Current{Document: made.Document, Revision: made.Revision, Length: now.Length, Digest: now.Digest}, made)
		require.True(c.t, bytes.HasPrefix(now.content, before))
	}
}

// people are the numbers of who signed a document, once every signature in it is
// proven by the file and the anchors alone.
func (c *chain) people(made signing.Current, at time.Time) (numbers []string, levels []pdf.Level) {
	c.t.Helper()
	content := c.store.revisions[c.ref(made.Document, made.Revision)].content
	v, err := pdf.Verify(c.t.Context(), bytes.NewReader(content), int64(len(content)), pdf.Trust{
		Seal: c.verify.Trust.NBID[bankidsig.Simulator], Timestamp: c.verify.Trust.Timestamp[bankidsig.Simulator], Now: at,
	})
	require.NoError(c.t, err)
	require.Equal(c.t, pdf.TotalPassed, v.Indication, v.SubIndication)
	for _, s := range v.Signatures {
		if s.Kind == pdf.KindSignature {
			numbers, levels = append(numbers, s.NationalID.Reveal()), append(levels, s.Level)
		}
	}
	return numbers, levels
}

// TestChain: three people sign two documents one after the other, whatever the
// level of what comes back; and what is kept can be verified for as long as its
// timestamps can.
func TestChain(t *testing.T) {
	for _, level := range []pdf.Level{pdf.LevelB, pdf.LevelT, pdf.LevelLT, pdf.LevelLTA} {
		for _, named := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, results named %v", level, named), func(t *testing.T) {
				c := newChain(t)
				c.set(map[string]any{"level": level, "resultIds": named})
				for number := range c.store.spec.Participants {
					c.hop(number)
				}
				for _, made := range c.current {
					numbers, levels := c.people(made, time.Now())
					for i, p := range c.store.spec.Participants {
						require.Equal(t, p.PersonalNumber.Reveal(), numbers[i])
						require.Contains(t, []pdf.Level{pdf.LevelLT, pdf.LevelLTA}, levels[i])
					}
				}
			})
		}
	}
}

// TestWhatIsNotAccepted: what a provider must not return is no signature, makes no
// revision of any document, and is kept.
func TestWhatIsNotAccepted(t *testing.T) {
	for kind, want := range map[faults.Kind]signing.AttemptResult{
		simulated.Rewritten:   {Reason: signing.ReasonRewritten, ProviderCode: "file_rewritten"},
		simulated.OtherPerson: {Reason: signing.ReasonWrongSigner, ProviderCode: "signer_other"},
		simulated.Unsigned:    {Reason: signing.ReasonVerificationFailed, ProviderCode: "not_signed"},
		simulated.SignedTwice: {Reason: signing.ReasonVerificationFailed, ProviderCode: "signed_twice"},
		simulated.Swapped:     {Reason: signing.ReasonVerificationFailed, ProviderCode: "file_swapped"},
	} {
		t.Run(string(kind), func(t *testing.T) {
			c := newChain(t)
			c.set(map[string]any{"resultIds": true})
			c.hop(0)
			c.tell(http.MethodPost, "/v1/signicat/faults", faults.Fault{Kind: kind, Count: 1}, nil)
			before := maps.Clone(c.store.revisions)
			ref := c.signedBy(1)
			want.Outcome = signing.OutcomeFailed
			for range 2 { // and again, as after a crash
				r, err := c.judge(ref)
				require.NoError(t, err)
				require.Equal(t, want, r)
			}
			require.Equal(t, before, c.store.revisions)
			for i := range 2 {
				var file struct {
					Document signing.DocumentID `json:"document"`
					Digest   signing.Digest     `json:"sha256"`
					Tail     []byte             `json:"tail"`
				}
				c.read(ref, fmt.Sprintf("returned.%02d", i), &file)
				whole := c.store.returned[piece(ref, fmt.Sprintf("returned.%02d", i))]
				if file.Document != "" {
					require.Nil(t, whole)
					whole = slices.Concat(c.store.revisions[c.ref(file.Document, 1)].content, file.Tail)
				}
				require.Equal(t, file.Digest, signing.DigestOf(whole), "both files are there, byte for byte")
			}
			c.hop(1) // and the person may try again
		})
	}
}

// TestChainEffects fails each effect of taking over what was signed, before and
// after it took place, on each of its calls: a repeat yields one revision of each
// document, and what was kept first stays.
func TestChainEffects(t *testing.T) {
	for effect, calls := range map[string]int{
		"get request": 1, "get answer": 1, "get result": 1, "get returned.00": 1, "adopt returned.00": 1, "adopt returned.01": 1,
		"get preserved.00": 2, "adopt preserved.00": 1, "adopt preserved.01": 1, "adopt result": 1,
		"describe revision": 8, "open revision": 4, "put revision": 2,
	} {
		for call := 1; call <= calls; call++ {
			for _, persisted := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %d, persisted %v", effect, call, persisted), func(t *testing.T) {
					c := newChain(t)
					c.hop(0)
					ref := c.signedBy(1)
					c.store.failing(effect, call, persisted)
					_, err := c.judge(ref)
					requireCode(t, errStore.Code, err)
					before := maps.Clone(c.store.revisions)
					first, err := c.judge(ref)
					require.NoError(t, err)
					c.requireSigned(ref, first, 1)
					second, err := c.judge(ref)
					require.NoError(t, err)
					require.Equal(t, first, second)
					for at, k := range before {
						require.Equal(t, k, c.store.revisions[at], "what was kept first stays")
					}
					require.Len(t, c.store.revisions, 6)
				})
			}
		}
	}
}

// TestRefusedFileEffects: a file that was refused is kept once, whatever fails.
func TestRefusedFileEffects(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		c := newChain(t)
		c.tell(http.MethodPost, "/v1/signicat/faults", faults.Fault{Kind: simulated.Rewritten, Count: 2}, nil)
		ref := c.signedBy(0)
		c.store.failing("keep returned.00", 1, persisted)
		_, err := c.judge(ref)
		requireCode(t, errStore.Code, err)
		r, err := c.judge(ref)
		require.NoError(t, err)
		require.Equal(t, "file_rewritten", r.ProviderCode)
		require.Len(t, c.store.returned, 2)
	}
}
