package e2e_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/dev/home"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/simulator/faults"
)

// toldProviders is what GET /v1/providers tells.
type toldProviders struct {
	Routes []struct {
		Method    string
		Providers []string
	}
	Providers []struct {
		Provider, Environment, State, Code, Since, LastSuccess string
		Polled                                                 bool
	}
}

func (s *stage) providers() toldProviders {
	s.Helper()
	var told toldProviders
	refusal := s.ask("GET", "/v1/providers", s.owner.Key, nil, nil, &told)
	require.Empty(s, refusal.Code)
	return told
}

// stateOf is how the API says that a provider does.
func (s *stage) stateOf(provider string) string {
	s.Helper()
	for _, p := range s.providers().Providers {
		if p.Provider == provider {
			require.True(s, p.Polled, "a worker serves it")
			require.Equal(s, "simulator", p.Environment)
			require.Equal(s, p.State == "resting", p.Code == "bankid_unavailable")
			return p.State
		}
	}
	return ""
}

// TestAccountsThatChangeAndRest, in an installation of their own. The settings are
// changed while a person has an order open in their app: it is collected at the
// account that it was made at, though that is gone. A change that is wrong changes
// nothing. Then BankID fails until its account is left alone, which the API tells,
// though it is the worker that knows.
func TestAccountsThatChangeAndRest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	in := boot(t, dir)
	s := in.on(t, dir)
	settings := filepath.Join(dir, "accounts.yaml")
	written, err := os.ReadFile(settings)
	require.NoError(t, err)
	says := func(process, line string) func() bool {
		return func() bool {
			log, err := os.ReadFile(filepath.Join(dir, "log", process+".log"))
			require.NoError(t, err)
			return bytes.Contains(log, []byte(line))
		}
	}
	reload := func(content string) {
		require.NoError(t, home.WriteDurably(settings, []byte(content)))
		require.NoError(t, syscall.Kill(in.Worker, syscall.SIGHUP))
	}

	c := s.given(swede("Anna"), swede("Bo")).made()
	c.when("Anna").starts()
	order := c.scan(0, c.people[0])
	renamed := strings.NewReplacer("[bankid, idkollen, sbab, qrona, signicat]", "[bankid-new, idkollen, qrona, signicat]",
		"accounts:\n  bankid:\n", "accounts:\n  bankid-new:\n", "bankid-se-process: [sbab]", "bankid-se-process: []").Replace(string(written))
	require.NotEqual(t, string(written), renamed)
	reload(renamed)
	s.until(says("worker", `"accounts reloaded"`), "the worker's reload")
	s.until(func() bool { return s.stateOf("sbab") == "" }, "the API's reload, with SBAB switched off")
	require.Len(t, s.providers().Routes, 3)

	c.enter(0, order)
	c.then("Anna").isDone("signed")
	c.when("Bo").signs()
	c.completes()

	reload(strings.ReplaceAll(renamed, "environment: simulator", "environment: live"))
	s.until(says("worker", `"the accounts stay as they were"`), "the worker's refusal")
	d := s.given(swede("Cilla")).made()
	require.NoError(t, s.app.FaultAt(t.Context(), "bankid", faults.Fault{Kind: faults.Maintenance, Endpoint: "sign"}))
	var refused *fault.Error
	s.until(func() bool {
		_, err := s.owner.Start(t.Context(), d.ID, d.Participants[0].ID, "qr")
		require.Equal(t, fault.Unavailable, fault.KindOf(err), "%v", err)
		refused, _ = fault.As(err)
		return refused.Code == "provider_resting"
	}, "a rest")
	require.NotZero(t, refused.RetryAfter)
	s.until(func() bool { return s.stateOf("bankid") == "resting" }, "word of the rest")
	require.NoError(t, s.app.ClearFaults(t.Context()))
	time.Sleep(refused.RetryAfter) // what is tested is the passing of this time
	d.when("Cilla").starts()
	s.until(func() bool { return s.stateOf("bankid") == "ok" }, "word of its end")
	d.when("Cilla").does().isDone("signed")
	d.completes()
}
