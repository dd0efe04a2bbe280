package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chargeresult/chargeresult/processor/dedup"
)

// redisAnswerTimeout is how long preflight waits for Redis.
const redisAnswerTimeout = 5 * time.Second

// facts is all that preflight decides on, beside the settings.
type facts struct {
	kafka kafkaFacts
	redis redisFacts
}

// kafkaFacts is what the cluster says of itself.
type kafkaFacts struct {
	err                error // why nothing else is known
	brokers            []brokerFacts
	transactionVersion int16                 // finalized level of the feature transaction.version; 0: none
	topics             map[string]topicFacts // those that exist
}

// brokerFacts is what one broker says of itself.
type brokerFacts struct {
	id      int32
	err     error  // why nothing else is known
	release string // as its API versions suggest
	endTxn  int16  // newest version of EndTxn it speaks
}

// redisFacts is what Redis says of itself.
type redisFacts struct {
	dedup.Facts
	err error // why nothing is known
}

// The topics in which Kafka itself keeps offsets and transactions: what is not durable there is not durable here.
var internalTopics = []string{"__consumer_offsets", "__transaction_state"}

// gather asks Kafka and Redis, at the same time.
func gather(ctx context.Context, c config) facts {
	var f facts
	var wg sync.WaitGroup
	wg.Go(func() { f.kafka = gatherKafka(ctx, c) })
	wg.Go(func() { f.redis = gatherRedis(ctx, c) })
	wg.Wait()
	return f
}

func gatherKafka(ctx context.Context, c config) kafkaFacts {
	ctx, cancel := context.WithTimeoutCause(ctx, kafkaAnswerTimeout, errors.New("Kafka did not answer within "+kafkaAnswerTimeout.String()))
	defer cancel()
	admin, err := openAdmin(ctx, c)
	if err != nil {
		return kafkaFacts{err: err}
	}
	defer admin.Close()
	var k kafkaFacts
	versions, err := admin.ApiVersions(ctx)
	if err != nil {
		return kafkaFacts{err: fmt.Errorf("asking brokers for their versions: %w", err)}
	}
	if len(versions) == 0 { // as where the only one is starting
		return kafkaFacts{err: errors.New("asking brokers for their versions: the cluster lists no broker at the moment")}
	}
	for _, v := range versions.Sorted() {
		if v.Err != nil {
			k.brokers = append(k.brokers, brokerFacts{id: v.NodeID, err: v.Err})
			continue
		}
		endTxn, _ := v.KeyMaxVersion(kmsg.EndTxn.Int16())
		k.brokers = append(k.brokers, brokerFacts{id: v.NodeID, release: v.VersionGuess(), endTxn: endTxn})
		k.transactionVersion = max(k.transactionVersion, finalized(v, "transaction.version"))
	}
	if k.topics, err = describeTopics(ctx, admin, append(topicNames(c), internalTopics...)...); err != nil {
		return kafkaFacts{err: err}
	}
	return k
}

// finalized is the level of a feature that holds for the whole cluster; 0: none.
func finalized(v kadm.BrokerApiVersions, feature string) int16 {
	for _, f := range v.Raw().FinalizedFeatures {
		if f.Name == feature {
			return f.MaxVersionLevel
		}
	}
	return 0
}

func gatherRedis(ctx context.Context, c config) redisFacts {
	ctx, cancel := context.WithTimeoutCause(ctx, redisAnswerTimeout, errors.New("Redis did not answer within "+redisAnswerTimeout.String()))
	defer cancel()
	t, err := redisTLS(c)
	if err != nil {
		return redisFacts{err: err}
	}
	facts, err := dedup.Inspect(ctx, dedup.Config{URL: redisAddress(c), TLS: t})
	return redisFacts{Facts: facts, err: err}
}
