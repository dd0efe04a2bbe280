package telemetry

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/chargeresult/chargeresult/events"
)

// carrier is the headers of a record, to a propagator. Of several of one name the last one counts, as in Kafka's own API.
type carrier struct{ headers []events.Header }

func (c *carrier) Get(key string) string {
	for i := len(c.headers) - 1; i >= 0; i-- {
		if c.headers[i].Key == key {
			return string(c.headers[i].Value)
		}
	}
	return ""
}

// Set appends: headers that are there belong to somebody.
func (c *carrier) Set(key, value string) {
	c.headers = append(c.headers, events.Header{Key: key, Value: []byte(value)})
}

func (c *carrier) Keys() []string {
	keys := make([]string, len(c.headers))
	for i, h := range c.headers {
		keys[i] = h.Key
	}
	return keys
}

// Extract returns the span context that a record came with, by the configured propagators. Baggage is left where it is: it would cross
// the border to a bank.
func (t *Telemetry) Extract(headers []events.Header) trace.SpanContext {
	if len(headers) == 0 {
		return trace.SpanContext{}
	}
	return trace.SpanContextFromContext(t.propagator.Extract(context.Background(), &carrier{headers}))
}

// Inject returns the headers with the span context of ctx after them.
func (t *Telemetry) Inject(ctx context.Context, headers []events.Header) []events.Header {
	c := &carrier{headers}
	t.propagator.Inject(ctx, c)
	return c.headers
}

// Format writes a span context as our own headers hold it: the W3C traceparent, and behind a space the tracestate, if there is one. An
// invalid one is empty.
func Format(sc trace.SpanContext) string {
	if !sc.IsValid() {
		return ""
	}
	header := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(context.Background(), sc), header)
	return strings.TrimSpace(header[events.HeaderTraceParent] + " " + header[events.HeaderTraceState])
}

// Parse reads what Format writes. What is no such thing is an invalid span context: a damaged one is worth no more than a broken trace.
func Parse(text string) trace.SpanContext {
	if text == "" {
		return trace.SpanContext{}
	}
	parent, state, _ := strings.Cut(text, " ")
	header := propagation.MapCarrier{events.HeaderTraceParent: parent, events.HeaderTraceState: state}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), header))
}
