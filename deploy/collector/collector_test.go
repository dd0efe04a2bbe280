package collector

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOldestTracesGo(t *testing.T) {
	c := New(Config{MaxSpans: 8})
	keep := func(trace string, spans ...string) {
		for _, id := range spans {
			c.keepSpans([]Span{span(trace, id, "", id, "", 0, 0, nil)})
		}
	}
	keep("a", "1", "2")
	keep("b", "3", "4", "5")
	before := c.Spans()
	keep("c", "6", "7")
	keep("b", "8")
	if n := len(c.Spans()); n != 8 || c.Counts() != (Counts{}) {
		t.Errorf("%d spans, %+v: all have room", n, c.Counts())
	}
	keep("d", "9")
	var left []string
	for _, s := range c.Spans() {
		left = append(left, s.Name)
	}
	if got := strings.Join(left, ""); got != "679" {
		t.Errorf("left are %s: want all traces but the oldest, and a quarter free", got)
	}
	if want := (Counts{DroppedTraces: 2, DroppedSpans: 6}); c.Counts() != want {
		t.Errorf("%+v, want %+v", c.Counts(), want)
	}
	if len(before) != 5 || before[4].Name != "5" {
		t.Errorf("what was returned before has changed: %v", before)
	}
	keep("e", strings.Split("abcdef0123456789", "")...)
	if n := len(c.Spans()); n > 8 {
		t.Errorf("%d spans, of a trace that has no room", n)
	}
}

// What was returned is not written over by what comes after.
func TestSpansAreASnapshot(t *testing.T) {
	c := New(Config{})
	for _, s := range scene()[:3] {
		c.keepSpans([]Span{s})
	}
	mine := append(c.Spans(), Span{Name: "mine"})
	c.keepSpans(scene()[3:4])
	if theirs := c.Spans(); mine[3].Name != "mine" || theirs[3].Name != scene()[3].Name {
		t.Errorf("%q and %q", mine[3].Name, theirs[3].Name)
	}
}

func TestMetricsAreReplaced(t *testing.T) {
	c := New(Config{MaxMetrics: 3})
	keep := func(stream string, value float64) {
		c.keepMetrics([]Metric{{Name: stream, stream: stream, Points: []Point{{Value: value}}}})
	}
	keep("a", 1)
	keep("b", 2)
	before := c.Metrics()
	keep("a", 3)
	keep("c", 4)
	keep("d", 5)
	var got string
	for _, m := range c.Metrics() {
		got += fmt.Sprint(m.Name, m.Points[0].Value, " ")
	}
	if got != "b2 c4 d5 " || c.Counts().DroppedMetrics != 1 {
		t.Errorf("%s, %+v", got, c.Counts())
	}
	if before[0].Points[0].Value != 1 {
		t.Error("what was returned before has changed")
	}
}

func TestAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{})
		enough := func(spans []Span) bool { return len(spans) >= 2 }
		done := make(chan error)
		go func() { done <- c.Await(t.Context(), enough) }()
		for _, s := range scene()[:2] {
			synctest.Wait()
			select {
			case err := <-done:
				t.Fatalf("too early: %v", err)
			default:
			}
			c.keepSpans([]Span{s})
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := c.Await(t.Context(), enough); err != nil {
			t.Errorf("already there: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := c.AwaitMetrics(ctx, func(m []Metric) bool { return len(m) > 0 })
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "2 spans and 0 metrics") {
			t.Errorf("%v: want the deadline, and what is there", err)
		}
		go func() { done <- c.AwaitMetrics(t.Context(), func(m []Metric) bool { return len(m) > 0 }) }()
		synctest.Wait()
		c.keepMetrics([]Metric{{Name: "some"}})
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
