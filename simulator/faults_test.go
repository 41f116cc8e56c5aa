package simulator_test

import (
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
)

func TestRefusingFaults(t *testing.T) {
	s := start(t, "")
	for kind, want := range map[faults.Kind]struct {
		status int
		code   string
	}{
		faults.Maintenance:     {503, "maintenance"},
		faults.InternalError:   {500, "internalError"},
		bankid.RequestTimeout:  {408, "requestTimeout"},
		bankid.TooManyRequests: {429, "tooManyRequests"},
		bankid.Unauthorized:    {401, "unauthorized"},
		bankid.UnknownError:    {400, "simulatedUnknown"},
	} {
		t.Run(string(kind), func(t *testing.T) {
			require.NoError(t, s.app.Fault(s.ctx(), faults.Fault{Kind: kind, Endpoint: "sign", Count: 2}))
			for range 2 {
				code, answer := s.post("sign", signBody(nil))
				require.Equal(t, want.status, code)
				require.Equal(t, want.code, answer["errorCode"])
			}
			before := s.orders()
			require.Empty(t, before, "nothing was done")
			code, _ := s.post("auth", object{"endUserIp": "192.0.2.1"})
			require.Equal(t, 200, code, "another endpoint")
			s.clock.Advance(time.Hour)
		})
	}
}

func (s *stage) orders() []bankid.OrderView {
	s.t.Helper()
	var out []bankid.OrderView
	s.get("/v1/orders", &out)
	return out
}

// Each effect of an endpoint fails twice: not done, and done with the answer lost.
func TestCutConnections(t *testing.T) {
	s := start(t, "")
	cut := func(kind faults.Kind, endpoint string, terminal bool) {
		require.NoError(t, s.app.Fault(s.ctx(), faults.Fault{Kind: kind, Endpoint: endpoint, Count: 1, TerminalOnly: terminal}))
	}
	lost := func(endpoint string, body object) {
		t.Helper()
		_, _, err := s.try(s.rp, endpoint, body)
		require.Error(t, err)
	}

	cut(faults.CutBefore, "phone/sign", false)
	lost("phone/sign", phoneBody(tolvan))
	require.Empty(t, s.orders(), "start: failed and not persisted")
	cut(faults.CutAfter, "phone/sign", false)
	lost("phone/sign", phoneBody(tolvan))
	require.Len(t, s.orders(), 1, "start: failed but persisted")
	code, answer := s.post("phone/sign", phoneBody(tolvan))
	require.Equal(t, 400, code)
	require.Equal(t, "alreadyInProgress", answer["errorCode"], "a blind retry meets the orphan")

	o := s.order("sign", signBody(nil))
	cut(faults.CutAfter, "collect", true)
	_, hint := s.collect(o.ref)
	require.Equal(t, "outstandingTransaction", hint, "a pending answer is let through")
	_, err := s.app.Open(s.ctx(), tolvan, o.token)
	require.NoError(t, err)
	_, err = s.app.Sign(s.ctx(), tolvan, o.ref)
	require.NoError(t, err)
	cut(faults.CutBefore, "collect", false)
	lost("collect", object{"orderRef": o.ref})
	lost("collect", object{"orderRef": o.ref})
	s.gone(o.ref)

	o = s.order("sign", signBody(nil))
	cut(faults.CutBefore, "cancel", false)
	lost("cancel", object{"orderRef": o.ref})
	_, hint = s.collect(o.ref)
	require.Equal(t, "outstandingTransaction", hint, "cancel: failed and not persisted")
	cut(faults.CutAfter, "cancel", false)
	lost("cancel", object{"orderRef": o.ref})
	s.gone(o.ref)
}

func TestSlowAnswer(t *testing.T) {
	s := start(t, "")
	require.NoError(t, s.app.Fault(s.ctx(), faults.Fault{Kind: faults.Slow, Count: 1, Delay: faults.Duration(60 * time.Millisecond)}))
	begin := time.Now()
	s.order("sign", signBody(nil))
	require.GreaterOrEqual(t, time.Since(begin), 60*time.Millisecond)
}

func TestHandshakeHang(t *testing.T) {
	s := start(t, "")
	require.NoError(t, s.app.Fault(s.ctx(), faults.Fault{Kind: faults.HandshakeHang, Count: 1, Delay: faults.Duration(200 * time.Millisecond)}))
	impatient := s.client(s.pki.RP())
	impatient.Transport.(*http.Transport).TLSHandshakeTimeout = 50 * time.Millisecond
	_, _, err := s.try(impatient, "auth", object{"endUserIp": "192.0.2.1"})
	require.ErrorContains(t, err, "handshake timeout")
	require.Empty(t, s.orders())
	code, _, err := s.try(impatient, "auth", object{"endUserIp": "192.0.2.1"})
	require.NoError(t, err)
	require.Equal(t, 200, code)
}

func TestClearFaults(t *testing.T) {
	s := start(t, "")
	require.NoError(t, s.app.Fault(s.ctx(), faults.Fault{Kind: faults.Maintenance}))
	code, _ := s.post("sign", signBody(nil))
	require.Equal(t, 503, code)
	require.NoError(t, s.app.ClearFaults(s.ctx()))
	s.order("sign", signBody(nil))
	refused(t, "unknown_fault", s.app.Fault(s.ctx(), faults.Fault{Kind: "flood"}))
}

func TestStateOutlivesARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bankid.json")
	before := start(t, file)
	pending, signed := before.order("sign", signBody(nil)), before.order("sign", signBody(nil))
	collected := before.order("sign", signBody(nil))
	require.NoError(t, before.app.Script(before.ctx(), pending.ref, bankid.Script{Outcome: "userCancel"}))
	for _, o := range []started{collected, signed} {
		_, err := before.app.Open(before.ctx(), tolvan, o.token)
		require.NoError(t, err)
		_, err = before.app.Sign(before.ctx(), tolvan, o.ref)
		require.NoError(t, err)
	}
	status, _ := before.collect(collected.ref)
	require.Equal(t, "complete", status)

	after := start(t, file)
	after.gone(collected.ref)
	_, answer := after.post("collect", object{"orderRef": signed.ref})
	require.Equal(t, "complete", answer["status"])
	require.Equal(t, verdict{true, true, true}, check(t, signatureOf(t, answer["completionData"].(object))))
	_, err := after.app.Scan(after.ctx(), tolvan, pending.qr(0))
	require.NoError(t, err)
	_, err = after.app.Sign(after.ctx(), tolvan, pending.ref)
	require.NoError(t, err)
	_, hint := after.collect(pending.ref)
	require.Equal(t, "userCancel", hint)
}

// A state file that cannot be written refuses the request, and nothing of it
// has happened.
func TestUnwritableStateChangesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s := start(t, filepath.Join(mkdir(t, dir), "bankid.json"))
	o := s.order("sign", signBody(nil))
	_, err := s.app.Open(s.ctx(), tolvan, o.token)
	require.NoError(t, err)
	_, err = s.app.Sign(s.ctx(), tolvan, o.ref)
	require.NoError(t, err)

	rename(t, dir, dir+".away")
	code, _ := s.post("sign", signBody(nil))
	require.Equal(t, 500, code)
	code, _ = s.post("collect", object{"orderRef": o.ref})
	require.Equal(t, 500, code, "a result is not handed out before that is on disk")
	rename(t, dir+".away", dir)
	require.Len(t, s.orders(), 1)
	status, _ := s.collect(o.ref)
	require.Equal(t, "complete", status)
}

func TestSpoiltStateIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bankid.json")
	write(t, file, "{")
	p, err := certificates()
	require.NoError(t, err)
	_, err = bankid.New(bankid.Options{PKI: p, Clock: time.Now, Entropy: zero{}, StateFile: file})
	require.ErrorContains(t, err, "read state")
}

// zero is entropy for what must not get as far as using it.
type zero struct{}

func (zero) Read([]byte) (int, error) { return 0, io.EOF }
