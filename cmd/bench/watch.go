package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// watcher is a subscriber of the results: it notes when they become visible to one that reads committed records only.
type watcher struct {
	client *kgo.Client
	seen   atomic.Int64

	// Owned by watch until it returns.
	from, to time.Time   // when a tenth, and nine tenths, of the results were visible
	visible  []time.Time // by event, when its result was
}

func newWatcher(broker, topic string, s *sent) (*watcher, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, fmt.Errorf("watch the results: %w", err)
	}
	return &watcher{client: client, visible: make([]time.Time, s.records)}, nil
}

// watch reads until all results were seen that count.
func (w *watcher) watch(ctx context.Context, s *sent) error {
	seen, n := 0, s.awaited
	for seen < n {
		fetches := w.client.PollFetches(ctx)
		now := time.Now()
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("watch the results, %d of %d so far: %w", seen, n, err)
		}
		for r := range fetches.RecordsAll() {
			event, err := eventOf(r.Value, len(w.visible))
			if err != nil {
				return err
			}
			if !w.visible[event].IsZero() {
				continue // a loop that only promises at least once may repeat itself
			}
			w.visible[event] = now
			if s.counts(event) {
				seen++
			}
			switch seen {
			case n / 10:
				w.from = now
			case n * 9 / 10:
				w.to = now
			}
		}
		w.seen.Store(int64(seen))
	}
	return nil
}

// perSecond is the rate of results between a tenth and nine tenths of n.
func (w *watcher) perSecond(n int) float64 { return float64(n*9/10-n/10) / w.to.Sub(w.from).Seconds() }

// eventOf finds the event's number in its correlation ID, which all contenders write.
func eventOf(value []byte, events int) (int, error) {
	_, after, found := bytes.Cut(value, []byte(`"correlationId":"`+idTime+"-"))
	if !found || len(after) < 7 {
		return 0, fmt.Errorf("a result without its correlation ID: %.200s", value)
	}
	n, err := strconv.ParseInt(string(after[:7]), 16, 64)
	if err != nil || int(n) >= events {
		return 0, fmt.Errorf("a result of no event: %.200s", value)
	}
	return int(n), nil
}

// settling is the part of a load at a rate whose latencies don't count: a fifth.
const settling = 5

// latencies are the median and the 99th percentile from sending an event to seeing its result, of those that count.
func (w *watcher) latencies(s *sent) (p50, p99 time.Duration) {
	var all []time.Duration
	for event := s.records / settling; event < s.records; event++ {
		if s.counts(event) {
			all = append(all, w.visible[event].Sub(s.at[event]))
		}
	}
	slices.Sort(all)
	return all[len(all)/2], all[len(all)*99/100]
}
