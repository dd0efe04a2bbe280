package konasim

import (
	"maps"
	"slices"
	"time"
)

// Sample returns the latencies of the first n calls.
func Sample(seed uint64, l Latency, n uint64) []time.Duration {
	s := sampler{seed, l}
	samples := make([]time.Duration, n)
	for i := range n {
		samples[i] = s.sample(i)
	}
	return samples
}

// Names returns the names of answers that have no number.
func Names() []string { return slices.Sorted(maps.Keys(vocabulary)) }
