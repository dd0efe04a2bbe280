package deploy

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What is built is built from the Dockerfile that is there, for a target that it has.
func TestDockerfile(t *testing.T) {
	dockerfile := text(t, "Dockerfile")
	targets := map[string]bool{}
	for _, from := range regexp.MustCompile(`(?m)^FROM (\S+) AS (\S+)$`).FindAllStringSubmatch(dockerfile, -1) {
		base, name := from[1], from[2]
		if !targets[base] && base != "scratch" && !exact.MatchString(base) {
			t.Errorf("%s: %s without an exact version", name, base)
		}
		targets[name] = true
	}
	for name, s := range project(t).Services {
		if s.Build == nil {
			continue
		}
		path := filepath.Join(s.Build.Context, s.Build.Dockerfile)
		if same, err := filepath.Abs("Dockerfile"); err != nil || path != same || !targets[s.Build.Target] {
			t.Errorf("%s is built from %s, target %q: %v", name, path, s.Build.Target, err)
		}
	}
	for _, want := range []string{"USER 65532:65532", "CGO_ENABLED=0", "-trimpath", "ca-certificates.crt"} {
		if !strings.Contains(dockerfile, want) {
			t.Errorf("the Dockerfile lacks %s", want)
		}
	}
	required := version(t, `(?m)^go (\d+)\.(\d+)\.(\d+)$`, text(t, "../go.mod"))
	if builder := version(t, `golang:(\d+)\.(\d+)\.(\d+)`, dockerfile); builder < required {
		t.Errorf("built with Go %s, but go.mod requires %s", builder, required)
	}
}

// What is copied into the build is not ignored, and is all that the programs are made of.
func TestDockerContext(t *testing.T) {
	ignore := strings.Split(text(t, "Dockerfile.dockerignore"), "\n")
	var copied []string
	for _, m := range regexp.MustCompile(`(?m)^COPY ([a-z. ]+) \S+$`).FindAllStringSubmatch(text(t, "Dockerfile"), -1) {
		copied = append(copied, strings.Fields(m[1])...)
	}
	for _, name := range copied {
		if !slices.Contains(ignore, "!"+name) {
			t.Errorf("%s is copied, and ignored", name)
		}
	}
	const module = "github.com/chargeresult/chargeresult/"
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "../cmd/chargeresult", "../cmd/konasim").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.Lines(string(out)) {
		if inner, ours := strings.CutPrefix(strings.TrimSpace(name), module); ours {
			if folder, _, _ := strings.Cut(inner, "/"); !slices.Contains(copied, folder) {
				t.Errorf("%s is needed, and not copied", inner)
			}
		}
	}
}

// version finds one of three numbers, in a form that compares as a text.
func version(t *testing.T, pattern, in string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(in)
	if found == nil {
		t.Fatalf("no version like %s", pattern)
	}
	return fmt.Sprintf("%04s.%04s.%04s", found[1], found[2], found[3])
}
