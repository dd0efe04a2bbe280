//go:build integration

package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// TestHotKey: half of all events have one key, and are asked about one after the other. The other partitions do not notice, the other keys of its own go on
// until the offset map is full, and a metric shows that coming.
func TestHotKey(t *testing.T) {
	t.Parallel()
	const partitions, slow, many = 4, 400, 1000
	s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), partitions, konasim.Config{Latency: konasim.Latency{P50: 50 * time.Millisecond}})
	s.extra = []string{"CHARGERESULT_CONCURRENCY=256", "CHARGERESULT_DRAIN_TIMEOUT=6s"}
	to := kgo.StickyKeyPartitioner(nil).ForTopic(s.requested())
	partitionOf := func(key string) int { return to.Partition(&kgo.Record{Key: []byte(key)}, partitions) }
	hot := partitionOf("hot")
	sent, hots, apart := 0, 0, 0 // events: all; of the hot key; of the other partitions
	beside := map[string]bool{}  // sequence IDs of other keys in the hot partition
	send := func(pairs int) {
		for range pairs {
			for _, key := range []string{"hot", fmt.Sprintf("key%d", sent)} {
				s.produce(s.requested(), key, eventJSON(sent, sequenceID(sent)))
				sent++
				switch {
				case key == "hot":
					hots++
				case partitionOf(key) == hot:
					beside[sequenceID(sent-1)] = true
				default:
					apart++
				}
			}
		}
	}
	p := s.startAndAwait("")
	// finals are the final results of the hot partition, and of the others.
	finals := func() (here, elsewhere int) {
		for _, c := range p.status().Counts.Partitions {
			if int(c.Partition) == hot {
				here += int(c.Final)
			} else {
				elsewhere += int(c.Final)
			}
		}
		return here, elsewhere
	}
	fill := func(partition int) float64 {
		_, after, found := strings.Cut(p.page("/metrics"), fmt.Sprintf(`chargeresult_offset_map_fill{partition="%d",topic="%s"} `, partition, s.requested()))
		value, _, _ := strings.Cut(after, "\n")
		v, err := strconv.ParseFloat(value, 64)
		if !found || err != nil {
			t.Fatalf("no fill of partition %d in the metrics: %v", partition, err)
		}
		return v
	}

	send(slow)
	await(t, "all other keys are answered, in the hot partition too", soon, func() bool {
		asked := 0
		for _, call := range s.vendor.Ledger() {
			if beside[call.SequenceID] {
				asked++
			}
		}
		_, elsewhere := finals()
		return elsewhere == apart && asked == len(beside)
	})
	await(t, "nothing of the other partitions is left", soon, func() bool { return fill((hot+1)%partitions) == 0 })
	if v := fill(hot); v < 0.1 || v >= 1 {
		t.Errorf("the hot partition's map is %.2f full; want it to show what is coming", v)
	}

	send(many)
	await(t, "the hot partition's map is full", soon, func() bool { return fill(hot) == 1 })
	await(t, "the other partitions are done all the same", soon, func() bool { _, elsewhere := finals(); return elsewhere == apart })
	if here, _ := finals(); here >= hots+len(beside) {
		t.Errorf("all %d of the hot partition are done: nothing was slow", here)
	}
	p.stops(30 * time.Second)
}
