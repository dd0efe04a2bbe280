// Package export sets OpenTelemetry's SDK up as the OTEL_* variables say, and counts what becomes of spans.
//
// The variables are those of the specification (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables): exporters, their
// endpoints, headers and protocols, sampler, propagators, resource, limits, the span processor's queue, and OTEL_SDK_DISABLED. What the SDK does not
// read itself, this package does: who exports by autoexport, who propagates by autoprop, who samples by [sampler].
//
// Nothing here ever blocks or fails an event: spans that the collector does not take in time are dropped, and counted.
package export

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/contrib/propagators/autoprop"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Config says what the variables don't.
type Config struct {
	Service  string             // service.name, if no variable says otherwise
	Version  string             // service.version
	Instance string             // service.instance.id; empty: a random one
	Readers  []sdkmetric.Reader // of metrics, beside OTLP's: they are served whatever the variables say
	Log      *slog.Logger
}

// Providers are what spans and metrics are recorded on.
type Providers struct {
	Traces     trace.TracerProvider
	Metrics    metric.MeterProvider
	Propagator propagation.TextMapPropagator
	Exporting  string // where traces go, for people

	spans  *tally
	closes []func(context.Context) error
}

// Start sets the SDK up. A variable that can't be followed is an error which names it. It connects to nothing: a collector that is not there is
// tried again and again, off the hot path.
//
// Where no spans are exported, none are recorded: trace context passes through as it came.
func Start(ctx context.Context, cfg Config) (*Providers, error) {
	p := &Providers{Traces: noop.NewTracerProvider(), Exporting: "nowhere", spans: &tally{}}
	otel.SetErrorHandler(&faults{log: cfg.Log})
	p.Propagator = autoprop.NewTextMapPropagator()
	about, err := describe(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	readers := cfg.Readers
	if !disabled() {
		if err := p.startTraces(ctx, about, cfg.Log); err != nil {
			return nil, err
		}
		pushed, err := metricReader(ctx)
		if err != nil {
			return nil, errors.Join(err, p.Shutdown(ctx))
		}
		if pushed != nil {
			readers = append(readers[:len(readers):len(readers)], pushed)
		}
	}
	// No limit: the SDK's own would fold partitions into one from the 334th on. There are no more series than partitions and words in the code.
	options := []sdkmetric.Option{sdkmetric.WithResource(about), sdkmetric.WithCardinalityLimit(0)}
	for _, r := range readers {
		options = append(options, sdkmetric.WithReader(r))
	}
	provider := sdkmetric.NewMeterProvider(options...)
	p.Metrics, p.closes = provider, append(p.closes, provider.Shutdown)
	return p, nil
}

// disabled says whether the whole SDK is turned off; only "true", in any case, does that.
func disabled() bool { return strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") }

func describe(ctx context.Context, cfg Config) (*resource.Resource, error) {
	own := []attribute.KeyValue{semconv.ServiceName(cfg.Service), semconv.ServiceVersion(cfg.Version)}
	if cfg.Instance != "" {
		own = append(own, semconv.ServiceInstanceID(cfg.Instance))
	}
	// What comes later counts: the variables.
	return resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(), resource.WithService(), resource.WithAttributes(own...), resource.WithFromEnv())
}

func (p *Providers) startTraces(ctx context.Context, about *resource.Resource, log *slog.Logger) error {
	exporter, err := spanExporter(ctx)
	if err != nil || exporter == nil {
		return err
	}
	provider := newTracerProvider(exporter, p.spans, sdktrace.WithResource(about), sdktrace.WithSampler(samplerFromEnv(os.Getenv, log)))
	p.Traces, p.closes = provider, append(p.closes, provider.Shutdown)
	p.Exporting = destination()
	return nil
}

// spanExporter is what OTEL_TRACES_EXPORTER names; nil: none.
func spanExporter(ctx context.Context) (sdktrace.SpanExporter, error) {
	name := os.Getenv("OTEL_TRACES_EXPORTER")
	if name == "" || name == "otlp" {
		return newOTLPExporter(ctx)
	}
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return nil, fmt.Errorf("OTEL_TRACES_EXPORTER is %q: %w", name, err)
	}
	if autoexport.IsNoneSpanExporter(exporter) {
		return nil, nil
	}
	return exporter, nil
}

// newTracerProvider returns a provider whose spans go to an exporter in batches, and are counted.
func newTracerProvider(exporter sdktrace.SpanExporter, counts *tally, options ...sdktrace.TracerProviderOption) *sdktrace.TracerProvider {
	batches := sdktrace.NewBatchSpanProcessor(&countedExporter{exporter, counts})
	return sdktrace.NewTracerProvider(append(options, sdktrace.WithSpanProcessor(&gate{SpanProcessor: batches, counts: counts, room: queueSize()}))...)
}

// destination is where traces go, for people. Headers are left out: they hold secrets.
func destination() string {
	name := os.Getenv("OTEL_TRACES_EXPORTER")
	if name != "" && name != "otlp" {
		return name
	}
	for _, variable := range []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		if at := os.Getenv(variable); at != "" {
			return "otlp " + withoutUser(at)
		}
	}
	return "otlp localhost"
}

// withoutUser takes user and password out of a URL, or of what stands in its place.
func withoutUser(at string) string {
	if u, err := url.Parse(at); err == nil && u.Host != "" {
		u.User = nil
		return u.String()
	}
	return at[strings.LastIndexByte(at, '@')+1:]
}

// metricReader returns what pushes metrics, or nil if nothing does. A Prometheus server of its own, which is what OTEL_METRICS_EXPORTER=prometheus asks
// for, is there already, at the admin address.
func metricReader(ctx context.Context) (sdkmetric.Reader, error) {
	name := os.Getenv("OTEL_METRICS_EXPORTER")
	if name == "none" || name == "prometheus" {
		return nil, nil
	}
	reader, err := autoexport.NewMetricReader(ctx)
	if err != nil {
		return nil, fmt.Errorf("OTEL_METRICS_EXPORTER is %q: %w", name, err)
	}
	return reader, nil
}

// queueSize is how many spans may wait to be exported: as the SDK reads OTEL_BSP_MAX_QUEUE_SIZE.
func queueSize() int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(os.Getenv("OTEL_BSP_MAX_QUEUE_SIZE")), 10, 64)
	if err != nil || n <= 0 {
		return sdktrace.DefaultMaxQueueSize
	}
	return n
}

// Shutdown exports what is left, for as long as ctx allows, and ends.
func (p *Providers) Shutdown(ctx context.Context) error {
	var all error
	for _, end := range p.closes {
		all = errors.Join(all, end(ctx))
	}
	return all
}

// faultInterval is how often the log hears that the collector can't be reached.
const faultInterval = time.Minute

// faults takes what goes wrong in the SDK, which is never an event's matter: a line, and one for as long as it lasts.
type faults struct {
	log *slog.Logger

	mu     sync.Mutex
	logged time.Time
	silent int
}

// Handle implements otel.ErrorHandler.
func (f *faults) Handle(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.logged) < faultInterval {
		f.silent++
		return
	}
	f.log.Warn("telemetry is lost, events are not; see the OTEL_EXPORTER_OTLP_* variables, or set OTEL_TRACES_EXPORTER and OTEL_METRICS_EXPORTER to none", "err", err, "since_last", f.silent)
	f.logged, f.silent = time.Now(), 0
}
