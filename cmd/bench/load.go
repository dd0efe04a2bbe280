package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// load is what is sent in a run: the same records, in the same order, in every run.
type load struct {
	records int
	rate    int  // records a second, as an upstream sends them; 0: a backlog, which is there before anybody reads
	hot     bool // every other event has the same record key
}

// What all loads have in common.
const (
	keys           = 2000 // record keys, beside the hot one
	hotKey         = "hot"
	duplicateEvery = 20   // one record in so many repeats an earlier event,
	duplicateReach = 1000 // which is at most so many records earlier
	idTime         = "261122103000"
)

// batchBytes is the largest batch of records: what Kafka's own producer makes by default.
const batchBytes = 16 << 10

// original returns which event the i-th record holds: the i-th, or an earlier one if it is a duplicate. A duplicate is never repeated.
func (l load) original(i int) int {
	if !duplicate(i) {
		return i
	}
	earlier := i - 1 - int(chance(i).Uint64N(duplicateReach))
	if duplicate(earlier) {
		earlier--
	}
	return earlier
}

func duplicate(i int) bool { return i%duplicateEvery == duplicateEvery-1 && i > duplicateReach }

// key returns the record key of an event.
func (l load) key(event int) string {
	c := chance(event)
	if c.Uint64N(2) == 0 && l.hot {
		return hotKey
	}
	return fmt.Sprintf("key-%04d", c.Uint64N(keys))
}

// chance is what decides about a record or an event: the same in every run.
func chance(i int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(i))) }

func (l load) record(i int) *kgo.Record {
	event := l.original(i)
	return &kgo.Record{
		Key:   []byte(l.key(event)),
		Value: fmt.Appendf(nil, `{"correlationId":"%s-%07x","sequenceId":"CHG%010d","requestedAt":"2026-11-22T10:30:00+09:00"}`, idTime, event, event),
	}
}

// sent is a load on its way. Its slices are indexed by event, and have zeros for duplicates.
type sent struct {
	load
	events    int         // how many there are
	awaited   int         // of how many the results count: see counts
	partition []int32     // where the event goes
	at        []time.Time // when it was sent; owned by send until it returns
	hottest   int32       // the partition of the hot key; -1 if there is none
}

func newSent(l load, partitions int) *sent {
	s := &sent{load: l, partition: make([]int32, l.records), at: make([]time.Time, l.records), hottest: -1}
	to := partitioner.ForTopic("")
	if l.hot {
		s.hottest = int32(to.Partition(&kgo.Record{Key: []byte(hotKey)}, partitions))
	}
	for i := range l.records {
		if duplicate(i) {
			continue
		}
		s.events++
		s.partition[i] = int32(to.Partition(s.record(i), partitions))
		if s.counts(i) {
			s.awaited++
		}
	}
	return s
}

// counts says whether the result of a record's event counts: those of the hot key's partition don't, because they wait for each other.
func (s *sent) counts(i int) bool { return !duplicate(i) && s.partition[i] != s.hottest }

// partitioner is the one that Kafka's own producer has.
var partitioner = kgo.StickyKeyPartitioner(nil)

// send sends all records, each at its time.
func (s *sent) send(ctx context.Context, broker, topic string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(partitioner),
		kgo.ProducerLinger(0), kgo.ProducerBatchMaxBytes(batchBytes), kgo.MaxBufferedRecords(100_000))
	if err != nil {
		return fmt.Errorf("send the events: %w", err)
	}
	defer client.Close()
	began := time.Now()
	var failed error // owned by the promises, which come one at a time, until Flush has returned
	for i := range s.records {
		if s.rate > 0 {
			time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(s.rate))))
		}
		if !duplicate(i) {
			s.at[i] = time.Now()
		}
		client.Produce(ctx, s.record(i), func(_ *kgo.Record, err error) {
			if err != nil {
				failed = err
			}
		})
	}
	if err := client.Flush(ctx); err != nil {
		return fmt.Errorf("send the events: %w", err)
	}
	return failed
}
