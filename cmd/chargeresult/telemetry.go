package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/chargeresult/chargeresult/processor/telemetry"
	"github.com/chargeresult/chargeresult/processor/telemetry/export"
)

// telemetryStopTimeout is how long the last spans and metrics may take to reach the collector.
const telemetryStopTimeout = 3 * time.Second

// observability is how the process is seen from outside: its spans and metrics, and where they go.
type observability struct {
	*telemetry.Telemetry
	providers *export.Providers
	metrics   http.Handler // of /metrics
}

// startObservability follows the OTEL_* variables. Metrics are served at the admin address, whatever these say.
func startObservability(ctx context.Context, c config, log *slog.Logger) (*observability, error) {
	reader, handler, err := metricsHandler(log)
	if err != nil {
		return nil, err
	}
	about := export.Config{Service: "chargeresult", Instance: c.InstanceID, Readers: []sdkmetric.Reader{reader}, Log: log}
	if info, ok := debug.ReadBuildInfo(); ok {
		about.Version = versionOf(info).Version
	}
	providers, err := export.Start(ctx, about)
	if err != nil {
		return nil, err
	}
	t, err := telemetry.New(telemetry.Config{Traces: providers.Traces, Metrics: providers.Metrics, Propagator: providers.Propagator, Group: c.KafkaGroup})
	if err != nil {
		return nil, err
	}
	return &observability{t, providers, handler}, nil
}

// meter is what the observed metrics are made on.
func (o *observability) meter() metric.Meter {
	return o.providers.Metrics.Meter(telemetry.Scope)
}

// stop sends what is left. It comes after the last commit, and keeps the process for its timeout at most.
func (o *observability) stop(log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), telemetryStopTimeout)
	defer cancel()
	if err := o.providers.Shutdown(ctx); err != nil {
		log.Warn("the last spans or metrics did not reach their collector", "err", err)
	}
}

// redisServer is where Redis is, for spans: nothing of its URL that may be a secret.
func redisServer(c config) string {
	u, err := url.Parse(c.RedisURL.Reveal())
	if err != nil {
		return ""
	}
	if u.Port() == "" {
		return fmt.Sprintf("%s:6379", u.Hostname())
	}
	return u.Host
}
