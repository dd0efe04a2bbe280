package main

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/stream"
	"github.com/chargeresult/chargeresult/processor/telemetry"
)

func TestMetricsSayWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler, _ := metricsOf(t, plenty())
		got := series(scrape(t, handler))
		for name, want := range map[string]float64{
			`chargeresult_records_total{partition="1",place="accepted",topic="in"}`:  21,
			`chargeresult_records_total{partition="1",place="final",topic="in"}`:     6,
			`chargeresult_records_total{partition="1",place="dead",topic="in"}`:      3,
			`chargeresult_records_total{partition="1",place="duplicate",topic="in"}`: 2,
			`chargeresult_records_total{partition="1",place="parked",topic="in"}`:    11,
			`chargeresult_records_total{partition="1",place="resumed",topic="in"}`:   1,
			`chargeresult_results_total{result="COMPLETED"}`:                         5,
			`chargeresult_results_total{result="FAILED"}`:                            0,
			`chargeresult_results_total{result="PENDING"}`:                           2,
			`chargeresult_dead_letters_total{reason="CONFLICT"}`:                     3,
			`chargeresult_waits_total{reason="PENDING"}`:                             4,
			`chargeresult_waiting{delay="1m30s"}`:                                    42,
			`chargeresult_waiting{delay="5m"}`:                                       0, // another process has its partition
			`chargeresult_waiting_overdue_seconds{delay="1m30s"}`:                    5,
			`chargeresult_waiting_overdue_seconds{delay="5m"}`:                       0,
			`chargeresult_lag{partition="1",topic="in"}`:                             12,
			`chargeresult_lag{partition="0",topic="retry.1m30s"}`:                    40,
			`chargeresult_lag_age_seconds{partition="1",topic="in"}`:                 75,
			`chargeresult_partition_stalled_seconds{partition="1",topic="in"}`:       60,
			`chargeresult_partition_stalled_seconds{partition="2",topic="in"}`:       0, // it is stopped
			`chargeresult_partition_stopped{partition="1",topic="in"}`:               0,
			`chargeresult_partition_stopped{partition="2",topic="in"}`:               1,
			`chargeresult_offset_map_size_bytes{partition="1",topic="in"}`:           1024,
			`chargeresult_offset_map_fill{partition="1",topic="in"}`:                 0.25,
			`chargeresult_intake_held{reason="breaker"}`:                             1,
			`chargeresult_intake_held{reason="group"}`:                               0,
			`chargeresult_in_flight{}`:                                               7,
			`chargeresult_in_flight_oldest_seconds{}`:                                4,
			`chargeresult_breaker_state{state="half-open"}`:                          1,
			`chargeresult_breaker_state{state="open"}`:                               0,
			`chargeresult_inquiry_slow_downs_total{}`:                                9,
			`chargeresult_inquiries_total{class="answered"}`:                         8,
			`chargeresult_inquiries_total{class="vendor down"}`:                      1,
			`chargeresult_inquiries_total{class="slow down"}`:                        0,
			`chargeresult_sessions_total{}`:                                          2,
			`chargeresult_commit_age_seconds{}`:                                      30,
			`chargeresult_spans_total{outcome="exported"}`:                           100,
			`chargeresult_spans_total{outcome="failed"}`:                             20,
			`chargeresult_spans_total{outcome="dropped"}`:                            3,
			`chargeresult_cluster_age_seconds{}`:                                     3,
		} {
			if n, there := got[name]; !there || n != want {
				t.Errorf("%s is %v (there: %v), want %v", name, n, there, want)
			}
		}
		for name := range got {
			if strings.HasPrefix(name, "chargeresult_lag") && (strings.Contains(name, `"0",topic="in"`) || strings.Contains(name, `"3"`)) {
				t.Errorf("%s is not of this process", name)
			}
		}
	})
}

// What can be named before it has happened has a series before it has happened.
func TestMetricsFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nothing()
		handler, _ := metricsOf(t, s)
		time.Sleep(time.Minute)
		got := series(scrape(t, handler))
		want := map[string]float64{
			"chargeresult_in_flight{}": 0, "chargeresult_in_flight_oldest_seconds{}": 0, "chargeresult_inquiry_slow_downs_total{}": 0,
			"chargeresult_sessions_total{}": 0, "chargeresult_commit_age_seconds{}": 60, "chargeresult_cluster_age_seconds{}": 60,
		}
		var classes []string
		for _, class := range processor.Classes() {
			classes = append(classes, class.String())
		}
		for label, words := range map[string][]string{
			"chargeresult_inquiries_total{class=": classes,
			"chargeresult_results_total{result=":  append(slices.Clone(finals), interim), "chargeresult_dead_letters_total{reason=": deadReasons,
			"chargeresult_waits_total{reason=": waitReasons, "chargeresult_intake_held{reason=": holds,
			"chargeresult_breaker_state{state=": breakerStates, "chargeresult_spans_total{outcome=": {"exported", "failed", "dropped"},
		} {
			for _, word := range words {
				want[label+strconv.Quote(word)+"}"] = one(word == string(inquiry.Closed))
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	})
}

// Labels are partitions, delays and words of the code. Whatever else a source counts by, say an ID, shares one series.
func TestMetricsCardinality(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := plenty()
		handler, _ := metricsOf(t, s)
		before := series(scrape(t, handler))
		ids := map[string]int64{"PENDING": 4, "CONFLICT": 3, "COMPLETED": 5, "UNKNOWN": 1}
		var held []stream.Hold
		for i := range 1000 {
			id := fmt.Sprintf("3f2504e0-4f89-41d3-9a0c-%012d", i)
			ids[id] = 1
			held = append(held, stream.Hold{Reason: id})
		}
		counts, engine := s.counts(), s.engine()
		counts.Final, counts.Dead, counts.Waits, engine.Holds = ids, ids, ids, append(held, engine.Holds...)
		s.counts, s.engine = func() processor.Counts { return counts }, func() stream.Status { return engine }
		s.breaker = func() inquiry.BreakerStatus { return inquiry.BreakerStatus{State: "3f2504e0"} }
		handler, _ = metricsOf(t, s)
		after := series(scrape(t, handler))
		for name := range after {
			if _, there := before[name]; !there && !strings.Contains(name, `="other"}`) || strings.Contains(name, "3f2504e0") {
				t.Errorf("%s is new", name)
			}
		}
		if n, want := after[`chargeresult_waits_total{reason="other"}`], float64(1000+3+5+1); len(after) != len(before)+5 || n != want {
			t.Errorf("%d series, there were %d; %v others, want %v", len(after), len(before), n, want)
		}
	})
}

// Prometheus and OTLP read the same numbers, at the same time.
func TestMetricsHaveTwoReaders(t *testing.T) {
	manual := sdk.NewManualReader()
	handler, _ := metricsOf(t, plenty(), manual)
	var data metricdata.ResourceMetrics
	var both sync.WaitGroup
	both.Go(func() {
		if err := manual.Collect(context.Background(), &data); err != nil {
			t.Error(err)
		}
	})
	scraped := series(scrape(t, handler))
	both.Wait()
	for _, m := range data.ScopeMetrics[0].Metrics {
		if m.Name == telemetry.SlowDowns {
			if n := m.Data.(metricdata.Sum[int64]).DataPoints[0].Value; n != 9 || scraped["chargeresult_inquiry_slow_downs_total{}"] != 9 || m.Unit != "{reply}" {
				t.Errorf("%d %s", n, m.Unit)
			}
			return
		}
	}
	t.Errorf("no %s in %v", telemetry.SlowDowns, data)
}

// An exemplar leads from a measurement to its trace; it travels in the OpenMetrics format.
func TestMetricsHaveExemplars(t *testing.T) {
	handler, meter := metricsOf(t, nothing())
	histogram, err := meter.Float64Histogram(telemetry.InquiryDuration, metric.WithUnit("s"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := inTransaction("id-1")
	histogram.Record(ctx, 0.2)
	code, text := request(handler, "GET", "/metrics", "", map[string]string{"Accept": "application/openmetrics-text; version=1.0.0"})
	id := trace.SpanContextFromContext(ctx).TraceID().String()
	if code != 200 || !strings.Contains(text, `# {`) || !strings.Contains(text, `trace_id="`+id+`"`) || !strings.HasSuffix(text, "# EOF\n") {
		t.Errorf("%d, no exemplar of %s:\n%s", code, id, text)
	}
	for _, name := range []string{"go_goroutines ", "process_cpu_seconds_total ", "promhttp_metric_handler_errors_total{"} {
		if !strings.Contains(text, "\n"+name) {
			t.Errorf("no %s", name)
		}
	}
}

// TestWords finds words of the code that have no series from the start.
func TestWords(t *testing.T) {
	for _, tc := range []struct {
		file, prefix string
		known        []string
	}{
		{"../../events/retry.go", "Wait", waitReasons},
		{"../../events/decode.go", "Reason", deadReasons},
		{"../../processor/guard.go", "Hold", holds},
		{"../../processor/stream/hold.go", "HeldBy", holds},
		{"asking.go", "hold", holds},
	} {
		file, err := parser.ParseFile(gotoken.NewFileSet(), tc.file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(spec.Names[0].Name, tc.prefix) {
				return true
			}
			literal, ok := spec.Values[0].(*ast.BasicLit)
			if !ok {
				return true
			}
			found++
			if word, _ := strconv.Unquote(literal.Value); !slices.Contains(tc.known, word) {
				t.Errorf("%s: %s is not in metrics_words.go", tc.file, spec.Names[0].Name)
			}
			return true
		})
		if found == 0 {
			t.Errorf("%s has no %s constants any more: mend this test", tc.file, tc.prefix)
		}
	}
}
