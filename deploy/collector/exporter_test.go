package collector

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// overHTTP returns the SDK's own exporter to c.
func overHTTP(t *testing.T, c *Collector, how otlptracehttp.Compression) *otlptrace.Exporter {
	t.Helper()
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	exporter, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL(server.URL+"/v1/traces"), otlptracehttp.WithCompression(how))
	if err != nil {
		t.Fatal(err)
	}
	return exporter
}

// One transaction by the SDK, over HTTP or not, is the same.
func TestExporters(t *testing.T) {
	for name, way := range map[string]func(c *Collector) *otlptrace.Exporter{
		"protobuf":       func(c *Collector) *otlptrace.Exporter { return overHTTP(t, c, otlptracehttp.NoCompression) },
		"protobuf, gzip": func(c *Collector) *otlptrace.Exporter { return overHTTP(t, c, otlptracehttp.GzipCompression) },
		"in the process": func(c *Collector) *otlptrace.Exporter { return c.Exporter() },
	} {
		c := New(Config{})
		provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(way(c)))
		tracer := provider.Tracer("the scope")
		id := trace.WithAttributes(attribute.String(correlationID, someID), attribute.Int("port", 1234))
		ctx, first := tracer.Start(context.Background(), "process charge-requested", trace.WithSpanKind(trace.SpanKindConsumer), id)
		_, try := tracer.Start(ctx, "POST", trace.WithSpanKind(trace.SpanKindClient), id, trace.WithAttributes(
			attribute.StringSlice("list", []string{"a", "b"}), attribute.Float64("share", 0.5), attribute.Bool("again", true)))
		try.RecordError(errors.New("no route"))
		try.SetStatus(codes.Error, "unreachable")
		try.End()
		first.SetStatus(codes.Ok, "")
		first.End()
		_, second := tracer.Start(ctx, "process charge-result.retry.1s", trace.WithNewRoot(), trace.WithLinks(trace.Link{
			SpanContext: first.SpanContext(), Attributes: []attribute.KeyValue{attribute.String("charge.link", "first")},
		}))
		second.End()
		if err := provider.Shutdown(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := Golden(c.Spans(), map[string]string{"port": "PORT"})
		t.Run(name, func(t *testing.T) { same(t, got, goldenFile(t, "exported.txt", got)) })
		for _, s := range c.Spans() {
			if service, ok := s.Resource["service.name"].(string); !ok || service == "" || s.Scope != "the scope" || s.End.Before(s.Start) {
				t.Errorf("%s: %+v", name, s)
			}
		}
		if first.SpanContext().TraceID().String() != c.Spans()[0].TraceID {
			t.Errorf("%s: trace %s, want %s", name, c.Spans()[0].TraceID, first.SpanContext().TraceID())
		}
	}
}

func TestExportedMetrics(t *testing.T) {
	c := New(Config{})
	server := httptest.NewServer(c)
	defer server.Close()
	exporter, err := otlpmetrichttp.New(t.Context(), otlpmetrichttp.WithEndpointURL(server.URL+"/v1/metrics"), otlpmetrichttp.WithCompression(otlpmetrichttp.GzipCompression))
	if err != nil {
		t.Fatal(err)
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporter)))
	took, err := provider.Meter("the scope").Float64Histogram("took")
	if err != nil {
		t.Fatal(err)
	}
	sampled := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
	took.Record(trace.ContextWithSpanContext(t.Context(), sampled), 0.5)
	for range 2 {
		if err := provider.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	metrics := c.Metrics()
	if len(metrics) != 1 || metrics[0].Name != "took" || metrics[0].Points[0].Count != 1 || metrics[0].Points[0].Sum != 0.5 {
		t.Fatalf("%+v", metrics)
	}
	if e := metrics[0].Points[0].Exemplars; len(e) != 1 || e[0].TraceID != sampled.TraceID().String() || e[0].SpanID != sampled.SpanID().String() || e[0].Value != 0.5 {
		t.Errorf("exemplars %+v", e)
	}
	if !strings.Contains(metrics[0].stream, "the scope") {
		t.Errorf("stream %q", metrics[0].stream)
	}
}
