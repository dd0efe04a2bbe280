package telemetry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// instruments are those that are told when something happens; what is read when it is asked for belongs to who knows it.
type instruments struct {
	process, inquiry, redis, transaction metric.Float64Histogram
	consumed, sent                       metric.Int64Counter
}

// seconds are the boundaries of durations within a process: what semconv advises, and what a minute's wait needs.
func seconds() []float64 {
	return []float64{.001, .0025, .005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 30, 60}
}

// waits are the boundaries of a transaction's duration, which may wait for hours.
func waits() []float64 {
	return []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 4 * 3600, 12 * 3600, 24 * 3600}
}

func newInstruments(meter metric.Meter) (i instruments, err error) {
	var faults []error
	histogram := func(name string, boundaries []float64) metric.Float64Histogram {
		m := described(name)
		h, err := meter.Float64Histogram(name, metric.WithUnit(m.Unit), metric.WithDescription(m.Description), metric.WithExplicitBucketBoundaries(boundaries...))
		faults = append(faults, err)
		return h
	}
	counter := func(name string) metric.Int64Counter {
		m := described(name)
		c, err := meter.Int64Counter(name, metric.WithUnit(m.Unit), metric.WithDescription(m.Description))
		faults = append(faults, err)
		return c
	}
	i = instruments{
		process: histogram(ProcessDuration, seconds()), inquiry: histogram(InquiryDuration, seconds()), redis: histogram(RedisDuration, seconds()),
		transaction: histogram(TransactionDuration, waits()),
		consumed:    counter(ConsumedMessages), sent: counter(SentMessages),
	}
	if err := errors.Join(faults...); err != nil {
		return instruments{}, fmt.Errorf("telemetry: %w", err)
	}
	return i, nil
}

// described is the table's line of a metric.
func described(name string) Metric {
	table := Metrics()
	return table[slices.IndexFunc(table, func(m Metric) bool { return m.Name == name })]
}

// exemplified is the context to measure with, for an exemplar if the span is sampled. It has nothing else to it: what looks for a span in the
// context of a message that is not sampled, through all its layers, takes as long as the measurement.
func exemplified(span trace.SpanContext) context.Context {
	if !span.IsSampled() {
		return context.Background()
	}
	return trace.ContextWithSpanContext(context.Background(), span)
}

// Processed measures how long a message, which span is of, took from its admission to what came of it. failed is why it died; empty: it did not.
func (t *Telemetry) Processed(span trace.SpanContext, topic string, took time.Duration, failed string) {
	ctx := exemplified(span)
	if failed == "" {
		t.instruments.process.Record(ctx, took.Seconds(), t.destination(topic).took)
		return
	}
	attributes := append(t.measured(opProcess, topic), semconv.ErrorTypeKey.String(failed))
	t.instruments.process.Record(ctx, took.Seconds(), metric.WithAttributes(attributes...))
}

// Consumed counts messages of a topic that were read, and whose outcome is committed.
func (t *Telemetry) Consumed(topic string, n int64) {
	t.instruments.consumed.Add(context.Background(), n, t.destination(topic).consumed) // counters need no exemplars
}

// Published counts records of a topic that are committed.
func (t *Telemetry) Published(topic string, n int64) {
	t.instruments.sent.Add(context.Background(), n, t.destination(topic).sent)
}

// Ended measures how long a transaction took, from its event to its final result, which came of the message that span is of.
func (t *Telemetry) Ended(span trace.SpanContext, operation, result string, took time.Duration) {
	t.instruments.transaction.Record(exemplified(span), max(0, took).Seconds(), t.words.of([2]string{operation, result}, func(w [2]string) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(attrOperation.String(w[0]), attrResult.String(w[1])))
	}))
}
