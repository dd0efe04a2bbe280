package collector

import (
	"math"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// Span is something that was done, and when. IDs are in lower-case hex. Values of attributes are string, bool, int64, float64, []byte,
// []any, map[string]any or nil.
type Span struct {
	TraceID, SpanID string
	ParentID        string // empty: the trace began with it
	TraceState      string // of W3C
	Name            string
	Kind            Kind
	Start, End      time.Time // UTC
	Status          Status
	StatusMessage   string
	Attributes      map[string]any
	Events          []Event
	Links           []Link
	Resource        map[string]any // the attributes of the process
	Scope           string         // the name of the instrumentation
}

// Kind is whose part of a conversation a span is.
type Kind string

// The kinds; a span that was sent without has none of them.
const (
	Internal Kind = "internal"
	Server   Kind = "server"
	Client   Kind = "client"
	Producer Kind = "producer"
	Consumer Kind = "consumer"
)

// Status is how a span went.
type Status string

// The statuses.
const (
	Unset Status = ""
	OK    Status = "ok"
	Error Status = "error"
)

// Event is something that happened within a span.
type Event struct {
	Name       string
	Time       time.Time
	Attributes map[string]any
}

// Link is from one span to another, often of another trace.
type Link struct {
	TraceID, SpanID string
	Attributes      map[string]any
}

func spansOf(resources []*tracepb.ResourceSpans, e encoding) ([]Span, error) {
	var spans []Span
	id := &ids{encoding: e}
	for _, r := range resources {
		resource := attributesOf(r.GetResource().GetAttributes())
		for _, scope := range r.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				span := spanOf(s, id)
				span.Resource, span.Scope = resource, scope.GetScope().GetName()
				spans = append(spans, span)
			}
		}
	}
	return spans, id.err
}

func spanOf(s *tracepb.Span, id *ids) Span {
	span := Span{
		TraceID: id.require(s.GetTraceId(), traceIDSize), SpanID: id.require(s.GetSpanId(), spanIDSize), ParentID: id.read(s.GetParentSpanId(), spanIDSize),
		TraceState: s.GetTraceState(), Name: s.GetName(), Kind: kindOf(s.GetKind()),
		Start: timeOf(s.GetStartTimeUnixNano()), End: timeOf(s.GetEndTimeUnixNano()),
		Status: statusOf(s.GetStatus().GetCode()), StatusMessage: s.GetStatus().GetMessage(), Attributes: attributesOf(s.GetAttributes()),
	}
	for _, e := range s.GetEvents() {
		span.Events = append(span.Events, Event{e.GetName(), timeOf(e.GetTimeUnixNano()), attributesOf(e.GetAttributes())})
	}
	for _, l := range s.GetLinks() {
		span.Links = append(span.Links, Link{id.require(l.GetTraceId(), traceIDSize), id.require(l.GetSpanId(), spanIDSize), attributesOf(l.GetAttributes())})
	}
	return span
}

func kindOf(k tracepb.Span_SpanKind) Kind {
	switch k {
	case tracepb.Span_SPAN_KIND_INTERNAL:
		return Internal
	case tracepb.Span_SPAN_KIND_SERVER:
		return Server
	case tracepb.Span_SPAN_KIND_CLIENT:
		return Client
	case tracepb.Span_SPAN_KIND_PRODUCER:
		return Producer
	case tracepb.Span_SPAN_KIND_CONSUMER:
		return Consumer
	}
	return ""
}

func statusOf(s tracepb.Status_StatusCode) Status {
	switch s {
	case tracepb.Status_STATUS_CODE_OK:
		return OK
	case tracepb.Status_STATUS_CODE_ERROR:
		return Error
	}
	return Unset
}

// timeOf returns a time of nanoseconds since 1970, at most one in the year 2262.
func timeOf(nanoseconds uint64) time.Time {
	return time.Unix(0, int64(min(nanoseconds, math.MaxInt64))).UTC()
}
