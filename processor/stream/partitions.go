package stream

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type topicPartition struct {
	topic  string
	number int32
}

// partition is one assignment of one partition to this member. When the partition is taken away the assignment is fenced for good;
// if it comes back, that is another assignment with a fresh tracker. What was begun under the old one finds the fence and publishes nothing.
type partition struct {
	topicPartition
	topicID  [16]byte
	cluster  string
	member   string                      // the member ID it was assigned to; a tracker is worth nothing to another one
	due      func(*kgo.Record) time.Time // of a parked topic: when a record may be accepted; nil: at once
	ctx      context.Context             // ends when the assignment is fenced: the time to drain is up
	cancel   context.CancelCauseFunc
	draining chan struct{} // closed when the engine wants the partition to come to rest
	idle     chan struct{} // closed when it has, or when it is fenced

	// What follows is guarded by partitions.mu.

	tracker *tracker
	waiting []*kgo.Record // fetched and not accepted, because the first of them is not due, or the offset map is full; see throttle
	next    time.Time     // when that one is due
	running int           // messages being processed, or finished and not committed
	phase   phase
	ahead   bool            // enough waits, and has not come down to half of it yet
	paused  bool            // not fetched; see throttle
	stopped *PartitionError // why it goes no further, if it does not
	moved   time.Time       // see PartitionStatus
}

type phase uint8

const (
	live    phase = iota
	resting       // draining: what runs may finish, nothing is started
	fenced        // nothing of it is published any more
)

// partitions holds what is assigned to this member. Its lock is what the engine's rules call the trackers' lock: what is finished, who
// owns it and under which generation are always read together.
type partitions struct {
	spare int // how many records may wait for room in offset maps before partitions are paused for it

	mu    sync.Mutex
	owned map[topicPartition]*partition
}

var errDrained = errors.New("stream: the partition was taken away and the time to drain is up")

func (ps *partitions) assign(p *partition) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if old := ps.owned[p.topicPartition]; old != nil {
		ps.fenceLocked(old)
	}
	ps.owned[p.topicPartition] = p
}

// sift returns the messages whose partitions are still ours to start work for, and those that are not.
func (ps *partitions) sift(messages []*Message) (ours, lost []*Message) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ours = make([]*Message, 0, len(messages))
	for _, m := range messages {
		if m.partition.phase == live {
			ours = append(ours, m)
		} else {
			lost = append(lost, m)
		}
	}
	return ours, lost
}

// start counts the message as running, unless its partition is on its way out.
func (ps *partitions) start(m *Message) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if m.partition.phase != live {
		return false
	}
	m.partition.running++
	return true
}

// abandon takes back start: the message is left unfinished and will be fetched again, by whoever owns the partition next.
func (ps *partitions) abandon(m *Message) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.rest(m.partition, 1)
}

// rest counts n messages of p as no longer running.
func (ps *partitions) rest(p *partition, n int) {
	p.running -= n
	if p.running == 0 && p.phase == resting {
		close(p.idle)
		p.phase = fenced
	}
}

// drain asks the partitions to come to rest and waits until they have, at most for the given time; then it fences them.
// What was finished by then and has not committed will be processed again by the next owner.
func (ps *partitions) drain(some []*partition, limit time.Duration) (late int) {
	ps.quiesce(some)
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	for _, p := range some {
		select {
		case <-p.idle:
			continue
		case <-timeout.C:
		}
		break
	}
	return ps.fence(some)
}

// quiesce asks the partitions to come to rest: nothing of them is started any more.
func (ps *partitions) quiesce(some []*partition) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range some {
		if p.phase == live {
			p.phase = resting
			close(p.draining)
			ps.rest(p, 0)
		}
	}
}

// fence ends the assignments at once and forgets them. It returns how many messages were still running.
func (ps *partitions) fence(some []*partition) (late int) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range some {
		late += p.running
		ps.fenceLocked(p)
		if ps.owned[p.topicPartition] == p { // not a newer assignment's
			delete(ps.owned, p.topicPartition)
		}
	}
	return late
}

func (ps *partitions) fenceLocked(p *partition) {
	if p.phase == live {
		close(p.draining)
	}
	if p.phase != fenced {
		close(p.idle)
		p.phase = fenced
	}
	p.waiting, p.next = nil, time.Time{} // whoever is assigned the partition next fetches them again
	p.cancel(errDrained)
}

// stop fences the partition but keeps it, with the reason, so that everybody can see it. The first reason stands; stop says whether this is it.
func (ps *partitions) stop(p *partition, why *PartitionError) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p.stopped != nil {
		return false
	}
	ps.fenceLocked(p)
	p.stopped = why
	return true
}

// find returns the assignments of the named partitions; all returns every one.
func (ps *partitions) find(named map[string][]int32) []*partition {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var found []*partition
	for topic, numbers := range named {
		for _, n := range numbers {
			if p := ps.owned[topicPartition{topic, n}]; p != nil {
				found = append(found, p)
			}
		}
	}
	return found
}

func (ps *partitions) all() []*partition {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	all := make([]*partition, 0, len(ps.owned))
	for _, p := range ps.owned {
		all = append(all, p)
	}
	return all
}
