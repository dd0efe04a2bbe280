package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/dedup"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/stream"
)

const group = "charge-result"

// What differs from the program's defaults, so that an outage and the recovery from it fit into half a minute.
const (
	concurrency   = 128
	tryTimeout    = 3500 * time.Millisecond // a slow answer takes 3 s, and is waited for
	breakerWindow = 4 * time.Second
	breakerRatio  = 0.3
	breakerOpen   = 3600 * time.Millisecond // must be longer than a try
	drainTimeout  = time.Second             // at the end nothing should be in flight
)

var topics = processor.Topics{
	Requested: events.TopicRequested, Cancelled: events.TopicCancelled,
	Result: events.TopicResult, DeadLetter: events.TopicDeadLetter, Duplicates: events.TopicDuplicates,
}

// pipeline is the processor, wired as in cmd/chargeresult.
type pipeline struct {
	claims  *dedup.Store
	client  *inquiry.Client
	breaker *inquiry.Breaker
	engine  *stream.Engine
}

// onChange is what the breaker tells of its changes.
type onChange func(from inquiry.State, now inquiry.BreakerStatus)

func newPipeline(ctx context.Context, s *surroundings, admin *kadm.Client, changed onChange, log *slog.Logger) (*pipeline, error) {
	p := &pipeline{}
	var err error
	if p.claims, err = openClaims(ctx, s, admin); err != nil {
		return nil, err
	}
	if err := p.assemble(s, changed, log); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *pipeline) close() error {
	if p.client != nil {
		p.client.Close()
	}
	return p.claims.Close()
}

func openClaims(ctx context.Context, s *surroundings, admin *kadm.Client) (*dedup.Store, error) {
	meta, err := admin.Metadata(ctx, topics.Input()...)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's topics: %w", err)
	}
	ids := map[string][16]byte{}
	for _, topic := range topics.Input() {
		ids[topic] = meta.Topics[topic].ID
	}
	store, err := dedup.Open(ctx, dedup.Config{URL: "redis://localhost:6379", Group: group, ClusterID: meta.Cluster, TopicIDs: ids, Dialer: s.redis.Dial})
	if err != nil {
		return nil, fmt.Errorf("open the claims: %w", err)
	}
	// The group is new by construction; anywhere else Kafka must be asked before a store is initialised.
	if err := store.Initialise(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare the claims: %w", err), store.Close())
	}
	return store, nil
}

func (p *pipeline) assemble(s *surroundings, changed onChange, log *slog.Logger) error {
	var err error
	p.client, err = inquiry.New(inquiry.Config{
		BaseURL: vendorURL, ASPID: "demonstration-1", AccessKey: inquiry.Secret(strings.Repeat("demo", 10)),
		Signer:  inquiry.KMV1{SecretKey: inquiry.Secret(secretKey)},
		Timeout: tryTimeout, Concurrency: concurrency, DialContext: s.network.DialContext,
	})
	if err != nil {
		return fmt.Errorf("inquiry: %w", err)
	}
	p.breaker = inquiry.WithBreaker(p.client, inquiry.BreakerConfig{
		Window: breakerWindow, FailureRatio: breakerRatio, Open: breakerOpen, Concurrency: concurrency, TryTimeout: tryTimeout, OnChange: changed,
	})
	flow, err := processor.New(processor.Config{
		Group: group, Topics: topics, Claims: p.claims, Inquirer: inquiry.WithRetries(p.breaker, inquiry.RetryConfig{}),
	})
	if err != nil {
		return err
	}
	p.engine, err = stream.New(stream.Config{
		Client: append(s.kafkaOptions(), kgo.ClientID("chargeresult")), Group: group, Topics: topics.Input(), TransactionalID: group + "-demo",
		Handler: flow, Ledger: flow, Concurrency: concurrency, DrainTimeout: drainTimeout, Logger: log,
	})
	return err
}

// lagInterval is how often awaitDrained looks.
const lagInterval = 50 * time.Millisecond

// awaitDrained returns whether the group finished everything before ctx ended: each partition's committed offset is its end. No
// transaction writes to the input topics, so that no marker is left over.
func awaitDrained(ctx context.Context, admin *kadm.Client) bool {
	tick := time.NewTicker(lagInterval)
	defer tick.Stop()
	for {
		ends, err := admin.ListEndOffsets(ctx, topics.Input()...)
		if err == nil {
			var committed kadm.OffsetResponses
			committed, err = admin.FetchOffsets(ctx, group)
			if err == nil && lag(ends, committed) == 0 {
				return true
			}
		}
		select { // an error is as good as a lag: the group may not be there yet
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

// lag is how many records lie between the committed offsets and the ends.
func lag(ends kadm.ListedOffsets, committed kadm.OffsetResponses) int64 {
	var lag int64
	ends.Each(func(end kadm.ListedOffset) {
		at, ok := committed.Lookup(end.Topic, end.Partition)
		if !ok || at.At < 0 {
			lag += end.Offset
			return
		}
		lag += end.Offset - at.At
	})
	return lag
}
