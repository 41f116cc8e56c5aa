package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/handslag/handslag/dev/demo"
	"github.com/handslag/handslag/simulator/faults"
)

// A demo takes some six seconds. Runs that begin this far apart are, when the
// worker is killed, each at another moment of it.
const (
	runs  = 16
	apart = 400 * time.Millisecond
)

// wavesVar asks for more waves of runs, each shifted against the one before.
const wavesVar = "HANDSLAG_E2E_WAVES"

// TestTheWorkerIsKilledAtAnyMoment kills the worker with runs of the demo at
// every moment of their life. Each must end in a document that verifies; where
// BankID's one answer died with the worker, after a second attempt.
func TestTheWorkerIsKilledAtAnyMoment(t *testing.T) {
	waves := 1
	if asked := os.Getenv(wavesVar); asked != "" {
		var err error
		waves, err = strconv.Atoi(asked)
		require.NoError(t, err)
	}
	for wave := range waves {
		t.Run(fmt.Sprint("wave ", wave+1), func(t *testing.T) {
			s := onStage(t)
			var all sync.WaitGroup
			failed := make(chan error, runs)
			began := time.Now()
			for n := range runs {
				// Registering makes keys, which is not what is to be spread out.
				d := s.run(t, n)
				all.Go(func() {
					time.Sleep(time.Until(began.Add(time.Duration(n) * apart)))
					if err := s.play(d); err != nil {
						failed <- fmt.Errorf("run %d: %w", n, err)
					}
				})
			}
			time.Sleep(time.Until(began.Add(runs*apart + time.Duration(wave)*apart/time.Duration(waves))))
			killWorker(t)
			all.Wait()
			close(failed)
			for err := range failed {
				t.Error(err)
			}
		})
	}
}

// run is one run of the demo, with people of its own.
func (s *stage) run(t *testing.T, n int) *demo.Demo {
	t.Helper()
	began := time.Now()
	return &demo.Demo{
		Owner: s.owner, App: s.app, Signers: demo.Swedes(s.people(2)...), Patience: patience, Out: t.TempDir(),
		PDFs: []string{filepath.Join("..", "demo", "hyresavtal.pdf")},
		Say: func(format string, args ...any) {
			t.Logf("run %2d %6.2f s  %s", n, time.Since(began).Seconds(), fmt.Sprintf(format, args...))
		},
	}
}

// play plays a run to its end and verifies what came out.
func (s *stage) play(d *demo.Demo) error {
	results, err := d.Run(s.Context())
	if err != nil {
		return err
	}
	for _, files := range results {
		verify := exec.CommandContext(s.Context(), product, append([]string{"verify", "--trust", s.trust}, files...)...)
		verify.Env = []string{}
		if said, err := verify.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, said)
		}
	}
	return nil
}

// killWorker kills the worker, which is started again at once.
func killWorker(t *testing.T) {
	t.Helper()
	pid := shared.Worker.PID()
	require.NotZero(t, pid)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
}

func TestTheWorkerIsKilledWhileItSeals(t *testing.T) {
	s := onStage(t)
	c := s.collect(terms{people: s.people(1)})
	slow := faults.Fault{Kind: faults.Slow, Count: 1, Delay: faults.Duration(patience)}
	require.NoError(t, s.app.TimestampFault(t.Context(), slow))
	c.sign(0)
	c.becomes("sealing")
	c.until(func() bool { return len(timestampFaults(t)) == 0 }, "the question for a timestamp")
	killWorker(t)
	began := time.Now()
	c.completes()
	require.Less(t, time.Since(began), time.Minute, "a dead worker is noticed soon")
}

// timestampFaults are the faults of the timestamp authority that are still to come.
func timestampFaults(t *testing.T) []faults.Fault {
	t.Helper()
	resp, err := http.Get(shared.World.Person + "/v1/tsa/faults")
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	var left []faults.Fault
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&left))
	return left
}

// TestTheAnswerOutlivesTheStoreAndTheWorker stops the store before BankID gives
// its one answer, and kills the worker that has it.
func TestTheAnswerOutlivesTheStoreAndTheWorker(t *testing.T) {
	s := onStage(t)
	c := s.collect(terms{people: s.people(1)})
	c.start(0, "qr")
	order := c.scan(0, c.people[0])
	c.hinted(0, "userSign")
	store := shared.Objects.Child.PID()
	t.Cleanup(func() { _ = syscall.Kill(store, syscall.SIGCONT) })
	require.NoError(t, syscall.Kill(store, syscall.SIGSTOP))
	c.enter(0, order)
	c.until(func() bool { return heartbeat(t, c.ID) > answerSize }, "the answer in the heartbeat")
	killWorker(t)
	require.NoError(t, syscall.Kill(store, syscall.SIGCONT))
	require.Equal(t, "signed", c.ended(0).Outcome)
	require.Equal(t, 1, c.attempts())
	c.completes()
}

// answerSize is less than any signature with its certificates, and more than
// all else that a heartbeat tells.
const answerSize = 4096

// heartbeat is the size of what the following activity last told Temporal.
func heartbeat(t *testing.T, collection string) int {
	t.Helper()
	described, err := temporal(t).DescribeWorkflowExecution(t.Context(), collection, "")
	require.NoError(t, err)
	size := 0
	for _, pending := range described.GetPendingActivities() {
		size = max(size, proto.Size(pending.GetHeartbeatDetails()))
	}
	return size
}
