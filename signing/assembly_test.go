package signing_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/handslag/handslag/signing"
)

func TestAssembly(t *testing.T) {
	for name, row := range map[string]struct {
		nature signing.Nature
		want   signing.Assembly
	}{
		"plain":   {signing.Nature{}, signing.AssemblyAppended},
		"PDF/A-1": {signing.Nature{PDFA: "1B"}, signing.AssemblySeparate},
		"PDF/A-2": {signing.Nature{PDFA: "2U"}, signing.AssemblySeparate},
		"PDF/A-3": {signing.Nature{PDFA: "3A"}, signing.AssemblyAppended},
		"PDF/A-4": {signing.Nature{PDFA: "4"}, signing.AssemblyAppended},
		"signed":  {signing.Nature{Signatures: 1}, signing.AssemblySeparate},
		"locked":  {signing.Nature{Locked: true}, signing.AssemblySeparate},
	} {
		require.Equal(t, row.want, spec(t).Assembly(signing.Document{Nature: row.nature}), name)
	}
}

// TestAssemblyLastsAsLongAsTheSpec: what is decided when a collection is created
// is decided again in the same way from what was kept of it.
func TestAssemblyLastsAsLongAsTheSpec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := signing.Document{Nature: signing.Nature{
			Signatures: rapid.IntRange(0, 3).Draw(t, "signatures"), Locked: rapid.Bool().Draw(t, "locked"),
			PDFA: rapid.SampledFrom([]string{"", "1B", "2B", "3B", "4F"}).Draw(t, "pdfa"),
		}}
		b, err := json.Marshal(d)
		require.NoError(t, err)
		var again signing.Document
		require.NoError(t, json.Unmarshal(b, &again))
		require.Equal(t, d, again)
		way := signing.Spec{}.Assembly(again)
		require.Equal(t, signing.Spec{}.Assembly(d), way)
		if d.Signatures > 0 || d.Locked {
			require.Equal(t, signing.AssemblySeparate, way, "a page after a signature is a change of what was signed")
		}
	})
}

// TestSpecsOfTheFirstRelease say nothing of what an upload is; it was plain then.
func TestSpecsOfTheFirstRelease(t *testing.T) {
	var d signing.Document
	require.NoError(t, json.Unmarshal([]byte(`{"id":"doc_00000000000000000000000001","title":"Avtal","revision":0,"length":9,`+
		`"sha256":"0000000000000000000000000000000000000000000000000000000000000000"}`), &d))
	require.Equal(t, signing.AssemblyAppended, spec(t).Assembly(d))
}
