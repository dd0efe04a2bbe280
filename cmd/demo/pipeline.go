package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/dedup"
	"github.com/chargeresult/chargeresult/processor/replay"
	"github.com/chargeresult/chargeresult/processor/stream"
	"github.com/chargeresult/chargeresult/processor/telemetry"
)

const group = "charge-result"

// What differs from the program's defaults, so that an outage and what PENDING leads to fit into half a minute.
const (
	concurrency  = 128
	deadline     = 12 * time.Second
	grace        = 4 * time.Second
	drainTimeout = time.Second // at the end nothing should be in flight
)

var topics = processor.Topics{
	Requested: events.TopicRequested, Cancelled: events.TopicCancelled,
	Result: events.TopicResult, DeadLetter: events.TopicDeadLetter, Duplicates: events.TopicDuplicates, RetryPrefix: events.TopicRetryPrefix,
}

// policy is how long transactions without an answer wait.
func policy() processor.Policy {
	return processor.Policy{Schedule: []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}, Deadline: deadline, NotFoundGrace: grace}
}

// retryTopics are where they do.
func retryTopics() []string {
	var names []string
	for _, delay := range policy().Schedule {
		names = append(names, events.RetryTopic(topics.RetryPrefix, delay))
	}
	return names
}

// pipeline is the processor, wired as in cmd/chargeresult.
type pipeline struct {
	telemetry *telemetry.Telemetry
	claims    *dedup.Store
	intake    *stream.Intake
	asking    *asking
	flow      *processor.Processor
	engine    *stream.Engine
}

// watchers are told what goes on inside.
type watchers struct {
	breaker *history
	wipe    *wipe
	traces  *traces
	log     *slog.Logger
}

func newPipeline(ctx context.Context, s *surroundings, admin *kadm.Client, told watchers) (*pipeline, error) {
	recording, err := told.traces.telemetry()
	if err != nil {
		return nil, err
	}
	p := &pipeline{telemetry: recording, intake: stream.NewIntake(told.log)}
	meta, err := admin.Metadata(ctx, topics.Input()...)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's topics: %w", err)
	}
	ids := map[string][16]byte{}
	for _, topic := range topics.Input() {
		ids[topic] = meta.Topics[topic].ID
	}
	p.claims, err = dedup.Open(ctx, dedup.Config{
		URL: "redis://" + redisAddr, Group: group, ClusterID: meta.Cluster, TopicIDs: ids, Dialer: s.redis.Dial, Instrument: p.telemetry.Redis(redisAddr),
	})
	if err != nil {
		return nil, fmt.Errorf("open the claims: %w", err)
	}
	if err := p.assemble(s, ids, told); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *pipeline) close() error {
	if p.asking != nil {
		p.asking.client.Close()
	}
	return p.claims.Close()
}

func (p *pipeline) assemble(s *surroundings, topicIDs map[string][16]byte, told watchers) error {
	decoder, err := events.NewDecoder(events.Fields{})
	if err != nil {
		return err
	}
	rebuilder, err := replay.NewRebuilder(replay.RebuildConfig{
		Client: s.kafkaOptions(), Group: group, Result: topics.Result, Duplicates: topics.Duplicates, RetryPrefix: topics.RetryPrefix,
		TopicIDs: topicIDs, TTL: dedup.DefaultTTL, Decoder: decoder, Claims: p.claims, Logger: told.log,
	})
	if err != nil {
		return err
	}
	if p.asking, err = newAsking(s, p.intake, p.telemetry, told.breaker); err != nil {
		return err
	}
	p.flow, err = processor.New(processor.Config{
		Group: group, Topics: topics, Policy: policy(), Guards: processor.Guards{Refusals: 20, DeadLetters: 100, Probe: breakerOpen},
		Claims: p.claims, Rebuilder: told.wipe.watch(rebuilder), Inquirer: p.asking, Intake: p.intake, Telemetry: p.telemetry,
	})
	if err != nil {
		return err
	}
	p.engine, err = stream.New(stream.Config{
		Client: append(s.kafkaOptions(), kgo.ClientID("chargeresult")), Group: group, Topics: topics.Input(), TransactionalID: group + "-demo",
		Parked: retryTopics(), Due: p.flow.Due, Intake: p.intake,
		Handler: p.flow, Ledger: p.flow, Concurrency: concurrency, DrainTimeout: drainTimeout, Logger: told.log,
	})
	return err
}

// waiting is how many transactions wait in a retry topic.
func (p *pipeline) waiting() (waiting int64) {
	for _, partition := range p.flow.Counts().Partitions {
		waiting += partition.Parked - partition.Resumed
	}
	return waiting
}
