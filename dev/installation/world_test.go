package installation_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/dev/installation"
)

// TestWorld asks every door of a world, with what the accounts are given.
func TestWorld(t *testing.T) {
	dir := t.TempDir()
	w, err := installation.StartWorld(t.Context(), installation.WorldOptions{
		Certificates: filepath.Join(dir, "world"), Trust: filepath.Join(dir, "trust"), Credentials: filepath.Join(dir, "secrets"),
		StateFile: filepath.Join(dir, "world.json"),
	})
	require.NoError(t, err)
	defer w.Stop()
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.Certificates.ServerRoots()}}}
	ask := func(method, address, body string, header map[string]string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		for name, value := range header {
			r.Header.Set(name, value)
		}
		answer, err := client.Do(r)
		require.NoError(t, err)
		defer func() { _ = answer.Body.Close() }()
		_, err = io.Copy(io.Discard, answer.Body)
		require.NoError(t, err)
		return answer.StatusCode
	}
	secrets := w.Credentials
	for name, secret := range secrets.All() {
		require.Len(t, secret, 64, name)
	}
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	grant := url.Values{
		"grant_type": {"client_credentials"}, "scope": {"signicat-api"},
		"client_id": {"sandbox-simulated-angle-164"}, "client_secret": {secrets.SignicatSecret},
	}
	require.Equal(t, 200, ask("POST", w.SignicatTokens, grant.Encode(), form))
	require.Equal(t, 401, ask("GET", w.Signicat+"/signing-sessions", "", nil))
	require.Equal(t, 401, ask("POST", w.SBABTokens, "grant_type=client_credentials", form))
	require.Equal(t, 401, ask("POST", w.SBAB+"/collect", "{}", nil))
	require.Equal(t, 400, ask("POST", w.Qrona+"/auth", "{}", map[string]string{"Authorization": "Bearer " + secrets.QronaToken}))
	require.Equal(t, 401, ask("GET", w.IDkollen+"/v3/bankid-se/sign/x", "", nil))
	require.Equal(t, 200, ask("GET", w.Person+"/", "", nil))
	require.Equal(t, 405, ask("GET", w.TSA, "", nil))

	// The entrance for callbacks lets callbacks through, and nothing else.
	var reached []string
	api := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		reached = append(reached, r.Method+" "+r.URL.Path)
		out.WriteHeader(http.StatusNoContent)
	}))
	defer api.Close()
	require.Equal(t, 503, ask("POST", w.Callbacks+"/v1/callbacks/x", "{}", nil), "there is no API yet")
	require.NoError(t, w.Forward(api.URL))
	require.Equal(t, 204, ask("POST", w.Callbacks+"/v1/callbacks/x", "{}", nil))
	require.Equal(t, 404, ask("GET", w.Callbacks+"/v1/callbacks/x", "", nil))
	require.Equal(t, 404, ask("POST", w.Callbacks+"/v1/collections", "{}", nil))
	require.Equal(t, 404, ask("POST", w.Callbacks+"/v1/callbacks/../collections", "{}", nil))
	require.Equal(t, []string{"POST /v1/callbacks/x"}, reached)

	again, err := os.ReadFile(filepath.Join(dir, "secrets", "qrona-token"))
	require.NoError(t, err)
	require.Equal(t, secrets.QronaToken, strings.TrimSpace(string(again)))
}
