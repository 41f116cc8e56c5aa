package e2e_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/dev/owner"
	"github.com/handslag/handslag/simulator/person"
)

// whole is an installation in a process of its own.
type whole struct {
	address
	cmd *exec.Cmd
}

// boot starts an installation on a home.
func boot(t *testing.T, home string) *whole {
	t.Helper()
	cmd := exec.Command(os.Args[0], installationArg, home, worlds, product)
	cmd.Stderr = os.Stderr
	_, err := cmd.StdinPipe() // it ends with us
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	w := &whole{cmd: cmd}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(line, &w.address))
	return w
}

// on puts a stage on it.
func (w *whole) on(t *testing.T, home string) *stage {
	t.Helper()
	return &stage{
		T: t, owner: owner.New(w.API, w.Key),
		app: person.New(w.Person, &http.Client{Timeout: time.Minute}), trust: filepath.Join(home, "trust"),
	}
}

// TestTheInstallationStops ends a whole installation, in order and by kill -9
// of every process at once, while one person has an order open in their app and
// another has yet to begin. Started again, both sign.
func TestTheInstallationStops(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *whole){
		"in order": func(t *testing.T, w *whole) {
			require.NoError(t, w.cmd.Process.Signal(syscall.SIGTERM))
			require.NoError(t, w.cmd.Wait())
		},
		"by kill -9": func(t *testing.T, w *whole) {
			require.NoError(t, syscall.Kill(w.Worker, syscall.SIGKILL))
			require.NoError(t, w.cmd.Process.Kill()) // its other children end with it
			require.Error(t, w.cmd.Wait())
		},
	} {
		t.Run(name, func(t *testing.T) {
			home := filepath.Join(t.TempDir(), "home")
			before := boot(t, home)
			s := before.on(t, home)
			c := s.collect(terms{people: s.people(2)})
			c.start(0, "qr")
			order := c.scan(0, c.people[0])
			c.hinted(0, "userSign")
			end(t, before)

			c.stage = boot(t, home).on(t, home)
			c.enter(0, order)
			require.Equal(t, "signed", c.ended(0).Outcome)
			c.sign(1)
			c.completes()
		})
	}
}
