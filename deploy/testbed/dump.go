package testbed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// dumpLimit is how long a dump waits for open transactions: longer than the transaction timeout of a killed client.
const dumpLimit = time.Minute

// Dump returns what subscribers of a topic see: see [Records]. It fails the test if that takes more than a minute.
func Dump(t testing.TB, addr, topic string) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), dumpLimit)
	defer cancel()
	records, err := Records(ctx, addr, topic)
	must(t, err)
	return records
}

// Records returns the records of a topic that are visible under read_committed, from its start to at least its end at
// the time of the call, ordered by partition and offset.
//
// A transaction that is open below that end is waited for: the records of one that was committed a moment ago, too, become
// visible only when its markers are written, which is after its client was told.
func Records(ctx context.Context, addr, topic string) ([]*kgo.Record, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords()) // the last record below the end may be a marker
	if err != nil {
		return nil, fmt.Errorf("testbed: read %s: %w", topic, err)
	}
	defer client.Close()
	records, err := readToEnd(ctx, client, topic)
	if err != nil {
		return nil, fmt.Errorf("testbed: read %s: %w", topic, err)
	}
	return records, nil
}

func readToEnd(ctx context.Context, client *kgo.Client, topic string) ([]*kgo.Record, error) {
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err := errors.Join(err, starts.Error()); err != nil {
		return nil, err
	}
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err := errors.Join(err, ends.Error()); err != nil {
		return nil, err
	}
	unread := map[int32]int64{} // the ends of the partitions that are not read up to there
	offsets := map[int32]kgo.Offset{}
	starts.Each(func(start kadm.ListedOffset) {
		if end, _ := ends.Lookup(topic, start.Partition); start.Offset < end.Offset {
			unread[start.Partition] = end.Offset
			offsets[start.Partition] = kgo.NewOffset().At(start.Offset)
		}
	})
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets})
	var records []*kgo.Record
	for len(unread) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("%d records read, partitions not yet read up to their ends %v: %w", len(records), unread, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset+1 >= unread[r.Partition] {
				delete(unread, r.Partition)
			}
			if !r.Attrs.IsControl() {
				records = append(records, r)
			}
		})
	}
	slices.SortFunc(records, func(a, b *kgo.Record) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return records, nil
}
