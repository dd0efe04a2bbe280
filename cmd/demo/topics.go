package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// readTopics reads everything that is committed in all topics, from start to end.
func readTopics(ctx context.Context, admin *kadm.Client, options []kgo.Opt) ([]*kgo.Record, error) {
	all := append(topics.Input(), topics.Result, topics.DeadLetter, topics.Duplicates)
	ends, err := admin.ListCommittedOffsets(ctx, all...)
	if err != nil {
		return nil, fmt.Errorf("read where the topics end: %w", err)
	}
	from := map[string]map[int32]kgo.Offset{}
	left := map[string]map[int32]int64{} // the ends of partitions not yet read to their end
	unread := 0
	ends.Each(func(end kadm.ListedOffset) {
		if end.Offset == 0 {
			return
		}
		if from[end.Topic] == nil {
			from[end.Topic], left[end.Topic] = map[int32]kgo.Offset{}, map[int32]int64{}
		}
		from[end.Topic][end.Partition] = kgo.NewOffset().AtStart()
		left[end.Topic][end.Partition] = end.Offset
		unread++
	})
	// A partition may end with a transaction's marker: without control records its end would never be seen.
	reader, err := kgo.NewClient(append(options, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.ConsumePartitions(from))...)
	if err != nil {
		return nil, fmt.Errorf("make the reader of the topics: %w", err)
	}
	defer reader.Close()
	var records []*kgo.Record
	for unread > 0 {
		fetches := reader.PollFetches(ctx)
		if err := errors.Join(ctx.Err(), fetches.Err()); err != nil {
			return nil, fmt.Errorf("read the topics: %w", err)
		}
		for r := range fetches.RecordsAll() {
			if !r.Attrs.IsControl() {
				records = append(records, r)
			}
			if r.Offset+1 == left[r.Topic][r.Partition] {
				unread--
			}
		}
	}
	return records, nil
}
