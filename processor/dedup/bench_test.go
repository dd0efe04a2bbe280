package dedup

import (
	"fmt"
	"testing"

	"github.com/chargeresult/chargeresult/processor"
)

func BenchmarkClaimOnMiniredis(b *testing.B) {
	_, cfg := serve(b)
	benchmarkClaim(b, cfg)
}

// benchmarkClaim claims batches of 256 new transactions each, and reports microseconds per claim.
func benchmarkClaim(b *testing.B, cfg Config) {
	const batch = 256
	store := mustOpen(b, cfg)
	mustRebuild(b, store, 0)
	claims := make([]processor.Claim, batch)
	offset := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		for i := range claims {
			offset++
			claims[i] = claimOf(offset, fmt.Sprintf("261122103000-%07x", offset))
		}
		if _, err := store.Claim(b.Context(), 1, claims); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*batch), "µs/claim")
}
