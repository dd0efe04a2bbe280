package replay

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/stream"
)

const benchResults = 100_000

// benchCluster holds so many events, all finished, and their results.
func benchCluster(b *testing.B) *kafka {
	b.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("embedded"),
		kfake.SeedTopics(4, requestedTopic, cancelledTopic, resultTopic, deadTopic, duplicatesTopic))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(cluster.Close)
	k := &kafka{cluster: cluster}
	k.client, err = kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(k.client.Close)
	for i := range benchResults {
		source := events.Source{Topic: requestedTopic, Partition: int32(i % 4), Offset: int64(i / 4)}
		value, headers, err := events.Result{
			CorrelationID: correlationID(i), SequenceID: sequenceID(i), Operation: events.Charge, Result: events.Completed, Final: true,
			Revision: 1, Attempts: 1, RequestedAt: time.Now(), DecidedAt: time.Now(), Source: source,
		}.Encode(group)
		if err != nil {
			b.Fatal(err)
		}
		failed := func(_ *kgo.Record, err error) {
			if err != nil {
				b.Error(err)
			}
		}
		k.client.Produce(b.Context(), &kgo.Record{Topic: requestedTopic, Partition: source.Partition, Value: eventJSON(i)}, failed)
		k.client.Produce(b.Context(), &kgo.Record{Topic: resultTopic, Partition: source.Partition, Value: value, Headers: kafkaHeaders(headers)}, failed)
	}
	if err := k.client.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	return k
}

func reportRate(b *testing.B) {
	b.Helper()
	b.ReportMetric(float64(b.N)*benchResults/b.Elapsed().Seconds(), "results/s")
}

// BenchmarkRebuild is without the claim store's part: it restores into nothing.
func BenchmarkRebuild(b *testing.B) {
	k := benchCluster(b)
	r, err := NewRebuilder(RebuildConfig{
		Client: []kgo.Opt{kgo.SeedBrokers(k.cluster.ListenAddrs()...)}, Group: group, Result: resultTopic, Duplicates: duplicatesTopic,
		RetryPrefix: events.TopicRetryPrefix, TopicIDs: map[string][16]byte{requestedTopic: {}}, TTL: time.Hour,
		Decoder: decoder(b), Claims: &claimStore{}, Logger: quietly,
	})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r.cfg.Claims = &claimStore{}
		_ = r.Rebuild(b.Context(), stream.Member{}) // it ends where membership is to be proved
	}
	reportRate(b)
}

func BenchmarkReconcile(b *testing.B) {
	k := benchCluster(b)
	for b.Loop() {
		a, err := Reconcile(b.Context(), ReconcileConfig{
			Client: []kgo.Opt{kgo.SeedBrokers(k.cluster.ListenAddrs()...)}, Group: group, Result: resultTopic, DeadLetter: deadTopic,
			Duplicates: duplicatesTopic, RetryPrefix: events.TopicRetryPrefix, Decoder: decoder(b),
			Inputs: map[string]events.Operation{requestedTopic: events.Charge, cancelledTopic: events.Cancellation},
		})
		if err != nil || a.Total.Unfinished != benchResults {
			b.Fatalf("account %+v, error %v", a.Total, err)
		}
	}
	reportRate(b)
}
