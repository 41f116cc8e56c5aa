package home_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/dev/home"
	"github.com/handslag/handslag/fault"
)

func open(t *testing.T, dir string) *home.Home {
	t.Helper()
	h, err := home.Open(dir, time.Now)
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func TestASecondOwnerIsRefusedByName(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)

	_, err := home.Open(dir, time.Now)
	require.Equal(t, "home_in_use", fault.CodeOf(err))
	require.ErrorContains(t, err, fmt.Sprintf("process %d, since ", os.Getpid()))

	require.NoError(t, first.Close())
	open(t, dir)
}

func TestSecretIsMadeOnceAndKeptToTheOwner(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	secret, err := first.Secret("s3", rand.Reader)
	require.NoError(t, err)
	require.Len(t, secret, 64)
	other, err := first.Secret("api", rand.Reader)
	require.NoError(t, err)
	require.NotEqual(t, secret, other)
	require.NoError(t, first.Close())

	again, err := open(t, dir).Secret("s3", iotest.ErrReader(errors.New("must not be read")))
	require.NoError(t, err)
	require.Equal(t, secret, again)

	for path, mode := range map[string]os.FileMode{"secrets/s3": 0o600, "secrets": 0o700 | os.ModeDir} {
		info, err := os.Stat(filepath.Join(dir, path))
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode(), path)
	}
}

func TestSecretIsNotKeptWhenEntropyFails(t *testing.T) {
	h := open(t, t.TempDir())
	_, err := h.Secret("s3", iotest.ErrReader(errors.New("no entropy")))
	require.ErrorContains(t, err, "no entropy")

	secret, err := h.Secret("s3", rand.Reader)
	require.NoError(t, err)
	require.Len(t, secret, 64)
}

func TestScratchHomesAreSweptUnlessInUse(t *testing.T) {
	parent := t.TempDir()
	running, err := home.OpenScratch(parent, time.Now)
	require.NoError(t, err)
	t.Cleanup(func() { _ = running.Close() })
	ended, err := home.OpenScratch(parent, time.Now)
	require.NoError(t, err)
	require.NoError(t, ended.Close())

	fresh, err := home.OpenScratch(parent, time.Now)
	require.NoError(t, err)
	require.DirExists(t, running.Dir())
	require.NoDirExists(t, ended.Dir())
	require.NoError(t, fresh.Remove())
	require.NoDirExists(t, fresh.Dir())
}

func TestALargeLogIsSetAside(t *testing.T) {
	h := open(t, t.TempDir())
	path, err := h.LogFile("temporal")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte("short"), 0o600))
	_, err = h.LogFile("temporal")
	require.NoError(t, err)
	require.NoFileExists(t, path+".1")

	require.NoError(t, os.Truncate(path, 16<<20))
	_, err = h.LogFile("temporal")
	require.NoError(t, err)
	require.FileExists(t, path+".1")
	require.NoFileExists(t, path)
}
