package replay

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
)

const (
	group           = "g"
	requestedTopic  = events.TopicRequested
	cancelledTopic  = events.TopicCancelled
	resultTopic     = events.TopicResult
	deadTopic       = events.TopicDeadLetter
	duplicatesTopic = events.TopicDuplicates
	shortRetry      = events.TopicRetryPrefix + ".10s"
	longRetry       = events.TopicRetryPrefix + ".1m"
)

// kafka is an embedded cluster in virtual time, with the processor's topics of two partitions each.
type kafka struct {
	*testing.T
	net     kfake.VirtualNetwork
	cluster *kfake.Cluster
	client  *kgo.Client
	admin   *kadm.Client
	ids     map[string][16]byte
}

func bubble(t *testing.T, f func(k *kafka)) {
	t.Helper()
	bubbleAt(t, time.Time{}, f)
}

// bubbleAt begins at a time; without one, in the year 2000.
func bubbleAt(t *testing.T, begin time.Time, f func(k *kafka)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(begin))
		k := &kafka{T: t}
		var err error
		k.cluster, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(k.net.Listen), kfake.ClusterID("embedded"),
			kfake.SeedTopics(2, requestedTopic, cancelledTopic, resultTopic, deadTopic, duplicatesTopic, shortRetry, longRetry))
		k.must(err)
		defer k.cluster.Close()
		k.client = k.connect()
		defer k.client.Close()
		k.admin = kadm.NewClient(k.client)
		_, k.ids, err = retryTopics(k.Context(), k.admin, events.TopicRetryPrefix)
		k.must(err)
		f(k)
	})
}

func (k *kafka) opts() []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(k.cluster.ListenAddrs()...), kgo.Dialer(k.net.DialContext)}
}

func (k *kafka) connect(more ...kgo.Opt) *kgo.Client {
	k.Helper()
	client, err := kgo.NewClient(append(append(k.opts(), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression())), more...)...)
	k.must(err)
	return client
}

func (k *kafka) must(err error) {
	k.Helper()
	if err != nil {
		k.Fatal(err)
	}
}

func (k *kafka) produce(records ...*kgo.Record) {
	k.Helper()
	k.must(k.client.ProduceSync(k.Context(), records...).FirstErr())
}

// text produces values to a partition.
func (k *kafka) text(topic string, partition int32, values ...string) {
	k.Helper()
	for _, v := range values {
		k.produce(&kgo.Record{Topic: topic, Partition: partition, Value: []byte(v)})
	}
}

// open begins a transaction with records, and leaves it to the test to end it.
func (k *kafka) open(id string, records ...*kgo.Record) (end func(kgo.TransactionEndTry)) {
	k.Helper()
	client := k.connect(kgo.TransactionalID(id), kgo.TransactionTimeout(10*time.Minute))
	k.must(client.BeginTransaction())
	k.must(client.ProduceSync(k.Context(), records...).FirstErr())
	return func(how kgo.TransactionEndTry) {
		k.Helper()
		defer client.Close()
		k.must(client.EndTransaction(k.Context(), how))
	}
}

// truncate removes a partition's records below an offset.
func (k *kafka) truncate(topic string, partition int32, to int64) {
	k.Helper()
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: topic, Partition: partition, At: to})
	answer, err := k.admin.DeleteRecords(k.Context(), offsets)
	k.must(err)
	k.must(answer.Error())
}

// commit commits an offset of a partition as the processor does, with runs of finished offsets above it (both ends included).
func (k *kafka) commit(topic string, partition int32, offset int64, runs ...[2]int64) {
	k.Helper()
	var b []byte
	end := offset
	for _, r := range runs {
		b = binary.AppendUvarint(b, uint64(r[0]-end))
		b = binary.AppendUvarint(b, uint64(r[1]-r[0]+1))
		end = r[1] + 1
	}
	id, encode := k.ids[topic], base64.RawURLEncoding.EncodeToString
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{
		Topic: topic, Partition: partition, At: offset, LeaderEpoch: -1,
		Metadata: fmt.Sprintf("om1:embedded:%s:%d:%s", encode(id[:]), offset, encode(b)),
	})
	answer, err := k.admin.CommitOffsets(k.Context(), group, offsets)
	k.must(err)
	k.must(answer.Error())
}

func correlationID(i int) string { return fmt.Sprintf("261122103000-%07x", i) }

func sequenceID(i int) string { return fmt.Sprintf("CHG%010d", i) }

func eventJSON(i int) []byte {
	return fmt.Appendf(nil, `{"correlationId":%q,"sequenceId":%q}`, correlationID(i), sequenceID(i))
}

// at is a record of the first partition of the topic of requested charges.
func at(offset int64) events.Source { return events.Source{Topic: requestedTopic, Offset: offset} }

func kafkaHeaders(headers []events.Header) []kgo.RecordHeader {
	var converted []kgo.RecordHeader
	for _, h := range headers {
		converted = append(converted, kgo.RecordHeader(h))
	}
	return converted
}

// resultRecord is the result of transaction i; revision 0: an interim one.
func (k *kafka) resultRecord(i, revision int, source events.Source, by string) *kgo.Record {
	k.Helper()
	r := events.Result{
		CorrelationID: correlationID(i), SequenceID: sequenceID(i), Operation: events.Charge, Result: events.Completed,
		Final: true, Revision: revision, Attempts: 1, RequestedAt: time.Now(), DecidedAt: time.Now(), Source: source,
	}
	if revision == 0 {
		r.Result, r.Final = events.Pending, false
	}
	value, headers, err := r.Encode(by)
	k.must(err)
	return &kgo.Record{Topic: resultTopic, Value: value, Headers: kafkaHeaders(headers)}
}

// cancellation is the final result of the cancellation of transaction i.
func (k *kafka) cancellation(i int) *kgo.Record {
	k.Helper()
	record := k.resultRecord(i, 1, events.Source{Topic: cancelledTopic}, group)
	r, err := events.DecodeResult(record.Value)
	k.must(err)
	r.Operation = events.Cancellation
	record.Value, _, err = r.Encode(group)
	k.must(err)
	return record
}

func (k *kafka) deadLetter(source events.Source, by string) *kgo.Record {
	letter := events.DeadLetter{Source: source, Group: by, Reason: events.ReasonUndecodable, Message: "not JSON"}
	return &kgo.Record{Topic: deadTopic, Value: []byte("?"), Headers: kafkaHeaders(letter.Headers(nil))}
}

func (k *kafka) duplicate(i int, source, owner events.Source, verdict string) *kgo.Record {
	k.Helper()
	_, value, err := events.Duplicate{
		CorrelationID: correlationID(i), SequenceID: sequenceID(i), Operation: events.Charge, Verdict: verdict, Source: source,
		Owner: fmt.Sprintf("%x/%d/%d", k.ids[owner.Topic], owner.Partition, owner.Offset),
	}.Encode()
	k.must(err)
	return &kgo.Record{Topic: duplicatesTopic, Value: value}
}

func (k *kafka) retry(topic string, i, hop int, origin events.Source) *kgo.Record {
	r := events.Retry{
		Origin: origin, OriginTopicID: k.ids[origin.Topic], OriginTime: time.Now(), Operation: events.Charge, Hop: hop, Attempts: hop,
		Due: time.Now(), Reason: events.WaitPending, FirstSeen: time.Now(), FirstAsked: time.Now(), Interim: true,
	}
	return &kgo.Record{Topic: topic, Value: eventJSON(i), Headers: kafkaHeaders(r.Headers(nil))}
}

func decoder(t testing.TB) *events.Decoder {
	t.Helper()
	d, err := events.NewDecoder(events.Fields{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var quietly = slog.New(slog.DiscardHandler)

// values reads topics and returns what was visited, as "topic[partition] value".
func (k *kafka) values(r Reading) []string {
	k.Helper()
	var seen []string
	k.must(k.visit(k.Context(), r, func(r *kgo.Record) error {
		seen = append(seen, fmt.Sprintf("%s[%d] %s", r.Topic, r.Partition, r.Value))
		return nil
	}))
	return seen
}

func (k *kafka) visit(ctx context.Context, r Reading, visit func(*kgo.Record) error) error {
	r.Client = k.opts()
	return Read(ctx, r, visit)
}
