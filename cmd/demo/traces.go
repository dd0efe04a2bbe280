package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/chargeresult/chargeresult/deploy/collector"
	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/telemetry"
)

// keptSpans is how many spans are kept, of the transactions that came last: a show of 18 seconds makes less than half of it.
const keptSpans = 100_000

// traces are those of the show, kept in the process; nil if nobody wants to see any.
type traces struct {
	collector *collector.Collector
	provider  *sdktrace.TracerProvider
}

// newTraces returns what records all spans, whatever the environment says. They are kept as they end: there is nothing to flush or to close.
func newTraces() *traces {
	c := collector.New(collector.Config{MaxSpans: keptSpans})
	return &traces{c, sdktrace.NewTracerProvider(sdktrace.WithSyncer(c.Exporter()), sdktrace.WithSampler(sdktrace.AlwaysSample()))}
}

// telemetry returns what the processor makes spans with.
func (t *traces) telemetry() (*telemetry.Telemetry, error) {
	config := telemetry.Config{Group: group}
	if t != nil {
		config.Traces = t.provider
	}
	return telemetry.New(config)
}

// send begins the span of an upstream that sends an event, and puts its context into the record. The returned function ends it.
func (t *traces) send(r *kgo.Record) (ended func(error)) {
	if t == nil {
		return func(error) {}
	}
	ctx, span := t.provider.Tracer("upstream").Start(context.Background(), "send "+r.Topic, trace.WithSpanKind(trace.SpanKindProducer))
	headers := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, headers)
	for key, value := range headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
	}
	return func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}

// tree draws the transaction of a correlation ID; if it is empty, one that is worth it.
func (t *traces) tree(id string, b *book, style collector.Style) string {
	if t == nil {
		return ""
	}
	if id == "" {
		id = b.winding()
	}
	if id == "" {
		return "\nNo charge was PENDING and became COMPLETED or FAILED: --traces=ID draws any transaction.\n"
	}
	tree := collector.Tree(t.collector.Spans(), id, style)
	if tree == "" {
		return fmt.Sprintf("\nNo trace of %q: that is no transaction of this show, or not one of its last %d spans.\n", id, keptSpans)
	}
	return "\nThe traces of a transaction:\n\n" + tree
}

// winding returns the correlation ID of a charge that was PENDING, became COMPLETED or FAILED, and was not cancelled, which is a transaction of
// its own: the one that was asked about most often, and of several the one that ended last. Empty: there is none.
func (b *book) winding() (id string) {
	var longest events.Result
	for identity := range b.interims {
		for _, r := range b.finals[identity] {
			later := cmp.Or(cmp.Compare(r.Attempts, longest.Attempts), r.DecidedAt.Compare(longest.DecidedAt), cmp.Compare(r.CorrelationID, longest.CorrelationID))
			cancelled := len(b.finals[events.Event{Operation: events.Cancellation, CorrelationID: r.CorrelationID}.Identity()]) > 0
			if r.Result != events.Unknown && !cancelled && later > 0 {
				longest = r
			}
		}
	}
	return longest.CorrelationID
}
