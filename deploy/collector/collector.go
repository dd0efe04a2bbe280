package collector

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
)

// Config bounds what a Collector takes and keeps; its zero value is of use.
type Config struct {
	MaxSpans   int   // kept, at least 1; 0: 50,000. When there are more, the oldest traces go until a quarter is free
	MaxMetrics int   // kept, by name, scope and resource; 0: 1,000
	MaxBody    int64 // bytes of a request, uncompressed; 0: 16 MiB
}

// Counts are what happened since a Collector was made.
type Counts struct {
	Requests       int // that were read, whatever became of them
	DroppedTraces  int // went to make room
	DroppedSpans   int // were in those
	DroppedMetrics int // went to make room
}

// Collector keeps the spans and the metrics it is sent. It is an http.Handler, and safe for concurrent use.
type Collector struct {
	config Config
	mux    *http.ServeMux

	mu       sync.Mutex    // guards all below
	spans    []Span        // only ever appended to, or replaced: snapshots share it
	metrics  []Metric      // the same
	arrived  chan struct{} // closed when something arrives
	counts   Counts
	fault    Fault
	switched chan struct{} // closed when fault changes
}

// New returns an empty Collector.
func New(c Config) *Collector {
	c.MaxSpans = cmp.Or(c.MaxSpans, 50_000)
	c.MaxMetrics = cmp.Or(c.MaxMetrics, 1000)
	c.MaxBody = cmp.Or(c.MaxBody, 16<<20)
	made := &Collector{config: c, mux: http.NewServeMux(), arrived: make(chan struct{}), switched: make(chan struct{})}
	made.mux.HandleFunc("POST /v1/traces", made.receive(made.takeTraces))
	made.mux.HandleFunc("POST /v1/metrics", made.receive(made.takeMetrics))
	return made
}

// ServeHTTP implements http.Handler.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.mux.ServeHTTP(w, r) }

// Spans returns the spans that are kept, in the order of their arrival; one that was sent again because the answer was lost is there
// twice. They are shared: don't change them.
func (c *Collector) Spans() []Span {
	spans, _, _ := c.kept()
	return spans
}

// Metrics returns each metric as it was sent last. They are shared: don't change them.
func (c *Collector) Metrics() []Metric {
	_, metrics, _ := c.kept()
	return metrics
}

// Counts returns what happened so far.
func (c *Collector) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}

// Await returns nil as soon as done says that the spans that are kept will do, looked at now and whenever something has arrived. If ctx
// ends before, it returns an error with the cause.
func (c *Collector) Await(ctx context.Context, done func([]Span) bool) error {
	return c.await(ctx, func(spans []Span, _ []Metric) bool { return done(spans) })
}

// AwaitMetrics does so for the metrics.
func (c *Collector) AwaitMetrics(ctx context.Context, done func([]Metric) bool) error {
	return c.await(ctx, func(_ []Span, metrics []Metric) bool { return done(metrics) })
}

func (c *Collector) await(ctx context.Context, done func([]Span, []Metric) bool) error {
	for {
		spans, metrics, arrived := c.kept()
		if done(spans, metrics) {
			return nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return fmt.Errorf("await telemetry: %d spans and %d metrics have come, not those that are waited for: %w", len(spans), len(metrics), context.Cause(ctx))
		}
	}
}

// kept returns what is kept, and what is closed when that changes.
func (c *Collector) kept() ([]Span, []Metric, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clip(c.spans), slices.Clip(c.metrics), c.arrived
}

func (c *Collector) keepSpans(spans []Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.spans = append(c.spans, spans...); len(c.spans) > c.config.MaxSpans {
		c.dropTraces()
	}
	c.announce()
}

// dropTraces drops the oldest traces until a quarter of the room is free. It is called with mu held.
func (c *Collector) dropTraces() {
	size := map[string]int{}
	for _, s := range c.spans {
		size[s.TraceID]++
	}
	excess := len(c.spans) - c.config.MaxSpans*3/4
	dropped := map[string]bool{}
	for _, s := range c.spans {
		if excess > 0 && !dropped[s.TraceID] {
			dropped[s.TraceID] = true
			excess -= size[s.TraceID]
			c.counts.DroppedSpans += size[s.TraceID]
		}
	}
	c.counts.DroppedTraces += len(dropped)
	left := make([]Span, 0, c.config.MaxSpans)
	for _, s := range c.spans {
		if !dropped[s.TraceID] {
			left = append(left, s)
		}
	}
	c.spans = left
}

func (c *Collector) keepMetrics(metrics []Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	place := map[string]int{}
	all := slices.Clone(c.metrics)
	for i, m := range all {
		place[m.stream] = i
	}
	for _, m := range metrics {
		i, known := place[m.stream]
		if !known {
			place[m.stream] = len(all)
			all = append(all, m)
			continue
		}
		all[i] = m
	}
	excess := max(0, len(all)-c.config.MaxMetrics)
	c.counts.DroppedMetrics += excess
	c.metrics = all[excess:]
	c.announce()
}

// announce is called with mu held.
func (c *Collector) announce() {
	close(c.arrived)
	c.arrived = make(chan struct{})
}
