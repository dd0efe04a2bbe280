package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Reading says what to read.
type Reading struct {
	Client   []kgo.Opt               // how to connect: brokers, TLS, SASL
	Topics   []string                // their partitions are read side by side
	Last     int64                   // of each partition at most so many of its last offsets (transaction markers take one too); 0: all
	Since    time.Time               // only from each partition's first record of this time or later; zero: all
	MayMiss  bool                    // whether a topic may be missing, as if it were empty; else that is an error
	Progress func(done, total int64) // told after each fetch how many offsets are read; may be nil
}

// Read visits the records that topics hold now: those below the high watermarks at the time of the call, in each partition's order, all
// from the caller's goroutine. Transactions that are open below them are waited for, and only committed records are visited.
// It ends with the first error of visit, as it is. Records that retention removes meanwhile are passed over. In memory it holds what was
// fetched ahead: some 16 MiB a broker, before decompression.
func Read(ctx context.Context, r Reading, visit func(*kgo.Record) error) error {
	what, err := r.spans(ctx)
	if err != nil {
		return err
	}
	return read(ctx, r.Client, what, told(r.Progress), visit)
}

// spans are what there is to read now.
func (r Reading) spans(ctx context.Context) (spans, error) {
	admin, err := connect(r.Client)
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	from := admin.ListStartOffsets
	if !r.Since.IsZero() {
		from = since(admin, r.Since)
	}
	what, err := listSpans(ctx, from, admin.ListEndOffsets, r.MayMiss, r.Topics...)
	if err != nil {
		return nil, err
	}
	for topic, partitions := range what {
		for partition, of := range partitions {
			if r.Last > 0 {
				what.add(topic, partition, span{max(of.from, of.to-r.Last), of.to})
			}
		}
	}
	return what, nil
}

// told makes a step of a reading that only tells of it.
func told(progress func(done, total int64)) func(done, total int64) error {
	return func(done, total int64) error {
		if progress != nil {
			progress(done, total)
		}
		return nil
	}
}

func connect(options []kgo.Opt) (*kadm.Client, error) {
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka: %w", err)
	}
	return kadm.NewClient(client), nil
}

// How much a broker may send at once, in all and of each partition, before decompression. The client holds one such answer a broker,
// and decoded it takes many times as much.
const (
	fetchBytes     = 16 << 20
	partitionBytes = 128 << 10
)

// read visits what the spans cover. After each fetch, and every two seconds while nothing comes, it calls step.
func read(ctx context.Context, options []kgo.Opt, what spans, step func(done, total int64) error, visit func(*kgo.Record) error) error {
	begin := what.offsets()
	if len(begin) == 0 {
		return nil
	}
	client, err := kgo.NewClient(append(slices.Clip(options), kgo.ConsumePartitions(begin),
		// The client's own default would go back a minute and visit records twice.
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		// The last offset below a high watermark may be a transaction's marker, or belong to an aborted one: the end is noticed only by
		// seeing the markers.
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(partitionBytes))...)
	if err != nil {
		return fmt.Errorf("connect to Kafka: %w", err)
	}
	defer client.Close()
	w := walk{client: client, left: what.unread(), total: what.size()}
	for len(w.left) > 0 {
		err := w.step(ctx, visit)
		if ctx.Err() != nil {
			return fmt.Errorf("read topics: %w; not read to the end, or not ended: transactions in %s", context.Cause(ctx), w.left)
		}
		if err != nil {
			return err
		}
		if err := step(w.total-w.left.size(), w.total); err != nil {
			return err
		}
	}
	return nil
}

// unread are the spans that are not empty.
func (s spans) unread() spans {
	left := spans{}
	for topic, partitions := range s.offsets() {
		for partition := range partitions {
			left.add(topic, partition, s[topic][partition])
		}
	}
	return left
}

// walk is a reading on its way.
type walk struct {
	client *kgo.Client
	left   spans // what is still to be read
	total  int64
}

func (w *walk) step(ctx context.Context, visit func(*kgo.Record) error) error {
	fetches, err := w.poll(ctx)
	if err != nil {
		return err
	}
	if fetches.NumRecords() == 0 {
		return w.passTruncated(ctx)
	}
	for r := range fetches.RecordsAll() {
		of, wanted := w.left[r.Topic][r.Partition]
		if !wanted {
			continue
		}
		if r.Offset < of.to && !r.Attrs.IsControl() {
			if err := visit(r); err != nil {
				return err
			}
		}
		w.passed(r.Topic, r.Partition, r.Offset+1)
	}
	return nil
}

// quiet is how long nothing may arrive before it is asked whether there is anything left to come.
const quiet = 2 * time.Second

func (w *walk) poll(ctx context.Context) (kgo.Fetches, error) {
	brief, cancel := context.WithTimeout(ctx, quiet)
	defer cancel()
	fetches := w.client.PollFetches(brief)
	for _, failed := range fetches.Errors() {
		if brief.Err() == nil || !errors.Is(failed.Err, brief.Err()) {
			return nil, fmt.Errorf("read %s[%d]: %w", failed.Topic, failed.Partition, failed.Err)
		}
	}
	return fetches, nil
}

// passed notes that everything before an offset is read or gone. A partition that is read is not fetched any more, however fast it grows.
func (w *walk) passed(topic string, partition int32, next int64) {
	of := w.left[topic][partition]
	if next < of.to {
		w.left[topic][partition] = span{max(of.from, next), of.to}
		return
	}
	w.client.PauseFetchPartitions(map[string][]int32{topic: {partition}})
	delete(w.left[topic], partition)
	if len(w.left[topic]) == 0 {
		delete(w.left, topic)
	}
}

// passTruncated notes what retention removed: where it took everything that was left, no record ever tells that the end is reached.
func (w *walk) passTruncated(ctx context.Context) error {
	var topics []string
	for topic := range w.left {
		topics = append(topics, topic)
	}
	starts, err := list(ctx, kadm.NewClient(w.client).ListStartOffsets, false, topics)
	if err != nil {
		return fmt.Errorf("read where topics begin: %w", err)
	}
	starts.Each(func(start kadm.ListedOffset) {
		if _, wanted := w.left[start.Topic][start.Partition]; wanted {
			w.passed(start.Topic, start.Partition, start.Offset)
		}
	})
	return nil
}

// String names a few of the partitions, with the offset that each is to be read to.
func (s spans) String() string {
	const some = 5
	var each []string
	for topic, partitions := range s {
		for partition, of := range partitions {
			each = append(each, fmt.Sprintf("%s[%d] between %d and %d", topic, partition, of.from, of.to))
		}
	}
	slices.SortFunc(each, cmp.Compare)
	if len(each) > some {
		each = append(each[:some], fmt.Sprintf("%d more", len(each)-some))
	}
	return strings.Join(each, ", ")
}
