package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
)

// span is a range of one partition's offsets: from, up to and without to.
type span struct{ from, to int64 }

// spans are ranges of offsets, by topic and partition. A partition that holds nothing has an empty one.
type spans map[string]map[int32]span

func (s spans) add(topic string, partition int32, of span) {
	if s[topic] == nil {
		s[topic] = map[int32]span{}
	}
	s[topic][partition] = of
}

// size is how many offsets the spans cover.
func (s spans) size() (n int64) {
	for _, partitions := range s {
		for _, of := range partitions {
			n += of.to - of.from
		}
	}
	return n
}

// offsets are where to begin reading; partitions without anything to read are left out.
func (s spans) offsets() map[string]map[int32]kgo.Offset {
	begin := map[string]map[int32]kgo.Offset{}
	for topic, partitions := range s {
		for partition, of := range partitions {
			if of.from >= of.to {
				continue
			}
			if begin[topic] == nil {
				begin[topic] = map[int32]kgo.Offset{}
			}
			begin[topic][partition] = kgo.NewOffset().At(of.from)
		}
	}
	return begin
}

// listing asks where partitions begin or end.
type listing func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error)

// listSpans asks from where to where topics reach. mayMiss leaves out a topic that does not exist.
func listSpans(ctx context.Context, from, to listing, mayMiss bool, topics ...string) (spans, error) {
	all := spans{}
	if len(topics) == 0 {
		return all, nil // to be asked about no topic is, for an administrator, to be asked about all of them
	}
	starts, err := list(ctx, from, mayMiss, topics)
	if err != nil {
		return nil, fmt.Errorf("read where topics begin: %w", err)
	}
	ends, err := list(ctx, to, mayMiss, topics)
	if err != nil {
		return nil, fmt.Errorf("read where topics end: %w", err)
	}
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(end.Topic, end.Partition) // a partition that was added between the two questions begins at 0
		all.add(end.Topic, end.Partition, span{min(start.Offset, end.Offset), end.Offset})
	})
	return all, nil
}

func list(ctx context.Context, ask listing, mayMiss bool, topics []string) (kadm.ListedOffsets, error) {
	listed, err := ask(ctx, topics...)
	if err != nil {
		return nil, err
	}
	var failed []error
	listed.Each(func(at kadm.ListedOffset) {
		switch {
		case at.Err == nil:
		case errors.Is(at.Err, kerr.UnknownTopicOrPartition) && mayMiss:
			delete(listed, at.Topic)
		case at.Partition < 0:
			failed = append(failed, fmt.Errorf("%s: %w", at.Topic, at.Err))
		default:
			failed = append(failed, fmt.Errorf("%s[%d]: %w", at.Topic, at.Partition, at.Err))
		}
	})
	return listed, errors.Join(failed...)
}

// since is where a topic's records of a time and later begin. Every record before is older.
func since(admin *kadm.Client, t time.Time) listing {
	return func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error) {
		return admin.ListOffsetsAfterMilli(ctx, t.UnixMilli(), topics...)
	}
}

// retryTopics are all retry topics that exist, those that are no longer in anybody's schedule included, and what all topics are known by.
func retryTopics(ctx context.Context, admin *kadm.Client, prefix string) (names []string, ids map[string][16]byte, err error) {
	found, err := admin.ListTopics(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("list topics: %w", err)
	}
	ids = map[string][16]byte{}
	for _, topic := range found.Sorted() {
		ids[topic.Topic] = topic.ID
		if _, is := events.RetryDelay(prefix, topic.Topic); is {
			names = append(names, topic.Topic)
		}
	}
	return names, ids, nil
}
