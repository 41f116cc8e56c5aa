package keyring_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/keyring"
)

func newRing(t *testing.T) (*keyring.Ring, []byte) {
	t.Helper()
	b, err := keyring.Generate(rand.Reader)
	require.NoError(t, err)
	r, err := keyring.Parse(b, rand.Reader)
	require.NoError(t, err)
	return r, b
}

func TestSealOpen(t *testing.T) {
	r, _ := newRing(t)
	sealed, err := r.Seal([]byte("secret text"), "a")
	require.NoError(t, err)
	require.NotContains(t, string(sealed), "secret")
	plain, err := r.Open(sealed, "a")
	require.NoError(t, err)
	require.Equal(t, "secret text", string(plain))

	_, err = r.Open(sealed, "b")
	require.ErrorIs(t, err, keyring.ErrTampered, "another context must not open it")
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		_, err := r.Open(changed, "a")
		require.Error(t, err, "byte %d", i)
		_, err = r.Open(sealed[:i], "a")
		require.Error(t, err, "cut at %d", i)
	}
}

func TestRotation(t *testing.T) {
	old, b := newRing(t)
	sealed, err := old.Seal([]byte("x"), "")
	require.NoError(t, err)

	var f map[string]any
	require.NoError(t, json.Unmarshal(b, &f))
	f["keys"].(map[string]any)["k2"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	f["current"] = "k2"
	rotated, err := json.Marshal(f)
	require.NoError(t, err)
	r, err := keyring.Parse(rotated, rand.Reader)
	require.NoError(t, err)
	plain, err := r.Open(sealed, "")
	require.NoError(t, err)
	require.Equal(t, "x", string(plain))

	other, _ := newRing(t)
	young, err := r.Seal([]byte("y"), "")
	require.NoError(t, err)
	_, err = other.Open(young, "")
	require.ErrorIs(t, err, keyring.ErrUnknownKey)
	require.Equal(t, old.MAC("p", []byte("d")), r.MAC("p", []byte("d")), "hashes outlive rotation")
	require.NotEqual(t, r.MAC("p", []byte("d")), r.MAC("q", []byte("d")))
}

func TestParseRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"no JSON":    `k1: x`,
		"short hash": `{"current":"k1","keys":{},"hashKey":"AAAA"}`,
		"short key":  `{"current":"k1","keys":{"k1":"AAAA"},"hashKey":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`,
		"no current": `{"current":"k1","keys":{},"hashKey":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := keyring.Parse([]byte(in), rand.Reader)
			require.Error(t, err)
		})
	}
}

func TestNeverPrints(t *testing.T) {
	r, b := newRing(t)
	var f struct{ HashKey []byte }
	require.NoError(t, json.Unmarshal(b, &f))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.Equal(t, "keyring", fmt.Sprintf(verb, r))
	}
}
