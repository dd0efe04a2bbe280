package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// bubble runs a test in virtual time, beside an embedded cluster whose every request is checked against the rules of the wire. A goroutine
// that is left behind fails the test.
func bubble(t *testing.T, f func(t *testing.T, k *kafka)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKafka(t)
		t.Cleanup(k.close)
		f(t, k)
	})
}

// kafka is an embedded cluster on a network of its own, with the input topics "in" (4 partitions) and "later" (2, parked) and the output topic "out" (1).
type kafka struct {
	t        *testing.T
	net      kfake.VirtualNetwork
	cluster  *kfake.Cluster
	client   *kgo.Client
	admin    *kadm.Client
	operator atomic.Bool // the test itself commits offsets, as an operator would
}

func newKafka(t *testing.T) *kafka {
	k := &kafka{t: t}
	var err error
	k.cluster, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(k.net.Listen), kfake.ClusterID("embedded"),
		kfake.SeedTopics(4, "in"), kfake.SeedTopics(2, "later"), kfake.SeedTopics(1, "out"))
	if err != nil {
		t.Fatal(err)
	}
	k.watch()
	k.connect()
	return k
}

// connect gives the test itself a client that knows the topics as they are now.
func (k *kafka) connect() {
	k.t.Helper()
	if k.client != nil {
		k.client.Close()
	}
	var err error
	k.client, err = kgo.NewClient(append(k.opts(k.net.DialContext), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		k.t.Fatal(err)
	}
	k.admin = kadm.NewClient(k.client)
}

func (k *kafka) opts(dial dialer) []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(k.cluster.ListenAddrs()...), kgo.Dialer(dial)}
}

func (k *kafka) close() {
	k.client.Close()
	k.cluster.Close()
}

// send produces values to one input partition; a value "key:rest" gets that key.
func (k *kafka) send(partition int32, values ...string) {
	k.t.Helper()
	records := make([]*kgo.Record, len(values))
	for i, v := range values {
		records[i] = inputRecord(partition, v)
	}
	if err := k.client.ProduceSync(k.t.Context(), records...).FirstErr(); err != nil {
		k.t.Fatalf("produce: %v", err)
	}
}

func inputRecord(partition int32, value string) *kgo.Record {
	r := &kgo.Record{Topic: "in", Partition: partition, Value: []byte(value)}
	if key, _, ok := strings.Cut(value, ":"); ok {
		r.Key = []byte(key)
	}
	return r
}

// published returns the values of "out" that a read_committed subscriber sees now, in order.
func (k *kafka) published() []string {
	k.t.Helper()
	reader, err := kgo.NewClient(append(k.opts(k.net.DialContext), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"out": {0: kgo.NewOffset().AtStart()}}))...)
	if err != nil {
		k.t.Fatal(err)
	}
	defer reader.Close()
	var values []string
	for {
		ctx, cancel := context.WithTimeout(k.t.Context(), 2*time.Second)
		fetches := reader.PollFetches(ctx)
		cancel()
		if fetches.NumRecords() == 0 {
			return values
		}
		fetches.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
}

// awaitPublished waits until the results of the values, and nothing else, are published once each, and returns them in order.
func (k *kafka) awaitPublished(values ...string) []string {
	k.t.Helper()
	want := upperCase(values)
	var got []string
	for range 40 {
		if got = k.published(); len(got) >= len(want) {
			break
		}
		time.Sleep(500 * time.Millisecond)
	}
	k.same(got, want)
	return got
}

// neverPublishedTwice waits for late writers and looks again.
func (k *kafka) neverPublishedTwice(values ...string) {
	k.t.Helper()
	time.Sleep(30 * time.Second)
	k.same(k.published(), upperCase(values))
}

func (k *kafka) same(got, want []string) {
	k.t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		k.t.Fatalf("published %d values, want %d; too many: %.300v; missing: %.300v", len(got), len(want), less(got, want), less(want, got))
	}
}

// less returns the multiset a - b; both are sorted.
func less(a, b []string) (left []string) {
	for _, v := range a {
		for len(b) > 0 && b[0] < v {
			b = b[1:]
		}
		if len(b) > 0 && b[0] == v {
			b = b[1:]
			continue
		}
		left = append(left, v)
	}
	return left
}

// committedAt returns what the group holds for a partition of "in".
func (k *kafka) committedAt(partition int32) (offset int64, metadata string) {
	k.t.Helper()
	return k.committedOf("in", partition)
}

func (k *kafka) committedOf(topic string, partition int32) (offset int64, metadata string) {
	k.t.Helper()
	offsets, err := k.admin.FetchOffsets(k.t.Context(), "g")
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		k.t.Fatal(err)
	}
	o, ok := offsets.Lookup(topic, partition)
	if !ok {
		return -1, ""
	}
	return o.At, o.Metadata
}

func (k *kafka) awaitCommitted(partition int32, want int64) {
	k.t.Helper()
	k.await(fmt.Sprintf("partition %d is committed at %d", partition, want), func() bool {
		at, _ := k.committedAt(partition)
		return at == want
	})
}

// await waits a few virtual minutes: a group whose members die while they join takes that long to come to rest.
func (k *kafka) await(what string, done func() bool) {
	k.t.Helper()
	const limit = 5 * time.Minute
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if done() {
			return
		}
	}
	k.t.Fatalf("waited for %v: not %s", limit, what)
}

// move commits an offset as an operator's tool does.
func (k *kafka) move(partition int32, to int64, metadata string) {
	k.t.Helper()
	k.operator.Store(true)
	defer k.operator.Store(false)
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: "in", Partition: partition, At: to, LeaderEpoch: -1, Metadata: metadata})
	resp, err := k.admin.CommitOffsets(k.t.Context(), "g", offsets)
	if err == nil {
		err = resp.Error()
	}
	if err != nil {
		k.t.Fatalf("move the offset: %v", err)
	}
}

func testLogger(t *testing.T) *slog.Logger {
	if !testing.Verbose() {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(logWriter{t}, nil))
}

type logWriter struct{ t *testing.T }

func (w logWriter) Write(b []byte) (int, error) {
	return w.t.Output().Write(b)
}

func numbered(prefix string, n int) []string {
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return values
}

func upperCase(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = strings.ToUpper(v)
	}
	return out
}

// mark returns what the engine itself would commit for a partition of "in" at an offset, with nothing finished above it.
func (k *kafka) mark(offset int64) commitMark {
	k.t.Helper()
	meta, err := k.admin.Metadata(k.t.Context(), "in")
	if err != nil {
		k.t.Fatal(err)
	}
	return commitMark{cluster: meta.Cluster, topicID: meta.Topics["in"].ID, base: offset}
}

// expel makes the group throw the process out, as a long pause of its machine would, and lets it come back.
func (k *kafka) expel(p *process) {
	k.t.Helper()
	p.link.cut()
	k.await("the group is without it", func() bool {
		groups, err := k.admin.DescribeGroups(k.t.Context(), "g")
		return err == nil && len(groups["g"].Members) == 0
	})
	p.link.heal()
}
