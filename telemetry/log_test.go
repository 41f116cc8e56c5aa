package telemetry_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/telemetry"
)

// TestLogShowsNothingPrivate logs a person in every way that a careless line
// could.
func TestLogShowsNothingPrivate(t *testing.T) {
	number, err := signing.ParsePersonalNumber("191212121212")
	require.NoError(t, err)
	p := signing.Participant{ID: "par_1", Name: "Tolvan Tolvansson", PersonalNumber: number}
	var b strings.Builder
	log := telemetry.NewLogger(&b, slog.LevelDebug)
	log.With("with", p).WithGroup("group").Info("person",
		"struct", p, "pointer", &p, "slice", []signing.Participant{p}, "map", map[string]any{"p": p},
		"name", p.Name, "number", p.PersonalNumber, "error", errors.New("refused 191212121212"),
		"text", "for 19121212-1212", slog.Group("nested", "p", p, "n", "191212121212"), "raw", []byte("191212121212"))
	log.Info("person", "id", p.ID)
	require.NotContains(t, b.String(), "1212")
	require.NotContains(t, b.String(), "Tolvan")
	require.Contains(t, b.String(), `"id":"par_1"`)
	require.Contains(t, b.String(), "signing.Participant", "what was left out is named")
}
