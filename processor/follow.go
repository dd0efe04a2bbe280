package processor

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/stream"
	"github.com/chargeresult/chargeresult/processor/telemetry"
)

// traces are the trace contexts of a message.
type traces struct {
	came            trace.SpanContext // what the record came with: the producer's, or that of the ask before
	first, previous string            // of the transaction's first message and of the last one: what a retry record's headers hold
	admission       *admission        // of the poll that it came in
	own             trace.SpanContext // of its processing
	sends           []sending         // what is published and not committed; owned by Process, then by Settle
}

// began is the context of the transaction's first message, which may be this one.
func (t traces) began() string {
	if t.first != "" {
		return t.first
	}
	return telemetry.Format(t.own)
}

// admission is what the messages of a poll have in common.
type admission struct {
	poll         trace.SpanContext
	began, ended time.Time // of the claims' round trip
}

// sending is a record on its way, and its span, which is no more than a context if nothing is recorded.
type sending struct {
	record *kgo.Record
	span   trace.Span
}

// traceHeaders is how many headers trace context takes up in a record.
const traceHeaders = 2

// beginAdmission begins the span of a poll's messages, which the returned function ends.
func (p *Processor) beginAdmission(ctx context.Context, messages []*stream.Message) (context.Context, func(error)) {
	a := &admission{began: time.Now()}
	came, topic := make([]trace.SpanContext, 0, len(messages)), messages[0].Record.Topic
	for _, m := range messages {
		w := m.Work.(*work)
		w.traces.admission = a
		if w.traces.came.IsValid() {
			came = append(came, w.traces.came)
		}
		if m.Record.Topic != topic {
			topic = ""
		}
	}
	ctx, span := p.cfg.Telemetry.Poll(ctx, topic, len(messages), came)
	a.poll = span.SpanContext()
	return ctx, func(err error) {
		a.ended = time.Now()
		telemetry.Fail(span, err)
		span.End()
	}
}

// begin begins the span of a message, as of its admission, and takes note that it is worked on.
func (p *Processor) begin(ctx context.Context, m *stream.Message, w *work) (context.Context, trace.Span) {
	ctx = telemetry.WithTransaction(ctx, w.event.CorrelationID)
	at, t := w.traces.admission, &w.traces
	ctx, span := p.cfg.Telemetry.Process(ctx, w.message(m), telemetry.Traces{Parent: t.came, First: telemetry.Parse(t.first), Previous: t.came, Poll: at.poll}, at.began)
	t.own = span.SpanContext()
	if w.fault == nil {
		p.cfg.Telemetry.Claimed(ctx, w.claimed.Verdict.String(), at.began, at.ended)
	}
	p.working.add(&w.place, Working{
		CorrelationID: w.event.CorrelationID, Operation: w.event.Operation, Source: w.origin.Source, Attempt: w.history.attempts + 1, Since: time.Now(), trace: t.own,
	})
	return ctx, span
}

// end ends the span of a message, and begins those of the records that come of it, which carry its context to whoever reads them.
func (p *Processor) end(ctx context.Context, span trace.Span, m *stream.Message, w *work, records []*kgo.Record, err error) {
	p.working.remove(&w.place)
	o := w.described()
	if err != nil {
		o = telemetry.Outcome{Name: "abandoned"} // it will be fetched again, here or elsewhere
	}
	p.cfg.Telemetry.Describe(span, w.message(m), o)
	w.traces.sends = make([]sending, len(records))
	for i, r := range records {
		to, sends := p.cfg.Telemetry.Send(ctx, r.Topic)
		if r.Topic == p.cfg.Topics.Result || r.Topic == p.cfg.Topics.Duplicates { // the others keep the original's headers as they are
			for _, h := range p.cfg.Telemetry.Inject(to, nil) {
				r.Headers = append(r.Headers, kgo.RecordHeader(h))
			}
		}
		w.traces.sends[i] = sending{r, sends}
	}
	span.End()
	if err != nil {
		return
	}
	p.cfg.Telemetry.Processed(w.traces.own, m.Record.Topic, time.Since(w.traces.admission.began), w.outcome.dead)
	if p.cfg.Log.Enabled(ctx, slog.LevelDebug) {
		p.cfg.Log.DebugContext(ctx, "processed", "outcome", o.Name, "result", o.Result, "reason", o.Reason, "code", o.Code, "attempts", o.Attempt,
			"sequence_id", w.event.SequenceID, "source", w.origin.Source.String())
	}
}

// message is what spans say of the message.
func (w *work) message(m *stream.Message) telemetry.Message {
	return telemetry.Message{
		Topic: m.Record.Topic, Partition: m.Record.Partition, Offset: m.Record.Offset,
		CorrelationID: w.event.CorrelationID, SequenceID: w.event.SequenceID, Operation: string(w.event.Operation), Hop: w.history.hop,
	}
}

// described is where the message went, as spans and logs say it.
func (w *work) described() telemetry.Outcome {
	o := telemetry.Outcome{Code: w.answer.Code, Attempt: w.history.attempts}
	if w.answer.Class != 0 && w.answer.Class != Answered {
		o.Answer = w.answer.Class.String()
	}
	switch end := w.outcome; {
	case end.result != "":
		o.Name, o.Result, o.Reason = "final", end.result, end.reason
	case end.dead != "":
		o.Name, o.Reason, o.Failed = "dead", end.dead, true
	case end.verdict != "":
		o.Name = end.verdict
	default:
		o.Name, o.Reason, o.Delay = "wait", end.wait, end.delay
	}
	return o
}

// published ends the spans of what is committed, and counts it.
func (p *Processor) published(messages []*stream.Message) {
	consumed, sent, now := map[string]int64{}, map[string]int64{}, time.Now()
	for _, m := range messages {
		w := m.Work.(*work)
		consumed[m.Record.Topic]++
		for _, s := range w.traces.sends {
			sent[s.record.Topic]++
			p.cfg.Telemetry.Sent(s.span, w.event.CorrelationID, s.record.Topic, s.record.Partition, s.record.Offset)
		}
		if w.outcome.result != "" {
			p.cfg.Telemetry.Ended(w.traces.own, string(w.event.Operation), w.outcome.result, now.Sub(w.event.RequestedAt))
		}
	}
	for topic, n := range consumed {
		p.cfg.Telemetry.Consumed(topic, n)
	}
	for topic, n := range sent {
		p.cfg.Telemetry.Published(topic, n)
	}
}

// Working is a message that is being worked on.
type Working struct {
	CorrelationID string // empty if it is no event
	Operation     events.Operation
	Source        events.Source // the input record
	Attempt       int           // which ask it is at, from 1
	Since         time.Time     // when it was taken up
	Trace         string        // trace ID; empty if it is not recorded

	trace trace.SpanContext
}

// working are the messages that are being worked on, in no order.
type working struct {
	mu  sync.Mutex
	now []*place
}

// place is where a message stands among them; owned by working, under its mu.
type place struct {
	of Working
	at int // its index
}

func (s *working) add(one *place, of Working) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one.of, one.at = of, len(s.now)
	s.now = append(s.now, one)
}

func (s *working) remove(one *place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.now) - 1
	s.now[one.at], s.now[last].at = s.now[last], one.at
	s.now[last] = nil
	s.now = s.now[:last]
}

// Slowest returns up to n of the messages that are being worked on, the one that has been for the longest first.
func (p *Processor) Slowest(n int) []Working {
	s := &p.working
	s.mu.Lock()
	all := make([]Working, len(s.now))
	for i, one := range s.now {
		all[i] = one.of
	}
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b Working) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.CorrelationID, b.CorrelationID))
	})
	all = all[:min(n, len(all))]
	for i := range all {
		if all[i].trace.IsSampled() {
			all[i].Trace = all[i].trace.TraceID().String()
		}
	}
	return all
}
