//go:build integration

package main

import (
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/deploy/collector"
	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

var updateSpans = flag.Bool("update-spans", false, "write the golden files of spans anew")

// observe starts a collector that the site's processes send their traces and metrics to.
func (s *site) observe(more ...string) *collector.Collector {
	s.Helper()
	c := collector.New(collector.Config{})
	server := httptest.NewServer(c)
	s.Cleanup(server.Close)
	s.extra = append(s.extra, "OTEL_TRACES_EXPORTER=otlp", "OTEL_METRICS_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_ENDPOINT="+server.URL,
		"OTEL_BSP_SCHEDULE_DELAY=50", "OTEL_METRIC_EXPORT_INTERVAL=500")
	s.extra = append(s.extra, more...)
	return c
}

// awaitSpans waits until the collector has spans that will do.
func (s *site) awaitSpans(c *collector.Collector, will func([]collector.Span) bool) []collector.Span {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), eventually)
	defer cancel()
	if err := c.Await(ctx, will); err != nil {
		s.Fatalf("%v\n%s", err, collector.Golden(c.Spans(), nil))
	}
	return c.Spans()
}

// has says whether there is a span of a name for a transaction, whose attribute has a value.
func has(spans []collector.Span, name, id, key string, value any) bool {
	return slices.ContainsFunc(spans, func(s collector.Span) bool {
		return s.Name == name && s.Attributes["charge.correlation_id"] == id && (key == "" || s.Attributes[key] == value)
	})
}

// TestTraces holds the spans of transactions on a real broker and a real Redis to golden files, and the records to the spans: what came with a
// context is one trace, from the producer's span to the result's.
func TestTraces(t *testing.T) {
	t.Parallel()
	for i, c := range []struct{ name, sequence, last string }{
		{"completed", "COMPLETED-1", "final"},
		{"pending", "PENDING-2-x", "final"},
		{"down", "HTTP503-1", "wait"},
		{"conflict", "FAILED-1", "dead"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 1, konasim.Config{})
			to := s.observe("OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=test")
			s.startAndAwait("")
			if c.last == "dead" { // another event owns the correlation ID
				s.produce(s.requested(), "k", eventJSON(i, "COMPLETED-other"))
				s.awaitSpans(to, func(all []collector.Span) bool { return has(all, "send "+s.results(), correlationID(i), "", nil) })
			}
			trace := fmt.Sprintf("%032x", i+1)
			s.produceTraced(eventJSON(i, c.sequence), "00-"+trace+"-00000000000000aa-01")
			process := func(all []collector.Span, n int) bool {
				return tally(all, func(sp collector.Span) bool {
					return strings.HasPrefix(sp.Name, "process ") && sp.Attributes["charge.sequence_id"] == c.sequence
				}) >= n
			}
			want := map[string]int{"completed": 1, "pending": 3, "down": 2, "conflict": 1}[c.name]
			spans := s.awaitSpans(to, func(all []collector.Span) bool { return process(all, want) && sent(all, c.sequence, want) })
			spans = story(spans, c.sequence, want)
			s.checkGolden(c.name, spans)
			s.checkTrace(spans, trace, correlationID(i), c.last)
			for _, sp := range spans {
				if sp.Resource["service.name"] != "chargeresult" || sp.Resource["deployment.environment.name"] != "test" || sp.Resource["service.instance.id"] == nil {
					t.Fatalf("resource %v", sp.Resource)
				}
			}
		})
	}
}

func (s *site) produceTraced(value, traceparent string) {
	s.Helper()
	err := s.client.ProduceSync(s.Context(), &kgo.Record{
		Topic: s.requested(), Key: []byte("k"), Value: []byte(value), Headers: []kgo.RecordHeader{{Key: "traceparent", Value: []byte(traceparent)}},
	}).FirstErr()
	if err != nil {
		s.Fatal(err)
	}
}

func tally(spans []collector.Span, which func(collector.Span) bool) (n int) {
	for _, s := range spans {
		if which(s) {
			n++
		}
	}
	return n
}

// processing are the spans of a transaction's first n messages, in the order of their start.
func processing(spans []collector.Span, sequence string, n int) (all []collector.Span) {
	for _, s := range spans {
		if strings.HasPrefix(s.Name, "process ") && s.Attributes["charge.sequence_id"] == sequence {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b collector.Span) int { return a.Start.Compare(b.Start) })
	return all[:min(n, len(all))]
}

// sent says whether all that came of the messages is known to be committed: each has a send span, and those that say PENDING for the first time two.
func sent(spans []collector.Span, sequence string, n int) bool {
	for i, p := range processing(spans, sequence, n) {
		want := 1
		if i == 0 && p.Attributes["charge.reason"] == "PENDING" {
			want = 2
		}
		if tally(spans, func(s collector.Span) bool { return s.ParentID == p.SpanID && strings.HasPrefix(s.Name, "send ") }) < want {
			return false
		}
		polled := slices.ContainsFunc(spans, func(s collector.Span) bool {
			return slices.ContainsFunc(p.Links, func(l collector.Link) bool { return l.SpanID == s.SpanID && strings.HasPrefix(s.Name, "poll ") })
		})
		if !polled {
			return false
		}
	}
	return true
}

// story are the spans of the traces that a transaction's messages are in, and of the polls that they came in.
func story(spans []collector.Span, sequence string, n int) []collector.Span {
	traces := map[string]bool{}
	for _, p := range processing(spans, sequence, n) {
		traces[p.TraceID] = true
		for _, l := range p.Links {
			traces[l.TraceID] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(spans), func(s collector.Span) bool { return !traces[s.TraceID] })
}

// checkGolden holds the spans to a file. What differs from run to run is replaced: offsets, ports, and the site's name in those of topics.
func (s *site) checkGolden(name string, spans []collector.Span) {
	s.Helper()
	got := collector.Golden(spans, map[string]string{
		"messaging.kafka.offset": "N", "messaging.destination.partition.id": "N", "server.port": "N", "url.full": "URL",
	})
	got = strings.ReplaceAll(got, s.group, "SITE")
	testbed.Golden(s, filepath.Join("testdata", "spans", name+".txt"), got, *updateSpans)
}

// checkTrace holds the records to the spans.
func (s *site) checkTrace(spans []collector.Span, trace, id, last string) {
	s.Helper()
	for _, sp := range spans {
		if strings.HasPrefix(sp.Name, "poll ") || strings.HasPrefix(sp.Name, "EVALSHA ") {
			continue // of several messages
		}
		if sp.Attributes["charge.correlation_id"] != id || sp.Attributes["messaging.message.conversation_id"] != id {
			s.Errorf("span %q does not carry the correlation ID: %v", sp.Name, sp.Attributes)
		}
	}
	first := slices.IndexFunc(spans, func(sp collector.Span) bool { return sp.TraceID == trace && strings.HasPrefix(sp.Name, "process ") })
	if first < 0 || spans[first].ParentID != "00000000000000aa" {
		s.Errorf("no span continues the producer's")
	}
	for _, r := range testbed.Dump(s, s.brokers, s.results()) {
		at := header(r, events.HeaderTraceParent)
		if !slices.ContainsFunc(spans, func(sp collector.Span) bool {
			return at == "00-"+sp.TraceID+"-"+sp.SpanID+"-01" && sp.Name == "send "+s.results() && sp.Attributes["messaging.kafka.offset"] == r.Offset
		}) && last != "dead" {
			s.Errorf("the result at offset %d has context %q, which is no span's that sent it", r.Offset, at)
		}
	}
	for _, r := range testbed.Dump(s, s.brokers, s.letters()) {
		if died := header(r, events.HeaderProcessedTrace); !strings.HasPrefix(died, "00-"+trace) {
			s.Errorf("the dead letter died in %q, want trace %s", died, trace)
		}
	}
}

// TestCollectorIsNotWell: a collector that refuses, that is slow or that never answers costs spans, which are counted, and no event; and it
// keeps nobody from stopping in time.
func TestCollectorIsNotWell(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]collector.Fault{
		"refuses": {Status: 503, Lose: true}, "refuses, and has it": {Status: 500}, "is slow": {Delay: 5 * time.Second}, "never answers": {Delay: collector.Never},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 4, konasim.Config{})
			to := s.observe("OTEL_BSP_MAX_QUEUE_SIZE=200", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=100")
			to.Fail(fault)
			p := s.startAndAwait("")
			var all sending
			s.sendAs(&all, 0, 1000, 0, func(i int) string { return fmt.Sprintf("COMPLETED-%d", i) })
			s.awaitFinished(&all, all.records)
			s.judged(&all)
			if page := p.page("/metrics"); strings.Contains(page, `chargeresult_spans_total{outcome="dropped"} 0`) || !strings.Contains(page, `chargeresult_spans_total{outcome="dropped"}`) {
				t.Error("no span was dropped")
			}
			p.stops(soon)
		})
	}
}
