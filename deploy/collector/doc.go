// Package collector is a small OTLP receiver: it keeps what it is sent, and draws a trace as a tree.
//
// It is what tests and the demo export to, with nothing installed. A [Collector] is an http.Handler that takes spans and metrics as any
// exporter sends them by OTLP/HTTP, at /v1/traces and /v1/metrics: protobuf or JSON, gzip or not. Within a process, [Collector.Exporter]
// needs no network. [Collector.Spans], [Collector.Metrics] and [Collector.Await] return what is kept, as plain values. A [Fault] makes it
// fail as a collector does: refusing, slow, silent, each with or without having kept what was sent.
//
// What is kept is bounded: the oldest traces go first, and [Collector.Counts] says how many went. It is nothing for production.
//
// [Tree] draws a transaction, all of its traces in the order of time, for a terminal; [Golden] writes spans down such that two runs which
// did the same give the same text. Both are pure functions of spans.
//
// The files: collector.go (what is kept), receive.go (HTTP), fault.go, exporter.go; decode.go, trace.go and metric.go (from OTLP to plain
// values); grow.go (spans to trees), draw.go and golden.go (trees to text), text.go (values to text).
package collector
