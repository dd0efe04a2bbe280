package export

import (
	"math"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/encoding/protowire"
)

// The numbers of OTLP's fields: https://github.com/open-telemetry/opentelemetry-proto, trace.proto, common.proto and resource.proto.
const (
	resourceSpansResource, resourceSpansScopeSpans, resourceSpansSchema = 1, 2, 3
	scopeSpansScope, scopeSpansSpans, scopeSpansSchema                  = 1, 2, 3
	resourceAttributes                                                  = 1
	scopeName, scopeVersion                                             = 1, 2

	spanTraceID, spanID, spanTraceState, spanParent, spanName, spanKind = 1, 2, 3, 4, 5, 6
	spanStart, spanEnd, spanAttributes, spanDropped                     = 7, 8, 9, 10
	spanLinks, spanLinksDropped, spanStatus, spanFlags                  = 13, 14, 15, 16

	linkTraceID, linkSpanID, linkTraceState, linkAttributes, linkFlags = 1, 2, 3, 4, 6
	statusMessage, statusCode                                          = 2, 3
	keyValueKey, keyValueValue                                         = 1, 2
	valueString, valueBool, valueInt, valueDouble                      = 1, 2, 3, 4
)

// The bits of a span's and a link's flags, beside those of W3C: whether it is known that the context was remote, and whether it was.
const flagKnowsRemote, flagRemote = 0x100, 0x200

// encoder appends spans as OTLP has them, in protobuf. The library's own exporter makes an object of every attribute before it marshals that: of all that
// tracing costs, it took a third. What the encoder does not know is left to the library: events, lists among attributes, spans of several resources or scopes.
type encoder struct {
	b   []byte
	odd bool // something was not known: b is of no use
}

// encode returns the content of a ResourceSpans message that holds the spans, valid until the next call; false if it can't.
func (e *encoder) encode(spans []sdktrace.ReadOnlySpan) (b []byte, ok bool) {
	e.b, e.odd = e.b[:0], false
	e.resourceSpans(spans)
	return e.b, !e.odd
}

func (e *encoder) resourceSpans(spans []sdktrace.ReadOnlySpan) {
	about, scope := spans[0].Resource(), spans[0].InstrumentationScope()
	e.odd = scope.Attributes.Len() > 0
	at := e.open(resourceSpansResource)
	e.attributes(resourceAttributes, about.Attributes())
	e.close(at)
	all := e.open(resourceSpansScopeSpans)
	at = e.open(scopeSpansScope)
	e.text(scopeName, scope.Name)
	e.text(scopeVersion, scope.Version)
	e.close(at)
	for _, s := range spans {
		e.odd = e.odd || s.Resource() != about || s.InstrumentationScope() != scope
		at = e.open(scopeSpansSpans)
		e.span(s)
		e.close(at)
	}
	e.text(scopeSpansSchema, scope.SchemaURL)
	e.close(all)
	e.text(resourceSpansSchema, about.SchemaURL())
}

func (e *encoder) span(s sdktrace.ReadOnlySpan) {
	e.odd = e.odd || len(s.Events()) > 0 || s.DroppedEvents() > 0
	sc, parent := s.SpanContext(), s.Parent()
	traceID, id := sc.TraceID(), sc.SpanID()
	e.bytes(spanTraceID, traceID[:])
	e.bytes(spanID, id[:])
	e.text(spanTraceState, sc.TraceState().String())
	if parent.SpanID().IsValid() {
		above := parent.SpanID()
		e.bytes(spanParent, above[:])
	}
	e.text(spanName, s.Name())
	e.number(spanKind, kind(s.SpanKind()))
	e.fixed64(spanStart, uint64(max(0, s.StartTime().UnixNano())))
	e.fixed64(spanEnd, uint64(max(0, s.EndTime().UnixNano())))
	e.attributes(spanAttributes, s.Attributes())
	e.number(spanDropped, uint64(s.DroppedAttributes()))
	for _, l := range s.Links() {
		at := e.open(spanLinks)
		e.link(l)
		e.close(at)
	}
	e.number(spanLinksDropped, uint64(s.DroppedLinks()))
	at := e.open(spanStatus)
	e.text(statusMessage, s.Status().Description)
	e.number(statusCode, status(s.Status().Code))
	e.close(at)
	e.fixed32(spanFlags, flags(sc.TraceFlags(), parent.IsRemote()))
}

func (e *encoder) link(l sdktrace.Link) {
	e.odd = e.odd || l.DroppedAttributeCount > 0
	traceID, id := l.SpanContext.TraceID(), l.SpanContext.SpanID()
	e.bytes(linkTraceID, traceID[:])
	e.bytes(linkSpanID, id[:])
	e.text(linkTraceState, l.SpanContext.TraceState().String())
	e.attributes(linkAttributes, l.Attributes)
	e.fixed32(linkFlags, flags(l.SpanContext.TraceFlags(), l.SpanContext.IsRemote()))
}

func flags(of trace.TraceFlags, remote bool) uint32 {
	f := uint32(of) | flagKnowsRemote
	if remote {
		f |= flagRemote
	}
	return f
}

// kind is the number of a kind: OTLP's enum and the API's count alike but for Unspecified.
func kind(k trace.SpanKind) uint64 { return uint64(k) }

func status(c codes.Code) uint64 {
	switch c {
	case codes.Ok:
		return 1
	case codes.Error:
		return 2
	}
	return 0
}

func (e *encoder) attributes(field protowire.Number, all []attribute.KeyValue) {
	for _, a := range all {
		at := e.open(field)
		e.text(keyValueKey, string(a.Key))
		value := e.open(keyValueValue)
		switch a.Value.Type() {
		case attribute.STRING: // one that is empty is there all the same
			e.b = protowire.AppendString(protowire.AppendTag(e.b, valueString, protowire.BytesType), a.Value.AsString())
		case attribute.BOOL:
			e.b = protowire.AppendVarint(protowire.AppendTag(e.b, valueBool, protowire.VarintType), protowire.EncodeBool(a.Value.AsBool()))
		case attribute.INT64:
			e.b = protowire.AppendVarint(protowire.AppendTag(e.b, valueInt, protowire.VarintType), uint64(a.Value.AsInt64()))
		case attribute.FLOAT64:
			e.b = protowire.AppendFixed64(protowire.AppendTag(e.b, valueDouble, protowire.Fixed64Type), math.Float64bits(a.Value.AsFloat64()))
		default:
			e.odd = true
		}
		e.close(value)
		e.close(at)
	}
}

// What follows appends a field, unless it has the value that an absent one stands for.

func (e *encoder) text(field protowire.Number, s string) {
	if s != "" {
		e.b = protowire.AppendString(protowire.AppendTag(e.b, field, protowire.BytesType), s)
	}
}

func (e *encoder) bytes(field protowire.Number, b []byte) {
	e.b = protowire.AppendBytes(protowire.AppendTag(e.b, field, protowire.BytesType), b)
}

func (e *encoder) number(field protowire.Number, n uint64) {
	if n != 0 {
		e.b = protowire.AppendVarint(protowire.AppendTag(e.b, field, protowire.VarintType), n)
	}
}

func (e *encoder) fixed32(field protowire.Number, n uint32) {
	e.b = protowire.AppendFixed32(protowire.AppendTag(e.b, field, protowire.Fixed32Type), n)
}

func (e *encoder) fixed64(field protowire.Number, n uint64) {
	e.b = protowire.AppendFixed64(protowire.AppendTag(e.b, field, protowire.Fixed64Type), n)
}

// open begins a message within the message, and returns where its content begins. Its length, which stands before it, is not known yet: most take one
// byte.
func (e *encoder) open(field protowire.Number) (at int) {
	e.b = append(protowire.AppendTag(e.b, field, protowire.BytesType), 0)
	return len(e.b)
}

// close ends it: where its length takes more than a byte, the content makes room.
func (e *encoder) close(at int) {
	n := len(e.b) - at
	if more := protowire.SizeVarint(uint64(n)) - 1; more > 0 {
		e.b = append(e.b, make([]byte, more)...)
		copy(e.b[at+more:], e.b[at:at+n])
	}
	protowire.AppendVarint(e.b[:at-1], uint64(n))
}
