package simulator_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/simulator/sbab"
)

const signing = "/partner/signing/1.0/"

// form asks for a token.
func (f *face) token(path, authorization, body string) (int, object) {
	f.t.Helper()
	return f.do(http.MethodPost, path, body, map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "Authorization": authorization,
	})
}

// basic is the simulated client and its secret.
const basic = "Basic c2ltdWxhdGVkLWNsaWVudDpzaW11bGF0ZWQtY2xpZW50LXNlY3JldA=="

func (s *stage) enrol(p object) string {
	s.t.Helper()
	made := s.control(http.MethodPost, "/v1/sbab/participants", p)
	id, _ := made["id"].(string)
	require.NotEmpty(s.t, id, made)
	return id
}

// A client that does anything else than SBAB documents is refused.
func TestSBABIsStrict(t *testing.T) {
	s := start(t, "")
	f := s.face(s.world.SBAB(), s.world.SBABTLS())
	code, issued := f.token("/api/auth/1.0/token", basic, "grant_type=client_credentials")
	require.Equal(t, 200, code, issued)
	require.Equal(t, "bearer", issued["token_type"])
	require.InDelta(t, 1800, issued["expires_in"], 0)
	ours := map[string]string{"Authorization": "Bearer " + issued["access_token"].(string)}
	sandbox := map[string]string{"Authorization": "Bearer " + sbab.SandboxKey}
	good := object{"participant_id": s.enrol(object{"personalNumber": tolvan})}
	mocked := object{"participant_id": s.enrol(object{"personalNumber": tolvan, "sandbox": true})}
	for name, row := range map[string]struct {
		method, path string
		body         any
		header       map[string]string
		want         int
	}{
		"nothing started":      {"POST", signing + "collect", good, ours, 404},
		"nothing to cancel":    {"POST", signing + "cancel", good, ours, 404},
		"method":               {"GET", signing + "collect", "", ours, 405},
		"path":                 {"POST", signing + "sign", good, ours, 404},
		"other root":           {"POST", "/signing/1.0/start", good, ours, 404},
		"no token":             {"POST", signing + "start", good, nil, 401},
		"sandbox key":          {"POST", signing + "start", good, sandbox, 401},
		"token in the sandbox": {"POST", "/sandbox" + signing + "start", mocked, ours, 401},
		"mocked":               {"POST", "/sandbox" + signing + "start", mocked, sandbox, 200},
		"other world":          {"POST", "/sandbox" + signing + "start", good, sandbox, 404},
		"content type":         {"POST", signing + "start", good, map[string]string{"Authorization": ours["Authorization"], "Content-Type": "text/plain"}, 415},
		"no participant":       {"POST", signing + "start", object{}, ours, 400},
		"a text":               {"POST", signing + "start", object{"participant_id": good["participant_id"], "text": "x"}, ours, 400},
		"unknown participant":  {"POST", signing + "start", object{"participant_id": "x"}, ours, 404},
	} {
		code, answer := f.do(row.method, row.path, row.body, row.header)
		require.Equal(t, row.want, code, "%s: %v", name, answer)
		if row.want != 200 {
			require.InDelta(t, row.want, answer["status"], 0, name)
			require.NotEmpty(t, answer["title"], name)
		}
	}
	for name, row := range map[string]struct {
		path, authorization, body string
		want                      int
		code                      string
	}{
		"other secret":          {"/api/auth/1.0/token", "Basic eDp5", "grant_type=client_credentials", 401, "invalid_client"},
		"other grant":           {"/api/auth/1.0/token", basic, "grant_type=password", 400, "unsupported_grant_type"},
		"sandbox":               {"/sandbox/api/auth/1.0/token", "Bearer " + sbab.SandboxKey, "grant_type=client_credentials", 200, ""},
		"client in the sandbox": {"/sandbox/api/auth/1.0/token", basic, "grant_type=client_credentials", 401, "invalid_client"},
	} {
		code, answer := f.token(row.path, row.authorization, row.body)
		require.Equal(t, row.want, code, "%s: %v", name, answer)
		if row.code != "" {
			require.Equal(t, row.code, answer["error"], name)
		}
	}
	s.clock.Advance(30 * time.Minute)
	code, _ = f.do("POST", signing+"collect", good, ours)
	require.Equal(t, 401, code, "the token has expired")
	s.clock.Advance(45 * 24 * time.Hour)
	_, issued = f.token("/api/auth/1.0/token", basic, "grant_type=client_credentials")
	code, _ = f.do("POST", signing+"start", good, map[string]string{"Authorization": "Bearer " + issued["access_token"].(string)})
	require.Equal(t, 404, code, "the application has expired")
}

// The refusal of a second start is SBAB's own example.
func TestSBABConflict(t *testing.T) {
	s := start(t, "")
	f := s.face(s.world.SBAB(), s.world.SBABTLS())
	_, issued := f.token("/api/auth/1.0/token", basic, "grant_type=client_credentials")
	ours := map[string]string{"Authorization": "Bearer " + issued["access_token"].(string)}
	good := object{"participant_id": s.enrol(object{"personalNumber": tolvan, "process": "preApproval", "coApplicant": true})}
	code, answer := f.do("POST", signing+"start", good, ours)
	require.Equal(t, 200, code, answer)
	require.Len(t, answer, 2)
	code, answer = f.do("POST", signing+"start", good, ours)
	require.Equal(t, 409, code)
	require.Equal(t, object{
		"type": "about:blank", "title": "Conflict", "status": 409.0, "instance": "/signing/start",
		"reason": object{
			"code":    "RFA4_SIGNING_IN_PROGRESS",
			"message": "An identification or signing for this personal number is already started. Please try again",
		},
	}, answer)
	code, answer = f.do("POST", signing+"start", good, ours)
	require.Equal(t, 200, code, answer)
	v, err := s.app.Open(s.ctx(), tolvan, answer["autostart_token"].(string))
	require.NoError(t, err)
	require.Contains(t, v.Text, "hos SBAB")
	_, err = s.app.Sign(s.ctx(), tolvan, v.OrderRef)
	require.NoError(t, err)
	for range 2 { // as often as it is asked for
		_, answer = f.do("POST", signing+"collect", good, ours)
		require.Equal(t, object{"status": "COMPLETE"}, answer)
	}
	code, _ = f.do("POST", signing+"start", good, ours)
	require.Equal(t, 400, code, "signed is signed")
}
