// Package dev_test guards the border between the two modules: the product,
// which must stay lean, and this one, which embeds whole servers.
package dev_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type pkg struct {
	ImportPath string
	Imports    []string
}

// list returns what go list says of all packages that patterns need.
func list(t *testing.T, dir string, arguments ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-deps", "-json=ImportPath,Imports"}, arguments...)...)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	var found []pkg
	for d := json.NewDecoder(strings.NewReader(string(stdout))); d.More(); {
		var p pkg
		require.NoError(t, d.Decode(&p))
		found = append(found, p)
	}
	require.NotEmpty(t, found)
	return found
}

// The product's binary is a tenth of ours. It stays so only while nothing in it,
// tests included, imports a server.
func TestTheProductEmbedsNoServer(t *testing.T) {
	for _, p := range list(t, "..", "-test", "./...") {
		for _, server := range []string{
			"go.temporal.io/server", "github.com/temporalio/ui-server", "github.com/versity/versitygw",
			"github.com/handslag/handslag/dev",
		} {
			require.NotEqual(t, server, p.ImportPath)
			require.False(t, strings.HasPrefix(p.ImportPath, server+"/"), "the product needs %s", p.ImportPath)
		}
	}
}

// go.mod replaces the OpenTelemetry versions of the product by those of the
// Temporal server. That is sound only while no package of the product that we
// import was written against them.
func TestNoImportedProductPackageUsesOpenTelemetry(t *testing.T) {
	for _, p := range list(t, ".", "./...") {
		if !strings.HasPrefix(p.ImportPath, "github.com/handslag/handslag/") {
			continue
		}
		for _, imported := range p.Imports {
			require.False(t, strings.HasPrefix(imported, "go.opentelemetry.io/"), "%s imports %s", p.ImportPath, imported)
		}
	}
}
