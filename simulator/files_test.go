package simulator_test

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func mkdir(t *testing.T, dir string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o700))
	return dir
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	require.NoError(t, os.Rename(from, to))
}

func write(t *testing.T, name, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
}

func (s *stage) get(path string, out any) {
	s.t.Helper()
	answer, err := http.Get(s.ctrl + path)
	require.NoError(s.t, err)
	defer func() { _ = answer.Body.Close() }()
	require.NoError(s.t, json.NewDecoder(answer.Body).Decode(out))
}
