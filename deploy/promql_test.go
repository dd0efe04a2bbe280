package deploy

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/otlptranslator"

	"github.com/chargeresult/chargeresult/processor/telemetry"
)

// A series as an expression names it: the metric and the labels that are asked for or grouped by.
type series struct {
	metric string
	labels []string
}

var (
	quoted    = regexp.MustCompile(`"(\\.|[^"\\])*"`)
	grouping  = regexp.MustCompile(`\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)`)
	durations = regexp.MustCompile(`\[[^\]]*\]|\s\d\w*`)
	selector  = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{[^}]*\}|\(?)`)
	matcher   = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)`)
	operators = []string{"and", "or", "unless", "bool", "offset"}
)

// selected finds what an expression selects. It is no parser: promtool is one, and reads every expression in another test.
func selected(expr string) []series {
	expr = quoted.ReplaceAllString(expr, `""`)
	expr = durations.ReplaceAllString(grouping.ReplaceAllString(expr, ""), "")
	var found []series
	for _, m := range selector.FindAllStringSubmatch(expr, -1) {
		if m[2] == "(" || slices.Contains(operators, m[1]) {
			continue // a function or an operator
		}
		s := series{metric: m[1]}
		for _, label := range matcher.FindAllStringSubmatch(m[2], -1) {
			s.labels = append(s.labels, label[1])
		}
		found = append(found, s)
	}
	return found
}

func TestSelected(t *testing.T) {
	got := selected(`sum by (le, reason) (rate(a_bucket{x!="1", y=~"b{c}"}[5m])) / on (z) (d:e > 0.1) unless (count(f offset 1h) or vector(0))`)
	want := []series{{"a_bucket", []string{"x", "y"}}, {"d:e", nil}, {"f", nil}}
	if !slices.EqualFunc(got, want, func(a, b series) bool { return a.metric == b.metric && slices.Equal(a.labels, b.labels) }) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// exposed are the series that Prometheus may be asked for, with their labels beside job and instance: those of the processor's table, named as its
// exporter names them, what the Go runtime and the process tell, and what Prometheus makes itself.
func exposed(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{
		"up": nil, "ALERTS": {"alertname", "alertstate"},
		"process_cpu_seconds_total": nil, "process_resident_memory_bytes": nil, "go_goroutines": nil, "go_memstats_heap_alloc_bytes": nil,
	}
	metrics := otlptranslator.NewMetricNamer("", otlptranslator.UnderscoreEscapingWithSuffixes)
	labels := otlptranslator.LabelNamer{}
	types := map[telemetry.Kind]otlptranslator.MetricType{
		telemetry.Counter: otlptranslator.MetricTypeMonotonicCounter, telemetry.Gauge: otlptranslator.MetricTypeGauge,
		telemetry.Histogram: otlptranslator.MetricTypeHistogram,
	}
	for _, m := range telemetry.Metrics() {
		name, err := metrics.Build(otlptranslator.Metric{Name: m.Name, Unit: m.Unit, Type: types[m.Kind]})
		if err != nil {
			t.Fatal(err)
		}
		var named []string
		for _, attribute := range m.Attributes {
			label, err := labels.Build(attribute)
			if err != nil {
				t.Fatal(err)
			}
			named = append(named, label)
		}
		if m.Kind != telemetry.Histogram {
			all[name] = named
			continue
		}
		all[name+"_count"], all[name+"_sum"] = named, named
		all[name+"_bucket"] = append([]string{"le"}, named...)
	}
	return all
}

// exists checks that everything that an expression selects exists.
func exists(t *testing.T, where, expr string, all map[string][]string) {
	t.Helper()
	for _, s := range selected(expr) {
		labels, known := all[s.metric]
		if !known {
			t.Errorf("%s: there is no metric %s", where, s.metric)
		}
		for _, label := range s.labels {
			if known && label != "job" && label != "instance" && !slices.Contains(labels, label) {
				t.Errorf("%s: %s has no label %s, only %s", where, s.metric, label, strings.Join(labels, ", "))
			}
		}
	}
}
