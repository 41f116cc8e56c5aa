package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/dev/owner"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/pki"
	"github.com/handslag/handslag/simulator/sbab"
	"github.com/handslag/handslag/simulator/signicat"
)

// A scene is a collection told as a script: who is asked to do what by whom is
// given, then people act, then it is as it must be.
//
//	c := s.given(swede("Anna"), norwegian("Kari")).of(2)
//	c.when("Anna").signs()
//	c.when("Kari").signs()
//	c.then("Kari").is("signed")
//	c.completes()
type scene struct {
	*collection
	names []string
	cast  []party
}

// party is somebody who is asked to do something.
type party struct {
	name, method, provider string
	step                   int
	swede                  bankid.Person
	norwegian              signicat.Person
}

func swede(name string) party     { return party{name: name, method: "bankid-se", step: 1} }
func norwegian(name string) party { return party{name: name, method: "nbid-pki", step: 1} }

// at lets one provider alone serve the party.
func (p party) at(provider string) party { p.provider = provider; return p }

func (p party) inStep(n int) party { p.step = n; return p }

// identifying has the party identify themselves and consent, instead of sign.
func (p party) identifying() party { p.method = "bankid-se-identify"; return p }

// inProcess has the party sign what is SBAB's own.
func (p party) inProcess() party { p.method = "bankid-se-process"; return p }

// agreement is what is to be signed, before it is.
type agreement struct {
	*stage
	parties   []party
	documents int
	accepts   []string
	level     string
}

func (s *stage) given(parties ...party) *agreement {
	return &agreement{stage: s, parties: parties, documents: 1}
}

// of says how many documents there are.
func (a *agreement) of(documents int) *scene { a.documents = documents; return a.made() }

// accepting says which assurances are accepted; verified alone unless said.
func (a *agreement) accepting(assurances ...string) *agreement { a.accepts = assurances; return a }

// atLevel says which legal level is needed.
func (a *agreement) atLevel(level string) *agreement {
	a.accepts, a.level = []string{"verified"}, level
	return a
}

// made uploads the documents, gives everybody their BankID and creates the
// collection.
func (a *agreement) made() *scene {
	a.Helper()
	c, err := a.tried()
	require.NoError(a, err)
	require.Equal(a, "in_progress", c.State)
	return c
}

// tried is made, where the collection may be refused.
func (a *agreement) tried() (*scene, error) {
	a.Helper()
	c := &scene{collection: &collection{stage: a.stage}}
	request := owner.Request{Locale: "sv"}
	if a.accepts != nil {
		request.Policy = &owner.Policy{Accept: a.accepts, Level: a.level}
	}
	for n := range a.documents {
		d, err := a.owner.Upload(a.Context(), bytes.NewReader(pdf(a)))
		require.NoError(a, err)
		request.Documents = append(request.Documents, owner.Titled{ID: d.ID, Title: "Hyresavtal " + string(rune('A'+n))})
	}
	for _, p := range a.parties {
		var asked owner.Participant
		p, asked = a.cast(p)
		c.cast, c.names, c.people = append(c.cast, p), append(c.names, p.name), append(c.people, p.swede)
		request.Participants = append(request.Participants, asked)
	}
	var err error
	c.Collection, err = a.owner.Create(a.Context(), request)
	return c, err
}

var bornInNorway atomic.Int64

// cast gives a party a number and a BankID, and what its method needs besides.
func (a *agreement) cast(p party) (party, owner.Participant) {
	a.Helper()
	asked := owner.Participant{Name: p.name + " Testsson", Method: p.method, Provider: p.provider, Step: p.step}
	if p.method == "nbid-pki" {
		n := int(bornInNorway.Add(1))
		nin := pki.SyntheticNIN(time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n/20), n%20)
		p.norwegian = signicat.Person{NIN: nin, GivenName: p.name, Surname: "Testsson"}
		require.NoError(a, a.app.RegisterNorwegian(a.Context(), p.norwegian))
		asked.PersonalNumber, asked.Locale = nin, "nb"
		return p, asked
	}
	p.swede = bankid.Person{PersonalNumber: someNumber(int(born.Add(1))), GivenName: p.name, Surname: "Testsson"}
	require.NoError(a, a.app.Register(a.Context(), p.swede))
	asked.PersonalNumber = p.swede.PersonalNumber
	if p.method == "bankid-se-process" {
		applicant, err := a.app.Enrol(a.Context(), sbab.Participant{PersonalNumber: p.swede.PersonalNumber})
		require.NoError(a, err)
		asked.ProviderParticipant = applicant.ID
	}
	return p, asked
}

// role is one party of a scene, who acts or is looked at.
type role struct {
	*scene
	party
	i int
}

func (c *scene) when(name string) role { c.Helper(); return c.role(name) }
func (c *scene) then(name string) role { c.Helper(); return c.role(name) }

func (c *scene) role(name string) role {
	c.Helper()
	for i, n := range c.names {
		if n == name {
			return role{c, c.cast[i], i}
		}
	}
	c.Fatalf("nobody is called %s", name)
	return role{}
}

// starts starts an attempt: by QR code, or by the page that the person is sent to.
func (r role) starts() role {
	r.Helper()
	r.until(func() bool {
		_, err := r.owner.Start(r.Context(), r.ID, r.Participants[r.i].ID, r.channel())
		if passes(err) && fault.CodeOf(err) == "try_again" {
			return false
		}
		require.NoError(r, err)
		return true
	}, "an attempt of "+r.name)
	return r
}

func (r role) channel() string {
	if r.method == "nbid-pki" {
		return "same-device"
	}
	return "qr"
}

// isRefused starts an attempt, which is refused.
func (r role) isRefused(code string) *fault.Error {
	r.Helper()
	_, err := r.owner.Start(r.Context(), r.ID, r.Participants[r.i].ID, r.channel())
	require.Equal(r, code, fault.CodeOf(err), "%v", err)
	f, _ := fault.As(err)
	return f
}

// does what is asked of them in the app, or on the page: the attempt has begun.
func (r role) does() role {
	r.Helper()
	if r.method == "nbid-pki" {
		return r.signsOn(r.page())
	}
	r.enter(r.i, r.scan(r.i, r.swede))
	return r
}

// page waits for the address that the person is sent to.
func (r role) page() string {
	r.Helper()
	page := ""
	r.until(func() bool { page = r.live(r.i).Launch.RedirectURL; return page != "" }, "a page to sign on")
	return page
}

// signsOn signs on a page of Signicat's.
func (r role) signsOn(page string) role {
	r.Helper()
	v, err := r.app.SignAt(r.Context(), page, signicat.Act{NIN: r.norwegian.NIN})
	require.NoError(r, err)
	require.Equal(r, "success", v.Outcome)
	return r
}

// signs starts an attempt, does what is asked and is told that it counts.
func (r role) signs() {
	r.Helper()
	want := "signed"
	if r.method == "bankid-se-identify" {
		want = "identified"
	}
	r.starts().does().isDone(want)
}

// isDone waits for the end of the attempt, and for the outcome.
func (r role) isDone(outcome string) {
	r.Helper()
	ended := r.ended()
	require.Equal(r, outcome, ended.Outcome, "%s: %+v", r.name, ended)
}

// cannotSignOn finds that a page is of no use any more.
func (r role) cannotSignOn(page string) {
	r.Helper()
	_, err := r.app.SignAt(r.Context(), page, signicat.Act{NIN: r.norwegian.NIN})
	require.Contains(r, []string{"session_unknown", "session_not_ready"}, fault.CodeOf(err))
}

// ended waits for the end of the attempt.
func (r role) ended() owner.Attempt { r.Helper(); return r.collection.ended(r.i) }

// consents reads what they agree to, and agrees.
func (r role) consents() {
	r.Helper()
	to, err := r.owner.Agreement(r.Context(), r.ID, r.Participants[r.i].ID)
	require.NoError(r, err)
	for _, d := range r.Documents {
		require.NotEmpty(r, d.ID)
	}
	require.Contains(r, to.Text, "Hyresavtal A", "the text names the documents")
	require.NoError(r, r.owner.Consent(r.Context(), r.ID, r.Participants[r.i].ID, to))
}

// is holds the party to a state, and to what stands behind it.
func (r role) is(state string, by ...string) {
	r.Helper()
	p := r.now().Participants[r.i]
	require.Equal(r, state, p.State, r.name)
	require.Equal(r, state == "signed", p.Signature != nil, "%s: only signed is a signature", r.name)
	require.Equal(r, state == "consented", p.Consent != nil, r.name)
	require.Equal(r, state == "process_completed", p.RelatedProcess != nil, r.name)
	if len(by) == 2 {
		got := []string{p.Signature.Provider, p.Signature.Assurance}
		require.Equal(r, by, got, r.name)
	}
}

// failed waits for the end of the attempt and holds it to an outcome and the
// reason or the provider's word for it.
func (r role) failed(outcome, why string) {
	r.Helper()
	ended := r.ended()
	require.Equal(r, outcome, ended.Outcome, "%+v", ended)
	require.Contains(r, []string{ended.Reason, ended.ProviderCode}, why, "%+v", ended)
}

// attempts counts the attempts of the party.
func (r role) attempts() int { r.Helper(); return len(r.now().Participants[r.i].Attempts) }

// revision is the revision of every document that is signed next.
func (c *scene) revision(n int) {
	c.Helper()
	for _, d := range c.now().Documents {
		require.NotNil(c, d.Current)
		require.Equal(c, n, d.Current.Number)
	}
}

// completes waits until the collection is complete and checks what it made: each
// document is sealed, begins with the upload, and verifies offline with
// everybody in it as what they were.
func (c *scene) completes() {
	c.Helper()
	done := c.becomes("completed")
	require.Empty(c, done.NeedsAttention)
	for _, d := range done.Documents {
		require.NotNil(c, d.Result)
		result, err := c.owner.Result(c.Context(), c.ID, d.ID)
		require.NoError(c, err)
		require.True(c, bytes.HasPrefix(result, pdf(c)), "the upload is a prefix of the result")
		var evidence [][]byte
		if d.Assembly == "separate" {
			b, err := c.owner.Evidence(c.Context(), c.ID, d.ID)
			require.NoError(c, err)
			evidence = append(evidence, b)
		}
		c.judged(c.verifyAccepting([]string{"attested", "identified"}, result, evidence...))
		c.keep(d.ID, result)
	}
}

// resultsVar names a folder for the results of scenes, for others to judge.
const resultsVar = "HANDSLAG_E2E_RESULTS"

// keep writes a result, the trust anchors and a line in a list that says how many
// signatures are in it: one of each Norwegian, and the seal.
func (c *scene) keep(document string, result []byte) {
	c.Helper()
	dir := os.Getenv(resultsVar)
	if dir == "" {
		return
	}
	signatures := 1
	for _, p := range c.cast {
		if p.method == "nbid-pki" {
			signatures++
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "trust")); err != nil {
		require.NoError(c, os.CopyFS(filepath.Join(dir, "trust"), os.DirFS(c.trust)))
	}
	name := fmt.Sprintf("%s-%s.pdf", strings.ReplaceAll(c.Name(), "/", "-"), document)
	require.NoError(c, os.WriteFile(filepath.Join(dir, name), result, 0o600))
	list, err := os.OpenFile(filepath.Join(dir, "list"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(c, err)
	_, err = fmt.Fprintf(list, "%d\t%s\n", signatures, name)
	require.NoError(c, err)
	require.NoError(c, list.Close())
}

// judged holds the verifier's report to who was in the scene: a signature is
// listed as one, and what a provider states, a consent and a related process as
// what they are.
func (c *scene) judged(r report) {
	c.Helper()
	require.Equal(c, "TOTAL-PASSED", r.Indication, r.Reason)
	want := map[string][]string{}
	for i, p := range c.now().Participants {
		a := assurance(p)
		want[a] = append(want[a], c.names[i]+" Testsson")
	}
	for assurance, listed := range map[string][]reportedSigner{
		"verified": r.Signers, "attested": r.Statements, "identified": r.Consents, "attested-process": r.RelatedProcesses,
	} {
		var names []string
		for _, s := range listed {
			names = append(names, s.Name)
			require.Equal(c, assurance, s.Assurance)
			require.Equal(c, assurance == "verified", s.Indication == "TOTAL-PASSED", "%+v", s)
		}
		require.ElementsMatch(c, want[assurance], names, assurance)
	}
	require.NotEmpty(c, r.Seals)
	for _, seal := range r.Seals {
		require.Equal(c, "B-LTA", seal.Level)
	}
}

func assurance(p owner.State) string {
	switch {
	case p.Signature != nil:
		return p.Signature.Assurance
	case p.Consent != nil:
		return "identified"
	case p.RelatedProcess != nil:
		return "attested-process"
	}
	return ""
}
