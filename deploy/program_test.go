package deploy

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// programDir is where programs builds; TestMain makes and removes it.
var programDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "deploy-programs-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	programDir = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// build builds our programs, once.
var build = sync.OnceValue(func() error {
	out, err := exec.Command("go", "build", "-o", programDir, "../cmd/chargeresult", "../cmd/konasim").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
})

// program is the path of one of our programs.
func program(t *testing.T, name string) string {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(programDir, name)
}

// commandLimit is how long a command that asks nobody may take, on a busy machine.
const commandLimit = 30 * time.Second

// chargeresult runs the program, with environ and nothing else.
func chargeresult(t *testing.T, environ []string, args ...string) (string, error) {
	t.Helper()
	path := program(t, "chargeresult")
	ctx, cancel := context.WithTimeout(t.Context(), commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = environ
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Every variable is one that the program knows, and has a value that it takes. A variable that is unknown is refused.
func TestSettings(t *testing.T) {
	documented := text(t, "../cmd/chargeresult/CONFIGURATION.md")
	for _, name := range []string{"chargeresult", "topics"} {
		var environ []string
		for key, value := range project(t).Services[name].Environment {
			if strings.HasPrefix(key, "CHARGERESULT_") && !strings.Contains(documented, "| `"+key+"` |") {
				t.Errorf("%s: %s is no setting", name, key)
			}
			environ = append(environ, key+"="+*value)
		}
		if out, err := chargeresult(t, environ, "config"); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if out, err := chargeresult(t, append(environ, "CHARGERESULT_CONCURENCY=1"), "config"); err == nil {
			t.Errorf("a setting that is none was taken: %s", out)
		}
	}
}

// The commands of ours that compose runs exist, with those flags.
func TestCommands(t *testing.T) {
	p := project(t)
	for _, name := range []string{"chargeresult", "topics"} {
		s := p.Services[name]
		used(t, name, append([]string{"chargeresult"}, s.Command...))
		if s.HealthCheck != nil {
			used(t, name+"'s health check", s.HealthCheck.Test[1:])
		}
	}
}

// used checks that a command line of ours names a command, and flags that it has.
func used(t *testing.T, where string, line []string) {
	t.Helper()
	help, err := chargeresult(t, nil, line[1], "--help")
	if err != nil {
		t.Errorf("%s: %q is no command", where, line[1])
		return
	}
	for _, arg := range line[2:] {
		if flag, _, _ := strings.Cut(arg, "="); strings.HasPrefix(flag, "--") && !regexp.MustCompile(flag+`\b`).MatchString(help) {
			t.Errorf("%s: %s has no flag %s", where, line[1], flag)
		}
	}
}
