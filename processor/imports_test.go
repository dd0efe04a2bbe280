package processor_test

import (
	"encoding/json"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// allowed is the import table: which of the module's packages each may import. Adapters never import each other, the engine knows
// nothing of charges, and the contract stands on the standard library alone.
var allowed = map[string][]string{
	"events":                     {"events/jsonvalue"},
	"events/jsonvalue":           nil,
	"processor":                  {"events", "processor/stream", "processor/telemetry"},
	"processor/stream":           nil,
	"processor/telemetry":        {"events"},
	"processor/telemetry/export": nil,
	"processor/console":          {"events", "processor", "processor/stream", "processor/replay"},
	"processor/dedup":            {"events", "processor"},
	"processor/inquiry":          {"events", "events/jsonvalue", "processor"},
	"processor/inquiry/konasim":  nil,
	"processor/replay":           {"events", "processor", "processor/stream"},
	"deploy":                     nil,
	"deploy/kafka":               nil,
	"deploy/testbed":             {"deploy/kafka"},
	"deploy/collector":           nil,
}

// forbidden are the parts of the world that only one package may know.
var forbidden = map[string]string{
	"github.com/redis/go-redis/v9":        "processor/dedup cmd/bench/bareloop cmd/chargeresult deploy/testbed", // cmd/chargeresult: to silence its logger
	"github.com/sony/gobreaker/v2":        "processor/inquiry",
	"github.com/alicebob/miniredis/v2":    "cmd/demo processor/dedup/deduptest",
	"github.com/twmb/franz-go/pkg/kfake":  "cmd/demo",
	"go.opentelemetry.io/otel/sdk/metric": "cmd/chargeresult processor/telemetry/export",
	"go.opentelemetry.io/otel/sdk/trace":  "processor/telemetry/export deploy/collector cmd/demo",
}

func TestImports(t *testing.T) {
	const module = "github.com/chargeresult/chargeresult/"
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for decoder.More() {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&pkg); err != nil {
			t.Fatal(err)
		}
		seen++
		name := strings.TrimPrefix(pkg.ImportPath, module)
		table, listed := allowed[name]
		if !listed && !strings.HasPrefix(name, "cmd/") && path.Base(name) != "deduptest" {
			t.Errorf("package %s is not in the import table", name)
		}
		for _, imported := range pkg.Imports {
			inner, ours := strings.CutPrefix(imported, module)
			switch who, guarded := forbidden[imported]; {
			case ours && listed && !slices.Contains(table, inner):
				t.Errorf("%s imports %s, which the table does not allow", name, inner)
			case guarded && !slices.Contains(strings.Fields(who), name):
				t.Errorf("%s imports %s: only %s may", name, imported, who)
			case strings.HasPrefix(name, "events") && !ours && strings.Contains(imported, "."):
				t.Errorf("%s imports %s: the contract stands on the standard library alone", name, imported)
			}
		}
	}
	if seen < len(allowed) {
		t.Errorf("go list named %d packages, the table has %d", seen, len(allowed))
	}
}
