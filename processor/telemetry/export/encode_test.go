package export

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

// capture is a client that keeps what it is to send, as it would be sent.
type capture struct {
	sent [][]byte
	err  error
}

func (*capture) Start(context.Context) error { return nil }
func (*capture) Stop(context.Context) error  { return nil }

func (c *capture) UploadTraces(_ context.Context, spans []*tracepb.ResourceSpans) error {
	b, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	c.sent = append(c.sent, b)
	return errors.Join(err, c.err)
}

// encoded returns what the library sends of spans, and what we do.
func encoded(t testing.TB, spans []sdktrace.ReadOnlySpan) (library, ours *tracepb.TracesData) {
	t.Helper()
	c := &capture{}
	e, err := newExporter(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(e.Exporter.ExportSpans(t.Context(), spans), e.ExportSpans(t.Context(), spans)); err != nil {
		t.Fatal(err)
	}
	library, ours = &tracepb.TracesData{}, &tracepb.TracesData{}
	if err := errors.Join(proto.Unmarshal(c.sent[0], library), proto.Unmarshal(c.sent[1], ours)); err != nil {
		t.Fatal(err)
	}
	return library, ours
}

// made are spans of every form: with and without parent, links, state, status; attributes of all types, those too that only the library encodes.
func made(t testing.TB, odd ...func(trace.Span)) []sdktrace.ReadOnlySpan {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	about := resource.NewWithAttributes("https://schema/r", attribute.String("service.name", "s"), attribute.Int("n", 1))
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder), sdktrace.WithResource(about)).
		Tracer("scope", trace.WithInstrumentationVersion("1"), trace.WithSchemaURL("https://schema/s"))
	state, err := trace.ParseTraceState("a=b,c=d")
	if err != nil {
		t.Fatal(err)
	}
	remote := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, TraceState: state, Remote: true})
	ctx := trace.ContextWithRemoteSpanContext(t.Context(), remote)
	ctx, parent := tracer.Start(ctx, "parent", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithLinks(
		trace.Link{SpanContext: remote, Attributes: []attribute.KeyValue{attribute.String("k", "v")}},
		trace.Link{SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{3}, SpanID: trace.SpanID{4}})}))
	_, child := tracer.Start(ctx, "child", trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(time.Unix(-1, 0)), trace.WithAttributes(
		attribute.String("string", string(slices.Repeat([]byte("x"), 300))), attribute.String("empty", ""), attribute.String("utf8", "충전"),
		attribute.Bool("true", true), attribute.Bool("false", false), attribute.Int64("negative", -1), attribute.Int64("zero", 0), attribute.Int64("large", math.MaxInt64),
		attribute.Float64("float", -0.5), attribute.Float64("nothing", 0)))
	child.SetStatus(codes.Error, "no")
	for kind := trace.SpanKindUnspecified; kind <= trace.SpanKindConsumer; kind++ {
		_, s := tracer.Start(t.Context(), "kind", trace.WithSpanKind(kind))
		s.SetStatus(codes.Ok, "")
		s.End()
	}
	for _, f := range odd {
		f(child)
	}
	child.End()
	parent.End()
	return recorder.Ended()
}

// known says whether the encoder can encode spans.
func known(spans []sdktrace.ReadOnlySpan) bool {
	_, ok := new(encoder).encode(spans)
	return ok
}

// TestEncode: what we send is what the library sends.
func TestEncode(t *testing.T) {
	spans := made(t)
	if !known(spans) {
		t.Fatal("the library would have to encode the spans")
	}
	for n := range spans {
		library, ours := encoded(t, spans[:n+1])
		states := 0
		for _, s := range ours.ResourceSpans[0].ScopeSpans[0].Spans {
			for _, l := range s.Links { // a link's state is what the library forgets
				if l.TraceState == "a=b,c=d" {
					l.TraceState = ""
					states++
				}
			}
		}
		if !proto.Equal(library, ours) || n == len(spans)-1 && states != 1 {
			t.Errorf("ours:\n%s\nthe library's:\n%s", prototext.Format(ours), prototext.Format(library))
		}
	}
}

// TestEncodeLeavesTheRest: what the encoder does not know, the library encodes.
func TestEncodeLeavesTheRest(t *testing.T) {
	list := []attribute.KeyValue{attribute.StringSlice("list", []string{"a"})}
	for name, spans := range map[string][]sdktrace.ReadOnlySpan{
		"an event":             made(t, func(s trace.Span) { s.AddEvent("event") }),
		"a list":               made(t, func(s trace.Span) { s.SetAttributes(list...) }),
		"a list in a link":     made(t, func(s trace.Span) { s.AddLink(trace.Link{SpanContext: s.SpanContext(), Attributes: list}) }),
		"of several resources": append(made(t), made(t)...),
	} {
		if known(spans) {
			t.Errorf("%s is encoded", name)
		}
		library, ours := encoded(t, spans)
		if !proto.Equal(library, ours) || len(ours.ResourceSpans) == 0 {
			t.Errorf("%s: ours:\n%s", name, prototext.Format(ours))
		}
	}
}

// TestEncodeLimits: what the SDK dropped is said.
func TestEncodeLimits(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	limits := sdktrace.NewSpanLimits()
	limits.AttributeCountLimit, limits.LinkCountLimit = 1, 1
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder), sdktrace.WithRawSpanLimits(limits)).Tracer("t")
	link := trace.Link{SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{3}, SpanID: trace.SpanID{4}})}
	_, s := tracer.Start(t.Context(), "s", trace.WithAttributes(attribute.Int("a", 1), attribute.Int("b", 1)), trace.WithLinks(link, link))
	s.End()
	library, ours := encoded(t, recorder.Ended())
	if !proto.Equal(library, ours) || ours.ResourceSpans[0].ScopeSpans[0].Spans[0].DroppedAttributesCount != 1 {
		t.Errorf("ours:\n%s\nthe library's:\n%s", prototext.Format(ours), prototext.Format(library))
	}
}

// TestEncodeTellsFailures: a collector that refuses is heard.
func TestEncodeTellsFailures(t *testing.T) {
	refused := errors.New("refused")
	e, err := newExporter(t.Context(), &capture{err: refused})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.ExportSpans(t.Context(), made(t)); !errors.Is(err, refused) {
		t.Errorf("error %v", err)
	}
}

func BenchmarkEncode(b *testing.B) {
	spans := slices.Repeat(made(b), 64)
	e, err := newExporter(b.Context(), &capture{})
	if err != nil {
		b.Fatal(err)
	}
	for _, bm := range []struct {
		name   string
		export func(context.Context, []sdktrace.ReadOnlySpan) error
	}{{"library", e.Exporter.ExportSpans}, {"ours", e.ExportSpans}} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e.client.(*capture).sent = nil
				if err := bm.export(b.Context(), spans); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(spans)), "ns/span")
		})
	}
}
