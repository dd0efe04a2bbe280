package main

import (
	"context"
	"io"
	"log/slog"
	"slices"

	"go.opentelemetry.io/otel/trace"

	"github.com/chargeresult/chargeresult/processor/telemetry"
)

// The names that OpenTelemetry has for the trace context in logs that are not of its own format, and ours for the transaction.
const (
	logTraceID       = "trace_id"
	logSpanID        = "span_id"
	logTraceFlags    = "trace_flags"
	logCorrelationID = "correlation_id"
)

// newLog returns a log of JSON lines, times in UTC. A line says which span and which transaction it belongs to, if its context knows. A fault that repeats is written once an interval: see repeats. flush writes what that holds back, for
// the end of the process; the log can be used after it all the same.
func newLog(to io.Writer, level slog.Leveler) (log *slog.Logger, flush func()) {
	lines := slog.NewJSONHandler(to, &slog.HandlerOptions{Level: level, ReplaceAttr: readable})
	r := &repeats{running: map[uint64]*repeated{}}
	return slog.New(&logHandler{root: lines, next: lines, repeats: r}), r.flush
}

// readable writes durations as people do, 1.5s, and times in UTC.
func readable(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindDuration:
		a.Value = slog.StringValue(a.Value.Duration().String())
	case slog.KindTime:
		a.Value = slog.TimeValue(a.Value.Time().UTC())
	}
	return a
}

// logHandler adds to each line what its context knows, and keeps faults from repeating.
type logHandler struct {
	root    slog.Handler                      // as it was at first
	with    []func(slog.Handler) slog.Handler // what With and WithGroup made of it
	next    slog.Handler                      // that
	said    []byte                            // what tells a fault apart in it
	repeats *repeats
}

func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.root.Enabled(ctx, level)
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	said := slices.Clone(h.said)
	for _, a := range attrs {
		said = appendIdentity(said, a)
	}
	return h.then(said, func(next slog.Handler) slog.Handler { return next.WithAttrs(attrs) })
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	said := append(slices.Clone(h.said), name...)
	return h.then(said, func(next slog.Handler) slog.Handler { return next.WithGroup(name) })
}

func (h *logHandler) then(said []byte, do func(slog.Handler) slog.Handler) *logHandler {
	with := append(slices.Clone(h.with), do)
	return &logHandler{root: h.root, with: with, next: do(h.next), said: said, repeats: h.repeats}
}

// Handle writes a line, unless it is a fault that was just written.
func (h *logHandler) Handle(ctx context.Context, line slog.Record) error {
	next := h.in(ctx)
	if line.Level < slog.LevelWarn || h.repeats.first(h.said, next, line) {
		return next.Handle(ctx, line)
	}
	return nil
}

// in returns the handler of lines in a context. What it adds stands outside of all groups.
func (h *logHandler) in(ctx context.Context) slog.Handler {
	var known []slog.Attr
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		known = append(known, slog.String(logTraceID, span.TraceID().String()),
			slog.String(logSpanID, span.SpanID().String()), slog.String(logTraceFlags, span.TraceFlags().String()))
	}
	if id := telemetry.CorrelationID(ctx); id != "" {
		known = append(known, slog.String(logCorrelationID, id))
	}
	if known == nil {
		return h.next
	}
	next := h.root.WithAttrs(known)
	for _, do := range h.with {
		next = do(next)
	}
	return next
}
