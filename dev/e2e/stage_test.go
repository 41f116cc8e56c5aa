package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/dev/installation"
	"github.com/handslag/handslag/dev/owner"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/person"
)

// patience is how long anything may take on a busy machine. Nothing waits for
// it to pass.
const patience = 2 * time.Minute

// stage is what a test plays on: an installation, its owner and the app of its
// signers.
type stage struct {
	*testing.T
	owner *owner.Client
	app   *person.App
	trust string
}

func onStage(t *testing.T) *stage {
	t.Helper()
	return onStageOf(t, shared)
}

func onStageOf(t *testing.T, in *installation.Installation) *stage {
	t.Helper()
	return &stage{T: t, owner: owner.New(in.API, in.APIKey), app: in.World.App(), trust: in.Trust}
}

var born atomic.Int64

// people are n persons of this test alone, each with a BankID: a person can
// have one order at a time.
func (s *stage) people(n int) []bankid.Person {
	s.Helper()
	var all []bankid.Person
	for range n {
		p := bankid.Person{PersonalNumber: someNumber(int(born.Add(1))), GivenName: "Test", Surname: "Testsson"}
		require.NoError(s, s.app.Register(s.Context(), p))
		all = append(all, p)
	}
	return all
}

// someNumber is the n-th of a row of valid personal numbers. The serials 980 to
// 999 are nobody's: the tax agency keeps them for tests.
func someNumber(n int) string {
	day := time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n/20)
	digits := fmt.Sprintf("%s%03d", day.Format("20060102"), 980+n%20)
	sum := 0
	for i, c := range digits[2:] {
		d := int(c - '0')
		if i%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return fmt.Sprintf("%s%d", digits, (10-sum%10)%10)
}

// pdf is the sample contract.
func pdf(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "demo", "hyresavtal.pdf"))
	require.NoError(t, err)
	return b
}

// collection is a collection under way, with those who are to sign it.
type collection struct {
	*stage
	owner.Collection
	people []bankid.Person
}

// terms is what a test asks for of a collection.
type terms struct {
	people    []bankid.Person
	steps     []int // of the people; 1, 2, … when empty
	titles    []string
	deadline  *time.Time
	documents []owner.Titled // uploaded already
}

// collect uploads what is to be signed and creates the collection.
func (s *stage) collect(w terms) *collection {
	s.Helper()
	if w.titles == nil && w.documents == nil {
		w.titles = []string{"Hyresavtal"}
	}
	request := owner.Request{Locale: "sv", Deadline: w.deadline, Documents: w.documents}
	for _, title := range w.titles {
		d, err := s.owner.Upload(s.Context(), bytes.NewReader(pdf(s)))
		require.NoError(s, err)
		request.Documents = append(request.Documents, owner.Titled{ID: d.ID, Title: title})
	}
	for i, p := range w.people {
		step := i + 1
		if w.steps != nil {
			step = w.steps[i]
		}
		request.Participants = append(request.Participants, owner.Participant{
			Name: p.GivenName + " " + p.Surname, PersonalNumber: p.PersonalNumber, Step: step,
		})
	}
	made, err := s.owner.Create(s.Context(), request)
	require.NoError(s, err)
	require.Equal(s, "in_progress", made.State)
	require.Len(s, made.Participants, len(w.people))
	return &collection{stage: s, Collection: made, people: w.people}
}

// start starts an attempt of the i-th participant.
func (c *collection) start(i int, channel string) owner.Live {
	c.Helper()
	live, err := c.owner.Start(c.Context(), c.ID, c.Participants[i].ID, channel)
	require.NoError(c, err)
	require.NotEmpty(c, live.Attempt.ID)
	return live
}

// scan points somebody's app at the QR code that the i-th participant is shown,
// until the app takes it.
func (c *collection) scan(i int, who bankid.Person) bankid.OrderView {
	c.Helper()
	var order bankid.OrderView
	c.until(func() bool {
		live := c.live(i)
		if live.QR.Text == "" {
			return false
		}
		var err error
		order, err = c.app.Scan(c.Context(), who.PersonalNumber, live.QR.Text)
		if code := fault.CodeOf(err); code == "qr_stale" || code == "qr_unknown" {
			return false // the machine was slow to get from one to the other
		}
		require.NoError(c, err)
		return true
	}, "a QR code that can be scanned")
	return order
}

// enter enters the i-th participant's security code.
func (c *collection) enter(i int, order bankid.OrderView) {
	c.Helper()
	_, err := c.app.Sign(c.Context(), c.people[i].PersonalNumber, order.OrderRef)
	require.NoError(c, err)
}

// sign has the i-th participant start an attempt, sign, and be told so.
func (c *collection) sign(i int) {
	c.Helper()
	c.start(i, "qr")
	c.enter(i, c.scan(i, c.people[i]))
	require.Equal(c, "signed", c.ended(i).Outcome)
}

func (c *collection) live(i int) owner.Live {
	c.Helper()
	live, err := c.owner.Live(c.Context(), c.ID, c.Participants[i].ID)
	if passes(err) {
		return owner.Live{}
	}
	require.NoError(c, err)
	return live
}

// passes reports whether the same call may do better a little later.
func passes(err error) bool {
	k := fault.KindOf(err)
	return err != nil && (k == fault.Unavailable || k == fault.Uncertain)
}

// hinted waits until the live attempt of the i-th participant gives the hint.
func (c *collection) hinted(i int, hint string) {
	c.Helper()
	c.until(func() bool { return c.live(i).Hint == hint }, "the hint "+hint)
}

// ended waits for the end of the i-th participant's latest attempt.
func (c *collection) ended(i int) owner.Attempt {
	c.Helper()
	var ended owner.Attempt
	c.until(func() bool {
		if attempts := c.now().Participants[i].Attempts; len(attempts) > 0 {
			ended = attempts[len(attempts)-1]
		}
		return ended.Outcome != ""
	}, "the end of the attempt")
	return ended
}

// now asks where the collection is, for as long as nobody can tell.
func (c *collection) now() owner.Collection {
	c.Helper()
	var now owner.Collection
	c.until(func() bool {
		var err error
		now, err = c.owner.Collection(c.Context(), c.ID)
		if passes(err) {
			return false
		}
		require.NoError(c, err)
		return true
	}, "the state of the collection")
	return now
}

// becomes waits for a state of the collection.
func (c *collection) becomes(state string) owner.Collection {
	c.Helper()
	var now owner.Collection
	c.until(func() bool {
		now = c.now()
		return now.State == state
	}, "the state "+state)
	return now
}

// completes waits until the collection is complete and checks what it made:
// each result starts with its upload and verifies offline, by the product's own
// command, with the signers expected.
func (c *collection) completes() {
	c.Helper()
	done := c.becomes("completed")
	require.Empty(c, done.NeedsAttention)
	for _, p := range done.Participants {
		require.Equal(c, "signed", p.State)
		require.NotNil(c, p.Signature)
	}
	for _, d := range done.Documents {
		require.NotNil(c, d.Result)
		result, err := c.owner.Result(c.Context(), c.ID, d.ID)
		require.NoError(c, err)
		require.True(c, bytes.HasPrefix(result, pdf(c)), "the upload is a prefix of the result")
		r := c.verify(result)
		require.Equal(c, "TOTAL-PASSED", r.Indication, r.Reason)
		require.Len(c, r.Signers, len(c.people))
		for i, s := range r.Signers {
			require.Equal(c, "TOTAL-PASSED", s.Indication)
			require.Equal(c, "verified", s.Assurance)
			require.Equal(c, c.people[i].GivenName+" "+c.people[i].Surname, s.Name)
		}
		require.NotEmpty(c, r.Seals)
		require.Equal(c, "B-LTA", r.Seals[0].Level)
	}
}

// report is the part of the verifier's report that the tests look at.
type report struct {
	Indication, SubIndication, Reason, Assembly, EvidenceFile string

	Signers, Statements, Consents, RelatedProcesses []reportedSigner

	Seals, Earlier []struct{ Indication, SubIndication, Level string }
	Evidence       *struct {
		Indication string
		Seals      []struct{ Indication, Level string }
	}
}

type reportedSigner struct{ Indication, SubIndication, Assurance, Provider, Name string }

// verify runs the product's verifier on a file, with the anchors and nothing else.
func (s *stage) verify(file []byte, evidence ...[]byte) report {
	s.Helper()
	return s.verifyAccepting(nil, file, evidence...)
}

// verifyAccepting accepts more than what can be verified.
func (s *stage) verifyAccepting(more []string, file []byte, evidence ...[]byte) report {
	s.Helper()
	dir := s.TempDir()
	var paths []string
	for i, b := range append([][]byte{file}, evidence...) {
		paths = append(paths, filepath.Join(dir, fmt.Sprintf("%d.pdf", i)))
		require.NoError(s, os.WriteFile(paths[i], b, 0o600))
	}
	arguments := []string{"verify", "--json", "--trust", s.trust}
	if len(more) > 0 {
		arguments = append(arguments, "--accept", strings.Join(more, ","))
	}
	verify := exec.CommandContext(s.Context(), product, append(arguments, paths...)...)
	verify.Env = []string{}
	said, err := verify.Output()
	var exit *exec.ExitError
	if err != nil {
		require.ErrorAs(s, err, &exit, string(said))
	}
	var r report
	require.NoError(s, json.Unmarshal(said, &r))
	return r
}

// until waits for something that happens elsewhere.
func (s *stage) until(happened func() bool, what string) {
	s.Helper()
	for deadline := time.Now().Add(patience); !happened(); {
		require.True(s, time.Now().Before(deadline), "%s did not come", what)
		select {
		case <-s.Context().Done():
			s.Fatal("the test was ended")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// refused is a problem answer.
type refused struct {
	Status int
	Code   string
	Errors []struct{ Pointer, Code string }
}

// ask sends a raw request, as a careless client may.
func (s *stage) ask(method, path, key string, header http.Header, body []byte, out any) refused {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.owner.Base+path, bytes.NewReader(body))
	require.NoError(s, err)
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := s.owner.HTTP.Do(req)
	require.NoError(s, err)
	defer func() { _ = resp.Body.Close() }()
	r := refused{Status: resp.StatusCode}
	if resp.StatusCode >= http.StatusBadRequest {
		require.Equal(s, "application/problem+json", resp.Header.Get("Content-Type"))
		require.NoError(s, json.NewDecoder(resp.Body).Decode(&r))
		require.Equal(s, resp.StatusCode, r.Status)
		return r
	}
	if out != nil {
		require.NoError(s, json.NewDecoder(resp.Body).Decode(out))
	}
	return r
}

// asJSON is the header of a request with a JSON body.
func asJSON() http.Header { return http.Header{"Content-Type": {"application/json"}} }
