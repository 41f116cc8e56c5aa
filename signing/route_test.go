package signing_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

func TestRouteJSON(t *testing.T) {
	for text, want := range map[string]signing.Route{`["a","b"]`: {"a", "b"}, `"bankid"`: {"bankid"}} {
		var r signing.Route
		require.NoError(t, json.Unmarshal([]byte(text), &r))
		require.Equal(t, want, r)
	}
	require.Error(t, json.Unmarshal([]byte(`7`), new(signing.Route)))
}

// TestSearchEnds: whatever the providers say, a search asks a few times at most,
// and another provider only when the one before certainly made no order.
func TestSearchEnds(t *testing.T) {
	kinds := []fault.Kind{fault.Unavailable, fault.Forbidden, fault.Uncertain, fault.Conflict, fault.Invalid, fault.Internal}
	rapid.Check(t, func(t *rapid.T) {
		route := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 1, 4, rapid.ID).Draw(t, "route")
		s := signing.NewSearch(route)
		asked, pauses, lost := 1, 0, 0
		for {
			before, kind := s.Provider(), rapid.SampledFrom(kinds).Draw(t, "kind")
			move := s.Failed(kind)
			if move == signing.MoveReconcile {
				lost++
				require.Equal(t, fault.Uncertain, kind)
				move = s.Cleared()
				if move != signing.MoveStop {
					require.Equal(t, before, s.Provider())
				}
			} else if move != signing.MoveStop {
				require.Contains(t, []fault.Kind{fault.Unavailable, fault.Forbidden}, kind)
			}
			if move == signing.MoveStop {
				break
			}
			if move == signing.MovePause {
				pauses++
			}
			require.Contains(t, route, s.Provider())
			asked++
		}
		require.LessOrEqual(t, asked, 4)
		require.LessOrEqual(t, pauses, 2)
		require.LessOrEqual(t, lost, 2)
	})
}
