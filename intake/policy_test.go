package intake_test

import (
	"os"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf"
)

// Every rule can be what refuses an upload, so each needs its explanation.
func TestEveryRuleIsExplained(t *testing.T) {
	b, err := os.ReadFile("../api/problems.yaml")
	require.NoError(t, err)
	var rows map[string]any
	require.NoError(t, yaml.Unmarshal(b, &rows))
	for rule := range pdf.Rules() {
		require.Contains(t, rows, string(rule))
	}
}
