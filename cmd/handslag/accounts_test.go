package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/accounts"
	"github.com/handslag/handslag/api"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/storage"
	"github.com/handslag/handslag/telemetry"
)

const qronaAccount = "default: {accounts: [main]}\naccounts:\n  main: {environment: simulator, qrona: {baseURL: 'https://127.0.0.1:1', token: {env: QRONA_TOKEN}}}\n"

// accountsFile writes settings of accounts whose secrets are in the environment.
func accountsFile(t *testing.T, content string) accountFlags {
	t.Helper()
	t.Setenv("QRONA_TOKEN", "hunter2")
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	return accountFlags{AccountsFile: file}
}

func (f *accountFlags) mustOpen(t *testing.T) *accounts.Keeper {
	t.Helper()
	k, err := accounts.Open(f.accountSettings, accounts.Options{Environment: "simulator", Getenv: os.Getenv, Clock: time.Now})
	require.NoError(t, err)
	return k
}

// TestAccountsAreKept: a provider that comes while a worker runs is served, a
// wrong change is told and changes nothing.
func TestAccountsAreKept(t *testing.T) {
	f := accountsFile(t, qronaAccount)
	keeper := f.mustOpen(t)
	var said lockedBuffer
	ctx, stop := context.WithCancel(t.Context())
	serve, ended := make(chan string), make(chan struct{})
	go func() {
		defer close(ended)
		keepAccounts(ctx, keeper, serve, telemetry.NewLogger(&said, slog.LevelInfo))
	}()
	require.Equal(t, "qrona", <-serve)
	change := func(content, told string) {
		t.Helper()
		require.NoError(t, os.WriteFile(f.AccountsFile, []byte(content), 0o600))
		// The signal may come before anybody waits for it: then it is sent again.
		require.Eventually(t, func() bool {
			require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
			time.Sleep(20 * time.Millisecond)
			return strings.Contains(said.String(), told)
		}, 10*time.Second, 20*time.Millisecond)
	}
	change("accounts: {}\n", "the accounts stay as they were")
	_, err := keeper.Provider("acme", "qrona", "")
	require.NoError(t, err)
	added := strings.Replace(qronaAccount, "[main]", "[main, idkollen]", 1) +
		"  idkollen: {environment: simulator, expires: 2020-01-01, idkollen: {baseURL: 'https://127.0.0.1:1', accountID: a, secretKey: {env: QRONA_TOKEN}}}\n"
	go change(added, "the credentials of an account have expired")
	require.Equal(t, "idkollen", <-serve)
	require.Eventually(t, func() bool { return strings.Contains(said.String(), "the credentials of an account have expired") }, 10*time.Second, 10*time.Millisecond)
	require.NotContains(t, said.String(), "hunter2")
	stop()
	<-ended
}

// lockedBuffer is written to by one goroutine and read by another.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// memory keeps reports.
type memory struct {
	mu   sync.Mutex
	all  map[string]storage.Report
	puts int
	fail error
}

func (m *memory) PutReport(_ context.Context, r storage.Report) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.puts++
	if m.fail == nil {
		m.all[r.Worker] = r
	}
	return m.fail
}

func (m *memory) DropReport(_ context.Context, worker string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.all, worker)
	return nil
}

// breaks makes writes fail, or with nil succeed again.
func (m *memory) breaks(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

func (m *memory) kept() map[string]storage.Report {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.all)
}

func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.puts
}

func (m *memory) Reports(context.Context) ([]storage.Report, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []storage.Report
	for _, r := range m.all {
		all = append(all, r)
	}
	return all, nil
}

// TestWorkersReport: at once when a state changes, each half minute when starts
// succeed, now and then that they are there, and no more when they have ended.
func TestWorkersReport(t *testing.T) {
	f := accountsFile(t, qronaAccount)
	synctest.Test(t, func(t *testing.T) {
		store := &memory{all: map[string]storage.Report{
			"w-dead": {Worker: "w-dead", At: time.Now().Add(-25 * time.Hour)}, "w-lately": {Worker: "w-lately", At: time.Now().Add(-time.Hour)},
		}}
		keeper := f.mustOpen(t)
		r, err := newReporter(keeper, store, rand.Reader, telemetry.NewLogger(&lockedBuffer{}, slog.LevelInfo))
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			r.run(ctx)
		}()
		synctest.Wait()
		require.NotContains(t, store.kept(), "w-dead")
		require.Contains(t, store.kept(), "w-lately")
		start := func(err error) {
			done, refused := keeper.Admit("qrona", "main")
			require.NoError(t, refused)
			done(err)
			synctest.Wait()
		}
		finding := func() storage.AccountFinding { return store.kept()[r.worker].Accounts[0] }
		require.Equal(t, "unknown", finding().State)
		before := store.count()
		start(nil)
		require.Equal(t, "ok", finding().State)
		require.Equal(t, before+1, store.count())
		told := finding().LastSuccess
		for range 5 {
			time.Sleep(time.Second)
			start(nil)
		}
		require.Equal(t, told, finding().LastSuccess, "not for each start")
		time.Sleep(reportEvery)
		synctest.Wait()
		require.True(t, finding().LastSuccess.After(told))
		require.Equal(t, before+2, store.count())

		store.breaks(errors.New("the store is down"))
		start(fault.New(fault.Forbidden, "qrona_credentials", "x"))
		require.Equal(t, "ok", finding().State)
		store.breaks(nil)
		time.Sleep(reportEvery)
		synctest.Wait()
		require.Equal(t, "refused", finding().State)
		require.Equal(t, "qrona_credentials", finding().Code)
		puts := store.count()
		time.Sleep(reportAlways)
		synctest.Wait()
		require.Equal(t, puts+1, store.count(), "it is still there")

		all, err := findings{store}.Conditions(t.Context(), time.Now())
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.Equal(t, api.AccountRefused, all[0].State)
		var said bytes.Buffer
		err = refusals(t.Context(), findings{store}, &said, time.Now())
		require.ErrorContains(t, err, `account "main": the provider refuses its credentials since `)
		require.ErrorContains(t, err, "(qrona_credentials)")
		all, err = findings{store}.Conditions(t.Context(), time.Now().Add(reportHolds+time.Minute))
		require.NoError(t, err)
		require.Empty(t, all, "a worker that is silent for so long has ended")
		stop()
		<-ended
		require.NotContains(t, store.kept(), r.worker)
	})
}

// TestHealthOfAccounts: a month before the end it warns, after it it is unhealthy.
func TestHealthOfAccounts(t *testing.T) {
	f := accountsFile(t, strings.Replace(qronaAccount, "simulator,", "simulator, expires: 2027-03-01,", 1))
	c := healthWorker{accountFlags: f}
	end := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	var said bytes.Buffer
	require.NoError(t, c.accountTerms(&said, end.AddDate(0, 0, -31)))
	require.Empty(t, said.String())
	require.NoError(t, c.accountTerms(&said, end.AddDate(0, 0, -12)))
	require.Equal(t, "warning: account \"main\" expires in 12 days, on 2027-03-01\n", said.String())
	require.ErrorContains(t, c.accountTerms(&said, end.AddDate(0, 0, 1)), `account "main": its credentials expired on 2027-03-01, by its settings`)

	said.Reset()
	require.NoError(t, os.WriteFile(f.AccountsFile, []byte("accounts: {}\n"), 0o600))
	require.NoError(t, c.accountTerms(&said, end.AddDate(0, 0, 1)), "a worker that runs keeps what it has read")
	require.Contains(t, said.String(), "warning: accounts_settings: ")
	require.NoError(t, (&healthWorker{}).accountTerms(&said, end))
	require.NoError(t, (&healthWorker{}).refused(t.Context(), &said, end))

	said.Reset()
	resting := &memory{all: map[string]storage.Report{"w": {Worker: "w", At: end, Accounts: []storage.AccountFinding{
		{Account: "main", State: "resting", Since: end, Code: "qrona_unreachable"}, {Account: "other", State: "ok"},
	}}}}
	require.NoError(t, refusals(t.Context(), findings{resting}, &said, end), "it mends itself")
	require.Equal(t, "warning: account \"main\" rests since 2027-03-01T00:00:00Z (qrona_unreachable)\n", said.String())
}

// TestWorkerRefusesAccounts of another world before it connects to anything.
func TestWorkerRefusesAccounts(t *testing.T) {
	o := newOrganisation(t)
	f := accountsFile(t, strings.Replace(qronaAccount, "simulator", "live", 1))
	var said bytes.Buffer
	code := run([]string{
		"worker", "--environment=simulator", "--keyring-file=x", "--s3-bucket=x", "--trust-dir=" + o.trust, "--accounts-file=" + f.AccountsFile,
		"--seal-cert=" + o.file("seal.pem"), "--seal-key=" + o.file("seal.key"), "--tsa-urls=http://127.0.0.1:1/",
	}, strings.NewReader(""), &said, &said)
	require.Equal(t, exitFailed, code)
	require.Contains(t, said.String(), `account "main": environment: is live, and the installation is simulator`)
}
