package export

import (
	"context"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// SpanCounts are what became of sampled spans that ended.
type SpanCounts struct {
	Exported int64 // the collector has them
	Failed   int64 // the collector did not take them
	Dropped  int64 // there was no room to wait in
}

// Spans returns the counts since the start.
func (p *Providers) Spans() SpanCounts { return p.spans.counts() }

// tally counts spans. Its zero value is ready, and it may be used by many goroutines at once.
type tally struct {
	exported, failed, dropped atomic.Int64
	waiting                   atomic.Int64 // ended, and neither of these yet
}

// counts returns what was counted so far.
func (t *tally) counts() SpanCounts {
	return SpanCounts{Exported: t.exported.Load(), Failed: t.failed.Load(), Dropped: t.dropped.Load()}
}

// gate stands before the SDK's batch processor, which drops without a word what its queue has no room for: it drops before, and counts.
// What waits here is in the queue or in the batch that is being exported, so that the queue always has room for what passes.
type gate struct {
	sdktrace.SpanProcessor
	counts *tally
	room   int64
}

func (g *gate) OnEnd(s sdktrace.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	if g.counts.waiting.Add(1) > g.room {
		g.counts.waiting.Add(-1)
		g.counts.dropped.Add(1)
		return
	}
	g.SpanProcessor.OnEnd(s)
}

// countedExporter counts what its exporter takes.
type countedExporter struct {
	sdktrace.SpanExporter
	counts *tally
}

func (e *countedExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	n := int64(len(spans))
	e.counts.waiting.Add(-n)
	if err != nil {
		e.counts.failed.Add(n)
	} else {
		e.counts.exported.Add(n)
	}
	return err
}
