package activities_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/signicat"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/pki"
	simulated "github.com/handslag/handslag/simulator/signicat"
)

// forger is Signicat when it returns whatever a test makes of a result.
type forger struct {
	*signicat.Client
	forge   func(content []byte) []byte
	fetched int
}

func (f *forger) Revision(ctx context.Context, ref providers.OrderRef, id string) (io.ReadCloser, error) {
	in, err := f.Client.Revision(ctx, ref, id)
	if err != nil {
		return nil, err
	}
	f.fetched++
	content, err := io.ReadAll(in)
	if f.forge != nil {
		content = f.forge(content)
	}
	return io.NopCloser(bytes.NewReader(content)), err
}

// Provider implements activities.Providers.
func (f *forger) Provider(signing.TenantID, string, string) (activities.Account, error) {
	return activities.Account{ID: "main", Provider: f}, nil
}

// sign signs a document as a person, with a certificate of p's.
func (c *chain) sign(p *pki.PKI, nin string, content []byte) []byte {
	c.t.Helper()
	person, err := p.NorwegianPerson(pki.NorwegianLeaf{NIN: nin, GivenName: "Kari", Surname: "Nordmann"})
	require.NoError(c.t, err)
	return signedBy(c.t, content, pdf.SealOptions{
		Key: person.Key, Chain: append([]*x509.Certificate{person.Certificate}, person.Chain...), Time: time.Now(),
	})
}

// TestForgedFiles: a file that begins with what was sent, and still is not that
// with one signature of the person's.
func TestForgedFiles(t *testing.T) {
	other, err := certificates()
	require.NoError(t, err)
	for name, v := range map[string]struct {
		forge func(c *chain, sent []byte, nin string) []byte
		want  signing.AttemptResult
	}{
		"changed, then signed": {
			func(c *chain, sent []byte, nin string) []byte {
				return c.sign(c.pki, nin, slices.Concat(sent, overridePage(sent)))
			},
			signing.AttemptResult{Reason: signing.ReasonRewritten, ProviderCode: "file_changed"},
		},
		"signed, then changed": {
			func(c *chain, sent []byte, nin string) []byte {
				signed := c.sign(c.pki, nin, sent)
				return slices.Concat(signed, []byte("% more\n%%EOF\n"))
			},
			signing.AttemptResult{Reason: signing.ReasonRewritten, ProviderCode: "file_changed"},
		},
		"cut short": {
			func(c *chain, sent []byte, nin string) []byte {
				signed := c.sign(c.pki, nin, sent)
				return signed[:len(signed)-100]
			},
			signing.AttemptResult{Reason: signing.ReasonRewritten, ProviderCode: "file_changed"},
		},
		"far too large": {
			func(_ *chain, sent []byte, _ string) []byte { return append(sent, make([]byte, 17<<20)...) },
			signing.AttemptResult{Reason: signing.ReasonRewritten, ProviderCode: "file_too_large"},
		},
		"by an authority that nobody knows": {
			func(c *chain, sent []byte, nin string) []byte { return c.sign(other, nin, sent) },
			signing.AttemptResult{Reason: signing.ReasonVerificationFailed, ProviderCode: pdf.NoCertificateChain},
		},
		"by nobody in particular": {
			func(c *chain, sent []byte, _ string) []byte { return c.sign(c.pki, "", sent) },
			signing.AttemptResult{Reason: signing.ReasonVerificationFailed, ProviderCode: "signer_not_named"},
		},
		"tampered with": {
			func(c *chain, sent []byte, nin string) []byte {
				signed := c.sign(c.pki, nin, sent)
				at := bytes.LastIndex(signed, []byte("/M (D:20"))
				signed[at+len("/M (D:20")+4] ^= 1 // a digit of the month or the day
				return signed
			},
			signing.AttemptResult{Reason: signing.ReasonVerificationFailed, ProviderCode: pdf.HashFailure},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChain(t)
			ref := c.signedBy(0)
			nin := c.store.spec.Participants[0].PersonalNumber.Reveal()
			c.verify.Providers = &forger{Client: c.signicat, forge: func(content []byte) []byte {
				if second := c.upload(1); bytes.HasPrefix(content, second) {
					return v.forge(c, second, nin)
				}
				return content
			}}
			r, err := c.judge(ref)
			if v.want.ProviderCode == pdf.NoCertificateChain {
				requireCode(t, "signature_unproven", err)
				c.ahead = 25 * time.Hour
				r, err = c.judge(ref)
			}
			require.NoError(t, err)
			v.want.Outcome = signing.OutcomeFailed
			require.Equal(t, v.want, r)
			require.Len(t, c.store.revisions, 2, "the other document gets no revision, either")
		})
	}
}

// TestRevokedSigner: a certificate that was revoked before anything proves that it
// was used signs nothing; with a timestamp from before, it does.
func TestRevokedSigner(t *testing.T) {
	for level, want := range map[pdf.Level]signing.Outcome{pdf.LevelB: signing.OutcomeFailed, pdf.LevelT: signing.OutcomeSigned} {
		t.Run(string(level), func(t *testing.T) {
			c := newChain(t)
			c.set(map[string]any{"level": level})
			nin := pki.SyntheticNIN(time.Date(1980, 5, 1, 0, 0, 0, 0, time.UTC), int(level[2]))
			n, err := signing.ParseNIN(nin)
			require.NoError(t, err)
			c.store.spec.Participants[0].PersonalNumber = n
			c.tell(http.MethodPost, "/v1/signicat/persons", simulated.Person{NIN: nin, GivenName: "Ola", Surname: "Nordmann"}, nil)
			ref := c.signedBy(0)
			person, err := c.pki.NorwegianPerson(pki.NorwegianLeaf{NIN: nin, GivenName: "Ola", Surname: "Nordmann"})
			require.NoError(t, err)
			time.Sleep(1100 * time.Millisecond) // times of timestamps and lists are whole seconds
			require.NoError(t, c.pki.Revoke(person.Certificate, time.Now(), 1))
			r, err := c.judge(ref)
			require.NoError(t, err)
			require.Equal(t, want, r.Outcome, "%s %s", r.Reason, r.ProviderCode)
			if want == signing.OutcomeFailed {
				require.Equal(t, signing.ReasonIDInvalid, r.Reason)
				require.Equal(t, "certificate_revoked", r.ProviderCode)
				return
			}
			for _, made := range r.Signature.Revisions {
				c.people(made, time.Now())
			}
		})
	}
}

// TestResultsAreFetchedOnce: what has reached us needs Signicat no more, whatever
// keeps it from being judged; and nothing is lost by a fault on the way.
func TestResultsAreFetchedOnce(t *testing.T) {
	c := newChain(t)
	from := &forger{Client: c.signicat}
	c.verify.Providers = from
	ref := c.signedBy(0)
	for _, kind := range []faults.Kind{faults.Maintenance, faults.CutAfter, faults.CutBefore} {
		c.tell(http.MethodPost, "/v1/signicat/faults", faults.Fault{Kind: kind, Endpoint: simulated.EndpointDownload, Count: 1}, nil)
		_, err := c.judge(ref)
		require.Contains(t, []fault.Kind{fault.Unavailable, fault.Uncertain}, fault.KindOf(err), "%v", err)
	}
	c.status.down.Store(true)
	for range 2 {
		_, err := c.judge(ref)
		requireCode(t, "signature_unproven", err)
	}
	require.Equal(t, 2, from.fetched)
	require.Len(t, c.store.revisions, 2, "nothing is taken over that nobody vouches for")
	c.status.down.Store(false)
	c.verify.Providers = &gone{c.signicat}
	r, err := c.judge(ref)
	require.NoError(t, err)
	c.requireSigned(ref, r, 0)
}

// TestResultThatIsGone: a result that the provider has not is waited for, and then
// counts as lost, for good.
func TestResultThatIsGone(t *testing.T) {
	c := newChain(t)
	ref := c.signedBy(0)
	c.verify.Providers = &gone{c.signicat}
	_, err := c.judge(ref)
	requireCode(t, "result_not_yet", err)
	c.ahead = 3 * time.Minute
	for range 2 {
		r, err := c.judge(ref)
		require.NoError(t, err)
		require.Equal(t, signing.AttemptResult{Outcome: signing.OutcomeResultLost, ProviderCode: "result_missing"}, r)
		c.verify.Providers = c // and should it come back, the person has been told
	}
	require.Len(t, c.store.revisions, 2)
}

// gone is Signicat when it has forgotten its results.
type gone struct{ *signicat.Client }

func (g *gone) Revision(ctx context.Context, ref providers.OrderRef, _ string) (io.ReadCloser, error) {
	return g.Client.Revision(ctx, ref, "no-such-result")
}

// Provider implements activities.Providers.
func (g *gone) Provider(signing.TenantID, string, string) (activities.Account, error) {
	return activities.Account{ID: "main", Provider: g}, nil
}

// TestWhoseAnchors: without anchors nothing is judged and nothing is lost, and
// those of sealing authorities vouch for nobody: an operator has a day to see to it.
func TestWhoseAnchors(t *testing.T) {
	c := newChain(t)
	ref := c.signedBy(0)
	trust := c.verify.Trust
	c.verify.Trust = evidence.Trust{Signers: trust.NBID, Seal: trust.NBID, Timestamp: trust.Timestamp}
	_, err := c.judge(ref)
	requireCode(t, "nbid_anchors_missing", err)
	c.verify.Trust = trust
	r, err := c.judge(ref)
	require.NoError(t, err)
	c.requireSigned(ref, r, 0)
	c.current = r.Signature.Revisions

	second := c.signedBy(1)
	c.verify.Trust.NBID = map[bankidsig.Environment]*x509.CertPool{bankidsig.Simulator: pool(c.pki.Anchors(pki.Sealing))}
	_, err = c.judge(second)
	requireCode(t, "signature_unproven", err)
	c.ahead = 25 * time.Hour
	r, err = c.judge(second)
	require.NoError(t, err)
	require.Equal(t, signing.AttemptResult{
		Outcome: signing.OutcomeFailed, Reason: signing.ReasonVerificationFailed, ProviderCode: pdf.NoCertificateChain,
	}, r)
}

// TestSealWithoutTimestamps: where the tenant's seal does not last, what it seals
// does not, either; a signature is accepted all the same.
func TestSealWithoutTimestamps(t *testing.T) {
	c := newChain(t)
	seal, err := c.verify.Seals.Seal("acme")
	require.NoError(t, err)
	seal.Stamps = nil
	c.verify.Seals = sealer{seal}
	c.hop(0)
	for name := range c.store.evidence {
		require.NotContains(t, name.Name, "preserved")
	}
}

// TestTimeOfSigning: an authority's word, else the signature's own, unless that
// cannot be.
func TestTimeOfSigning(t *testing.T) {
	for name, v := range map[string]struct {
		claimed time.Duration
		want    string
	}{"claimed": {0, "claimed"}, "of another day": {-24 * time.Hour, "collected"}, "to come": {time.Hour, "collected"}} {
		t.Run(name, func(t *testing.T) {
			c := newChain(t)
			ref := c.signedBy(0)
			person, err := c.pki.NorwegianPerson(pki.NorwegianLeaf{NIN: c.store.spec.Participants[0].PersonalNumber.Reveal(), GivenName: "Kari", Surname: "Nordmann A"})
			require.NoError(t, err)
			c.verify.Providers = &forger{Client: c.signicat, forge: func(content []byte) []byte {
				sent := c.upload(0)
				if second := c.upload(1); bytes.HasPrefix(content, second) {
					sent = second
				}
				return signedBy(t, sent, pdf.SealOptions{
					Key: person.Key, Chain: append([]*x509.Certificate{person.Certificate}, person.Chain...), Time: time.Now().Add(v.claimed),
				})
			}}
			r, err := c.judge(ref)
			require.NoError(t, err)
			c.requireSigned(ref, r, 0)
			var result providers.Result
			c.read(ref, "result", &result)
			require.Equal(t, v.want, result.Checks["signing_time"])
			require.Equal(t, "B-B", result.Checks["pades_level"])
		})
	}
}

// TestDocumentsThatAreTheSame: two documents of the same bytes get a result each.
func TestDocumentsThatAreTheSame(t *testing.T) {
	for _, named := range []bool{false, true} {
		t.Run(fmt.Sprintf("named %v", named), func(t *testing.T) {
			c := newChain(t)
			c.set(map[string]any{"resultIds": named})
			first, second := c.store.spec.Documents[0], &c.store.spec.Documents[1]
			second.Length, second.Digest = first.Length, first.Digest
			c.store.revisions[c.ref(second.ID, 0)] = c.store.revisions[c.ref(first.ID, 0)]
			c.current[1].Length, c.current[1].Digest = first.Length, first.Digest
			c.hop(0)
			c.hop(1)
		})
	}
}

// TestBelowThePolicy: what holds and is less than the collection accepts is not
// counted, so it makes no revision: the next one to sign would be in its way, and
// so would the seal.
func TestBelowThePolicy(t *testing.T) {
	c := newChain(t)
	c.hop(0)
	before, accepted := maps.Clone(c.store.revisions), c.store.spec.Policy
	c.store.spec.Policy = signing.Policy{Accept: []signing.Assurance{signing.AssuranceAttested}}
	ref := c.signedBy(1)
	for range 2 { // and again, as after a crash
		r, err := c.judge(ref)
		require.NoError(t, err)
		require.Equal(t, signing.AttemptResult{
			Outcome: signing.OutcomeFailed, Reason: signing.ReasonNotAccepted, ProviderCode: "below_policy",
		}, r)
	}
	require.Equal(t, before, c.store.revisions)
	c.store.spec.Policy = accepted
	c.hop(2)
}
