package telemetry

import (
	"context"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
)

// Telemetry makes spans and measures. It may be used by many goroutines at once.
type Telemetry struct {
	tracer      trace.Tracer
	propagator  propagation.TextMapPropagator
	group       string
	instruments instruments
	pollLink    []attribute.KeyValue // of every link to a poll
	topics      table[string, *destination]
	words       table[[2]string, metric.MeasurementOption]
	none        bool // nothing records spans
	w3c         bool // context is propagated as W3C has it
}

// Config says what to make them with, and for whom. Zero fields: nothing is recorded, and context passes through as it came.
type Config struct {
	Traces     trace.TracerProvider
	Metrics    metric.MeterProvider
	Propagator propagation.TextMapPropagator
	Group      string // the consumer group
}

// New returns what records on the providers of cfg.
func New(cfg Config) (*Telemetry, error) {
	_, none := cfg.Traces.(tracenoop.TracerProvider)
	if cfg.Traces == nil {
		cfg.Traces, none = tracenoop.NewTracerProvider(), true
	}
	if cfg.Metrics == nil {
		cfg.Metrics = metricnoop.NewMeterProvider()
	}
	if cfg.Propagator == nil {
		cfg.Propagator = propagation.TraceContext{}
	}
	t := &Telemetry{
		tracer:     cfg.Traces.Tracer(Scope, trace.WithSchemaURL(schemaURL)),
		propagator: cfg.Propagator, group: cfg.Group,
		pollLink: []attribute.KeyValue{keyLink.String(linkPoll)}, none: none, w3c: isW3C(cfg.Propagator),
	}
	var err error
	t.instruments, err = newInstruments(cfg.Metrics.Meter(Scope, metric.WithSchemaURL(schemaURL)))
	return t, err
}

// destination is what is said of a topic again and again, made once.
type destination struct {
	process, send  operation
	took           metric.MeasurementOption // of ProcessDuration, where nothing went wrong
	consumed, sent metric.MeasurementOption
}

// operation is what the spans of one kind have in common.
type operation struct {
	name       string
	kind       trace.SpanStartOption
	attributes []attribute.KeyValue
}

// describe says in a span what there is to say: all at once and in the end, because each time the SDK copies all that was said before. No sampler of ours
// looks at attributes.
func (o operation) describe(span trace.Span, more ...attribute.KeyValue) {
	lent := scratch.Get().(*[]attribute.KeyValue)
	all := append(append((*lent)[:0], o.attributes...), more...)
	span.SetAttributes(all...) // which keeps nothing of all but its elements
	clear(all)
	*lent = all
	scratch.Put(lent)
}

// scratch lends what attributes are gathered in.
var scratch = sync.Pool{New: func() any { return new([]attribute.KeyValue) }}

func (t *Telemetry) destination(topic string) *destination {
	return t.topics.of(topic, t.newDestination)
}

func (t *Telemetry) newDestination(topic string) *destination {
	d := &destination{
		process: operation{
			opProcess + " " + topic, trace.WithSpanKind(trace.SpanKindConsumer),
			append(messaging(opProcess, semconv.MessagingOperationTypeProcess, topic), semconv.MessagingConsumerGroupName(t.group)),
		},
		send: operation{opSend + " " + topic, trace.WithSpanKind(trace.SpanKindProducer), messaging(opSend, semconv.MessagingOperationTypeSend, topic)},
	}
	d.took = metric.WithAttributeSet(attribute.NewSet(t.measured(opProcess, topic)...))
	d.consumed = metric.WithAttributeSet(attribute.NewSet(t.measured(opPoll, topic)...))
	d.sent = metric.WithAttributeSet(attribute.NewSet(messaging(opSend, attribute.KeyValue{}, topic)...))
	return d
}

// measured is what a metric says of an operation on messages that were read.
func (t *Telemetry) measured(operation, topic string) []attribute.KeyValue {
	return append(messaging(operation, attribute.KeyValue{}, topic), semconv.MessagingConsumerGroupName(t.group))
}

// Message is what is said of a message.
type Message struct {
	Topic         string // as it was read: a retry topic, if it waited
	Partition     int32
	Offset        int64
	CorrelationID string // empty, as the next two, if it could not be decoded
	SequenceID    string
	Operation     string
	Hop           int // how often it has waited
}

// Poll begins the span of a poll's admission, whose messages came with the given contexts. topic is empty where there are several.
func (t *Telemetry) Poll(ctx context.Context, topic string, messages int, came []trace.SpanContext) (context.Context, trace.Span) {
	if t.none {
		return ctx, trace.SpanFromContext(ctx)
	}
	name := opPoll
	if topic != "" {
		name += " " + topic
	}
	attributes := append(messaging(opPoll, semconv.MessagingOperationTypeReceive, topic),
		semconv.MessagingConsumerGroupName(t.group), semconv.MessagingBatchMessageCount(messages))
	links := make([]trace.Link, len(came))
	for i, sc := range came {
		links[i] = trace.Link{SpanContext: sc, Attributes: []attribute.KeyValue{keyLink.String(linkMessage)}}
	}
	return t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithNewRoot(), trace.WithAttributes(attributes...), trace.WithLinks(links...))
}

// Traces are the contexts that a message belongs to.
type Traces struct {
	Parent          trace.SpanContext // what it came with, at its first hop
	First, Previous trace.SpanContext // of a message that waited
	Poll            trace.SpanContext
}

// Process begins the span of one message, as of a time; Describe says what there is to say of it. A message that waited begins a trace of its own, which is linked to what was before.
//
// The poll is linked afterwards, because a sampler that follows links would take in all messages of a poll for the sake of one.
func (t *Telemetry) Process(ctx context.Context, m Message, in Traces, began time.Time) (context.Context, trace.Span) {
	if t.none {
		ctx = trace.ContextWithRemoteSpanContext(ctx, in.Parent)
		return ctx, trace.SpanFromContext(ctx)
	}
	of, span := t.destination(m.Topic).process, trace.Span(nil)
	if m.Hop > 0 {
		ctx, span = t.tracer.Start(ctx, of.name, of.kind, trace.WithTimestamp(began), trace.WithNewRoot(), trace.WithLinks(linked(in)...))
	} else {
		if in.Parent.IsValid() {
			ctx = trace.ContextWithRemoteSpanContext(ctx, in.Parent)
		}
		ctx, span = t.tracer.Start(ctx, of.name, of.kind, trace.WithTimestamp(began))
	}
	if in.Poll.IsValid() && span.IsRecording() {
		span.AddLink(trace.Link{SpanContext: in.Poll, Attributes: t.pollLink})
	}
	return ctx, span
}

// linked are the links of a message that waited. The second ask's first trace is its previous one, too.
func linked(in Traces) []trace.Link {
	links := make([]trace.Link, 0, 2)
	if in.First.IsValid() {
		links = append(links, trace.Link{SpanContext: in.First, Attributes: []attribute.KeyValue{keyLink.String(linkFirst)}})
	}
	if in.Previous.IsValid() && !in.Previous.Equal(in.First) {
		links = append(links, trace.Link{SpanContext: in.Previous, Attributes: []attribute.KeyValue{keyLink.String(linkPrevious)}})
	}
	return links
}

// Claimed records the claim of the message that ctx is about: its share of a round trip that was over before its span began.
func (t *Telemetry) Claimed(ctx context.Context, verdict string, began, ended time.Time) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return
	}
	id := CorrelationID(ctx)
	_, span := t.tracer.Start(ctx, opClaim, trace.WithTimestamp(began))
	operation{}.describe(span, semconv.MessagingMessageConversationID(id), keyCorrelationID.String(id), keyVerdict.String(verdict))
	span.End(trace.WithTimestamp(ended))
}

// Outcome is where a message went.
type Outcome struct {
	Name    string // final, wait, dead, duplicate, redelivered, abandoned
	Result  string // of a final result
	Reason  string
	Code    string // Konaplate's
	Answer  string // class of the last answer; empty if nobody was asked, or the result says it
	Attempt int    // how often Konaplate has been asked
	Delay   time.Duration
	Failed  bool // whether it died
}

// Describe says in the span which message it is about, and where that went.
func (t *Telemetry) Describe(span trace.Span, m Message, o Outcome) {
	if !span.IsRecording() {
		return
	}
	more := [...]attribute.KeyValue{
		semconv.MessagingDestinationPartitionID(strconv.Itoa(int(m.Partition))), semconv.MessagingKafkaOffset(int(m.Offset)),
		semconv.MessagingMessageConversationID(m.CorrelationID), keyCorrelationID.String(m.CorrelationID),
		keySequenceID.String(m.SequenceID), keyOperation.String(m.Operation), keyAttempt.Int(o.Attempt), 13: {},
	}
	n := 7
	add := func(a attribute.KeyValue, known bool) {
		if known {
			more[n] = a
			n++
		}
	}
	add(keyResult.String(o.Result), o.Result != "")
	add(keyOutcome.String(o.Name), o.Result == "") // else the result says it
	add(keyReason.String(o.Reason), o.Reason != "")
	add(keyCode.String(o.Code), o.Code != "")
	add(keyAnswer.String(o.Answer), o.Answer != "")
	add(keyHop.Int(m.Hop), m.Hop > 0)
	add(keyDelay.Int64(o.Delay.Milliseconds()), o.Delay > 0)
	t.destination(m.Topic).process.describe(span, more[:n]...)
	if o.Failed {
		span.SetAttributes(semconv.ErrorTypeKey.String(o.Reason))
		span.SetStatus(codes.Error, o.Reason)
	}
}

// Fail says in the span that something came to nothing.
func Fail(span trace.Span, err error) {
	if err == nil || !span.IsRecording() {
		return
	}
	kind := errorType(err)
	span.SetAttributes(semconv.ErrorTypeKey.String(kind))
	span.SetStatus(codes.Error, kind)
}

// Send begins the span of a record that is to be published; Sent ends it. ctx is that of the message it comes of, and if that is not
// recorded, neither is this.
func (t *Telemetry) Send(ctx context.Context, topic string) (context.Context, trace.Span) {
	if of := trace.SpanFromContext(ctx); !of.IsRecording() {
		return ctx, of
	}
	of := t.destination(topic).send
	return t.tracer.Start(ctx, of.name, of.kind)
}

// Sent ends the span of a transaction's record that is committed.
func (t *Telemetry) Sent(span trace.Span, correlationID, topic string, partition int32, offset int64) {
	if !span.IsRecording() { // it is the message's, which has ended
		return
	}
	t.destination(topic).send.describe(span, semconv.MessagingDestinationPartitionID(strconv.Itoa(int(partition))), semconv.MessagingKafkaOffset(int(offset)),
		semconv.MessagingMessageConversationID(correlationID), keyCorrelationID.String(correlationID))
	span.End()
}
