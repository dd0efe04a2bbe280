package stream

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The tests of this file have one thing in common: something beside the engine does not answer, or says no for long, and
// what does not depend on it must go on.

// stuckLedger never comes back from Settle before its context ends: what a store does that can be read and not written.
type stuckLedger struct{ *upper }

func (stuckLedger) Settle(ctx context.Context, _ []*Message) { <-ctx.Done() }

func TestStuckLedgerDoesNotKeepTheProcess(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		u := newUpper()
		p := k.start(u, func(c *Config) { c.Ledger = stuckLedger{u}; c.Concurrency = 1 })
		for i := range 300 { // more transactions than may wait to be settled
			k.send(int32(i%4), fmt.Sprintf("tick%d", i))
			time.Sleep(50 * time.Millisecond)
		}
		began := time.Now()
		p.stop()
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %v to stop", took)
		}
	})
}

func TestRefusedConfirmationDoesNotFillTheLog(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		u := newUpper()
		u.setConfirm(func([]*Message) error { return errors.New("the store is down") })
		p := k.start(u)
		values := numbered("a", 300)
		k.send(0, values...)
		time.Sleep(10 * time.Minute)
		ends, err := k.admin.ListEndOffsets(t.Context(), "out")
		if err != nil {
			t.Fatal(err)
		}
		if end, _ := ends.Lookup("out", 0); end.Offset > 1000 {
			t.Errorf("the output grew by %d records in ten minutes without one commit", end.Offset)
		}
		u.setConfirm(nil)
		k.awaitPublished(upperCase(values)...)
		p.stop()
	})
}

// answerOffsetFetch refuses to tell the group's offset of partition 0 for the first few times.
func answerOffsetFetch(k *kafka, refusal *kerr.Error, times int) {
	k.cluster.ControlKey(int16(kmsg.OffsetFetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		k.cluster.KeepControl()
		req := kreq.(*kmsg.OffsetFetchRequest)
		if len(req.Groups) == 0 || len(req.Groups[0].Topics) == 0 || times == 0 {
			return nil, nil, false
		}
		times--
		group := kmsg.NewOffsetFetchResponseGroup()
		group.Group = req.Groups[0].Group
		for _, asked := range req.Groups[0].Topics {
			topic := kmsg.NewOffsetFetchResponseGroupTopic()
			topic.Topic, topic.TopicID = asked.Topic, asked.TopicID
			for _, number := range asked.Partitions {
				p := kmsg.NewOffsetFetchResponseGroupTopicPartition()
				p.Partition, p.Offset = number, -1
				if number == 0 {
					p.ErrorCode = refusal.Code
				}
				topic.Partitions = append(topic.Partitions, p)
			}
			group.Topics = append(group.Topics, topic)
		}
		resp := req.ResponseKind().(*kmsg.OffsetFetchResponse)
		resp.Groups = append(resp.Groups, group)
		return resp, nil, true
	})
}

func TestPartitionWhoseOffsetIsRefusedIsTakenUpLater(t *testing.T) {
	for _, refusal := range []*kerr.Error{kerr.UnknownTopicID, kerr.TopicAuthorizationFailed} {
		t.Run(refusal.Message, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kafka) {
				k.send(0, "a")
				k.send(1, "b")
				answerOffsetFetch(k, refusal, 6)
				p := k.start(newUpper())
				k.awaitPublished("A", "B")
				p.stop()
			})
		})
	}
}

func TestPartitionWithoutLeaderHoldsUpNoOther(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		k.send(0, "a")
		k.send(1, "b")
		k.cluster.ControlKey(int16(kmsg.ListOffsets), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
			k.cluster.KeepControl()
			req := kreq.(*kmsg.ListOffsetsRequest)
			resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
			for _, asked := range req.Topics {
				topic := kmsg.NewListOffsetsResponseTopic()
				topic.Topic = asked.Topic
				for _, one := range asked.Partitions {
					p := kmsg.NewListOffsetsResponseTopicPartition()
					p.Partition, p.Offset = one.Partition, 0
					switch {
					case one.Partition == 0:
						p.Offset, p.ErrorCode = -1, kerr.LeaderNotAvailable.Code
					case one.Partition == 1 && one.Timestamp == -1:
						p.Offset = 1
					}
					topic.Partitions = append(topic.Partitions, p)
				}
				resp.Topics = append(resp.Topics, topic)
			}
			return resp, nil, true
		})
		u := newUpper()
		p := k.start(u)
		k.await("the partition with a leader is processed", func() bool { return len(u.log(&u.processed)) == 1 })
		time.Sleep(time.Minute)
		if n := p.engine.Status().Sessions; n != 1 {
			t.Errorf("%d sessions, want 1", n)
		}
		p.stop()
	})
}

func TestShutdownDuringARevocation(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		u, other := newUpper(), newUpper()
		drain := func(c *Config) { c.DrainTimeout = 25 * time.Second }
		p := k.start(u, drain)
		for number := range int32(4) {
			k.send(number, "stubborn")
		}
		k.await("all have begun", func() bool { return len(u.log(&u.begun)) == 4 })
		second := k.start(other, drain, as("second")) // it takes two partitions away, which drain for 25 s
		time.Sleep(8 * time.Second)
		began := time.Now()
		p.stop()
		if took := time.Since(began); took > 26*time.Second {
			t.Errorf("it took %v to stop, the drain timeout is 25 s", took)
		}
		other.letGo()
		second.stop()
	})
}

// TestFailedSessionDrainsNothing: a session that can't commit any more ends at once, though it is in the middle of a revocation or a shutdown.
func TestFailedSessionDrainsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		u := newUpper()
		p := k.start(u, func(c *Config) { c.DrainTimeout = 25 * time.Second })
		k.send(0, "stubborn1", "stubborn2")
		k.await("both have begun", func() bool { return len(u.log(&u.begun)) == 2 })
		u.setConfirm(func([]*Message) error { return ErrNotAdmitted })
		time.AfterFunc(time.Second, u.letGo)
		began := time.Now()
		p.stop()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %v to stop", took)
		}
	})
}
