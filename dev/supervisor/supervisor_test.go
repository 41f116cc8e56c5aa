package supervisor_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/dev/supervisor"
	"github.com/handslag/handslag/fault"
)

// The test binary plays the parts of a stack: roleVar says which one.
const roleVar = "SUPERVISOR_TEST_ROLE"

func TestMain(m *testing.M) {
	role, arg, _ := strings.Cut(os.Getenv(roleVar), ":")
	switch role {
	case "":
		os.Exit(m.Run())
	case "polite": // ends when its input ends
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("polite speaks")
		<-supervisor.UntilEOF(context.Background(), os.Stdin).Done()
	case "deaf": // ends for nobody
		signal.Ignore(syscall.SIGTERM)
		select {}
	case "broken":
		os.Exit(3)
	case "parent": // starts the part named by arg, says its id, and waits to be killed
		s := supervisor.New(func(string) {})
		c, err := s.Start(context.Background(), part(arg, os.DevNull))
		if err != nil {
			panic(err)
		}
		fmt.Println(c.PID())
		select {}
	}
	os.Exit(0)
}

func part(role, log string) supervisor.Process {
	return supervisor.Process{
		Name: role, Command: []string{os.Args[0]}, Env: []string{roleVar + "=" + role},
		LogFile: log, Grace: 300 * time.Millisecond,
	}
}

type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) add(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
}

func (n *notes) all() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.lines, "\n")
}

func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err == nil { // a zombie is as dead as it gets
		_, after, _ := strings.Cut(string(stat), ") ")
		return !strings.HasPrefix(after, "Z")
	}
	return syscall.Kill(pid, 0) == nil
}

func requireGone(t *testing.T, pid int) {
	t.Helper()
	require.Eventually(t, func() bool { return !alive(pid) }, 5*time.Second, 10*time.Millisecond, "process %d lives", pid)
}

func TestAProcessThatEndsIsStartedAgainAndNoted(t *testing.T) {
	var said notes
	s := supervisor.New(said.add)
	t.Cleanup(s.Stop)
	log := filepath.Join(t.TempDir(), "polite.log")
	p := part("polite", log)
	p.Ready = func(context.Context) error {
		if text, _ := os.ReadFile(log); len(text) == 0 {
			return errors.New("has not spoken")
		}
		return nil
	}
	c, err := s.Start(t.Context(), p)
	require.NoError(t, err)
	first := c.PID()

	require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
	require.Eventually(t, func() bool { return c.Restarts() == 1 && c.PID() != 0 }, 5*time.Second, 10*time.Millisecond)
	require.NotEqual(t, first, c.PID())
	require.Contains(t, said.all(), "polite ended (signal: killed); starting it again")

	require.Eventually(t, func() bool {
		text, err := os.ReadFile(log)
		return err == nil && strings.Count(string(text), "polite speaks") == 2
	}, 5*time.Second, 10*time.Millisecond, "the log keeps both lives")
}

func TestStop(t *testing.T) {
	for _, role := range []string{"polite", "deaf"} {
		t.Run(role, func(t *testing.T) {
			var said notes
			s := supervisor.New(said.add)
			c, err := s.Start(t.Context(), part(role, os.DevNull))
			require.NoError(t, err)
			pid := c.PID()
			s.Stop()
			require.False(t, alive(pid))
			require.Zero(t, c.PID())
			require.Zero(t, c.Restarts())
			require.Empty(t, said.all())
			s.Stop() // nothing left to do
		})
	}
}

func TestStartFailsAndLeavesNothing(t *testing.T) {
	notYet := func(context.Context) error { return errors.New("not yet") }
	tests := map[string]struct {
		change func(*supervisor.Process)
		code   string
	}{
		"ends before it is ready": {func(p *supervisor.Process) { p.Env = []string{roleVar + "=broken"}; p.Ready = notYet }, "process_ended"},
		"cannot be started":       {func(p *supervisor.Process) { p.Command = []string{"/nonexistent"} }, "process_ended"},
		"is never ready": {func(p *supervisor.Process) {
			p.Ready = notYet
			p.ReadyWithin = 100 * time.Millisecond
		}, "process_not_ready"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var said notes
			s := supervisor.New(said.add)
			p := part("polite", filepath.Join(t.TempDir(), "log"))
			tt.change(&p)
			_, err := s.Start(t.Context(), p)
			require.Equal(t, tt.code, fault.CodeOf(err))
			require.ErrorContains(t, err, p.LogFile)
			require.Empty(t, said.all())
			s.Stop()
		})
	}
}

func TestPartsDieWithAKilledParent(t *testing.T) {
	roles := []string{"polite"}
	if _, err := os.Stat("/proc/self/stat"); err == nil {
		roles = append(roles, "deaf") // takes the parent-death signal, which only Linux has
	}
	for _, role := range roles {
		t.Run(role, func(t *testing.T) {
			parent := exec.Command(os.Args[0])
			parent.Env = []string{roleVar + "=parent:" + role}
			out, err := parent.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, parent.Start())
			line, err := bufio.NewReader(out).ReadString('\n')
			require.NoError(t, err)
			pid, err := strconv.Atoi(strings.TrimSpace(line))
			require.NoError(t, err)
			require.True(t, alive(pid))

			require.NoError(t, parent.Process.Kill())
			_ = parent.Wait()
			requireGone(t, pid)
		})
	}
}
