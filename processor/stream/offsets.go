package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// concurrentBackoff is how long a request of the transaction waits while the coordinator still ends the transaction before.
const concurrentBackoff = 20 * time.Millisecond

// commitOffsets adds the positions to the transaction. The request carries our member ID and generation (KIP-447): the group's coordinator
// refuses what an expelled member still wants to commit.
func (s *session) commitOffsets(ctx context.Context, positions []position, us membership) *commitError {
	id, epoch, err := s.producer.ProducerID(ctx)
	if err != nil {
		return &commitError{op: "read the producer ID", err: err}
	}
	if s.unsafe {
		if failure := s.registerOffsets(ctx, id, epoch); failure != nil {
			return failure
		}
	}
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.Group = s.cfg.TransactionalID, s.cfg.Group
	req.ProducerID, req.ProducerEpoch = id, epoch
	req.MemberID, req.Generation = us.member, us.generation
	if s.cfg.InstanceID != "" {
		req.InstanceID = &s.cfg.InstanceID
	}
	req.Topics = offsetCommitTopics(positions)
	return whileConcurrent(ctx, func() *commitError {
		resp, err := req.RequestWith(ctx, s.producer)
		if err != nil {
			return &commitError{op: "commit offsets", err: errors.Join(err, context.Cause(ctx)), remedy: remedyOf(err)}
		}
		return offsetCommitFailure(resp, positions)
	})
}

// registerOffsets tells the coordinator that the transaction will hold offsets of the group. Since KIP-890 (transaction.version 2) the
// offset commit does so by itself; before, one that was not announced never commits.
func (s *session) registerOffsets(ctx context.Context, id int64, epoch int16) *commitError {
	req := kmsg.NewPtrAddOffsetsToTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = s.cfg.TransactionalID, id, epoch, s.cfg.Group
	return whileConcurrent(ctx, func() *commitError {
		resp, err := req.RequestWith(ctx, s.producer)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		if err == nil {
			return nil
		}
		return &commitError{op: "register offsets", err: err, remedy: remedyOf(err)}
	})
}

// whileConcurrent asks again while the coordinator answers that the transaction before is still ending; the client does so only for
// requests of its own.
func whileConcurrent(ctx context.Context, ask func() *commitError) *commitError {
	for {
		failure := ask()
		if failure == nil || !errors.Is(failure.err, kerr.ConcurrentTransactions) {
			return failure
		}
		select {
		case <-ctx.Done():
			return failure
		case <-time.After(concurrentBackoff):
		}
	}
}

func offsetCommitTopics(positions []position) []kmsg.TxnOffsetCommitRequestTopic {
	at := make(map[string]int)
	var topics []kmsg.TxnOffsetCommitRequestTopic
	for _, pos := range positions {
		i, ok := at[pos.partition.topic]
		if !ok {
			i = len(topics)
			at[pos.partition.topic] = i
			t := kmsg.NewTxnOffsetCommitRequestTopic()
			t.Topic, t.TopicID = pos.partition.topic, pos.partition.topicID
			topics = append(topics, t)
		}
		p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.Metadata = pos.partition.number, pos.offset, &pos.metadata
		topics[i].Partitions = append(topics[i].Partitions, p)
	}
	return topics
}

// offsetCommitFailure looks at every partition's answer: the client looks at the first one only.
func offsetCommitFailure(resp *kmsg.TxnOffsetCommitResponse, positions []position) *commitError {
	answered := 0
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			answered++
			err := kerr.ErrorForCode(p.ErrorCode)
			if err == nil {
				continue
			}
			failure := &commitError{op: "commit offsets", err: fmt.Errorf("%s[%d]: %w", t.Topic, p.Partition, err), remedy: remedyOf(err)}
			if errors.Is(err, kerr.UnknownTopicID) {
				failure.err = fmt.Errorf("%w: %w", ErrRecreatedTopic, failure.err)
			}
			if refusesPartition(err) {
				failure.remedy = stopPartition
				failure.partition = positions[0].partition
				for _, pos := range positions {
					if pos.partition.number == p.Partition && (pos.partition.topic == t.Topic || pos.partition.topicID == t.TopicID) {
						failure.partition = pos.partition
					}
				}
			}
			return failure
		}
	}
	if answered != len(positions) {
		return &commitError{op: "commit offsets", err: fmt.Errorf("%d of %d partitions answered", answered, len(positions))}
	}
	return nil
}

// refusesPartition are the errors that a partition's offset gets for what it is: sending it again can't help.
func refusesPartition(err error) bool {
	for _, final := range []error{kerr.OffsetMetadataTooLarge, kerr.InvalidCommitOffsetSize, kerr.UnknownTopicID} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}
