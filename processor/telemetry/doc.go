// Package telemetry makes the spans and the metrics of the pipeline, on OpenTelemetry's API.
//
// names.go has every name that it uses, metrics.go the table of all metrics. What a span or a metric costs where nobody wants it is
// a test of a flag; what they are sent to is decided elsewhere, by package telemetry/export.
package telemetry
