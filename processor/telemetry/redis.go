package telemetry

import (
	"context"
	"net"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Redis returns what instruments round trips to the server at an address, host:port: it is told of each, by the script's name and how many runs of it
// are in it, and what it returns, of the end. A span is made only within another, as that of a poll: nobody looks for one by itself.
func (t *Telemetry) Redis(server string) func(ctx context.Context, script string, runs int) func(error) {
	common := []attribute.KeyValue{semconv.DBSystemNameRedis, semconv.DBOperationName(opScript)}
	if host, port, err := net.SplitHostPort(server); err == nil {
		number, _ := strconv.Atoi(port)
		common = append(common, semconv.ServerAddress(host), semconv.ServerPort(number))
	}
	return func(ctx context.Context, script string, runs int) func(error) {
		began := time.Now()
		said := append(common[:len(common):len(common)], semconv.DBStoredProcedureName(script))
		var span trace.Span
		if trace.SpanFromContext(ctx).IsRecording() {
			ctx, span = t.tracer.Start(ctx, opScript+" "+script, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(said...))
			if runs > 1 {
				span.SetAttributes(semconv.DBOperationBatchSize(runs))
			}
		}
		return func(err error) {
			if err != nil {
				said = append(said, semconv.ErrorTypeKey.String(errorType(err)))
			}
			t.instruments.redis.Record(ctx, time.Since(began).Seconds(), metric.WithAttributes(said...))
			if span != nil {
				Fail(span, err)
				span.End()
			}
		}
	}
}
