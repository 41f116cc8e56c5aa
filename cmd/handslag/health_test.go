package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHealthOfAnAddress(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	defer server.Close()
	ask := func() (int, string) {
		var stderr bytes.Buffer
		code := run([]string{"health", "url", server.URL}, strings.NewReader(""), &stderr, &stderr)
		return code, stderr.String()
	}
	code, said := ask()
	require.Zero(t, code, said)
	for _, status = range []int{http.StatusFound, http.StatusServiceUnavailable} {
		code, said = ask()
		require.Equal(t, exitFailed, code)
		require.Contains(t, said, http.StatusText(status))
	}
	server.Close()
	code, _ = ask()
	require.Equal(t, exitFailed, code)
}

func TestHealthOfAWorkerNeedsTemporal(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	var stderr bytes.Buffer
	code := run([]string{"health", "worker", "--timeout=300ms"}, strings.NewReader(""), &stderr, &stderr)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr.String(), "connect to Temporal")
}
