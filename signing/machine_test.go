package signing_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/handslag/handslag/signing"
)

// everyMethod is a collection in which each method has somebody, and two sign the
// documents themselves.
func everyMethod(t testing.TB) signing.Spec {
	t.Helper()
	s := spec(t)
	s.Policy.Accept = []signing.Assurance{
		signing.AssuranceVerified, signing.AssuranceAttested, signing.AssuranceIdentified, signing.AssuranceAttestedProcess,
	}
	s.Participants[1].Method = signing.MethodBankIDSEIdentify
	s.Participants[2].Method, s.Participants[2].ProviderParticipant = signing.MethodBankIDSEProcess, "sp-1"
	for i, number := range []string{"29124815345", "27034698436"} {
		n, err := signing.ParseNIN(number)
		require.NoError(t, err)
		p := s.Participants[0]
		p.ID, p.PersonalNumber, p.Method, p.Step = []signing.ParticipantID{"par_n1", "par_n2"}[i], n, signing.MethodNBIDPKI, 1
		s.Participants = append(s.Participants, p)
	}
	require.NoError(t, s.Validate())
	return s
}

// machine is a collection that is driven with random commands, and what they
// must have come to.
type machine struct {
	*signing.Collection
	now        time.Time
	kept       map[signing.ParticipantID]bool // who gave what counts
	consenting map[signing.ParticipantID]bool
	attempts   int // that were asked for
	made       int // signatures in the documents
	ended      signing.State
}

var manifestDigest = signing.DigestOf([]byte("manifest"))

// outcome is how an attempt of p ends when the person does what they are asked.
func (m *machine) outcome(p signing.Participant) signing.AttemptResult {
	r := signing.AttemptResult{Outcome: signing.OutcomeSigned, Signature: &signing.Signature{
		Participant: p.ID, Attempt: m.Progress(p.ID).Attempts[len(m.Progress(p.ID).Attempts)-1].ID,
		Method: p.Method, Assurance: p.Method.Assurances()[0], Manifest: manifestDigest, SignedAt: m.now,
	}}
	switch {
	case p.Method == signing.MethodBankIDSEIdentify:
		r.Outcome = signing.OutcomeIdentified
	case p.Method.SignsDocuments():
		for _, current := range m.Current() {
			current.Revision++
			current.Length += 1000
			r.Signature.Revisions = append(r.Signature.Revisions, current)
		}
	}
	return r
}

func (m *machine) start(t *rapid.T, p signing.Participant) {
	can := m.CanStart(p.ID)
	m.attempts++
	a := signing.Attempt{ID: signing.AttemptID(fmt.Sprintf("att_%d", m.attempts)), Participant: p.ID, StartedAt: m.now}
	before := m.Current()
	if got := m.StartAttempt(a); (got == nil) != (can == nil) {
		t.Fatalf("CanStart says %v, StartAttempt %v", can, got)
	}
	if can == nil && m.made > 0 {
		require.Equal(t, before, m.About(p.ID), "an attempt is about what was current when it started")
	}
}

func (m *machine) end(t *rapid.T, p signing.Participant) {
	if _, err := m.LiveAttempt(p.ID); err != nil {
		require.Error(t, m.EndAttempt(p.ID, signing.AttemptResult{Outcome: signing.OutcomeFailed}, m.now))
		return
	}
	r := signing.AttemptResult{Outcome: rapid.SampledFrom([]signing.Outcome{
		signing.OutcomeFailed, signing.OutcomeCancelled, signing.OutcomeResultLost,
	}).Draw(t, "outcome")}
	if rapid.Bool().Draw(t, "signs") {
		r = m.outcome(p)
	}
	require.NoError(t, m.EndAttempt(p.ID, r, m.now))
	if r.Outcome == signing.OutcomeSigned {
		m.kept[p.ID] = true
		if p.Method.SignsDocuments() {
			m.made++
		}
	}
}

// consent begins a consent to the latest identification, or to something else.
func (m *machine) consent(t *rapid.T, p signing.Participant) {
	attempt, manifest := signing.AttemptID("att_other"), manifestDigest
	identified := m.Progress(p.ID).Identified
	if identified != nil && rapid.Bool().Draw(t, "the right one") {
		attempt = identified.Attempt
	}
	if rapid.IntRange(0, 9).Draw(t, "manifest") == 0 {
		manifest = signing.DigestOf([]byte("other"))
	}
	if m.BeginConsent(p.ID, attempt, manifest, m.now) != nil {
		return
	}
	if identified == nil || attempt != identified.Attempt || manifest != manifestDigest {
		t.Fatal("a consent to something else was taken")
	}
	if m.consenting[p.ID] || m.kept[p.ID] {
		t.Fatal("a second consent was taken")
	}
	m.consenting[p.ID] = true
}

func (m *machine) keepConsent(p signing.Participant) {
	m.EndConsent(p.ID, signing.Consent{At: m.now})
	if m.consenting[p.ID] {
		m.kept[p.ID] = true
		delete(m.consenting, p.ID)
	}
}

// TestAnyOrderOfEvents drives a collection with random commands and checks what
// must hold whatever happens.
func TestAnyOrderOfEvents(t *testing.T) {
	s := everyMethod(t)
	rapid.Check(t, func(t *rapid.T) {
		c, err := signing.New(s)
		require.NoError(t, err)
		m := &machine{Collection: c, now: start, kept: map[signing.ParticipantID]bool{}, consenting: map[signing.ParticipantID]bool{}}
		who := func(t *rapid.T) signing.Participant { return rapid.SampledFrom(s.Participants).Draw(t, "who") }
		for range rapid.IntRange(50, 200).Draw(t, "length") {
			switch rapid.SampledFrom(commands).Draw(t, "command") {
			case "start":
				m.start(t, who(t))
			case "end":
				m.end(t, who(t))
			case "consent":
				m.consent(t, who(t))
			case "keep consent":
				m.keepConsent(who(t))
			case "reroute":
				m.Reroute(who(t).ID, "another")
			case "wait":
				m.now = m.now.Add(time.Duration(rapid.IntRange(0, 10).Draw(t, "minutes")) * time.Minute)
			case "stop":
				m.stop(t, who(t))
			}
			m.hold(t)
		}
	})
}

// commands are as frequent as they take part in what is worth seeing.
var commands = []string{"start", "start", "start", "end", "end", "consent", "consent", "consent", "keep consent", "reroute", "wait", "stop"}

// stop ends the collection, and seldom, or there would be little to see before.
func (m *machine) stop(t *rapid.T, p signing.Participant) {
	switch rapid.IntRange(0, 15).Draw(t, "how") {
	case 0:
		_ = m.Decline(p.ID, m.now)
	case 1:
		_ = m.Cancel()
	case 2:
		m.Expire()
	}
}

// hold checks what must always hold.
func (m *machine) hold(t *rapid.T) {
	live, holders, lowest := 0, 0, signing.MaxSteps+1
	for _, p := range m.Participants {
		progress := m.Progress(p.ID)
		for i, a := range progress.Attempts {
			if !a.Live() {
				continue
			}
			live++
			if p.Method.SignsDocuments() {
				holders++
			}
			if i != len(progress.Attempts)-1 {
				t.Fatal("an attempt is live behind a newer one")
			}
		}
		if progress.Signature == nil {
			lowest = min(lowest, p.Step)
		}
		if (progress.Signature != nil) != m.kept[p.ID] {
			t.Fatalf("%s gave what counts: %v; kept: %v", p.ID, m.kept[p.ID], progress.Signature != nil)
		}
		if progress.Signature != nil && progress.Signature.Assurance == signing.AssuranceIdentified && progress.Signature.Consent == nil {
			t.Fatal("an identification counts without a consent")
		}
		if id := progress.Identified; id != nil && id.Attempt != progress.Attempts[len(progress.Attempts)-1].ID {
			t.Fatal("an older identification waits for a consent")
		}
		if progress.Identified != nil && (progress.Signature != nil || m.ParticipantState(p) == signing.ParticipantSigned) {
			t.Fatal("an identification is taken for a signature")
		}
	}
	for _, p := range m.Participants {
		if _, err := m.LiveAttempt(p.ID); err == nil && p.Step > lowest {
			t.Fatal("a participant acts before their step")
		}
		if m.State() != signing.StateInProgress && m.CanStart(p.ID) == nil {
			t.Fatal("an attempt may start after the end")
		}
	}
	for _, current := range m.Current() {
		d, _ := m.Document(current.Document)
		if current.Revision != d.Revision+m.made || current.Length != d.Length+int64(1000*m.made) {
			t.Fatalf("%d signatures in the documents made revision %d", m.made, current.Revision)
		}
	}
	switch {
	case holders > 1 || (m.Holder() != nil) != (holders == 1):
		t.Fatalf("%d attempts hold the documents", holders)
	case m.State() != signing.StateInProgress && (live > 0 || len(m.consenting) > 0):
		t.Fatal("the collection moved on while an attempt was live, or a consent being kept")
	case m.State() == signing.StateSealing && len(m.kept) != len(m.Participants):
		t.Fatal("sealed without everybody")
	case m.ended != "" && m.State() != m.ended:
		t.Fatalf("left the end %s for %s", m.ended, m.State())
	}
	if m.State().Ended() || m.State() == signing.StateSealing {
		m.ended = m.State()
	}
}

// What sealing is told of a document is what was made of that one.
func TestSignaturesInADocument(t *testing.T) {
	s := everyMethod(t)
	c, err := signing.New(s)
	require.NoError(t, err)
	m := machine{Collection: c, now: s.CreatedAt}
	p, ok := s.Participant("par_n1")
	require.True(t, ok)
	require.NoError(t, c.StartAttempt(signing.Attempt{ID: "att_1", Participant: p.ID}))
	require.NoError(t, c.EndAttempt(p.ID, m.outcome(p), m.now))
	require.Len(t, s.Documents, 2)
	for i, d := range s.Documents {
		in := c.SignaturesIn(d.ID)
		require.Len(t, in, 1)
		require.Equal(t, c.Current()[i:i+1], in[0].Revisions)
	}
	require.Len(t, c.Signatures()[0].Revisions, 2, "what is kept is left as it is")
}
