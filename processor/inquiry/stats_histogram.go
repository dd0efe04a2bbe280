package inquiry

import (
	"math"
	"math/bits"
	"time"
)

// A histogram's buckets are as wide as the unit up to eight units; from there on there are eight to each doubling, so that a bucket's upper end is
// more than its lower end by an eighth at most. The last one holds all that took longer than a minute, which is more than a try may take.
const (
	histogramUnit    = 50 * time.Microsecond
	histogramBuckets = 19 * 8
)

// histogram counts durations by size. The zero value is empty.
type histogram struct {
	counts  [histogramBuckets]uint32
	total   int64
	slowest time.Duration
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucketOf(d)]++
	h.total++
	h.slowest = max(h.slowest, d)
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	h.slowest = max(h.slowest, other.slowest)
}

// quantile returns the duration that a share q of all, above 0 and at most 1, did not exceed: the upper end of its bucket, or the slowest if that is less.
func (h *histogram) quantile(q float64) time.Duration {
	rank := int64(math.Ceil(q * float64(h.total)))
	for i, n := range h.counts {
		rank -= int64(n)
		if rank <= 0 && h.total > 0 {
			return min(bucketEnd(i), h.slowest)
		}
	}
	return h.slowest
}

// bucketOf returns which bucket a duration is in.
func bucketOf(d time.Duration) int {
	units := uint64(max(d, 0) / histogramUnit)
	if units < 8 {
		return int(units)
	}
	doublings := bits.Len64(units) - 4 // of eight units
	return min(8*doublings+int(units>>doublings), histogramBuckets-1)
}

// bucketEnd returns what all durations of a bucket but the last are less than.
func bucketEnd(i int) time.Duration {
	if i == histogramBuckets-1 {
		return math.MaxInt64
	}
	next := i + 1
	if next < 16 {
		return time.Duration(next) * histogramUnit
	}
	doublings := next/8 - 1
	return time.Duration(8+next%8) << doublings * histogramUnit
}
