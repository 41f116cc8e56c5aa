package e2e_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/proto"

	"github.com/handslag/handslag/dev/owner"
	"github.com/handslag/handslag/dev/stack"
	"github.com/handslag/handslag/keyring"
	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/signicat"
)

// update writes the histories that the workflows' replay test replays.
var update = flag.Bool("update", false, "record histories for the replay test")

// temporal is a client of the shared installation's Temporal.
func temporal(t testing.TB) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: shared.Temporal.Address, Namespace: stack.Namespace, Logger: quiet{}})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// quiet keeps Temporal's client from writing between the tests' lines.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}

// history is the history of a collection's workflow, encrypted as it is stored.
func history(t testing.TB, collection string) *historypb.History {
	t.Helper()
	var all historypb.History
	events := temporal(t).GetWorkflowHistory(t.Context(), collection, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		require.NoError(t, err)
		all.Events = append(all.Events, e)
	}
	return &all
}

// decrypted decrypts every payload of a history.
func decrypted(t testing.TB, h *historypb.History) *historypb.History {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(filepath.Dir(logs), "secrets", "keyring.json"))
	require.NoError(t, err)
	ring, err := keyring.Parse(b, rand.Reader)
	require.NoError(t, err)
	open := func(where *proxy.VisitPayloadsContext, sealed []*commonpb.Payload) ([]*commonpb.Payload, error) {
		if _, traced := where.Parent.(*commonpb.Header); traced {
			return sealed, nil // a trace's id, which was never secret
		}
		opened := make([]*commonpb.Payload, len(sealed))
		for i, p := range sealed {
			if string(p.GetMetadata()["encoding"]) != "binary/encrypted" {
				return nil, fmt.Errorf("a payload of %T is not encrypted", where.Parent)
			}
			plain, err := ring.Open(p.GetData(), "temporal payload")
			if err != nil {
				return nil, err
			}
			opened[i] = &commonpb.Payload{}
			if err := proto.Unmarshal(plain, opened[i]); err != nil {
				return nil, err
			}
		}
		return opened, nil
	}
	err = proxy.VisitPayloads(context.Background(), h, proxy.VisitPayloadsOptions{Visitor: open, SkipSearchAttributes: true})
	require.NoError(t, err)
	return h
}

// TestHistories plays every path that a collection can take and, with -update,
// keeps its history for replay by later releases. All data in it is made up.
func TestHistories(t *testing.T) {
	if !*update {
		t.Skip("records only with -update")
	}
	for name, play := range map[string]func(*collection){
		"signed":                     func(c *collection) { c.sign(0); c.sign(1) },
		"declined":                   playDeclined,
		"expired":                    func(*collection) {},
		"cancelled":                  playCancelled,
		"cancelled_at_once":          playCancelledAtOnce,
		"worker_killed_mid_attempt":  playWorkerKilled,
		"user_cancelled_then_signed": playUserCancelled,
		"result_lost":                playResultLost,
		"start_failed":               playStartFailed,
		"separate_evidence":          func(c *collection) { c.sign(0); c.sign(1) },
	} {
		t.Run(name, func(t *testing.T) {
			s := onStage(t)
			asked := terms{people: s.people(2)}
			if name == "expired" {
				soon := time.Now().Add(3 * time.Second)
				asked.deadline = &soon
			}
			if name == "separate_evidence" {
				d, err := s.owner.Upload(s.Context(), bytes.NewReader(s.signedElsewhere()))
				require.NoError(t, err)
				asked.documents = []owner.Titled{{ID: d.ID, Title: "Avtal"}}
			}
			c := s.collect(asked)
			play(c)
			keepHistory(t, c.ID, name)
		})
	}
}

// keepHistory waits for the end of a collection and keeps its history.
func keepHistory(t *testing.T, collection, name string) {
	t.Helper()
	require.NoError(t, temporal(t).GetWorkflow(t.Context(), collection, "").Get(t.Context(), nil))
	var options temporalproto.CustomJSONMarshalOptions
	options.Indent = " "
	text, err := options.Marshal(decrypted(t, history(t, collection)))
	require.NoError(t, err)
	file := filepath.Join("..", "..", "workflows", "testdata", "history", name+".json")
	require.NoError(t, os.WriteFile(file, append(bytes.TrimSpace(text), '\n'), 0o644))
}

// TestHistoriesOfScenes does likewise with what takes more than one provider.
func TestHistoriesOfScenes(t *testing.T) {
	if !*update {
		t.Skip("records only with -update")
	}
	all := []string{"verified", "attested", "identified", "attested-process"}
	for name, play := range map[string]func(*stage) *scene{
		"next_provider": func(s *stage) *scene {
			c := s.given(swede("Anna")).accepting(all...).made()
			require.NoError(s, s.app.FaultAt(s.Context(), "bankid", faults.Fault{Kind: faults.Maintenance, Endpoint: "sign"}))
			c.when("Anna").signs()
			require.NoError(s, s.app.ClearFaults(s.Context()))
			return c
		},
		"reconciled": func(s *stage) *scene {
			c := s.given(norwegian("Kari")).made()
			require.NoError(s, s.app.FaultAt(s.Context(), "signicat", faults.Fault{Kind: faults.CutAfter, Endpoint: signicat.EndpointCreate, Count: 1}))
			c.when("Kari").signs()
			return c
		},
		"identified_then_consented": func(s *stage) *scene {
			c := s.given(swede("Cilla").at("qrona").identifying(), swede("Dag").inProcess()).accepting(all...).made()
			c.when("Cilla").signs()
			c.when("Cilla").consents()
			c.when("Dag").signs()
			return c
		},
		"called": func(s *stage) *scene {
			c := s.given(swede("Anna").at("qrona").identifying()).accepting("identified").made()
			c.when("Anna").startsInACall().answersTheCall().isDone("identified")
			c.when("Anna").consents()
			return c
		},
		"chain_and_hints": func(s *stage) *scene {
			c := s.given(norwegian("Kari"), norwegian("Ola"), swede("Bo").at("idkollen").inStep(2)).accepting(all...).of(2)
			c.when("Kari").signs()
			c.when("Ola").signs()
			c.when("Bo").signs()
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			keepHistory(t, play(onStage(t)).ID, name)
		})
	}
}

func playDeclined(c *collection) {
	c.sign(0)
	require.NoError(c, c.owner.Decline(c.Context(), c.ID, c.Participants[1].ID))
}

func playCancelled(c *collection) {
	c.start(0, "qr")
	c.scan(0, c.people[0])
	_, err := c.owner.Cancel(c.Context(), c.ID)
	require.NoError(c, err)
}

func playCancelledAtOnce(c *collection) {
	c.start(0, "qr")
	require.NoError(c, c.owner.CancelAttempt(c.Context(), c.ID, c.Participants[0].ID))
	c.sign(0)
	c.sign(1)
}

func playWorkerKilled(c *collection) {
	c.start(0, "qr")
	order := c.scan(0, c.people[0])
	killWorker(c.T)
	c.enter(0, order)
	require.Equal(c, "signed", c.ended(0).Outcome)
	c.sign(1)
}

func playUserCancelled(c *collection) {
	c.start(0, "qr")
	require.NoError(c, c.app.Cancel(c.Context(), c.people[0].PersonalNumber, c.scan(0, c.people[0]).OrderRef))
	require.Equal(c, "failed", c.ended(0).Outcome)
	c.sign(0)
	c.sign(1)
}

func playResultLost(c *collection) {
	c.misbehave(faults.Fault{Kind: faults.CutAfter, Endpoint: "collect", Count: 1, TerminalOnly: true})
	c.start(0, "qr")
	c.enter(0, c.scan(0, c.people[0]))
	require.Equal(c, "result_lost", c.ended(0).Outcome)
	c.sign(0)
	c.sign(1)
}

func playStartFailed(c *collection) {
	c.misbehave(faults.Fault{Kind: faults.CutAfter, Endpoint: "sign", Count: 1})
	_, err := c.owner.Start(c.Context(), c.ID, c.Participants[0].ID, "qr")
	require.Error(c, err)
	c.sign(0)
	c.sign(1)
}
