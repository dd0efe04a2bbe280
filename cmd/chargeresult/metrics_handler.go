package main

import (
	"fmt"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/otlptranslator"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/metric"
)

// prometheusNames is how metrics and attributes are named for Prometheus: chargeresult.lag.age, in s, is chargeresult_lag_age_seconds.
var prometheusNames = otlptranslator.UnderscoreEscapingWithSuffixes

// metricsHandler returns the handler of /metrics, and the reader by which a meter provider's metrics come to be served there, beside
// those of the Go runtime and of the process. Exemplars travel in the OpenMetrics format only, which Prometheus asks for.
func metricsHandler(log *slog.Logger) (sdk.Reader, http.Handler, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reader, err := exporter.New(exporter.WithRegisterer(registry), exporter.WithoutScopeInfo(), exporter.WithTranslationStrategy(prometheusNames))
	if err != nil {
		return nil, nil, fmt.Errorf("metrics: %w", err)
	}
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true,
		ErrorHandling:     promhttp.ContinueOnError, // one metric that fails is no reason to go without the others
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		Registry:          registry, // which counts those errors
	})
	return reader, handler, nil
}
