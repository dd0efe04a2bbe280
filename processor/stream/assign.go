package stream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// committedOffset is what the group holds for one partition; offset is -1 where it holds nothing.
type committedOffset struct {
	offset   int64
	metadata string
}

// logRange is what a partition's log holds now: [start, end).
type logRange struct{ start, end int64 }

// anyRange is the range of a log that can't be asked.
var anyRange = logRange{0, math.MaxInt64}

// resume decides where an assignment goes on. It is pure; an error is a reason to stop the partition.
//
// With accept, what would be an error is overruled: a moved offset is believed, and where an offset has no meaning (another topic,
// another cluster, outside of the log) the partition goes on at the beginning of the log.
func resume(c committedOffset, topicID [16]byte, cluster string, log logRange, accept bool) (offset int64, runs []run, err error) {
	if c.offset < 0 {
		return log.start, nil, nil // a new partition: from its beginning
	}
	mark, err := believe(c, topicID, cluster)
	known := c.offset // the log must reach as far as what was finished in it, or other records have those offsets now
	if n := len(mark.runs); n > 0 {
		known = mark.runs[n-1].last + 1
	}
	outside := c.offset < log.start || known > log.end
	if err == nil && outside {
		err = fmt.Errorf("%w: %d is committed, with what was finished up to %d; the log holds %d to %d",
			ErrOffsetOutOfRange, c.offset, known, log.start, log.end)
	}
	switch {
	case err == nil:
		return c.offset, mark.runs, nil
	case !accept:
		return 0, nil, err
	case outside || errors.Is(err, ErrRecreatedTopic):
		return log.start, nil, nil
	}
	return c.offset, nil, nil
}

// believe reads the mark of a commit and makes sure that it is ours: for this offset, of this topic, on this cluster.
func believe(c committedOffset, topicID [16]byte, cluster string) (commitMark, error) {
	mark, err := parseMark(c.metadata)
	switch {
	case err != nil:
		err = fmt.Errorf("%w: offset %d was committed by another program or moved by hand (%w)", ErrForeignCommit, c.offset, err)
	case mark.cluster != cluster:
		err = fmt.Errorf("%w: offset %d was committed on cluster %s, this is %s", ErrRecreatedTopic, c.offset, mark.cluster, cluster)
	case mark.topicID != topicID:
		err = fmt.Errorf("%w: offset %d was committed for topic ID %x, the topic of this name is now %x", ErrRecreatedTopic, c.offset, mark.topicID, topicID)
	case mark.base != c.offset:
		err = fmt.Errorf("%w: offset %d carries the mark of offset %d", ErrForeignCommit, c.offset, mark.base)
	}
	return mark, err
}

const acceptAdvice = "find out who moved it; then either put the offset back, or run with accept-offsets to go on from here"

// assigned is called by the consumer between fetching the committed offsets and consuming from them. It makes a tracker for each partition
// and returns where to start; a partition that must not go on is left out, and so it is never fetched.
func (s *session) assigned(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, adminTimeout, errAdminTimeout)
	defer cancel()
	topics := make([]string, 0, len(offsets))
	for topic := range offsets {
		topics = append(topics, topic)
	}
	admin := kadm.NewClient(s.joined)
	meta, err := admin.Metadata(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("read topic IDs: %w", err)
	}
	starts, err := admin.ListStartOffsets(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("read where the logs start: %w", err)
	}
	ends, err := admin.ListEndOffsets(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("read where the logs end: %w", err)
	}
	member, _ := s.joined.GroupMetadata()
	for topic, numbers := range offsets {
		for number := range numbers {
			p := newPartition(topicPartition{topic, number}, meta, member)
			if err := meta.Topics[topic].Err; err != nil {
				return nil, fmt.Errorf("read the topic ID of %s: %w", topic, err)
			}
			start, okStart := starts.Lookup(topic, number)
			end, okEnd := ends.Lookup(topic, number)
			log := logRange{start.Offset, end.Offset}
			if !okStart || !okEnd || start.Err != nil || end.Err != nil {
				log = anyRange // it has no leader: reading it will wait for one, and find out
			}
			at, runs, err := resume(s.fetched[p.topicPartition], p.topicID, p.cluster, log, s.cfg.AcceptOffsets)
			p.tracker = newTracker(at, runs)
			if slices.Contains(s.cfg.Parked, topic) {
				p.due = s.cfg.Due
			}
			s.parts.assign(p)
			s.joined.ResumeFetchPartitions(map[string][]int32{topic: {number}}) // a pause outlives the assignment it was made for
			if err != nil {
				s.stop(p, err, acceptAdvice)
				delete(numbers, number)
				continue
			}
			numbers[number] = kgo.NewOffset().At(at)
			if log == anyRange && s.fetched[p.topicPartition].offset < 0 {
				numbers[number] = kgo.NewOffset().AtStart()
			}
		}
	}
	return offsets, nil
}

func newPartition(tp topicPartition, meta kadm.Metadata, member string) *partition {
	p := &partition{
		topicPartition: tp, topicID: meta.Topics[tp.topic].ID, cluster: meta.Cluster, member: member,
		draining: make(chan struct{}), idle: make(chan struct{}), moved: time.Now(),
	}
	p.ctx, p.cancel = context.WithCancelCause(context.Background())
	return p
}

// offsetsFetched keeps what the group holds, and the client, which may call back before its maker has it; assigned, which is called next on
// the same goroutine, reads both.
func (s *session) offsetsFetched(_ context.Context, joined *kgo.Client, resp *kmsg.OffsetFetchResponse) error {
	s.joined = joined
	s.fetched = make(map[topicPartition]committedOffset)
	for _, g := range resp.Groups {
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				c := committedOffset{offset: p.Offset}
				if p.Metadata != nil {
					c.metadata = *p.Metadata
				}
				s.fetched[topicPartition{t.Topic, p.Partition}] = c
			}
		}
	}
	return nil
}

// revoked is called when the group takes partitions away: what runs may finish and commit first.
func (s *session) revoked(_ context.Context, _ *kgo.Client, named map[string][]int32) {
	some := s.parts.find(named)
	if len(some) == 0 {
		return
	}
	if late := s.parts.drain(some, s.cfg.DrainTimeout); late > 0 {
		s.cfg.Logger.Warn("partitions revoked before their messages were done; the next owner processes them again",
			"partitions", len(some), "messages", late)
	}
}

// lost is called when the group has already given the partitions to others.
func (s *session) lost(_ context.Context, _ *kgo.Client, named map[string][]int32) {
	if late := s.parts.fence(s.parts.find(named)); late > 0 {
		s.cfg.Logger.Warn("partitions lost; the next owner processes their messages again", "messages", late)
	}
}

// stop ends one partition; the others go on.
func (s *session) stop(p *partition, err error, advice string) {
	why := &PartitionError{Topic: p.topic, Partition: p.number, Err: err, Advice: advice}
	if !s.parts.stop(p, why) {
		return
	}
	s.cfg.Logger.Error("partition stopped", "topic", p.topic, "partition", p.number, "err", err, "advice", advice)
}
