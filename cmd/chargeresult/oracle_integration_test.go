//go:build integration

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/events"
)

// sending is what was sent to a site: every record, and how many of them are of which transaction.
type sending struct {
	records      int
	transactions map[events.Identity]int
}

// correlationID numbers transactions.
func correlationID(i int) string { return fmt.Sprintf("261122103000-%07x", i) }

// sequenceID is that of a transaction's charge.
func sequenceID(i int) string { return fmt.Sprintf("CHG%010d", i) }

func eventJSON(i int, sequence string) string {
	return fmt.Sprintf(`{"correlationId":%q,"sequenceId":%q,"requestedAt":"2026-11-22T10:30:00+09:00"}`, correlationID(i), sequence)
}

// send produces n events of fresh transactions, numbered from first, over 500 keys; then about that share of them again, under keys of
// their own, so that a duplicate and its original meet in different partitions.
func (s *site) send(l *sending, first, n int, duplicates float64) {
	s.Helper()
	s.sendAs(l, first, n, duplicates, sequenceID)
}

// sendAs is send with sequence IDs that say what is to be answered: see konasim.
func (s *site) sendAs(l *sending, first, n int, duplicates float64, sequence func(int) string) {
	s.Helper()
	if l.transactions == nil {
		l.transactions = map[events.Identity]int{}
	}
	for i := first; i < first+n; i++ {
		value := eventJSON(i, sequence(i))
		s.produce(s.requested(), fmt.Sprintf("key%d", i%500), value)
		id := events.Identity{Operation: events.Charge, CorrelationID: correlationID(i)}
		l.transactions[id]++
		l.records++
		if rand.Float64() < duplicates {
			s.produce(s.requested(), fmt.Sprintf("again%d", i), value)
			l.transactions[id]++
			l.records++
		}
	}
	s.flush()
}

// cancel produces a cancellation for each of n transactions, numbered from first.
func (s *site) cancel(l *sending, first, n int) {
	s.Helper()
	if l.transactions == nil {
		l.transactions = map[events.Identity]int{}
	}
	for i := first; i < first+n; i++ {
		s.produce(s.cancelled(), fmt.Sprintf("key%d", i%500), eventJSON(i, fmt.Sprintf("CAN%010d", i)))
		l.transactions[events.Identity{Operation: events.Cancellation, CorrelationID: correlationID(i)}]++
		l.records++
	}
	s.flush()
}

func (s *site) flush() {
	s.Helper()
	if err := s.client.Flush(s.Context()); err != nil {
		s.Fatal(err)
	}
}

func (s *site) produce(topic, key, value string) {
	s.client.Produce(s.Context(), &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte(value)}, func(_ *kgo.Record, err error) {
		if err != nil {
			s.Errorf("produce to %s: %v", topic, err)
		}
	})
}

// produceRecord produces one record and waits for it, so that it has its offset.
func (s *site) produceRecord(r *kgo.Record) {
	s.Helper()
	if err := s.client.ProduceSync(s.Context(), r).FirstErr(); err != nil {
		s.Fatal(err)
	}
}

// header is the value of a record's last header of that name.
func header(r *kgo.Record, key string) string {
	for _, h := range slices.Backward(r.Headers) {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// verdict is what the topics say of a sending.
type verdict struct {
	missing, twice, unordered []string
	untrue                    []string // results that the vendor did not give
	repeated                  []string // records that ended more than once
	unended                   int      // records that have not
	interims                  []string // transactions with more than one interim result
	letters, duplicates       int
	redelivered               int // records that had ended before they were read again
}

func (v verdict) String() string {
	var b strings.Builder
	for name, some := range map[string][]string{
		"without a final result": v.missing, "with more than one": v.twice,
		"out of order": v.unordered, "ended more than once": v.repeated, "the vendor never answered so": v.untrue,
		"with more than one interim result": v.interims,
	} {
		if len(some) > 0 {
			fmt.Fprintf(&b, "%d %s, such as %s; ", len(some), name, some[0])
		}
	}
	if v.unended != 0 {
		fmt.Fprintf(&b, "%d records not accounted for; ", v.unended)
	}
	if v.letters > 0 {
		fmt.Fprintf(&b, "%d dead letters; ", v.letters)
	}
	return b.String()
}

// judge reads the output topics under read_committed and compares them with what was sent: every transaction has exactly one final
// result, and it is what the vendor said, and at most one interim result; the results of one key are in the order of its events, but for those
// that had to wait; and every other record is accounted for as a duplicate, once.
func (s *site) judge(l *sending) verdict {
	s.Helper()
	var v verdict
	finals, interims := map[events.Identity]int{}, map[events.Identity]int{}
	ended := map[events.Source]int{}
	last := map[string]int64{}
	said := map[[2]string]bool{}
	for _, call := range s.vendor.Ledger() {
		said[[2]string{call.SequenceID, call.Answer}] = true
	}
	for _, r := range testbed.Dump(s, s.brokers, s.results()) {
		result, err := events.DecodeResult(r.Value)
		if err != nil {
			s.Fatalf("result at %d/%d: %v", r.Partition, r.Offset, err)
		}
		if !result.Final {
			if interims[result.Identity()]++; interims[result.Identity()] == 2 {
				v.interims = append(v.interims, result.CorrelationID)
			}
			continue
		}
		finals[result.Identity()]++
		ended[result.Source]++
		if result.Result != events.Unknown && !said[[2]string{result.SequenceID, result.Result}] {
			v.untrue = append(v.untrue, result.SequenceID+" "+result.Result)
		}
		at := fmt.Sprintf("%s of %s/%d", r.Key, result.Source.Topic, result.Source.Partition)
		if result.Attempts > 1 {
			continue
		}
		if before, ok := last[at]; ok && before >= result.Source.Offset {
			v.unordered = append(v.unordered, fmt.Sprintf("%s: %d after %d", at, result.Source.Offset, before))
		}
		last[at] = result.Source.Offset
	}
	for id := range l.transactions {
		switch n := finals[id]; {
		case n == 0:
			v.missing = append(v.missing, id.CorrelationID)
		case n > 1:
			v.twice = append(v.twice, id.CorrelationID)
		}
	}
	for _, r := range testbed.Dump(s, s.brokers, s.topics["TOPIC_DUPLICATES"]) {
		d, err := events.DecodeDuplicate(r.Value)
		if err != nil {
			s.Fatal(err)
		}
		if d.Verdict == events.VerdictRedelivered {
			v.redelivered++
			continue
		}
		v.duplicates++
		ended[d.Source]++
	}
	letters := testbed.Dump(s, s.brokers, s.letters())
	v.letters = len(letters)
	for source, n := range ended {
		if n > 1 {
			v.repeated = append(v.repeated, fmt.Sprintf("%v (%d times)", source, n))
		}
	}
	v.unended = l.records - len(ended) - v.letters
	return v
}

// awaitDone waits until the group has finished everything: each input partition's committed offset is its end, where no transaction has left
// a marker, and nothing waits in a retry topic.
func (s *site) awaitDone(limit time.Duration) {
	s.Helper()
	deadline := time.Now().Add(limit)
	for {
		s.alive()
		lag, err := s.lag()
		if err == nil && lag == 0 && s.account().Total.Waiting == 0 {
			return
		}
		if time.Now().After(deadline) {
			s.Fatalf("after %v the group has %d records left (%v)", limit, lag, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// lag is how many records lie between the committed offsets and the ends.
func (s *site) lag() (int64, error) { return s.lagOf(func(string, int32) bool { return true }) }

func (s *site) lagOf(counts func(topic string, partition int32) bool) (int64, error) {
	ctx, cancel := context.WithTimeout(s.Context(), 5*time.Second)
	defer cancel()
	ends, err := s.admin.ListEndOffsets(ctx, s.requested(), s.cancelled())
	if err != nil {
		return -1, err
	}
	committed, err := s.admin.FetchOffsets(ctx, s.group)
	if err != nil {
		return -1, err
	}
	var lag int64
	ends.Each(func(end kadm.ListedOffset) {
		if !counts(end.Topic, end.Partition) {
			return
		}
		at, ok := committed.Lookup(end.Topic, end.Partition)
		if !ok || at.At < 0 {
			lag += end.Offset
			return
		}
		lag += end.Offset - at.At
	})
	return lag, nil
}

// finished is how many records lie below the committed offsets.
func (s *site) finished(l *sending) int64 {
	lag, err := s.lag()
	if err != nil {
		return 0
	}
	return int64(l.records) - lag
}
