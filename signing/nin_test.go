package signing_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

func TestParseNIN(t *testing.T) {
	for s, code := range map[string]string{
		"29124815345": "", "27034698436": "", // published test persons
		"10109001291": "checksum", // a documentation's example
		"29124815354": "checksum", "2912481534": "format", "291248153450": "format", "2912481534x": "format",
		"32124815345": "date", "00124815345": "date", "29004815345": "date", "29334815345": "date", "30024815345": "date",
		"": "format",
	} {
		n, err := signing.ParseNIN(s)
		if code == "" {
			require.NoError(t, err, s)
			require.Equal(t, s, n.Reveal())
			require.True(t, n.Norwegian())
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", n, n, n), s)
			continue
		}
		f, ok := fault.As(err)
		require.True(t, ok, s)
		require.Equal(t, code, f.Fields[0].Code, s)
		if s != "" {
			require.NotContains(t, err.Error(), s)
		}
	}
}

func TestNorwegianNumberTravels(t *testing.T) {
	n, err := signing.ParseNIN("29124815345")
	require.NoError(t, err)
	b, err := json.Marshal(n)
	require.NoError(t, err)
	var back signing.PersonalNumber
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, n, back)
	require.Equal(t, "291248-xxxxx", n.Masked())
	require.Error(t, json.Unmarshal([]byte(`"29124815354"`), &back))
}

// Nobody signs with Swedish BankID under a Norwegian number.
func TestNorwegianNumberAndSwedishMethod(t *testing.T) {
	s := spec(t)
	var err error
	s.Participants[0].PersonalNumber, err = signing.ParseNIN("29124815345")
	require.NoError(t, err)
	f, ok := fault.As(s.Validate())
	require.True(t, ok)
	require.Equal(t, "/participants/0/personalNumber", f.Fields[0].Pointer)
}

// The check digits see every single digit that is wrong, and every two that
// changed places.
func TestNINSeesSlips(t *testing.T) {
	const right = "29124815345"
	for i := range right {
		for d := byte('0'); d <= '9'; d++ {
			wrong := []byte(right)
			if wrong[i] = d; string(wrong) != right {
				_, err := signing.ParseNIN(string(wrong))
				require.Error(t, err, "digit %d", i)
			}
		}
		if i > 0 && right[i] != right[i-1] {
			wrong := []byte(right)
			wrong[i], wrong[i-1] = wrong[i-1], wrong[i]
			_, err := signing.ParseNIN(string(wrong))
			require.Error(t, err, "digits %d and %d", i-1, i)
		}
	}
}
