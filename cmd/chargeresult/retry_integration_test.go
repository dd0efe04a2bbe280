//go:build integration

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// pendings is how many asks the i-th transaction is PENDING for: one in three is, for one to four.
func pendings(i int) int {
	if i%3 != 0 {
		return 0
	}
	return 1 + i/3%4
}

// pendingSequence is the sequence ID of a transaction that is PENDING for so many asks.
func pendingSequence(i int) string {
	if n := pendings(i); n > 0 {
		return fmt.Sprintf("PENDING-%d-%06d", n, i)
	}
	return sequenceID(i)
}

// TestRetries kills processes and the broker while a third of the transactions have to be asked about again: each gets one final result all the
// same, those that waited one interim result before it, and none is asked about before its time.
func TestRetries(t *testing.T) {
	t.Parallel()
	total, kills := number("CHARGERESULT_RETRY_EVENTS", 2000), number("CHARGERESULT_KILLS", 4)
	kafka := testbed.StartKafka(t)
	s := newSite(t, kafka.Addr, testbed.SharedRedis(t), 8, konasim.Config{
		Shares: konasim.Shares{Completed: 80, Failed: 20}, Latency: konasim.Latency{P50: 100 * time.Millisecond, P99: 300 * time.Millisecond},
	})
	s.extra = []string{"CHARGERESULT_CONCURRENCY=16", "CHARGERESULT_SESSION_TIMEOUT=6s", "CHARGERESULT_TRANSACTION_TIMEOUT=6s"}
	var sent sending
	s.sendAs(&sent, 0, total, 0.05, pendingSequence)
	asks := 0
	for i := range total {
		asks += 1 + pendings(i)
	}
	instances := []string{"static-0", ""}
	processes := []*program{s.start(instances[0]), s.start(instances[1])}
	var outage period
	for k := range kills + 1 {
		// Crashes are spread over the work, re-asks included: the k-th comes when about that part of it is done, at a moment of its own.
		await(t, "part of the questions is asked", 5*time.Minute, func() bool {
			s.alive()
			return s.vendor.Stats().Calls >= uint64(asks*(k+1)/(kills+3))
		})
		time.Sleep(rand.N(300 * time.Millisecond))
		if k == kills/2 {
			outage.from = time.Now()
			kafka.Kill()
			kafka.Restart()
			outage.to = time.Now().Add(expulsion)
			continue
		}
		victim := rand.IntN(2)
		processes[victim].kill()
		processes[victim] = s.start(instances[victim])
	}
	s.awaitDone(5 * time.Minute)
	s.judged(&sent)
	s.askedInTime(total, outage)
	for _, p := range processes {
		p.stops(40 * time.Second)
	}
	s.reconciled(&sent)
}

// period is a stretch of time.
type period struct{ from, to time.Time }

func (p period) contains(t time.Time) bool { return !t.Before(p.from) && t.Before(p.to) }

// expulsion is for how long after an outage of the broker two processes may take a record for theirs: a member that comes back later than
// its session timeout of 6 s was expelled, and learns of it with its next heartbeat.
const expulsion = 15 * time.Second

// askedInTime compares the retry records of the charges that sendAs made with the vendor's ledger.
func (s *site) askedInTime(total int, outage period) {
	s.Helper()
	courses := s.courses()
	var faults []string
	waited, repeated := 0, 0
	for i := range total {
		c := courses[events.Identity{Operation: events.Charge, CorrelationID: correlationID(i)}]
		if c == nil {
			faults = append(faults, correlationID(i)+" was never asked about")
			continue
		}
		waited += len(c.hops)
		if len(c.asks) > c.final.Attempts {
			repeated++ // after a crash: what was answered, but not committed
		} else if len(c.hops) != pendings(i) {
			faults = append(faults, fmt.Sprintf("%s waited %d times, PENDING for %d", correlationID(i), len(c.hops), pendings(i)))
		}
		for _, fault := range append(c.miscounted(), c.early(outage)...) {
			faults = append(faults, correlationID(i)+": "+fault)
		}
	}
	s.Logf("%d transactions, %d retry records, %d transactions asked about again after a crash", total, waited, repeated)
	if waited == 0 {
		s.Error("nothing waited: the test shows nothing")
	}
	for _, fault := range faults[:min(len(faults), 10)] {
		s.Error(fault)
	}
	if len(faults) > 10 {
		s.Errorf("and %d more", len(faults)-10)
	}
}

// TestRetryOnTime: what waits is asked about within a second of its due time, where there is nothing else to do; and what waits is the
// original, byte by byte.
func TestRetryOnTime(t *testing.T) {
	s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 1, konasim.Config{})
	originals := []*kgo.Record{
		{Key: []byte{0, 0xff, 'k'}, Headers: []kgo.RecordHeader{
			{Key: "binary", Value: []byte{0xff, 0, '\n'}}, {Key: "empty", Value: []byte{}}, {Key: "null"}, {Key: "binary", Value: []byte("again")}, {Key: ""},
		}},
		{Key: []byte{}},
		{},
	}
	var sent sending
	s.sendAs(&sent, len(originals), 1, 0, func(int) string { return "PENDING-3-warm-up" }) // whatever is done for the first time takes longer
	p := s.startAndAwait("")
	s.awaitDone(eventually)
	for i, r := range originals {
		r.Topic, r.Value = s.requested(), fmt.Appendf(nil, "\n %s\t", eventJSON(i, fmt.Sprintf("PENDING-3-%d", i)))
		s.produceRecord(r)
		sent.transactions[events.Identity{Operation: events.Charge, CorrelationID: correlationID(i)}]++
		sent.records++
	}
	s.awaitDone(eventually)
	s.judged(&sent)
	courses := s.courses()
	for i, r := range originals {
		c := courses[events.Identity{Operation: events.Charge, CorrelationID: correlationID(i)}]
		if len(c.hops) != 3 || len(c.asks) != 4 {
			t.Fatalf("%d retry records and %d questions, want 3 and 4", len(c.hops), len(c.asks))
		}
		for _, fault := range slices.Concat(c.miscounted(), c.early(period{}), c.late(time.Second), c.altered(r)) {
			t.Errorf("transaction %d: %s", i, fault)
		}
	}
	p.stops(soon)
	s.reconciled(&sent)
}

// late finds questions that came long after their time, where each was put once.
func (c *course) late(limit time.Duration) (faults []string) {
	for n, h := range c.hops {
		if late := c.asks[n+1].Time.Sub(h.Due); late > limit {
			faults = append(faults, fmt.Sprintf("asked %v after hop %d was due", late, h.Hop))
		}
	}
	return faults
}

// altered finds retry records that are not the original, byte by byte, with headers of their own behind its headers.
func (c *course) altered(original *kgo.Record) (faults []string) {
	for _, h := range c.hops {
		if !same(h.record.Key, original.Key) || !same(h.record.Value, original.Value) {
			faults = append(faults, fmt.Sprintf("hop %d: key %q (null: %t), value %q; the original's %q (null: %t), %q", h.Hop,
				h.record.Key, h.record.Key == nil, h.record.Value, original.Key, original.Key == nil, original.Value))
		}
		if h.Origin.Offset != original.Offset || !h.OriginTime.Equal(original.Timestamp.Truncate(time.Millisecond)) {
			faults = append(faults, fmt.Sprintf("hop %d names the original %v of %v", h.Hop, h.Origin, h.OriginTime))
		}
		own := slices.IndexFunc(h.record.Headers, func(h kgo.RecordHeader) bool { return h.Key == events.HeaderRetryOrigin })
		if !slices.EqualFunc(h.record.Headers[:max(own, 0)], original.Headers, func(a, b kgo.RecordHeader) bool { return a.Key == b.Key && same(a.Value, b.Value) }) {
			faults = append(faults, fmt.Sprintf("hop %d has the headers %v, the original %v", h.Hop, h.record.Headers, original.Headers))
		}
	}
	return faults
}

// same says whether two keys or values are the same on the wire, where null is not empty.
func same(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }
