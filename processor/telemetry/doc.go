// Package telemetry makes the spans and the metrics of the pipeline, on OpenTelemetry's API.
//
// names.go has every name that it uses, metrics.go the table of all metrics. Where nobody wants spans, none is made; measurements are made of every
// event. Where both are sent is decided elsewhere, by package telemetry/export.
package telemetry
