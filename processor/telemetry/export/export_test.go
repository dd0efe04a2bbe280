package export

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func context1(sampled bool) trace.SpanContext {
	c := trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, Remote: true}
	if sampled {
		c.TraceFlags = trace.FlagsSampled
	}
	return trace.NewSpanContext(c)
}

// TestSampler: the parent decides, else a sampled link, else the root sampler.
func TestSampler(t *testing.T) {
	none, yes, no := trace.SpanContext{}, context1(true), context1(false)
	for name, c := range map[string]struct {
		sampler string
		parent  trace.SpanContext
		links   []trace.SpanContext
		want    bool
	}{
		"default, alone":                            {"", none, nil, true},
		"default, parent not sampled":               {"", no, nil, false},
		"parent not sampled, link is":               {"parentbased_always_on", no, []trace.SpanContext{yes}, false},
		"off, parent sampled":                       {"parentbased_always_off", yes, nil, true},
		"off, alone":                                {"parentbased_always_off", none, nil, false},
		"off, link sampled":                         {"parentbased_always_off", none, []trace.SpanContext{no, yes}, true},
		"off, link not sampled":                     {"parentbased_always_off", none, []trace.SpanContext{no}, false},
		"ratio 0, link sampled":                     {"parentbased_traceidratio", none, []trace.SpanContext{yes}, true},
		"ratio 0, alone":                            {"parentbased_traceidratio", none, nil, false},
		"ratio 0 without parents, parent sampled":   {"traceidratio", yes, nil, false},
		"always on, parent not sampled":             {"always_on", no, nil, true},
		"always off, parent sampled":                {"always_off", yes, nil, false},
		"unknown, as the default":                   {"jaeger_remote", no, nil, false},
		"unknown, as the default where it is alone": {"jaeger_remote", none, nil, true},
	} {
		env := map[string]string{"OTEL_TRACES_SAMPLER": c.sampler, "OTEL_TRACES_SAMPLER_ARG": "0"}
		s := samplerFromEnv(func(k string) string { return env[k] }, slog.New(slog.DiscardHandler))
		p := sdktrace.SamplingParameters{ParentContext: trace.ContextWithSpanContext(t.Context(), c.parent), TraceID: trace.TraceID{15: 1}}
		for _, l := range c.links {
			p.Links = append(p.Links, trace.Link{SpanContext: l})
		}
		if got := s.ShouldSample(p).Decision == sdktrace.RecordAndSample; got != c.want {
			t.Errorf("%s: sampled %v", name, got)
		}
	}
}

func TestSamplerArgument(t *testing.T) {
	for arg, want := range map[string]string{"": "TraceIDRatioBased{1}", "0.25": "TraceIDRatioBased{0.25}", "2": "TraceIDRatioBased{1}", "x": "TraceIDRatioBased{1}"} {
		var out bytes.Buffer
		env := map[string]string{"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": arg}
		got := samplerFromEnv(func(k string) string { return env[k] }, slog.New(slog.NewTextHandler(&out, nil))).Description()
		if got != want && !(want == "TraceIDRatioBased{1}" && got == "AlwaysOnSampler") {
			t.Errorf("%q: %s", arg, got)
		}
		if bad := arg == "2" || arg == "x"; bad != strings.Contains(out.String(), "OTEL_TRACES_SAMPLER_ARG") {
			t.Errorf("%q: logged %q", arg, out.String())
		}
	}
}

// slow is an exporter that takes its time, or fails.
type slow struct {
	open chan struct{} // exports wait until it is closed
	err  error
	took int
}

func (s *slow) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	<-s.open
	s.took += len(spans)
	return s.err
}

func (s *slow) Shutdown(context.Context) error { return nil }

// TestCounts: every sampled span is exported, failed or dropped, and counted as that; whoever makes one never waits.
func TestCounts(t *testing.T) {
	for name, fault := range map[string]error{"taken": nil, "refused": errors.New("refused")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1000")
				counts, to := &tally{}, &slow{open: make(chan struct{}), err: fault}
				provider := newTracerProvider(to, counts)
				tracer, began := provider.Tracer("t"), time.Now()
				const n = 5000
				for range n {
					_, span := tracer.Start(t.Context(), "s")
					span.End()
				}
				if waited := time.Since(began); waited > 0 {
					t.Errorf("making spans waited %v for the collector", waited)
				}
				if got := counts.counts().Dropped; got != n-1000 {
					t.Errorf("%d dropped of %d, where 1000 had room", got, n)
				}
				close(to.open)
				time.Sleep(time.Minute) // what waits is exported, and there is room again
				if _, span := tracer.Start(t.Context(), "s"); true {
					span.End()
				}
				if got := counts.counts().Dropped; got != n-1000 {
					t.Errorf("%d dropped, the last one when there was room again", got)
				}
				if err := provider.Shutdown(t.Context()); err != nil && fault == nil {
					t.Error(err)
				}
				got := counts.counts()
				if got.Exported+got.Failed+got.Dropped != n+1 || (fault == nil) != (got.Failed == 0) || int64(to.took) != n+1-got.Dropped {
					t.Errorf("%+v of %d, the collector saw %d", got, n, to.took)
				}
			})
		})
	}
}

// TestVariables: what the specification says of them.
func TestVariables(t *testing.T) {
	for name, c := range map[string]struct {
		env       map[string]string
		records   bool
		exporting string
		fault     string
	}{
		"default":     {nil, true, "otlp localhost", ""},
		"disabled":    {map[string]string{"OTEL_SDK_DISABLED": "TRUE"}, false, "nowhere", ""},
		"not so":      {map[string]string{"OTEL_SDK_DISABLED": "1"}, true, "otlp localhost", ""},
		"none":        {map[string]string{"OTEL_TRACES_EXPORTER": "none"}, false, "nowhere", ""},
		"unknown":     {map[string]string{"OTEL_TRACES_EXPORTER": "carrier-pigeon"}, false, "", "OTEL_TRACES_EXPORTER"},
		"protocol":    {map[string]string{"OTEL_EXPORTER_OTLP_PROTOCOL": "telex"}, false, "", "OTEL_EXPORTER_OTLP_PROTOCOL"},
		"grpc":        {map[string]string{"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, true, "otlp localhost", ""},
		"endpoint":    {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://u:secret@collector:4318/x"}, true, "otlp https://collector:4318/x", ""},
		"of traces":   {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://b:2"}, true, "otlp http://b:2", ""},
		"metrics":     {map[string]string{"OTEL_METRICS_EXPORTER": "carrier-pigeon"}, false, "", "OTEL_METRICS_EXPORTER"},
		"prometheus":  {map[string]string{"OTEL_METRICS_EXPORTER": "prometheus"}, true, "otlp localhost", ""},
		"sampled off": {map[string]string{"OTEL_TRACES_SAMPLER": "always_off"}, false, "otlp localhost", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_METRICS_EXPORTER", "none")
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			p, err := Start(t.Context(), Config{Service: "chargeresult", Version: "1", Log: slog.New(slog.DiscardHandler)})
			if c.fault != "" {
				if err == nil || !strings.Contains(err.Error(), c.fault) {
					t.Errorf("error %v, want one of %s", err, c.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			_, span := p.Traces.Tracer("t").Start(t.Context(), "s")
			if span.IsRecording() != c.records || p.Exporting != c.exporting {
				t.Errorf("records %v, exports to %q", span.IsRecording(), p.Exporting)
			}
			if err := p.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestResource: the variables count, and what they leave open is ours.
func TestResource(t *testing.T) {
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=staging,service.version=9")
	about, err := describe(t.Context(), Config{Service: "chargeresult", Version: "1", Instance: "pod-0"})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[attribute.Key]string{
		"service.name": "chargeresult", "service.version": "9", "service.instance.id": "pod-0", "deployment.environment.name": "staging", "telemetry.sdk.language": "go",
	} {
		if got, _ := about.Set().Value(key); got.AsString() != want {
			t.Errorf("%s is %q, want %q", key, got.AsString(), want)
		}
	}
	t.Setenv("OTEL_SERVICE_NAME", "mine")
	if about, _ = describe(t.Context(), Config{Service: "chargeresult"}); true {
		if got, _ := about.Set().Value("service.name"); got.AsString() != "mine" {
			t.Errorf("service.name is %q", got.AsString())
		}
	}
}

// TestFaultsAreLoggedOnceAMinute: the collector is somebody else's trouble.
func TestFaultsAreLoggedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		f := &faults{log: slog.New(slog.NewTextHandler(&out, nil))}
		for range 120 {
			f.Handle(errors.New("refused"))
			time.Sleep(time.Second)
		}
		if lines := strings.Count(out.String(), "\n"); lines != 2 || !strings.Contains(out.String(), "since_last=59") {
			t.Errorf("%d lines:\n%s", lines, out.String())
		}
	})
}

// TestManyPartitions: no series is folded into another.
func TestManyPartitions(t *testing.T) {
	t.Setenv("OTEL_METRICS_EXPORTER", "none")
	t.Setenv("OTEL_TRACES_EXPORTER", "none")
	reader := sdkmetric.NewManualReader()
	p, err := Start(t.Context(), Config{Readers: []sdkmetric.Reader{reader}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	counter, err := p.Metrics.Meter("t").Int64Counter("n")
	if err != nil {
		t.Fatal(err)
	}
	const partitions = 3000
	for i := range partitions {
		counter.Add(t.Context(), 1, metric.WithAttributes(attribute.Int("partition", i)))
	}
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	if got := len(all.ScopeMetrics[0].Metrics[0].Data.(metricdata.Sum[int64]).DataPoints); got != partitions {
		t.Errorf("%d series of %d partitions", got, partitions)
	}
}
