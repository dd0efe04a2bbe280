package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
)

// subscriber is a downstream service: it reads what is committed, as it is committed.
type subscriber struct {
	client *kgo.Client

	mu   sync.Mutex
	seen sightings
	lags []latency // of the results, in the order they were seen
}

// sightings is what a subscriber has seen.
type sightings struct {
	completed, failed, duplicates, dead int
}

func (s sightings) ended() int { return s.completed + s.failed + s.duplicates + s.dead }

// latency is how long after its event a result was visible.
type latency struct {
	seen time.Time
	took time.Duration
}

func newSubscriber(options []kgo.Opt) (*subscriber, error) {
	client, err := kgo.NewClient(append(options, kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeTopics(topics.Result, topics.DeadLetter, topics.Duplicates),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		return nil, fmt.Errorf("make the subscriber: %w", err)
	}
	return &subscriber{client: client}, nil
}

// run reads until ctx ends.
func (s *subscriber) run(ctx context.Context) error {
	for {
		fetches := s.client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
		now := time.Now()
		for r := range fetches.RecordsAll() {
			if err := s.see(r, now); err != nil {
				return err
			}
		}
	}
}

func (s *subscriber) see(r *kgo.Record, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Topic {
	case topics.DeadLetter:
		s.seen.dead++
	case topics.Duplicates:
		s.seen.duplicates++
	default:
		result, err := events.DecodeResult(r.Value)
		if err != nil {
			return fmt.Errorf("result at %d/%d: %w", r.Partition, r.Offset, err)
		}
		if result.Result == events.Completed {
			s.seen.completed++
		} else {
			s.seen.failed++
		}
		s.lags = append(s.lags, latency{now, now.Sub(result.RequestedAt)})
	}
	return nil
}

func (s *subscriber) sightings() sightings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// since returns how many results were seen since a time.
func (s *subscriber) since(t time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.lags) - before(s.lags, t)
}

// newest sums up the newest n results.
func (s *subscriber) newest(n int) percentiles {
	s.mu.Lock()
	defer s.mu.Unlock()
	return percentilesOf(s.lags[max(0, len(s.lags)-n):])
}

// until sums up the results that were seen before a time.
func (s *subscriber) until(t time.Time) percentiles {
	s.mu.Lock()
	defer s.mu.Unlock()
	return percentilesOf(s.lags[:before(s.lags, t)])
}

// before returns how many were seen before t.
func before(lags []latency, t time.Time) int {
	i, _ := slices.BinarySearchFunc(lags, t, func(l latency, t time.Time) int { return l.seen.Compare(t) })
	return i
}

// percentiles sums up latencies; 0 if there are none.
type percentiles struct{ p50, p99 time.Duration }

func percentilesOf(lags []latency) percentiles {
	if len(lags) == 0 {
		return percentiles{}
	}
	sorted := slices.SortedFunc(slices.Values(lags), func(a, b latency) int { return int(a.took - b.took) })
	nearest := func(percent int) time.Duration { // the nearest-rank method
		return sorted[(len(sorted)*percent+99)/100-1].took
	}
	return percentiles{nearest(50), nearest(99)}
}
