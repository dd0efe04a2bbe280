package stream

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A transaction that was aborted has finished nothing: the next commit must not skip its records, least of all in a crash.
func TestAbortThenCrashLosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		k.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Group: "g", Err: kerr.TransactionAbortable, Count: 3})
		u := newUpper()
		var calls int
		u.setConfirm(func(ms []*Message) error { // the aborted messages stay out of the way of the one that commits
			if calls++; calls > 3 && slices.ContainsFunc(ms, func(m *Message) bool { return string(m.Record.Value) == "first" }) {
				return errors.New("not now")
			}
			return nil
		})
		k.send(0, "slow", "first")
		p := k.start(u)
		k.await("three aborts", func() bool { return p.engine.Status().Commit != "" })
		time.Sleep(2 * time.Second)
		p.crash()
		if at, _ := k.committedAt(0); at > 0 {
			t.Fatalf("committed at %d: the head is not finished", at)
		}
		u = newUpper()
		u.letGo()
		p = k.start(u)
		k.awaitPublished("slow", "first")
		k.awaitCommitted(0, 2)
		p.stop()
	})
}

// The same in the tracker's own terms: after an abort the map holds what it held before.
func TestAbortLeavesTheMapAsItWas(t *testing.T) {
	ps, p := onePartition(0)
	ms := fetched(p, 0, 1, 2)
	in, _, _ := ps.include(ms[1:])
	ps.aborted(in)
	if pos, _ := p.position(); pos.offset != 0 || pos.metadata != (commitMark{base: 0}).encode() {
		t.Errorf("after the abort, position = %d %s", pos.offset, pos.metadata)
	}
}

// EndTxn failed, and nobody can say whether it took effect: the network is gone just before the request, or just before the answer, and stays
// away until the broker has aborted what it can. In both cases everything is published once and the ledger hears of nothing
// that is unknown. The same for the other requests of a transaction.
func TestLostRequestsAndLostAnswers(t *testing.T) {
	// Over before the client gives up; while the outcome is unknown and an abort would go through; and after that would have failed too.
	outages := []time.Duration{time.Second, 12 * time.Second, 20 * time.Second}
	for _, key := range []kmsg.Key{kmsg.EndTxn, kmsg.TxnOffsetCommit, kmsg.Produce} {
		for _, deliver := range []bool{false, true} {
			for _, outage := range outages {
				name := fmt.Sprintf("%s/took effect %v/back after %v", key.Name(), deliver, outage)
				t.Run(name, func(t *testing.T) {
					bubble(t, func(t *testing.T, k *kafka) { unknownOutcome(t, k, key, deliver, outage) })
				})
			}
		}
	}
}

func unknownOutcome(t *testing.T, k *kafka, key kmsg.Key, deliver bool, outage time.Duration) {
	k.send(0, "before")
	u := newUpper()
	p := k.start(u)
	k.awaitPublished("before")
	k.awaitCommitted(0, 1)

	sprung := p.link.cutAt(key, deliver)
	k.send(0, numbered("a", 5)...)
	<-sprung
	time.Sleep(outage)
	if got := u.log(&u.settled); key == kmsg.EndTxn && !slices.Equal(got, []string{"before"}) {
		t.Errorf("settled %v while the outcome was unknown", got)
	}
	p.link.heal()
	k.neverPublishedTwice(append(numbered("a", 5), "before")...)
	k.awaitCommitted(0, 6)
	if n := p.engine.Status().Sessions; key == kmsg.EndTxn && outage > k.retries() && n < 2 {
		t.Errorf("%d sessions: an unknown outcome must start over", n)
	}
	p.stop()
	checkSettled(t, k, u, key, deliver)
}

// retries is how long the client tries by itself before an outcome is unknown: a transaction's time.
func (k *kafka) retries() time.Duration { return 10 * time.Second }

// checkSettled: what committed without our knowing is never settled by this engine; everything else is, once and in order.
func checkSettled(t *testing.T, _ *kafka, u *upper, key kmsg.Key, deliver bool) {
	t.Helper()
	settled := u.log(&u.settled)
	if distinct := slices.Compact(slices.Sorted(slices.Values(settled))); len(distinct) != len(settled) {
		t.Errorf("settled twice: %v", settled)
	}
	if (key != kmsg.EndTxn || !deliver) && len(settled) != 6 {
		t.Errorf("settled %v, want all six", settled)
	}
}

func TestOneRefusedResultStopsItsPartitionOnly(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		k.send(0, "a0", "huge", "a2")
		k.send(1, numbered("b", 20)...)
		p := k.start(newUpper(), func(c *Config) { c.Concurrency = 1 })
		k.await("the partition stopped", func() bool { return p.stopped(0) != "" })
		k.awaitCommitted(1, 20)
		for _, want := range []string{ErrUnpublishable.Error(), "in[0]@1", "restart"} {
			if why := p.stopped(0); !contains(why, want) {
				t.Errorf("stopped: %q, want %q in it", why, want)
			}
		}
		k.send(1, "later")
		k.awaitCommitted(1, 21)
		if at, metadata := k.committedAt(0); at > 1 {
			t.Errorf("committed at %d %q, past the record without a result", at, metadata)
		}
		p.stop()
	})
}

// The broker refuses the batch that holds it, and with it what other messages have in that batch: they are not to blame.
func TestRefusedBatchBlamesOneMessage(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		if _, err := k.admin.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Name: "max.message.bytes", Value: kadm.StringPtr("20000")}}, "out"); err != nil {
			t.Fatal(err)
		}
		pad := strings.Repeat(".", 1000)
		var fine []string
		for number := range int32(4) {
			for i := range 30 {
				fine = append(fine, fmt.Sprintf("%d-%d%s", number, i, pad))
				k.send(number, fine[len(fine)-1])
			}
		}
		large := "large" + strings.Repeat(".", 25000)
		k.send(2, large)
		p := k.start(newUpper(), func(c *Config) { c.Client = append(c.Client, kgo.ProducerBatchCompression(kgo.NoCompression())) })
		k.await("partition 2 stopped", func() bool { return contains(p.stopped(2), "in[2]@30") })
		for _, number := range []int32{0, 1, 3} {
			k.awaitCommitted(number, 30)
			if why := p.stopped(number); why != "" {
				t.Errorf("partition %d: %s", number, why)
			}
		}
		k.awaitPublished(fine...)
		p.stop()
	})
}

// A record that failed keeps the whole transaction from committing, though the client would commit the rest.
func TestProduceErrorsAbort(t *testing.T) {
	for _, err := range []*kerr.Error{kerr.UnknownServerError, kerr.TopicAuthorizationFailed, kerr.InvalidTimestamp, kerr.TransactionAbortable} {
		t.Run(err.Message, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kafka) {
				refused := k.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "out", Err: err, Count: 3})
				values := numbered("a", 30)
				k.send(0, values...)
				p := k.start(newUpper())
				k.neverPublishedTwice(values...)
				k.awaitCommitted(0, 30)
				if refused.Hits() != 3 {
					t.Errorf("%d refusals, want 3", refused.Hits())
				}
				p.stop()
			})
		})
	}
}

// A broker that still writes the markers of one transaction refuses the records of the next; one that has just become a leader may do so too. Neither
// takes long, and so nobody may wait for long.
func TestRefusalsThatPassDelayNothing(t *testing.T) {
	for _, err := range []*kerr.Error{kerr.ConcurrentTransactions, kerr.NotLeaderForPartition, kerr.UnknownTopicOrPartition} {
		t.Run(err.Message, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kafka) {
				p := k.start(newUpper())
				k.send(0, "a")
				k.awaitCommitted(0, 1) // whoever produces knows the topic now
				refused := k.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "out", Err: err, Count: 2})
				began := time.Now()
				k.send(0, "b")
				k.awaitCommitted(0, 2)
				if took := time.Since(began); took > time.Second || refused.Hits() != 2 {
					t.Errorf("committed %v after it was sent, and %d refusals; want less than a second, and 2", took, refused.Hits())
				}
				p.stop()
			})
		})
	}
}

// The output topic appears after the engine: what could not be produced then can be produced now.
func TestResultTopicComesLater(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		if _, err := k.admin.DeleteTopics(t.Context(), "out"); err != nil {
			t.Fatal(err)
		}
		values := numbered("a", 10)
		k.send(0, values...)
		p := k.start(newUpper())
		time.Sleep(40 * time.Second)
		if _, err := k.admin.CreateTopic(t.Context(), 1, 1, nil, "out"); err != nil {
			t.Fatal(err)
		}
		k.awaitPublished(values...)
		k.awaitCommitted(0, 10)
		p.stop()
	})
}
