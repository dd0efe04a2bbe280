package telemetry

import (
	"context"
	"encoding/hex"
	"slices"
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

// isW3C says whether a propagator writes W3C trace context, and nothing else but baggage, of which there is none.
func isW3C(p propagation.TextMapPropagator) bool {
	fields := slices.Sorted(slices.Values(p.Fields()))
	fields = slices.DeleteFunc(fields, func(f string) bool { return f == "baggage" })
	return slices.Equal(fields, []string{events.HeaderTraceParent, events.HeaderTraceState})
}

// Inject returns the headers with the span context of ctx after them.
func (t *Telemetry) Inject(ctx context.Context, headers []events.Header) []events.Header {
	if t.w3c { // as propagation.TraceContext does it, at a fraction of the cost: it is done for each result
		sc := trace.SpanContextFromContext(ctx)
		if !sc.IsValid() {
			return headers
		}
		headers = append(headers, events.Header{Key: events.HeaderTraceParent, Value: appendParent(nil, sc)})
		if state := sc.TraceState().String(); state != "" {
			headers = append(headers, events.Header{Key: events.HeaderTraceState, Value: []byte(state)})
		}
		return headers
	}
	c := &carrier{headers}
	t.propagator.Inject(ctx, c)
	return c.headers
}

// appendParent appends a traceparent of version 00: https://www.w3.org/TR/trace-context/#traceparent-header-field-values.
func appendParent(b []byte, sc trace.SpanContext) []byte {
	traceID, spanID := sc.TraceID(), sc.SpanID()
	b = slices.Grow(b, parentSize)
	b = hex.AppendEncode(append(b, "00-"...), traceID[:])
	b = hex.AppendEncode(append(b, '-'), spanID[:])
	return hex.AppendEncode(append(b, '-'), []byte{byte(sc.TraceFlags() & (trace.FlagsSampled | trace.FlagsRandom))})
}

const parentSize = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")

// Format writes a span context as our own headers hold it: the W3C traceparent, and behind a space the tracestate, if there is one. An
// invalid one is empty.
func Format(sc trace.SpanContext) string {
	if !sc.IsValid() {
		return ""
	}
	b := appendParent(nil, sc)
	if state := sc.TraceState().String(); state != "" {
		b = append(append(b, ' '), state...)
	}
	return string(b)
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
