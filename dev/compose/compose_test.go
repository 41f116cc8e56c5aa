// Package compose_test reads docker-compose.yml as compose does, and holds it to
// what an installation must keep where no engine is there to run it.
package compose_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

const root = "../.."

// load reads the file, with secrets in the environment or without.
func load(t *testing.T, environment ...string) (*types.Project, error) {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")},
		cli.WithEnv(environment), cli.WithWorkingDirectory(root))
	require.NoError(t, err)
	return options.LoadProject(t.Context())
}

func project(t *testing.T) *types.Project {
	t.Helper()
	p, err := load(t, "HANDSLAG_POSTGRES_PASSWORD=postgres-secret", "HANDSLAG_S3_SECRET_KEY=s3-secret")
	require.NoError(t, err)
	return p
}

func TestNoSecretHasADefault(t *testing.T) {
	for _, given := range [][]string{
		{"HANDSLAG_POSTGRES_PASSWORD=x"},
		{"HANDSLAG_S3_SECRET_KEY=x"},
		{"HANDSLAG_POSTGRES_PASSWORD=", "HANDSLAG_S3_SECRET_KEY=x"},
	} {
		_, err := load(t, given...)
		require.ErrorContains(t, err, "make compose-env")
	}
	secret := regexp.MustCompile(`PASSWORD|PWD|SECRET|PASSPHRASE`)
	for name, service := range project(t).Services {
		for variable, value := range service.Environment {
			if !secret.MatchString(variable) {
				continue
			}
			require.NotNil(t, value, "%s: %s", name, variable)
			require.Regexp(t, `^(postgres-secret|s3-secret|/run/secrets/[a-z0-9_]+)$`, *value, "%s: %s", name, variable)
		}
	}
}

// version is what a tag must begin with: one that is moved, such as latest or 17,
// makes two installations of the same file differ.
var version = regexp.MustCompile(`^[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9]+)?$`)

func TestImagesArePinned(t *testing.T) {
	for name, service := range project(t).Services {
		if service.Build != nil {
			continue // built here, from the Dockerfile
		}
		require.Regexp(t, version, service.Image, name)
	}
	dockerfile, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	require.NoError(t, err)
	stages := map[string]bool{"scratch": true}
	for _, from := range regexp.MustCompile(`(?m)^FROM (\S+) AS (\S+)$`).FindAllStringSubmatch(string(dockerfile), -1) {
		if !stages[from[1]] {
			require.Regexp(t, version, from[1])
		}
		stages[from[2]] = true
	}
	require.Len(t, regexp.MustCompile(`(?m)^FROM `).FindAllString(string(dockerfile), -1), len(stages)-1)
	for name, service := range project(t).Services {
		if service.Build != nil {
			require.True(t, stages[service.Build.Target], "%s builds %s", name, service.Build.Target)
		}
	}
}

// oneShot says whether a service runs to its end: then it has no health, and
// whoever needs it waits for that end.
func oneShot(s types.ServiceConfig) bool {
	return strings.HasPrefix(s.Restart, types.RestartPolicyOnFailure)
}

func TestEveryServiceTellsHowItIs(t *testing.T) {
	p := project(t)
	awaited := map[string]bool{}
	for name, service := range p.Services {
		for on, how := range service.DependsOn {
			awaited[on] = true
			want := types.ServiceConditionHealthy
			if oneShot(p.Services[on]) {
				want = types.ServiceConditionCompletedSuccessfully
			}
			require.Equal(t, want, how.Condition, "%s waits for %s", name, on)
		}
		if oneShot(service) {
			continue
		}
		require.NotNil(t, service.HealthCheck, name)
		require.Equal(t, "CMD", service.HealthCheck.Test[0], "%s: without a shell", name)
		require.Equal(t, types.RestartPolicyUnlessStopped, service.Restart, name)
	}
	for name, service := range p.Services {
		if oneShot(service) {
			require.True(t, awaited[name], "nobody waits for %s", name)
		}
	}
}

func TestPortsAreOfThisMachineOnly(t *testing.T) {
	taken := map[string]string{}
	for name, service := range project(t).Services {
		for _, port := range service.Ports {
			require.Equal(t, "127.0.0.1", port.HostIP, "%s publishes %s", name, port.Published)
			require.Empty(t, taken[port.Published], "%s and %s publish %s", name, taken[port.Published], port.Published)
			taken[port.Published] = name
		}
	}
	require.Contains(t, taken, "8080")
}

func TestWhatMustLastHasANamedVolume(t *testing.T) {
	p := project(t)
	used := map[string]bool{}
	for name, service := range p.Services {
		for _, volume := range service.Volumes {
			switch volume.Type {
			case types.VolumeTypeVolume:
				require.Contains(t, p.Volumes, volume.Source, name)
				used[volume.Source] = true
			default:
				require.Equal(t, types.VolumeTypeBind, volume.Type, name)
				require.True(t, volume.ReadOnly, "%s: %s", name, volume.Source)
				_, err := os.Stat(volume.Source)
				require.NoError(t, err, name)
			}
		}
	}
	for name := range p.Volumes {
		require.True(t, used[name], "nobody uses %s", name)
	}
	for service, target := range map[string]string{"postgres": "/var/lib/postgresql/data", "s3": "/var/lib/handslag/objects"} {
		require.Len(t, p.Services[service].Volumes, 1)
		require.Equal(t, target, p.Services[service].Volumes[0].Target)
	}
}

// The product itself is asked which settings it takes, and whether those that
// compose gives are enough.
func TestTheProductTakesWhatItIsGiven(t *testing.T) {
	product := filepath.Join(t.TempDir(), "handslag")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", product, "./cmd/handslag")
	build.Dir = root
	output, err := build.CombinedOutput()
	require.NoError(t, err, string(output))
	// Secrets and Temporal's own settings are no flags.
	more := regexp.MustCompile(`^(HANDSLAG_S3_SECRET_KEY_FILE|TEMPORAL_(ADDRESS|NAMESPACE))$`)
	for command, first := range map[string]string{
		"api": "open /var/lib/handslag/world/trust", "worker": "open /var/lib/handslag/world/trust",
	} {
		service := project(t).Services[command]
		require.Equal(t, types.ShellCommand{command}, service.Command)
		help, err := exec.CommandContext(t.Context(), product, command, "--help").Output()
		require.NoError(t, err)
		accepted := regexp.MustCompile(`\$(HANDSLAG_\w+)`).FindAllStringSubmatch(string(help), -1)
		require.NotEmpty(t, accepted)
		names := map[string]bool{}
		for _, a := range accepted {
			names[a[1]] = true
		}
		var environment []string
		for variable, value := range service.Environment {
			require.True(t, names[variable] || more.MatchString(variable), "%s takes no %s", command, variable)
			environment = append(environment, variable+"="+*value)
		}
		// It comes as far as reading the first of its files, and no setting is missing.
		run := exec.CommandContext(t.Context(), product, command)
		run.Env = environment
		said, err := run.CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(said), first)
	}
}

// A secret that a service reads at /run/secrets must be one that it is given.
func TestSecretsAreGivenToWhoReadsThem(t *testing.T) {
	p := project(t)
	for name, service := range p.Services {
		given := map[string]bool{}
		for _, secret := range service.Secrets {
			require.Contains(t, p.Secrets, secret.Source, name)
			given["/run/secrets/"+secret.Source] = true
		}
		read := map[string]bool{}
		for _, value := range service.Environment {
			if value != nil && strings.HasPrefix(*value, "/run/secrets/") {
				read[*value] = true
			}
		}
		require.Equal(t, given, read, name)
	}
}

// The images that belong together are of one version.
func TestTemporalIsOfOneVersion(t *testing.T) {
	p := project(t)
	tag := func(service string) string {
		_, tag, _ := strings.Cut(p.Services[service].Image, ":")
		return tag
	}
	require.Equal(t, tag("temporal"), tag("temporal-schema"))
	require.Equal(t, tag("temporal"), tag("temporal-namespace"))
	list := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Version}}", "go.temporal.io/server", "github.com/temporalio/ui-server/v2")
	embedded, err := list.Output()
	require.NoError(t, err)
	// What is tried on a laptop is what runs in containers.
	require.Equal(t, []string{"v" + tag("temporal"), "v" + tag("temporal-ui")}, strings.Fields(string(embedded)))
}
