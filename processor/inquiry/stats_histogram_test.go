package inquiry

import (
	"math"
	"testing"
	"time"
)

// Every duration is in one bucket, which ends above it, by an eighth at most (or the unit), and buckets follow one another.
func TestHistogramBuckets(t *testing.T) {
	last := 0
	for d := time.Duration(0); d < time.Minute; d += max(d/1000, time.Microsecond) {
		i := bucketOf(d)
		if i < last || i > last+1 {
			t.Fatalf("%v is in bucket %d, what is shorter in %d", d, i, last)
		}
		last = i
		if end := bucketEnd(i); end <= d || end > d+max(d/8, histogramUnit) {
			t.Fatalf("%v is in bucket %d, which ends at %v", d, i, end)
		}
	}
	for _, d := range []time.Duration{2 * time.Minute, math.MaxInt64} {
		if bucketOf(d) != histogramBuckets-1 {
			t.Errorf("%v is in bucket %d", d, bucketOf(d))
		}
	}
	if bucketOf(-1) != 0 {
		t.Errorf("-1 is in bucket %d", bucketOf(-1))
	}
}

func TestHistogramQuantiles(t *testing.T) {
	var empty, h, more histogram
	if empty.quantile(0.99) != 0 {
		t.Errorf("of nothing: %v", empty.quantile(0.99))
	}
	for i := range 50 {
		h.add(time.Duration(i+1) * time.Millisecond)
		more.add(time.Duration(i+51) * time.Millisecond)
	}
	h.merge(&more)
	h.add(5 * time.Minute)
	for q, want := range map[float64]time.Duration{0.01: 2 * time.Millisecond, 0.5: 51 * time.Millisecond, 0.99: 100 * time.Millisecond} {
		if got := h.quantile(q); got < want || got > want+want/8 {
			t.Errorf("quantile %v = %v, want %v", q, got, want)
		}
	}
	if got := h.quantile(1); got != 5*time.Minute || h.slowest != got {
		t.Errorf("the slowest: %v, %v", got, h.slowest)
	}
}
