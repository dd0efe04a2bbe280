package deploy

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	block   = regexp.MustCompile("(?s)```sh\n(.*?)```")
	code    = regexp.MustCompile("`(chargeresult [a-z][^`]*)`")
	linked  = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	setting = regexp.MustCompile("`((?:[a-z]+-)+[a-z]+)`")
)

// Every page has the same parts, every command of ours in it exists with its flags, every setting is one, and every link leads somewhere.
func TestRunbooks(t *testing.T) {
	settings := text(t, "../cmd/chargeresult/CONFIGURATION.md")
	linkedTo := map[string]bool{}
	for _, r := range rules(t) {
		page, _, _ := strings.Cut(path.Base(r.Annotations["runbook_url"]), "#")
		linkedTo[page] = true
	}
	for _, file := range glob(t, "runbooks/*.md") {
		page, name := text(t, file), filepath.Base(file)
		if name != "README.md" {
			for _, part := range []string{"Meaning", "Impact on money", "How to check", "Safe", "Unsafe"} {
				if !strings.Contains(page, "\n## "+part+"\n") {
					t.Errorf("%s has no part %q", name, part)
				}
			}
			if !linkedTo[name] {
				t.Errorf("no alert leads to %s", name)
			}
		}
		for _, line := range commandLines(page) {
			used(t, name, strings.Fields(line))
		}
		for _, m := range linked.FindAllStringSubmatch(page, -1) {
			if _, err := os.Stat(filepath.Join("runbooks", m[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, m := range setting.FindAllStringSubmatch(page, -1) {
			if env := "CHARGERESULT_" + strings.ToUpper(strings.ReplaceAll(m[1], "-", "_")); !notSettings[m[1]] && !strings.Contains(settings, "`"+env+"`") {
				t.Errorf("%s: %s is no setting", name, m[1])
			}
		}
	}
}

// notSettings are written like one: containers of docker-compose.yml.
var notSettings = map[string]bool{"otel-collector": true}

// commandLines are the commands of ours on a page, without comments.
func commandLines(page string) (lines []string) {
	for _, b := range block.FindAllStringSubmatch(page, -1) {
		for line := range strings.Lines(b[1]) {
			if strings.HasPrefix(line, "chargeresult ") {
				command, _, _ := strings.Cut(line, "#")
				lines = append(lines, command)
			}
		}
	}
	for _, m := range code.FindAllStringSubmatch(page, -1) {
		lines = append(lines, m[1])
	}
	return lines
}
