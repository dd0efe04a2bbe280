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

	mu      sync.Mutex
	seen    sightings
	results []time.Time // when each final result was seen
	lags    []latency   // of those that took one question, in the order they were seen
}

// sightings is what a subscriber has seen.
type sightings struct {
	completed, failed, unknown int // final results
	interim                    int
	duplicates, dead           int
}

func (s sightings) results() int { return s.completed + s.failed + s.unknown }

// ended is how many events have come to their end.
func (s sightings) ended() int { return s.results() + s.duplicates + s.dead }

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

func (s *subscriber) see(r *kgo.Record, now time.Time) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Topic {
	case topics.DeadLetter:
		s.seen.dead++
	case topics.Duplicates:
		var d events.Duplicate
		if d, err = events.DecodeDuplicate(r.Value); d.Verdict == events.VerdictDuplicate { // what was redelivered ended elsewhere, before
			s.seen.duplicates++
		}
	default:
		var result events.Result
		if result, err = events.DecodeResult(r.Value); err == nil {
			s.seeResult(result, now)
		}
	}
	if err != nil {
		return fmt.Errorf("subscriber: %s/%d/%d: %w", r.Topic, r.Partition, r.Offset, err)
	}
	return nil
}

// seeResult is called with mu held.
func (s *subscriber) seeResult(r events.Result, now time.Time) {
	switch r.Result {
	case events.Pending:
		s.seen.interim++
		return
	case events.Completed:
		s.seen.completed++
	case events.Failed:
		s.seen.failed++
	case events.Unknown:
		s.seen.unknown++
	}
	s.results = append(s.results, now)
	if r.Attempts == 1 {
		s.lags = append(s.lags, latency{now, now.Sub(r.RequestedAt)})
	}
}

func (s *subscriber) sightings() sightings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// since returns how many final results were seen since a time.
func (s *subscriber) since(t time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, _ := slices.BinarySearchFunc(s.results, t, time.Time.Compare)
	return len(s.results) - i
}

// newest sums up the newest n results that took one question.
func (s *subscriber) newest(n int) percentiles {
	s.mu.Lock()
	defer s.mu.Unlock()
	return percentilesOf(s.lags[max(0, len(s.lags)-n):])
}

// until sums up those that were seen before a time.
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
