package main

import (
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/console"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/stream"
	"github.com/chargeresult/chargeresult/processor/telemetry/export"
)

// nothing is what a process knows that has not begun to work.
func nothing() sources {
	return sources{
		started: time.Now(),
		counts:  func() processor.Counts { return processor.Counts{} },
		engine:  func() stream.Status { return stream.Status{} },
		oldest:  func() time.Time { return time.Time{} },
		breaker: func() inquiry.BreakerStatus { return inquiry.BreakerStatus{State: inquiry.Closed} },
		pace:    func() inquiry.PaceStatus { return inquiry.PaceStatus{} },
		tries:   func() map[processor.Class]int64 { return nil },
		cluster: func() console.Cluster { return console.Cluster{} },
		spans:   func() export.SpanCounts { return export.SpanCounts{} },
	}
}

// plenty is what a process knows that has worked, and has troubles of many kinds.
func plenty() sources {
	now := time.Now()
	s := nothing()
	s.started = now.Add(-time.Hour)
	s.counts = func() processor.Counts {
		return processor.Counts{
			Final: map[string]int64{"COMPLETED": 5, "UNKNOWN": 1}, Interim: 2, Dead: map[string]int64{"CONFLICT": 3}, Waits: map[string]int64{"PENDING": 4},
			Partitions: []processor.PartitionCounts{
				{Topic: "in", Partition: 1, Tally: processor.Tally{Accepted: 21, Final: 6, Dead: 3, Duplicate: 2, Parked: 11, Resumed: 1}},
			},
		}
	}
	s.engine = func() stream.Status {
		return stream.Status{
			InFlight: 7, Sessions: 2, LastCommit: now.Add(-30 * time.Second), Holds: []stream.Hold{{Reason: "breaker"}, {Reason: "rate"}},
			Partitions: []stream.PartitionStatus{{Topic: "in", Partition: 1, Map: 1024, MapFill: 0.25}, {Topic: "in", Partition: 2, Stopped: "recreated"}},
		}
	}
	s.oldest = func() time.Time { return now.Add(-4 * time.Second) }
	s.breaker = func() inquiry.BreakerStatus { return inquiry.BreakerStatus{State: inquiry.HalfOpen} }
	s.pace = func() inquiry.PaceStatus { return inquiry.PaceStatus{SlowDowns: 9} }
	s.tries = func() map[processor.Class]int64 {
		return map[processor.Class]int64{processor.Answered: 8, processor.VendorDown: 1}
	}
	s.cluster = func() console.Cluster {
		long := 90 * time.Second
		return console.Cluster{AsOf: now.Add(-3 * time.Second), Partitions: []console.PartitionState{
			{Topic: "in", Partition: 0, State: console.Elsewhere, Lag: 1000, Age: time.Hour},
			{Topic: "in", Partition: 1, State: console.Stalled, Since: now.Add(-time.Minute), Lag: 12, Age: 75 * time.Second},
			{Topic: "in", Partition: 2, State: console.Stopped, Since: now.Add(-time.Minute), Lag: 3, Age: 2 * time.Minute},
			{Topic: "in", Partition: 3, State: console.Nobody, Lag: 1000, Age: time.Hour},
			{Topic: "retry.1m30s", Partition: 0, Delay: long, State: console.NotDue, Since: now.Add(-time.Minute), Lag: 40},
			{Topic: "retry.1m30s", Partition: 1, Delay: long, State: console.Held, Lag: 2, Age: 5 * time.Second},
			{Topic: "retry.1m30s", Partition: 2, Delay: long, State: console.Elsewhere, Lag: 1000, Age: time.Hour},
			{Topic: "retry.5m", Partition: 0, Delay: 5 * time.Minute, State: console.Elsewhere, Lag: 1000, Age: time.Hour},
		}}
	}
	s.spans = func() export.SpanCounts { return export.SpanCounts{Exported: 100, Failed: 20, Dropped: 3} }
	return s
}

// metricsOf is /metrics of a process of which the sources are known.
func metricsOf(t *testing.T, from sources, more ...sdk.Reader) (http.Handler, metric.Meter) {
	t.Helper()
	reader, handler, err := metricsHandler(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	options := []sdk.Option{sdk.WithReader(reader), sdk.WithCardinalityLimit(0)}
	for _, r := range more {
		options = append(options, sdk.WithReader(r))
	}
	meter := sdk.NewMeterProvider(options...).Meter("test")
	if err := observe(meter, from); err != nil {
		t.Fatal(err)
	}
	return handler, meter
}

// scrape asks for /metrics as a Prometheus without OpenMetrics does.
func scrape(t *testing.T, handler http.Handler) map[string]*dto.MetricFamily {
	t.Helper()
	code, text := request(handler, "GET", "/metrics", "", nil)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil || code != http.StatusOK {
		t.Fatalf("%d, %v:\n%s", code, err, text)
	}
	return families
}

// series are the values of our counters and gauges, by how Prometheus writes them: name{label="value",...}.
func series(families map[string]*dto.MetricFamily) map[string]float64 {
	all := map[string]float64{}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			if !strings.HasPrefix(name, "chargeresult_") {
				continue
			}
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+strconv.Quote(l.GetValue()))
			}
			slices.Sort(labels)
			all[name+"{"+strings.Join(labels, ",")+"}"] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return all
}
