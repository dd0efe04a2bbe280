package stream

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestStorm lets everything happen at once, in an order that a seed decides: crashes, restarts, networks that come and go, requests and answers
// that are lost, aborts, rebalances, slow messages, messages that wait until they are due, holds. Whatever happened, in the end every result is published once, in the order
// of its key, and every partition is committed to its end.
func TestStorm(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kafka) { newStorm(t, k, seed).run() })
		})
	}
}

type storm struct {
	t      *testing.T
	k      *kafka
	rng    *rand.Rand
	procs  [2]*process
	hands  [2]*punctual
	sent   [4][]string // by partition of "in"
	parked [2][]string // by partition of "later"
	due    [2]time.Time
	events []string
}

func newStorm(t *testing.T, k *kafka, seed uint64) *storm {
	return &storm{t: t, k: k, rng: rand.New(rand.NewPCG(seed, 2))}
}

func (s *storm) run() {
	const rounds, perRound = 30, 12
	for i := range s.procs {
		s.launch(i)
	}
	for round := range rounds {
		for range perRound {
			s.sendOne(round)
		}
		s.parkOne()
		s.disturb()
		time.Sleep(time.Duration(s.rng.IntN(4000)) * time.Millisecond)
	}
	s.calm()
	s.check()
	for _, p := range s.procs {
		p.stop()
	}
}

// calm replaces both processes, with an empty group in between. The embedded cluster begins its wait for members anew whenever one of them
// joins again (a broker does not), so members that gave up joining at different times can keep each other out for ever.
func (s *storm) calm() {
	for i, p := range s.procs {
		p.link.heal()
		s.hands[i].letGo()
		p.stop()
	}
	s.k.await("the group is empty", func() bool { return s.k.members() == 0 })
	for i := range s.procs {
		s.launch(i)
		s.hands[i].letGo()
	}
}

func (s *storm) launch(i int) {
	s.hands[i] = newPunctual(s.t)
	s.procs[i] = s.k.start(s.hands[i], as(fmt.Sprint("storm-", i)), parked)
}

// parkOne parks "pPARTITION:tick-NUMBER", due within a quarter of a minute and not before the one before it.
func (s *storm) parkOne() {
	number := s.rng.IntN(len(s.parked))
	due := time.Now().Add(time.Duration(s.rng.IntN(15000)) * time.Millisecond)
	if due.Before(s.due[number]) {
		due = s.due[number]
	}
	s.due[number] = due
	value := fmt.Sprintf("p%d:tick-%d", number, len(s.parked[number]))
	s.parked[number] = append(s.parked[number], value)
	s.k.park(int32(number), due, value)
}

// sendOne sends "kKEY:KIND-NUMBER"; a key stays on its partition.
func (s *storm) sendOne(round int) {
	key := s.rng.IntN(16)
	number := int32(key % 4)
	kind := []string{"tick", "tick", "tick", "quick"}[s.rng.IntN(4)]
	if round < 25 && s.rng.IntN(40) == 0 {
		kind = []string{"slow", "stubborn"}[s.rng.IntN(2)]
	}
	value := fmt.Sprintf("k%d:%s-%d", key, kind, len(s.sent[number]))
	s.sent[number] = append(s.sent[number], value)
	s.k.send(number, value)
}

func (s *storm) disturb() {
	i := s.rng.IntN(len(s.procs))
	p, u := s.procs[i], s.hands[i]
	keys := []kmsg.Key{kmsg.Produce, kmsg.TxnOffsetCommit, kmsg.EndTxn, kmsg.Heartbeat, kmsg.JoinGroup, kmsg.OffsetFetch, kmsg.InitProducerID}
	key := keys[s.rng.IntN(len(keys))]
	var what string
	switch s.rng.IntN(9) {
	case 0:
		what = "crash"
		p.crash()
		s.launch(i)
	case 1:
		what = "restart"
		p.link.heal()
		u.letGo()
		p.stop()
		s.launch(i)
	case 2:
		what = "the network goes for a while"
		p.link.cut()
		time.AfterFunc(time.Duration(s.rng.IntN(25000))*time.Millisecond, p.link.heal)
	case 3, 4:
		deliver := s.rng.IntN(2) == 0
		what = fmt.Sprintf("the next %s is lost (took effect: %v)", key.Name(), deliver)
		p.link.cutAt(key, deliver)
		time.AfterFunc(time.Duration(s.rng.IntN(25000))*time.Millisecond, p.link.heal)
	case 5:
		what = "aborts"
		errs := []*kerr.Error{kerr.TransactionAbortable, kerr.IllegalGeneration, kerr.RebalanceInProgress, kerr.CoordinatorNotAvailable, kerr.UnknownMemberID}
		err := errs[s.rng.IntN(len(errs))]
		s.k.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Group: "g", Err: err, Count: 1 + s.rng.IntN(3)})
	case 6:
		what = "a rebalance"
		s.k.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: "g", Err: kerr.RebalanceInProgress})
	case 7:
		what = "what was slow goes on"
		u.letGo()
	case 8:
		what = "a hold for a while"
		intake := p.engine.cfg.Intake
		intake.Hold("storm", "a test")
		time.AfterFunc(time.Duration(s.rng.IntN(8000))*time.Millisecond, func() { intake.Release("storm") })
	}
	s.events = append(s.events, fmt.Sprintf("%s %d: %s", time.Now().Format("04:05.000"), i, what))
}

func (s *storm) check() {
	t, k := s.t, s.k
	defer func() {
		if t.Failed() {
			t.Log("what happened:")
			for _, e := range s.events {
				t.Log("  " + e)
			}
			for i, p := range s.procs {
				t.Logf("process %d: %+v", i, p.engine.Status())
			}
		}
	}()
	var all []string
	for number, values := range s.sent {
		all = append(all, values...)
		k.awaitCommitted(int32(number), int64(len(values)))
	}
	for number, values := range s.parked {
		all = append(all, values...)
		k.await("what was parked is committed", func() bool {
			at, _ := k.committedOf("later", int32(number))
			return at == int64(len(values)) || len(values) == 0
		})
	}
	inKeyOrder(t, k.published())
	k.neverPublishedTwice(all...)
	for number, values := range s.sent {
		if at, metadata := k.committedAt(int32(number)); metadata != k.mark(at).encode() {
			t.Errorf("partition %d: %d of %d records committed, and a map is left: %q", number, at, len(values), metadata)
		}
	}
	for _, u := range s.hands {
		if faults := u.log(&u.faults); len(faults) > 0 {
			t.Errorf("faults: %v", slices.Compact(faults))
		}
	}
}
