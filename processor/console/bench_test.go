package console

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkOverview is one rendering of the page of a group with so many partitions.
func BenchmarkOverview(b *testing.B) {
	for _, partitions := range []int{100, 500} {
		b.Run(fmt.Sprintf("partitions=%d", partitions), func(b *testing.B) {
			h := showing(troubled(partitions), told(), nil)
			request := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", nil)
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, request)
				b.ReportMetric(float64(w.Body.Len())/1000, "kB/page")
			}
		})
	}
}
