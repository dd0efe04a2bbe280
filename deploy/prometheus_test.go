package deploy

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// rule is an alert, or a recorded expression.
type rule struct {
	Alert, Record, Expr string
	Labels, Annotations map[string]string
}

// rules are all rules, in the order of the files.
func rules(t *testing.T) []rule {
	t.Helper()
	var all []rule
	for _, file := range glob(t, "prometheus/rules/*.yml") {
		var content struct{ Groups []struct{ Rules []rule } }
		if err := yaml.Unmarshal([]byte(text(t, file)), &content); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, group := range content.Groups {
			all = append(all, group.Rules...)
		}
	}
	return all
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files like %s: %v", pattern, err)
	}
	return files
}

func TestRules(t *testing.T) {
	all := exposed(t)
	for _, r := range rules(t) {
		exists(t, r.Alert+r.Record, r.Expr, all)
		if r.Record != "" {
			all[r.Record] = nil
		}
	}
}

const runbooks = "https://github.com/chargeresult/chargeresult/blob/main/deploy/"

// Every alert says whom it concerns, what it is, and where its page is.
func TestAlerts(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		if s := r.Labels["severity"]; s != "page" && s != "ticket" {
			t.Errorf("%s: severity %q", r.Alert, s)
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s says too little", r.Alert)
		}
		if seen[r.Alert] {
			t.Errorf("%s occurs twice", r.Alert)
		}
		seen[r.Alert] = true
		link, ours := strings.CutPrefix(r.Annotations["runbook_url"], runbooks)
		page, section, _ := strings.Cut(link, "#")
		if !ours {
			t.Errorf("%s: runbook_url %q is not under %s", r.Alert, r.Annotations["runbook_url"], runbooks)
			continue
		}
		if content := text(t, page); section != "" && !hasSection(content, section) {
			t.Errorf("%s: %s has no section %s", r.Alert, page, section)
		}
	}
}

// hasSection says whether a page has a heading that GitHub gives the anchor.
func hasSection(page, anchor string) bool {
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		if strings.ReplaceAll(strings.ToLower(heading[1]), " ", "-") == anchor {
			return true
		}
	}
	return false
}

// Each alert has a test in which it fires and one in which it stays quiet; promtool runs them.
func TestEveryAlertIsTested(t *testing.T) {
	names := map[string]bool{}
	for _, file := range glob(t, "prometheus/tests/*.yml") {
		var content struct {
			Tests []struct {
				Name string
				Expr []struct {
					Expected []any `yaml:"exp_samples"`
				} `yaml:"promql_expr_test"`
			}
		}
		if err := yaml.Unmarshal([]byte(text(t, file)), &content); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, test := range content.Tests {
			alert, what, _ := strings.Cut(test.Name, ": ")
			fires := strings.HasPrefix(what, "fires")
			for _, e := range test.Expr {
				if fires != (len(e.Expected) > 0) {
					t.Errorf("%s: expects %v", test.Name, e.Expected)
				}
			}
			names[alert+" "+strings.Fields(what)[0]] = len(test.Expr) > 0
		}
	}
	for _, r := range rules(t) {
		for _, what := range []string{"fires", "quiet"} {
			if r.Alert != "" && !names[r.Alert+" "+what] {
				t.Errorf("no test of %s named %q", r.Alert, r.Alert+": "+what+" …")
			}
		}
	}
}
