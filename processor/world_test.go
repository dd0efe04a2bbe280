package processor_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
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
	"github.com/chargeresult/chargeresult/processor/replay"
	"github.com/chargeresult/chargeresult/processor/stream"
	"github.com/chargeresult/chargeresult/processor/telemetry"
)

// world is the processor with everything around it, in virtual time: an embedded Kafka and the simulator on one in-memory network,
// and the claim store's fake. Hours in it take milliseconds.
type world struct {
	*testing.T
	net       *kfake.VirtualNetwork
	kafka     *kfake.Cluster
	client    *kgo.Client
	claims    *dedup.Fake
	vendor    *konasim.Simulator
	server    *http.Server
	breaker   *inquiry.Breaker
	ask       processor.Inquirer
	intake    *stream.Intake
	flow      *processor.Processor
	engine    *stream.Engine
	stop      context.CancelFunc
	done      chan error
	policy    processor.Policy
	fetchWait time.Duration
	guards    processor.Guards
	direct    bool                 // no network between the processor and the vendor
	slow      slowly               // how rebuilds go; zero: at once
	accept    bool                 // offsets are accepted
	name      string               // of the producer's transactions
	telemetry *telemetry.Telemetry // nil: none
	spy       *spy                 // before the vendor; nil: nobody
}

var topics = processor.Topics{
	Requested: events.TopicRequested, Cancelled: events.TopicCancelled,
	Result: events.TopicResult, DeadLetter: events.TopicDeadLetter, Duplicates: events.TopicDuplicates, RetryPrefix: events.TopicRetryPrefix,
}

// waiting are the retry topics: those of the policy.
func waiting(policy processor.Policy) []string {
	var names []string
	delays := policy.Schedule
	if policy.FirstAskDelay > 0 && !slices.Contains(delays, policy.FirstAskDelay) {
		delays = append(delays, policy.FirstAskDelay)
	}
	for _, delay := range delays {
		names = append(names, events.RetryTopic(events.TopicRetryPrefix, delay))
	}
	return names
}

const partitions = 2

// inWorld runs f in a world whose processor is at work, and shuts it down in order afterwards.
func inWorld(t *testing.T, sim konasim.Config, f func(w *world), changes ...func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			T: t, net: new(kfake.VirtualNetwork), claims: dedup.NewFake(dedup.Config{Group: "g"}), vendor: konasim.New(sim),
			policy: processor.Policy{
				Schedule: []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute},
				Deadline: 24 * time.Hour, NotFoundGrace: 2 * time.Minute,
			},
			fetchWait: 5 * time.Second,
			guards:    processor.Guards{Refusals: 20, DeadLetters: 100, Probe: 15 * time.Second},
		}
		for _, change := range changes {
			change(w)
		}
		w.open()
		defer w.close()
		f(w)
		w.halt()
	})
}

func (w *world) open() {
	w.Helper()
	var err error
	w.kafka, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(w.net.Listen), kfake.SeedTopics(partitions,
		append(waiting(w.policy), topics.Requested, topics.Cancelled, topics.Result, topics.DeadLetter, topics.Duplicates)...))
	w.must(err)
	w.client, err = kgo.NewClient(append(w.options(), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))...)
	w.must(err)

	listener, err := w.net.Listen("tcp", "127.0.0.1:8090")
	w.must(err)
	var vendor http.Handler = w.vendor
	if w.spy != nil {
		w.spy.next, vendor = vendor, w.spy
	}
	w.server = &http.Server{Handler: vendor}
	go func() { _ = w.server.Serve(listener) }()
	transport := func(network http.RoundTripper) http.RoundTripper {
		if w.direct {
			network = direct{w.vendor}
		}
		if w.telemetry == nil {
			return network
		}
		instrument, err := w.telemetry.Transport("http://127.0.0.1:8090")
		w.must(err)
		return instrument(network)
	}
	ask, err := inquiry.New(inquiry.Config{
		Instrument: transport,
		BaseURL:    "http://127.0.0.1:8090", ASPID: "ASP000000000001", AccessKey: inquiry.Secret("0123456789012345678901234567890123456789"),
		Signer: inquiry.KMV1{SecretKey: inquiry.Secret("secret")}, DialContext: w.net.DialContext,
	})
	w.must(err)
	w.breaker = inquiry.WithBreaker(inquiry.WithPace(ask, inquiry.PaceConfig{}), inquiry.BreakerConfig{})
	w.ask = inquiry.WithRetries(w.breaker, inquiry.RetryConfig{})
	w.start()
}

func (w *world) options() []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(w.kafka.ListenAddrs()...), kgo.Dialer(w.net.DialContext), kgo.FetchMaxWait(w.fetchWait), kgo.DisableClientMetrics()}
}

// start begins a life of the processor.
func (w *world) start() {
	w.Helper()
	quiet := slog.New(slog.DiscardHandler)
	decoder, err := events.NewDecoder(events.Fields{})
	w.must(err)
	ids := map[string][16]byte{}
	for _, topic := range topics.Input() {
		ids[topic] = w.kafka.TopicInfo(topic).TopicID
	}
	w.slow.claims = w.claims
	if w.slow.begun == nil {
		w.slow.begun = new(atomic.Int64)
	}
	rebuilder, err := replay.NewRebuilder(replay.RebuildConfig{
		Client: w.options(), Group: "g", Result: topics.Result, Duplicates: topics.Duplicates, RetryPrefix: topics.RetryPrefix,
		TopicIDs: ids, TTL: 7 * 24 * time.Hour, Decoder: decoder, Claims: w.slow, Logger: quiet,
	})
	w.must(err)
	w.intake = stream.NewIntake(quiet)
	w.flow, err = processor.New(processor.Config{
		Group: "g", Topics: topics, Policy: w.policy, Guards: w.guards, Claims: w.claims, Rebuilder: rebuilder, Inquirer: w.ask, Intake: w.intake, AlwaysRebuild: w.accept, Telemetry: w.telemetry,
	})
	w.must(err)
	w.engine, err = stream.New(stream.Config{
		Client: w.options(), Group: "g", Topics: topics.Input(), Parked: waiting(w.policy), Due: w.flow.Due, Intake: w.intake, TransactionalID: "txn" + w.name, AcceptOffsets: w.accept,
		Handler: w.flow, Ledger: w.flow, Logger: quiet,
	})
	w.must(err)
	ctx, stop := context.WithCancel(context.Background())
	w.stop, w.done = stop, make(chan error, 1)
	go func() { w.done <- w.engine.Run(ctx) }()
}

// reconcileConfig is what the accounting of the world has to know.
func (w *world) reconcileConfig() replay.ReconcileConfig {
	w.Helper()
	decoder, err := events.NewDecoder(events.Fields{})
	w.must(err)
	return replay.ReconcileConfig{
		Client: w.options(), Group: "g", Inputs: map[string]events.Operation{topics.Requested: events.Charge, topics.Cancelled: events.Cancellation},
		Result: topics.Result, DeadLetter: topics.DeadLetter, Duplicates: topics.Duplicates, RetryPrefix: topics.RetryPrefix, Decoder: decoder,
	}
}

func (w *world) account() replay.Account {
	w.Helper()
	account, err := replay.Reconcile(w.Context(), w.reconcileConfig())
	w.must(err)
	return account
}

// halt ends it, in order.
func (w *world) halt() {
	w.Helper()
	w.stop()
	if err := <-w.done; err != nil {
		w.Errorf("Run: %v", err)
	}
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
		if !result.Final {
			continue
		}
		if _, twice := results[result.Identity()]; twice {
			w.Errorf("%v has two results", result.Identity())
		}
		results[result.Identity()] = result
	}
	return results
}
