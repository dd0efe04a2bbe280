package stream

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// remedies is what to do about errors before the commit: the table of answers.
var remedies = map[error]remedy{
	kerr.CoordinatorNotAvailable:   tryAgain,
	kerr.ConcurrentTransactions:    tryAgain,
	kerr.IllegalGeneration:         tryAgain,
	kerr.RebalanceInProgress:       tryAgain,
	kerr.TransactionAbortable:      tryAgain,
	kerr.UnknownServerError:        tryAgain,
	kerr.GroupAuthorizationFailed:  tryAgain,
	kerr.UnknownMemberID:           startOver,
	kerr.StaleMemberEpoch:          startOver,
	kerr.FencedMemberEpoch:         startOver,
	kerr.InvalidProducerEpoch:      startOver,
	kerr.InvalidProducerIDMapping:  startOver,
	kerr.InvalidTxnState:           startOver,
	kerr.OutOfOrderSequenceNumber:  startOver,
	kgo.ErrClientClosed:            startOver,
	errMemberChanged:               startOver,
	kerr.FencedInstanceID:          giveUp,
	kerr.ProducerFenced:            giveUp,
	errNoMember:                    tryAgain,
	errors.New("connection reset"): tryAgain,
}

// The client looks at the first partition's error only.
func TestEveryPartitionsAnswerIsChecked(t *testing.T) {
	ps, p0 := onePartition(0)
	positions := []position{{p0, 1, ""}, {addPartition(ps, 1), 1, ""}, {addPartition(ps, 2), 1, ""}}
	answer := func(codes ...*kerr.Error) *kmsg.TxnOffsetCommitResponse {
		resp := kmsg.NewPtrTxnOffsetCommitResponse()
		topic := kmsg.NewTxnOffsetCommitResponseTopic()
		topic.Topic = "in"
		for i, e := range codes {
			one := kmsg.NewTxnOffsetCommitResponseTopicPartition()
			one.Partition = int32(i)
			if e != nil {
				one.ErrorCode = e.Code
			}
			topic.Partitions = append(topic.Partitions, one)
		}
		resp.Topics = append(resp.Topics, topic)
		return resp
	}
	tests := []struct {
		name      string
		resp      *kmsg.TxnOffsetCommitResponse
		fails     bool
		remedy    remedy
		partition *partition
	}{
		{"all well", answer(nil, nil, nil), false, 0, nil},
		{"the last one refused", answer(nil, nil, kerr.IllegalGeneration), true, tryAgain, nil},
		{"the last one expelled", answer(nil, nil, kerr.UnknownMemberID), true, startOver, nil},
		{"the last one fenced", answer(nil, nil, kerr.FencedInstanceID), true, giveUp, nil},
		{"one is missing", answer(nil, nil), true, startOver, nil},
		{"all are missing", answer(), true, startOver, nil},
		{"a map too large", answer(nil, kerr.OffsetMetadataTooLarge, nil), true, stopPartition, positions[1].partition},
		{"a commit too large", answer(nil, nil, kerr.InvalidCommitOffsetSize), true, stopPartition, positions[2].partition},
		{"a topic that is gone", answer(nil, kerr.UnknownTopicID, nil), true, stopPartition, positions[1].partition},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			failure := offsetCommitFailure(tt.resp, positions)
			if (failure != nil) != tt.fails {
				t.Fatalf("failure = %v", failure)
			}
			if failure != nil && (failure.remedy != tt.remedy || failure.partition != tt.partition) {
				t.Errorf("remedy %d, partition %v; want %d, %v", failure.remedy, failure.partition, tt.remedy, tt.partition)
			}
		})
	}
}

// An error on the last partition only: had the transaction committed, that partition's results would be published again.
func TestRefusedOffsetAborts(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		refused := k.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Topic: "in", Partitions: []int32{3}, Err: kerr.IllegalGeneration, Count: 4})
		for number := range int32(4) {
			k.send(number, numbered(string(rune('a'+number)), 10)...)
		}
		p := k.start(newUpper())
		k.await("the answers were bad", func() bool { return refused.Hits() == 4 })
		for number := range int32(4) {
			k.awaitCommitted(number, 10)
		}
		if got := k.published(); len(got) != 40 {
			t.Errorf("published %d values, want 40", len(got))
		}
		p.crash()
		again := newUpper()
		p = k.start(again)
		time.Sleep(30 * time.Second)
		if redone := again.log(&again.processed); len(redone) > 0 {
			t.Errorf("published, but not committed: %v", redone)
		}
		p.stop()
	})
}

func TestRefusedMapStopsItsPartitionOnly(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		k.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Topic: "in", Partitions: []int32{2}, Err: kerr.OffsetMetadataTooLarge, Count: -1})
		for number := range int32(4) {
			k.send(number, numbered(string(rune('a'+number)), 10)...)
		}
		p := k.start(newUpper())
		for _, number := range []int32{0, 1, 3} {
			k.awaitCommitted(number, 10)
		}
		k.await("partition 2 stopped", func() bool { return contains(p.stopped(2), "OFFSET_METADATA_TOO_LARGE") })
		if at, _ := k.committedAt(2); at != -1 {
			t.Errorf("partition 2 is committed at %d", at)
		}
		p.stop()
	})
}
