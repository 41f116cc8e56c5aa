package worker_test

import (
	"crypto/rand"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"github.com/handslag/handslag/keyring"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/worker"
)

func ring(t *testing.T) *keyring.Ring {
	t.Helper()
	b, err := keyring.Generate(rand.Reader)
	require.NoError(t, err)
	r, err := keyring.Parse(b, rand.Reader)
	require.NoError(t, err)
	return r
}

func TestPayloadsAreEncrypted(t *testing.T) {
	number, err := signing.ParsePersonalNumber("191212121212")
	require.NoError(t, err)
	p := signing.Participant{Name: "Tolvan Tolvansson", PersonalNumber: number}
	c := worker.DataConverter(ring(t))
	payloads, err := c.ToPayloads(p, "text")
	require.NoError(t, err)
	for _, payload := range payloads.Payloads {
		require.Equal(t, "binary/encrypted", string(payload.GetMetadata()["encoding"]))
		require.NotContains(t, payload.String(), "1212")
		require.NotContains(t, payload.String(), "Tolvan")
		require.NotContains(t, payload.String(), "text")
	}
	var back signing.Participant
	var text string
	require.NoError(t, c.FromPayloads(payloads, &back, &text))
	require.Equal(t, p, back)

	require.Error(t, worker.DataConverter(ring(t)).FromPayloads(payloads, &back, &text), "another installation's key")
	payloads.Payloads[0].Data[40] ^= 1
	require.Error(t, c.FromPayloads(payloads, &back, &text), "tampered")
}

// TestPlainPayloadsAreRefused: whoever can write to Temporal but has not our
// key cannot command a workflow.
func TestPlainPayloadsAreRefused(t *testing.T) {
	plain, err := converter.GetDefaultDataConverter().ToPayloads("command")
	require.NoError(t, err)
	var s string
	require.Error(t, worker.DataConverter(ring(t)).FromPayloads(plain, &s))
	require.Error(t, worker.DataConverter(ring(t)).FromPayloads(&commonpb.Payloads{Payloads: []*commonpb.Payload{{}}}, &s))
}
