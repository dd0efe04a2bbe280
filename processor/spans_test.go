package processor_test

import (
	"flag"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/chargeresult/chargeresult/deploy/collector"
	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
	"github.com/chargeresult/chargeresult/processor/telemetry"
)

var update = flag.Bool("update", false, "write the golden files anew")

// producer is the context that events come with.
const (
	producerTrace = "0af7651916cd43dd8448eb211c80319c"
	producerSpan  = "b7ad6b7169203331"
	traceparent   = "00-" + producerTrace + "-" + producerSpan + "-01"
)

// traced makes the world's processor record all its spans, and returns where they go.
func traced(w *world) *collector.Collector {
	to := collector.New(collector.Config{})
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(to.Exporter()))
	var err error
	w.telemetry, err = telemetry.New(telemetry.Config{Traces: provider, Propagator: propagation.TraceContext{}, Group: "g"})
	if err != nil {
		w.Fatal(err)
	}
	return to
}

// volatile are the attributes whose values differ from run to run.
var volatile = map[string]string{"messaging.kafka.offset": "N", "messaging.destination.partition.id": "N"}

// TestSpans holds every span's name, kind, status, attributes and links to golden files, one for each way that a transaction can take.
func TestSpans(t *testing.T) {
	for name, c := range map[string]struct {
		sequence string
		value    string // in the place of an event
		before   string // another event's sequence ID, of the same correlation ID
		untraced bool
	}{
		"completed":    {sequence: "COMPLETED-1"},
		"root":         {sequence: "COMPLETED-1", untraced: true},
		"pending":      {sequence: "PENDING-2-x"},
		"vendor-down":  {sequence: "HTTP503-1"},
		"refused":      {sequence: "REJECTED-1"},
		"undecodable":  {value: "not JSON"},
		"duplicate":    {sequence: "COMPLETED-1", before: "COMPLETED-1"},
		"conflict":     {sequence: "COMPLETED-2", before: "COMPLETED-1"},
		"not-an-event": {value: `{"correlationId":"261122103000-0000001"}`},
	} {
		t.Run(name, func(t *testing.T) {
			var to *collector.Collector
			inWorld(t, konasim.Config{Latency: konasim.Latency{P50: 20 * time.Millisecond}}, func(w *world) {
				if c.before != "" {
					w.send(topics.Requested, "k", event(1, c.before))
					w.await(time.Minute)
					time.Sleep(time.Minute)
				}
				before := len(to.Spans())
				value := c.value
				if value == "" {
					value = event(1, c.sequence)
				}
				headers := []kgo.RecordHeader{{Key: "traceparent", Value: []byte(traceparent)}}
				if c.untraced {
					headers = nil
				}
				w.send(topics.Requested, "k", value, headers...)
				w.await(time.Minute)
				time.Sleep(5 * time.Minute) // for what waits
				spans := to.Spans()[before:]
				testbed.Golden(t, filepath.Join("testdata", "spans", name+".txt"), collector.Golden(spans, volatile), *update)
				if !c.untraced {
					w.checkContext(spans)
				}
			}, func(w *world) { to = traced(w) }, func(w *world) { w.policy.Deadline = 4 * time.Minute })
		})
	}
}

// checkContext holds the published records to the spans: results and duplicates carry the context of the span that sent them, and what carries an
// original carries its context, and no other.
func (w *world) checkContext(spans []collector.Span) {
	w.Helper()
	sends := map[string]int{}
	for _, s := range spans {
		if topic, sent := strings.CutPrefix(s.Name, "send "); sent {
			sends["00-"+s.TraceID+"-"+s.SpanID+"-01 "+topic]++
		}
	}
	contexts := func(r *kgo.Record) (all []string) {
		for _, h := range r.Headers {
			if h.Key == "traceparent" {
				all = append(all, string(h.Value))
			}
		}
		return all
	}
	carried := 0
	for _, topic := range []string{topics.Result, topics.Duplicates} {
		for _, r := range w.read(topic) {
			for _, at := range contexts(r) {
				carried += sends[at+" "+topic]
			}
		}
	}
	for _, topic := range append(waiting(w.policy), topics.DeadLetter) {
		for _, r := range w.read(topic) {
			carried++
			if got := contexts(r); !slices.Equal(got, []string{traceparent}) {
				w.Errorf("%s@%d has contexts %q, its original had %q", topic, r.Offset, got, traceparent)
			}
			if died := header(r, events.HeaderProcessedTrace); topic == topics.DeadLetter && !strings.HasPrefix(died, "00-"+producerTrace) {
				w.Errorf("a dead letter died in %q, want the trace it came with", died)
			}
		}
	}
	if carried != len(sends) {
		w.Errorf("%d records carry a context as they should, %d were sent", carried, len(sends))
	}
}

// TestOneTrace: what came with a context goes on in its trace, from the producer to the result.
func TestOneTrace(t *testing.T) {
	var to *collector.Collector
	inWorld(t, konasim.Config{}, func(w *world) {
		w.send(topics.Requested, "k", event(1, "COMPLETED-1"), kgo.RecordHeader{Key: "traceparent", Value: []byte(traceparent)})
		w.await(time.Minute)
		time.Sleep(time.Second)
		names := []string{}
		for _, s := range to.Spans() {
			if s.TraceID == producerTrace {
				names = append(names, s.Name)
				if s.Attributes["charge.correlation_id"] != correlationID(1) || s.Attributes["messaging.message.conversation_id"] != correlationID(1) {
					t.Errorf("span %s does not carry the correlation ID: %v", s.Name, s.Attributes)
				}
			}
		}
		slices.Sort(names)
		if want := []string{"POST /api/v1/recharges/by-bank-account/result/inquiry", "claim", "process charge-requested", "send charge-result"}; !slices.Equal(names, want) {
			t.Errorf("the trace holds %q, want %q", names, want)
		}
		result := w.read(topics.Result)
		if len(result) != 1 || !strings.HasPrefix(header(result[0], "traceparent"), "00-"+producerTrace) {
			t.Errorf("the result's context is %v", result)
		}
	}, func(w *world) { to = traced(w) })
}

// TestNothingReachesTheVendor: neither trace context nor baggage crosses the border.
func TestNothingReachesTheVendor(t *testing.T) {
	inWorld(t, konasim.Config{}, func(w *world) {
		w.send(topics.Requested, "k", event(1, "COMPLETED-1"),
			kgo.RecordHeader{Key: "traceparent", Value: []byte(traceparent)}, kgo.RecordHeader{Key: "tracestate", Value: []byte("a=b")},
			kgo.RecordHeader{Key: "baggage", Value: []byte("secret=1")})
		w.await(time.Minute)
		if w.headersSeen() == 0 {
			t.Fatal("no request was seen")
		}
		for _, h := range []string{"Traceparent", "Tracestate", "Baggage"} {
			if w.saw(h) {
				t.Errorf("Konaplate was sent %s", h)
			}
		}
		for _, r := range w.read(topics.Result) {
			if header(r, "baggage") != "" {
				t.Error("baggage went on to the result")
			}
			if header(r, "tracestate") != "a=b" {
				t.Errorf("the result's tracestate is %q, the event's was a=b", header(r, "tracestate"))
			}
		}
	}, func(w *world) { traced(w); w.spy = &spy{} })
}

// spy stands before the simulator and keeps the headers of requests.
type spy struct {
	next http.Handler
	seen []http.Header // in the order of requests; one at a time in these tests
}

func (s *spy) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	s.seen = append(s.seen, r.Header.Clone())
	s.next.ServeHTTP(rw, r)
}

func (w *world) headersSeen() int { return len(w.spy.seen) }

func (w *world) saw(header string) bool {
	return slices.ContainsFunc(w.spy.seen, func(h http.Header) bool { return h.Get(header) != "" })
}

// TestPassesThrough: with nothing that records, context passes through as it came.
func TestPassesThrough(t *testing.T) {
	inWorld(t, konasim.Config{}, func(w *world) {
		w.send(topics.Requested, "k", event(1, "PENDING-1-x"), kgo.RecordHeader{Key: "traceparent", Value: []byte(traceparent)})
		w.await(time.Minute)
		time.Sleep(time.Minute)
		results := w.read(topics.Result)
		if len(results) != 2 {
			t.Fatalf("%d results, want an interim and a final one", len(results))
		}
		if got := header(results[0], "traceparent"); got != traceparent {
			t.Errorf("context %q, the event came with %q", got, traceparent)
		}
	})
}

// TestSlowest: what is worked on is seen, the longest first.
func TestSlowest(t *testing.T) {
	inWorld(t, konasim.Config{}, func(w *world) {
		w.send(topics.Requested, "a", event(1, "SLOW-3000-x"))
		time.Sleep(time.Second)
		w.send(topics.Requested, "b", event(2, "SLOW-3000-x"))
		time.Sleep(time.Second)
		all := w.flow.Slowest(10)
		if len(all) != 2 || all[0].CorrelationID != correlationID(1) || all[0].Attempt != 1 || all[1].CorrelationID != correlationID(2) {
			t.Errorf("slowest: %+v", all)
		}
		if one := w.flow.Slowest(1); len(one) != 1 || one[0].CorrelationID != correlationID(1) {
			t.Errorf("slowest one: %+v", one)
		}
		w.await(time.Minute)
		if left := w.flow.Slowest(10); len(left) > 0 {
			t.Errorf("still worked on: %+v", left)
		}
	})
}
