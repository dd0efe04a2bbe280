package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Position is how far a group has come in one partition, as its commit says.
type Position struct {
	Topic     string
	Partition int32
	TopicID   [16]byte // of the topic as it is now, which the commit is for
	Cluster   string   // its ID
	Offset    int64    // every record below it is finished; -1 if nothing was ever committed

	runs []run // what is finished above it
}

// Finished says whether the group has finished the record at an offset.
func (p Position) Finished(offset int64) bool {
	_, above := slices.BinarySearchFunc(p.runs, offset, func(r run, o int64) int {
		switch {
		case r.last < o:
			return -1
		case r.first > o:
			return 1
		}
		return 0
	})
	return offset < p.Offset || above
}

// unstableBackoff is how long CommittedPositions waits for a transaction that is open, or a coordinator that can't answer.
const unstableBackoff = 50 * time.Millisecond

// CommittedPositions reads how far a group has come in every partition of the topics, for readers outside of the engine; by topic
// and partition. It waits, until ctx ends, for transactions that are open: once it returns, whatever was published before it was called is finished here.
//
// A commit that is not of this engine is an ErrForeignCommit, one for an earlier topic of the name, or of another cluster, an
// ErrRecreatedTopic; the error names every such partition.
func CommittedPositions(ctx context.Context, client *kgo.Client, group string, topics ...string) ([]Position, error) {
	meta, err := kadm.NewClient(client).Metadata(ctx, topics...)
	if err == nil {
		err = meta.Topics.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("read the offsets of group %q: read its topics: %w", group, err)
	}
	for {
		committed, err := stableOffsets(ctx, client, group, meta.Topics)
		switch {
		case err == nil:
			return positionsOf(committed, meta)
		case !kerr.IsRetriable(err):
			return nil, fmt.Errorf("read the offsets of group %q: %w", group, err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("read the offsets of group %q: %w: %w", group, context.Cause(ctx), err)
		case <-time.After(unstableBackoff):
		}
	}
}

// stableOffsets asks once. It names every partition: asked for all there are, a broker leaves out the one whose first offset is in a
// transaction that is still open.
func stableOffsets(ctx context.Context, client *kgo.Client, group string, topics kadm.TopicDetails) (map[topicPartition]committedOffset, error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.RequireStable = true
	asked := kmsg.NewOffsetFetchRequestGroup()
	asked.Group = group
	for _, t := range topics {
		one := kmsg.NewOffsetFetchRequestGroupTopic()
		one.Topic, one.TopicID, one.Partitions = t.Topic, t.ID, t.Partitions.Numbers()
		asked.Topics = append(asked.Topics, one)
	}
	req.Groups = append(req.Groups, asked)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	return committedOffsets(resp)
}

// committedOffsets returns what the answer holds, by partition. A group that does not exist has committed nothing.
func committedOffsets(resp *kmsg.OffsetFetchResponse) (map[topicPartition]committedOffset, error) {
	committed := make(map[topicPartition]committedOffset)
	for _, g := range resp.Groups {
		if err := kerr.ErrorForCode(g.ErrorCode); err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
			return nil, err
		}
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return nil, fmt.Errorf("%s[%d]: %w", t.Topic, p.Partition, err)
				}
				c := committedOffset{offset: p.Offset}
				if p.Metadata != nil {
					c.metadata = *p.Metadata
				}
				committed[topicPartition{t.Topic, p.Partition}] = c
			}
		}
	}
	return committed, nil
}

func positionsOf(committed map[topicPartition]committedOffset, meta kadm.Metadata) ([]Position, error) {
	var positions []Position
	var faults []error
	meta.Topics.EachPartition(func(d kadm.PartitionDetail) {
		p := Position{Topic: d.Topic, Partition: d.Partition, TopicID: meta.Topics[d.Topic].ID, Cluster: meta.Cluster, Offset: -1}
		if c, ok := committed[topicPartition{d.Topic, d.Partition}]; ok && c.offset >= 0 {
			mark, err := believe(c, p.TopicID, p.Cluster)
			if err != nil {
				faults = append(faults, fmt.Errorf("%s[%d]: %w", d.Topic, d.Partition, err))
			}
			p.Offset, p.runs = c.offset, mark.runs
		}
		positions = append(positions, p)
	})
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	slices.SortFunc(positions, func(a, b Position) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return positions, nil
}
