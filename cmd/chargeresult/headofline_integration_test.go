//go:build integration

package main

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// BenchmarkHeadOfLine measures how long it takes from an event to its visible result, when no inquiry is slow and when one in a hundred
// takes three seconds. The slow ones must not be felt by the others: the two medians, and their ratio, are what it reports.
func BenchmarkHeadOfLine(b *testing.B) {
	seconds := number("CHARGERESULT_HOL_SECONDS", 15)
	measureLatencies(b, 0, 300, 10*time.Second) // a broker that has just started is slow
	for b.Loop() {
		var latencies [2][]time.Duration // without slow inquiries, and with
		for range 2 {                    // in turn, because the machine's speed drifts
			for i, slow := range []int{0, 100} {
				some := measureLatencies(b, slow, 300, time.Duration(seconds)*time.Second)
				latencies[i] = append(latencies[i], some...)
			}
		}
		var medians [2]time.Duration
		for i, all := range latencies {
			slices.Sort(all)
			medians[i] = all[len(all)/2]
			b.Logf("%s slow inquiries: %d other events, p50 %v, p99 %v", []string{"without", "with"}[i], len(all), medians[i], all[len(all)*99/100])
		}
		b.ReportMetric(float64(medians[0].Microseconds())/1000, "ms-p50-without")
		b.ReportMetric(float64(medians[1].Microseconds())/1000, "ms-p50-with")
		b.ReportMetric(float64(medians[1])/float64(medians[0]), "ratio")
	}
}

// measureLatencies sends events at a rate, one in slow of them with an inquiry of three seconds (0: none), and returns how long the others
// took to be visible to a read_committed subscriber.
func measureLatencies(b *testing.B, slow, rate int, length time.Duration) []time.Duration {
	b.Helper()
	s := newSite(b, testbed.SharedKafka(b), testbed.SharedRedis(b), 8, konasim.Config{Latency: konasim.Latency{P50: 20 * time.Millisecond, P99: 200 * time.Millisecond}})
	p := s.start("")
	p.awaitLog(`"started"`, 20*time.Second)
	const warmUp = 500
	n := warmUp + rate*int(length.Seconds())
	sentAt := make([]time.Time, n)
	isSlow := func(i int) bool { return slow > 0 && i%slow == slow/2 }
	seen := make(chan []time.Duration)
	go func() { seen <- s.watch(n, sentAt, func(i int) bool { return i < warmUp || isSlow(i) }) }()
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for i := range n {
		sequence := fmt.Sprintf("COMPLETED-%d", i)
		if isSlow(i) {
			sequence = fmt.Sprintf("SLOW-3000-%d", i)
		}
		sentAt[i] = time.Now()
		s.produce(s.requested(), fmt.Sprintf("key%d", i%2000), eventJSON(i, sequence))
		<-tick.C
	}
	latencies := <-seen
	if code, _ := p.terminate(); code != 0 {
		b.Fatalf("exit code %d", code)
	}
	return latencies
}

// watch subscribes to the results until all n are there, and returns how long those took that are not to be skipped. An event's send time
// is written before it is sent, and so before its result is seen.
func (s *site) watch(n int, sentAt []time.Time, skip func(int) bool) []time.Duration {
	reader, err := kgo.NewClient(kgo.SeedBrokers(s.brokers), kgo.ConsumeTopics(s.results()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		s.Error(err)
		return nil
	}
	defer reader.Close()
	ctx, cancel := context.WithTimeout(s.Context(), 3*time.Minute)
	defer cancel()
	var latencies []time.Duration
	for got := 0; got < n && ctx.Err() == nil; {
		fetches := reader.PollFetches(ctx)
		now := time.Now()
		for r := range fetches.RecordsAll() {
			got++
			result, err := events.DecodeResult(r.Value)
			if err != nil {
				s.Error(err)
				continue
			}
			var i int
			if _, err := fmt.Sscanf(result.CorrelationID, "261122103000-%x", &i); err != nil {
				s.Error(err)
			}
			if !skip(i) {
				latencies = append(latencies, now.Sub(sentAt[i]))
			}
		}
	}
	return latencies
}
