//go:build integration

package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// promtool reads what Prometheus would, and runs the rules' tests.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v (Debian's package prometheus has it)\n%s", strings.Join(args, " "), err, out)
	}
}

func TestPromtool(t *testing.T) {
	t.Run("configuration", func(t *testing.T) {
		config := filepath.Join(t.TempDir(), "prometheus.yml")
		here, err := filepath.Abs("prometheus")
		must(t, err)
		content := strings.ReplaceAll(text(t, "prometheus/prometheus.yml"), "/etc/prometheus", here)
		must(t, os.WriteFile(config, []byte(content), 0o644))
		promtool(t, "check", "config", config)
	})
	t.Run("rules", func(t *testing.T) {
		promtool(t, append([]string{"check", "rules", "--lint=all", "--lint-fatal"}, glob(t, "prometheus/rules/*.yml")...)...)
	})
	t.Run("alerts", func(t *testing.T) {
		promtool(t, append([]string{"test", "rules"}, glob(t, "prometheus/tests/*.yml")...)...)
	})
	t.Run("dashboard", func(t *testing.T) {
		variables := strings.NewReplacer("$__rate_interval", "1m", "$instance", ".*")
		var records []map[string]string
		for _, expr := range readDashboard(t).expressions() {
			records = append(records, map[string]string{"record": fmt.Sprintf("query_%d", len(records)), "expr": variables.Replace(expr)})
		}
		content, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": records}}})
		must(t, err)
		file := filepath.Join(t.TempDir(), "rules.yml")
		must(t, os.WriteFile(file, content, 0o644))
		promtool(t, "check", "rules", file)
	})
}
