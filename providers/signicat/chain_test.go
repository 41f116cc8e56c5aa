package signicat_test

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/signicat"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/pki"
	simulated "github.com/handslag/handslag/simulator/signicat"
)

// hop has a person sign documents and returns what comes back of each, in the
// order of the documents.
func (w *world) hop(c *signicat.Client, who signing.PersonalNumber, sent ...[]byte) (providers.Result, [][]byte) {
	w.t.Helper()
	r := request(who, signing.ChannelSameDevice)
	r.Documents = nil
	for i, b := range sent {
		r.Documents = append(r.Documents, document(fmt.Sprintf("doc_%d", i), b))
	}
	o, err := c.Start(w.t.Context(), r)
	require.NoError(w.t, err)
	require.NoError(w.t, w.sign(w.t.Context(), who, r.Channel, o))
	result := w.interpret(c, o, r)
	require.Equal(w.t, signing.OutcomeSigned, result.Outcome, result.ProviderCode)
	var back [][]byte
	for _, d := range r.Documents {
		candidates := result.Unplaced
		if id, ok := result.Revisions[d.ID]; ok {
			candidates = []string{id}
		}
		var match []byte
		for _, id := range candidates {
			if got := w.fetch(c, o, id); match == nil && (len(candidates) == 1 || bytes.HasPrefix(got, sent[len(back)])) {
				match = got
			}
		}
		back = append(back, match)
	}
	return result, back
}

func (w *world) interpret(c *signicat.Client, o providers.Order, r providers.StartRequest) providers.Result {
	w.t.Helper()
	a, err := c.Collect(w.t.Context(), o.Ref)
	require.NoError(w.t, err)
	require.True(w.t, a.Terminal, a.Hint)
	result, err := c.Interpret(a.Raw, providers.Expectation{Order: o.Ref, Method: r.Method, Signer: r.Signer, StartedAt: o.StartedAt, Documents: o.Documents})
	require.NoError(w.t, err)
	return result
}

func (w *world) fetch(c *signicat.Client, o providers.Order, id string) []byte {
	w.t.Helper()
	in, err := c.Revision(w.t.Context(), o.Ref, id)
	require.NoError(w.t, err)
	defer in.Close()
	b, err := io.ReadAll(in)
	require.NoError(w.t, err)
	return b
}

func (w *world) verify(b []byte) *pdf.Verification {
	w.t.Helper()
	people, stamps := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range w.pki.Anchors(pki.Norwegian) {
		people.AddCert(c)
	}
	for _, c := range w.pki.Anchors(pki.Timestamp) {
		stamps.AddCert(c)
	}
	v, err := pdf.Verify(w.t.Context(), bytes.NewReader(b), int64(len(b)), pdf.Trust{Seal: people, Timestamp: stamps, Now: w.clock.Now()})
	require.NoError(w.t, err)
	return v
}

// signers are the numbers of who signed, in order; timestamps are not counted.
func signers(v *pdf.Verification) []string {
	var all []string
	for _, s := range v.Signatures {
		if s.Kind == pdf.KindSignature {
			all = append(all, s.NationalID.Reveal())
		}
	}
	return all
}

// accepted is what whoever holds the bytes asks of them: they begin with what
// was sent and add one signature, of the person who was asked.
func (w *world) accepted(sent, got []byte, who signing.PersonalNumber) bool {
	if !bytes.HasPrefix(got, sent) || pdf.CheckSigned(bytes.NewReader(got), int64(len(got)), int64(len(sent)), pdf.Limits{}) != nil {
		return false
	}
	before, after := signers(w.verify(sent)), signers(w.verify(got))
	return len(after) == len(before)+1 && after[len(before)] == who.Reveal() && w.verify(got).Indication != pdf.TotalFailed
}

// Three people sign two documents one after the other: what one session returns
// is uploaded for the next, and all signatures stay.
func TestChain(t *testing.T) {
	for _, level := range []pdf.Level{pdf.LevelB, pdf.LevelT, pdf.LevelLT, pdf.LevelLTA} {
		t.Run(string(level), func(t *testing.T) {
			w := newWorld(t)
			w.set(map[string]any{"level": level, "resultIds": level == pdf.LevelLT})
			c := w.client(nil)
			current := [][]byte{page("A"), page("B")}
			for i, who := range w.people {
				result, next := w.hop(c, who, current...)
				require.Len(t, result.Revisions, map[bool]int{true: 2}[level == pdf.LevelLT])
				for d := range current {
					require.True(t, w.accepted(current[d], next[d], who), "person %d, document %d", i, d)
				}
				current = next
			}
			v := w.verify(current[1])
			require.Len(t, signers(v), 3)
			for _, s := range v.Signatures {
				if s.Kind == pdf.KindSignature {
					require.Equal(t, level, s.Level)
				}
			}
			if level == pdf.LevelLT || level == pdf.LevelLTA {
				require.Equal(t, pdf.TotalPassed, v.Indication, "%s", v.SubIndication)
			}
		})
	}
}

// What Signicat must not return is no result, whoever says that it is signed.
func TestWrongDocuments(t *testing.T) {
	for _, kind := range []faults.Kind{simulated.Rewritten, simulated.OtherPerson, simulated.Unsigned, simulated.SignedTwice, simulated.Swapped} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			w.set(map[string]any{"resultIds": true})
			c := w.client(nil)
			w.fault(faults.Fault{Kind: kind})
			sent := [][]byte{page("A"), page("B")}
			_, got := w.hop(c, w.people[0], sent...)
			require.False(t, w.accepted(sent[0], got[0], w.people[0]))
		})
	}
}

// A signature that is rewritten over breaks, which is why it is kept out.
func TestRewrittenFileLosesEarlierSignatures(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	_, first := w.hop(c, w.people[0], page("A"))
	w.fault(faults.Fault{Kind: simulated.Rewritten})
	_, second := w.hop(c, w.people[1], first...)
	require.Equal(t, pdf.TotalFailed, w.verify(second[0]).Indication)
}

// A result that does not say what it was made of is one document's, or nobody's.
func TestPlacesResults(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	one, _ := w.hop(c, w.people[0], page("A"))
	require.Len(t, one.Revisions, 1)
	require.Empty(t, one.Unplaced)
	two, back := w.hop(c, w.people[0], page("A"), page("B"))
	require.Empty(t, two.Revisions)
	require.Len(t, two.Unplaced, 2)
	require.True(t, bytes.HasPrefix(back[1], page("B")))
}

// Where a session says nothing of what was asked for, nothing of it is missed.
func TestSessionThatEchoesNothing(t *testing.T) {
	w := newWorld(t)
	w.set(map[string]any{"echoesNothing": true, "hashEncoding": "hex"})
	c := w.client(nil)
	r := request(w.people[0], signing.ChannelSameDevice)
	at := w.clock.Now()
	w.fault(faults.Fault{Kind: faults.CutAfter, Endpoint: simulated.EndpointCreate})
	_, err := c.Start(t.Context(), r)
	require.Error(t, err)
	o, err := c.Reconcile(t.Context(), r, at)
	require.NoError(t, err)
	require.Empty(t, o.Documents)
	require.NoError(t, w.sign(t.Context(), w.people[0], r.Channel, o))
	require.Len(t, w.interpret(c, o, r).Unplaced, 2)
}
