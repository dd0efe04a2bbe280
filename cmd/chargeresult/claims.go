package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/dedup"
	"github.com/chargeresult/chargeresult/processor/replay"
	"github.com/chargeresult/chargeresult/processor/telemetry"
)

func openClaims(ctx context.Context, c config, cluster *cluster, seen *telemetry.Telemetry) (*dedup.Store, error) {
	t, err := redisTLS(c)
	if err != nil {
		return nil, err
	}
	host, _ := os.Hostname() // for people: who rebuilds
	return dedup.Open(ctx, dedup.Config{
		Holder: fmt.Sprintf("%s:%d", host, os.Getpid()),
		URL:    redisAddress(c), TLS: t, Group: c.KafkaGroup, TTL: c.DedupTTL,
		ClusterID: cluster.id, TopicIDs: cluster.topicIDs, Gone: cluster.gone,
		Instrument: seen.Redis(redisServer(c)),
	})
}

// newRebuilder makes what restores the claims from the topics, wherever they are lost.
func newRebuilder(c config, cluster *cluster, claims *dedup.Store, log *slog.Logger) (*replay.Rebuilder, error) {
	options, err := kafkaOptions(c)
	if err != nil {
		return nil, err
	}
	decoder, err := events.NewDecoder(fieldsOf(c))
	if err != nil {
		return nil, err
	}
	return replay.NewRebuilder(replay.RebuildConfig{
		Client: options, Group: c.KafkaGroup, Result: c.TopicResult, Duplicates: c.TopicDuplicates, RetryPrefix: c.TopicRetryPrefix,
		TopicIDs: cluster.topicIDs, TTL: c.DedupTTL, Decoder: decoder, Claims: claims, Logger: log, Progress: logged(log),
	})
}

// progressInterval is how often the log hears of a rebuild.
const progressInterval = 2 * time.Second

// logged tells the log of progress, now and then.
func logged(log *slog.Logger) func(done, total int64) {
	var last time.Time
	return func(done, total int64) {
		if time.Since(last) >= progressInterval {
			log.Info("rebuilding claims", "read", done, "of", total)
			last = time.Now()
		}
	}
}
