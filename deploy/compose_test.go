// Package deploy checks what deploys chargeresult: docker-compose.yml, the Dockerfile, Prometheus' rules, the dashboard, the runbooks. It has nothing
// but tests. Where there are no containers, the test of the build tag integration starts what docker-compose.yml describes as processes.
package deploy

import (
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

const composeFile = "../docker-compose.yml"

// project is docker-compose.yml as compose itself would understand it, interpolated with environ and checked.
func project(t *testing.T, environ ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{composeFile}, cli.WithEnv(environ), cli.WithResolvedPaths(true))
	if err != nil {
		t.Fatal(err)
	}
	p, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// oneShots do their work and end.
var oneShots = []string{"topics"}

// exact is an image with a version of three numbers, or one of ours, which are built here.
var exact = regexp.MustCompile(`^[a-z0-9./-]+:(v?\d+\.\d+\.\d+(-[a-z0-9.]+)?|compose)$`)

// fault is why a service is not as every service should be.
func fault(p *types.Project, s types.ServiceConfig) error {
	oneShot := slices.Contains(oneShots, s.Name)
	var faults []error
	check := func(right bool, problem string) {
		if !right {
			faults = append(faults, errors.New(problem))
		}
	}
	check(exact.MatchString(s.Image), "image without an exact version")
	check((s.Build == nil) != strings.HasSuffix(s.Image, ":compose"), "an image of ours that is not built, or the other way round")
	check(s.MemLimit > 0, "no memory limit")
	check(s.Logging != nil && s.Logging.Options["max-size"] != "" && s.Logging.Options["max-file"] != "", "its log is not rotated")
	checked := s.HealthCheck != nil && len(s.HealthCheck.Test) > 1
	check(checked != oneShot, "no health check, or one of a one-shot")
	check(s.Restart == "unless-stopped" && !oneShot || strings.HasPrefix(s.Restart, "on-failure:") && oneShot, "no restart policy that fits")
	check(slices.Equal(s.CapDrop, []string{"ALL"}) && slices.Contains(s.SecurityOpt, "no-new-privileges:true"), "more privileges than it needs")
	check(s.ReadOnly || s.Name == "kafka", "it may write everywhere")
	for _, port := range s.Ports {
		check(port.HostIP == "127.0.0.1", "port "+port.Published+" is open to other machines")
	}
	for _, v := range s.Volumes {
		_, named := p.Volumes[v.Source]
		check(v.Type == types.VolumeTypeVolume && named || v.Type == types.VolumeTypeBind && v.ReadOnly, "volume "+v.Target+" is neither named nor bound read-only")
		if v.Type == types.VolumeTypeBind {
			_, err := os.Stat(v.Source)
			check(err == nil, v.Source+" does not exist")
		}
	}
	for on, dependency := range s.DependsOn {
		want := types.ServiceConditionHealthy
		if slices.Contains(oneShots, on) {
			want = types.ServiceConditionCompletedSuccessfully
		}
		check(dependency.Condition == want, "it starts before "+on+" is ready")
	}
	return errors.Join(faults...)
}

func TestServices(t *testing.T) {
	p := project(t)
	want := []string{"chargeresult", "feeder", "grafana", "jaeger", "kafka", "konasim", "otel-collector", "prometheus", "redis", "topics"}
	if got := slices.Sorted(maps.Keys(p.Services)); !slices.Equal(got, want) {
		t.Errorf("services are %v, want %v", got, want)
	}
	for name, s := range p.Services {
		if err := fault(p, s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFaultsAreFound spoils a service in every way that fault looks for.
func TestFaultsAreFound(t *testing.T) {
	for want, spoil := range map[string]func(*types.ServiceConfig){
		"exact version":   func(s *types.ServiceConfig) { s.Image = "prom/prometheus:latest" },
		"not built":       func(s *types.ServiceConfig) { s.Image = "chargeresult:compose" },
		"memory limit":    func(s *types.ServiceConfig) { s.MemLimit = 0 },
		"not rotated":     func(s *types.ServiceConfig) { s.Logging = nil },
		"no health check": func(s *types.ServiceConfig) { s.HealthCheck = nil },
		"restart policy":  func(s *types.ServiceConfig) { s.Restart = "" },
		"privileges":      func(s *types.ServiceConfig) { s.CapDrop = nil },
		"write":           func(s *types.ServiceConfig) { s.ReadOnly = false },
		"other machines":  func(s *types.ServiceConfig) { s.Ports[0].HostIP = "" },
		"neither named":   func(s *types.ServiceConfig) { s.Volumes[0].ReadOnly = false },
		"does not exist":  func(s *types.ServiceConfig) { s.Volumes[0].Source = "/nonexistent" },
		"is ready": func(s *types.ServiceConfig) {
			s.DependsOn = types.DependsOnConfig{"topics": {Condition: types.ServiceConditionStarted}}
		},
	} {
		t.Run(want, func(t *testing.T) {
			p := project(t)
			s := p.Services["prometheus"]
			spoil(&s)
			if err := fault(p, s); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// The broker that the tests run is the broker that is deployed.
func TestKafkaVersion(t *testing.T) {
	tested := version(t, `<kafka.version>(\d+)\.(\d+)\.(\d+)<`, text(t, "kafka/pom.xml"))
	for _, name := range []string{"kafka", "feeder"} {
		if got := version(t, `^apache/kafka:(\d+)\.(\d+)\.(\d+)$`, project(t).Services[name].Image); got != tested {
			t.Errorf("%s is of Kafka %s, the tests run %s", name, got, tested)
		}
	}
}

func text(t testing.TB, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
