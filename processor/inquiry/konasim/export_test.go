package konasim

import "time"

// Sample returns the latencies of the first n calls.
func Sample(seed uint64, l Latency, n uint64) []time.Duration {
	s := sampler{seed, l}
	samples := make([]time.Duration, n)
	for i := range n {
		samples[i] = s.sample(i)
	}
	return samples
}
