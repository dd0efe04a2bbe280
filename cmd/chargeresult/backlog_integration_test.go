//go:build integration

package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// wait produces retry records as a process would have, for n charges numbered from first that were PENDING when they were first asked about.
// Their input records are not there: nobody reads those again.
func (s *site) wait(first, n int, due, firstSeen time.Time) {
	s.Helper()
	topic := events.RetryTopic(s.topics["TOPIC_RETRY_PREFIX"], 2*time.Hour) // of an earlier schedule: nothing else waits in it
	testbed.CreateTopics(s, s.brokers, 4, topic)
	details, err := s.admin.ListTopics(s.Context(), s.requested())
	if err != nil {
		s.Fatal(err)
	}
	for i := first; i < first+n; i++ {
		retry := events.Retry{
			Origin: events.Source{Topic: s.requested(), Partition: int32(i % 4), Offset: int64(i)}, OriginTopicID: details[s.requested()].ID, OriginTime: firstSeen,
			Operation: events.Charge, Hop: 1, Attempts: 1, Due: due.Add(time.Duration(i-first) * time.Microsecond), Reason: events.WaitPending,
			FirstSeen: firstSeen, FirstAsked: firstSeen, Interim: true,
		}
		r := &kgo.Record{
			Topic: topic,
			Key:   fmt.Appendf(nil, "key%d", i%500), Value: []byte(eventJSON(i, sequenceID(i))),
		}
		for _, h := range retry.Headers(nil) {
			r.Headers = append(r.Headers, kgo.RecordHeader(h))
		}
		s.client.Produce(s.Context(), r, func(_ *kgo.Record, err error) {
			if err != nil {
				s.Error(err)
			}
		})
		if i%500 == 499 { // a transaction; larger batches would be compressed better
			s.flush()
		}
	}
	s.flush()
}

// peakMemory is the most memory that the process has used so far, in MiB.
func (p *program) peakMemory() float64 {
	p.Helper()
	peak, err := testbed.PeakMemory(p.cmd.Process.Pid)
	if err != nil {
		p.Fatal(err)
	}
	return float64(peak) / (1 << 20)
}

// footing is what live traffic costs beside a backlog.
type footing struct {
	rebuild  time.Duration // of the claims of an empty Redis, at the first event
	rebuilt  float64       // peak memory of the process that did so, in MiB
	peak     float64       // peak memory of one that starts after it
	p50, p99 time.Duration // of an event until its result is visible
}

// beside measures live traffic beside n transactions that wait for longer than the test takes.
func beside(t *testing.T, n int) (f footing) {
	t.Helper()
	s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 4, konasim.Config{Latency: konasim.Latency{P50: 20 * time.Millisecond}})
	s.wait(1<<20, n, time.Now().Add(time.Hour), time.Now())
	var sent sending
	s.send(&sent, 0, 1, 0)
	p := s.startAndAwait("")
	f.rebuild = await(t, "the first event is done", eventually, func() bool { return p.finals() == 1 })
	f.rebuilt = p.peakMemory()
	p.stops(soon)

	p = s.startAndAwait("")
	await(t, "it has seen what waits", eventually, func() bool { p.alive(); return n == 0 || p.mostWaiting() > 0 })
	s.send(&sent, 1, 1, 0)
	await(t, "it works", eventually, func() bool { return p.finals() == 1 })
	const rounds = 2 // the better one counts: a machine may be busy for a while, what waits is there all the time
	live := 200 * number("CHARGERESULT_BACKLOG_SECONDS", 2)
	for round := range rounds {
		if p50, p99 := s.live(2+round*live, live, 5*time.Millisecond); round == 0 || p50 < f.p50 {
			f.p50, f.p99 = p50, p99
		}
	}
	f.peak = p.peakMemory()
	if calls := s.vendor.Stats().Calls; calls != uint64(2+rounds*live) {
		t.Errorf("%d calls for %d events: something did not wait", calls, 2+rounds*live)
	}
	if most := p.mostWaiting(); most >= 1000 {
		t.Errorf("%d records of one partition wait in the process, want less than two polls of 500", most)
	}
	p.stops(soon)
	return f
}

// mostWaiting is how many retry records of one partition the process holds, of that which has most.
func (p *program) mostWaiting() (most int) {
	p.Helper()
	for _, partition := range p.status().Engine.Partitions {
		most = max(most, partition.Waiting)
	}
	return most
}

// live sends n events, numbered from first, which is how many there were before, at an interval, and returns how long they took to be visible
// to a read_committed subscriber: the median and the 99th percentile. Each counts from when it should have been sent.
func (s *site) live(first, n int, interval time.Duration) (p50, p99 time.Duration) {
	s.Helper()
	due := make([]time.Time, first+n)
	began := time.Now().Add(100 * time.Millisecond)
	for i := range n {
		due[first+i] = began.Add(time.Duration(i) * interval)
	}
	seen := make(chan []time.Duration)
	go func() { seen <- s.watch(first+n, due, func(i int) bool { return i < first }) }()
	for i := first; i < first+n; i++ {
		time.Sleep(time.Until(due[i]))
		s.produce(s.requested(), fmt.Sprintf("key%d", i%500), eventJSON(i, sequenceID(i)))
	}
	latencies := <-seen
	slices.Sort(latencies)
	return latencies[len(latencies)/2], latencies[len(latencies)*99/100]
}

// TestBacklog: what waits, waits in Kafka. Neither the memory of a process grows with it, nor the latency of what is live.
func TestBacklog(t *testing.T) {
	backlog := number("CHARGERESULT_BACKLOG", 10_000)
	const most, mostRebuilding = 40, 100 // MiB more than without a backlog
	measured := map[int]footing{}
	for _, n := range []int{0, backlog / 10, backlog} {
		f := beside(t, n)
		measured[n] = f
		t.Logf("%d wait: peak %.1f MiB, p50 %v, p99 %v; claims rebuilt within %v, peak %.1f MiB", n,
			f.peak, f.p50.Round(time.Microsecond), f.p99.Round(time.Microsecond), f.rebuild.Round(time.Millisecond), f.rebuilt)
	}
	none, all := measured[0], measured[backlog]
	if more := all.peak - none.peak; more > most {
		t.Errorf("%.1f MiB more with %d waiting, want at most %d", more, backlog, most)
	}
	if more := all.rebuilt - none.rebuilt; more > mostRebuilding {
		t.Errorf("%.1f MiB more to rebuild the claims of %d waiting, want at most %d", more, backlog, mostRebuilding)
	}
	if slowest := 2*none.p50 + 100*time.Millisecond; all.p50 > slowest {
		t.Errorf("the median latency is %v with %d waiting, %v without; want at most %v", all.p50, backlog, none.p50, slowest)
	}
}
