package simulator_test

import (
	"io"
	"log"
	"testing"

	"github.com/stretchr/testify/require"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func TestSignByQR(t *testing.T) {
	s := start(t, "")
	o := s.order("sign", signBody(nil))
	status, hint := s.collect(o.ref)
	require.Equal(t, "pending", status)
	require.Equal(t, "outstandingTransaction", hint)

	v, err := s.app.Scan(s.ctx(), tolvan, o.qr(0))
	require.NoError(t, err)
	require.Equal(t, "Jag skriver under.", v.Text)
	_, hint = s.collect(o.ref)
	require.Equal(t, "userSign", hint)

	v, err = s.app.Sign(s.ctx(), tolvan, o.ref)
	require.NoError(t, err)
	require.Equal(t, "complete", v.Status)
	code, answer := s.post("collect", object{"orderRef": o.ref})
	require.Equal(t, 200, code)
	require.Equal(t, "complete", answer["status"])
	require.NotContains(t, answer, "hintCode")
	s.gone(o.ref)
}
