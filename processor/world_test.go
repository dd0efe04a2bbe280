package processor_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/dedup"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// world is the processor with everything around it, in virtual time: an embedded Kafka and the simulator on one in-memory network,
// and the claim store's fake. Hours in it take milliseconds.
type world struct {
	*testing.T
	net     kfake.VirtualNetwork
	kafka   *kfake.Cluster
	client  *kgo.Client
	claims  *dedup.Fake
	vendor  *konasim.Simulator
	server  *http.Server
	breaker *inquiry.Breaker
	flow    *processor.Processor
	engine  *stream.Engine
	stop    context.CancelFunc
	done    chan error
}

var topics = processor.Topics{
	Requested: events.TopicRequested, Cancelled: events.TopicCancelled,
	Result: events.TopicResult, DeadLetter: events.TopicDeadLetter, Duplicates: events.TopicDuplicates,
}

const partitions = 2

// inWorld runs f in a world whose processor is at work, and shuts it down in order afterwards.
func inWorld(t *testing.T, sim konasim.Config, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, claims: dedup.NewFake(dedup.Config{Group: "g"}), vendor: konasim.New(sim), done: make(chan error, 1)}
		w.open()
		defer w.close()
		f(w)
		w.stop()
		if err := <-w.done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func (w *world) open() {
	w.Helper()
	var err error
	w.kafka, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(w.net.Listen), kfake.SeedTopics(partitions,
		topics.Requested, topics.Cancelled, topics.Result, topics.DeadLetter, topics.Duplicates))
	w.must(err)
	options := []kgo.Opt{kgo.SeedBrokers(w.kafka.ListenAddrs()...), kgo.Dialer(w.net.DialContext)}
	w.client, err = kgo.NewClient(append(options, kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))...)
	w.must(err)

	listener, err := w.net.Listen("tcp", "127.0.0.1:8090")
	w.must(err)
	w.server = &http.Server{Handler: w.vendor}
	go func() { _ = w.server.Serve(listener) }()
	ask, err := inquiry.New(inquiry.Config{
		BaseURL: "http://127.0.0.1:8090", ASPID: "ASP000000000001", AccessKey: inquiry.Secret("0123456789012345678901234567890123456789"),
		Signer: inquiry.KMV1{SecretKey: inquiry.Secret("secret")}, DialContext: w.net.DialContext,
	})
	w.must(err)
	w.breaker = inquiry.WithBreaker(ask, inquiry.BreakerConfig{})
	w.flow, err = processor.New(processor.Config{
		Group: "g", Topics: topics, Claims: w.claims, Inquirer: inquiry.WithRetries(w.breaker, inquiry.RetryConfig{}),
	})
	w.must(err)
	w.engine, err = stream.New(stream.Config{
		Client: options, Group: "g", Topics: topics.Input(), TransactionalID: "txn",
		Handler: w.flow, Ledger: w.flow, Logger: slog.New(slog.DiscardHandler),
	})
	w.must(err)
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	go func() { w.done <- w.engine.Run(ctx) }()
}

func (w *world) close() {
	w.stop()
	_ = w.server.Close()
	w.client.Close()
	w.kafka.Close()
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func correlationID(i int) string { return fmt.Sprintf("261122103000-%07x", i) }

func event(i int, sequence string) string {
	return fmt.Sprintf(`{"correlationId":%q,"sequenceId":%q}`, correlationID(i), sequence)
}

func (w *world) send(topic, key, value string, headers ...kgo.RecordHeader) {
	w.Helper()
	w.must(w.client.ProduceSync(w.Context(), &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte(value), Headers: headers}).FirstErr())
}

// await waits until the group has finished every input record.
func (w *world) await(limit time.Duration) {
	w.Helper()
	for began := time.Now(); time.Since(began) < limit; time.Sleep(500 * time.Millisecond) {
		if w.lag() == 0 {
			return
		}
	}
	w.Fatalf("%d records left after %v; engine: %+v", w.lag(), limit, w.engine.Status())
}

func (w *world) lag() (lag int64) {
	w.Helper()
	admin := kadm.NewClient(w.client)
	ends, err := admin.ListEndOffsets(w.Context(), topics.Input()...)
	w.must(err)
	committed, err := admin.FetchOffsets(w.Context(), "g")
	w.must(err)
	ends.Each(func(end kadm.ListedOffset) {
		at, ok := committed.Lookup(end.Topic, end.Partition)
		lag += end.Offset
		if ok && at.At > 0 {
			lag -= at.At
		}
	})
	return lag
}

// read returns what a read_committed subscriber sees of a topic.
func (w *world) read(topic string) []*kgo.Record {
	w.Helper()
	all := map[int32]kgo.Offset{}
	for p := range int32(partitions) {
		all[p] = kgo.NewOffset().AtStart()
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(w.kafka.ListenAddrs()...), kgo.Dialer(w.net.DialContext),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: all}), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	w.must(err)
	defer reader.Close()
	var records []*kgo.Record
	for {
		ctx, cancel := context.WithTimeout(w.Context(), 6*time.Second)
		fetches := reader.PollFetches(ctx)
		cancel()
		if fetches.NumRecords() == 0 {
			return records
		}
		records = append(records, fetches.Records()...)
	}
}

// results returns the final results by identity, and fails where one has two.
func (w *world) results() map[events.Identity]events.Result {
	w.Helper()
	results := map[events.Identity]events.Result{}
	for _, r := range w.read(topics.Result) {
		result, err := events.DecodeResult(r.Value)
		w.must(err)
		if _, twice := results[result.Identity()]; twice {
			w.Errorf("%v has two results", result.Identity())
		}
		results[result.Identity()] = result
	}
	return results
}
