package stream

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// maxPoll is how many records are polled at once.
const maxPoll = 500

// mapFull is how many pieces the offset map of a partition may come to: unfinished records, and runs of finished ones between them. A partition
// with so many takes up no more; what is fetched of it waits here. Finishing a record makes no more pieces, and of two pieces at most one is a
// run, so that the map fits into the metadata at eight characters a run.
const mapFull = 1000

// position is what a transaction commits for one partition.
type position struct {
	partition *partition
	offset    int64
	metadata  string
}

// membership is who we are to the group, read together with the trackers.
type membership struct {
	member     string
	generation int32
}

var errNoMember = errors.New("not a member of the group at the moment")

// check refuses a membership that the broker would accept unfenced: it takes a transactional offset commit with an empty member ID or a
// negative generation from anybody, in any state of the group.
func (m membership) check() error {
	if m.member == "" || m.generation < 0 {
		return errNoMember
	}
	return nil
}

// include takes finished messages into the transaction being built. It returns those that are in, those that must wait because their
// partition's offset map has no room for them now, and those whose assignment is over, which are dropped.
func (ps *partitions) include(messages []*Message) (in, wait, over []*Message) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	full := map[*partition]bool{}
	for p, some := range byPartition(messages) {
		if p.phase == fenced {
			continue
		}
		for _, m := range some {
			p.tracker.include(m.Record.Offset)
		}
		if _, err := p.position(); err != nil {
			full[p] = true
			for _, m := range some {
				p.tracker.exclude(m.Record.Offset)
			}
		}
	}
	for _, m := range messages {
		switch {
		case m.partition.phase == fenced:
			over = append(over, m)
		case full[m.partition]:
			wait = append(wait, m)
		default:
			in = append(in, m)
		}
	}
	return in, wait, over
}

func byPartition(messages []*Message) map[*partition][]*Message {
	by := make(map[*partition][]*Message, 8)
	for _, m := range messages {
		by[m.partition] = append(by[m.partition], m)
	}
	return by
}

// position encodes what p commits now; the caller holds the lock.
func (p *partition) position() (position, error) {
	lowWater, runs := p.tracker.position()
	mark := commitMark{cluster: p.cluster, topicID: p.topicID, base: lowWater, runs: runs}.encode()
	if len(mark) > metadataCap {
		return position{}, fmt.Errorf("offset map of %d bytes, the broker takes %d", len(mark), metadataCap)
	}
	return position{p, lowWater, mark}, nil
}

// plan returns what the transaction with these messages commits, and under which membership. Both are read under one lock: a generation
// read later, when the request is sent, may be newer than the trackers and lets a commit of an old assignment through.
//
//  1. the transaction is built from the trackers of generation 7
//  2. the member is expelled and rejoins by itself; another one gets its partitions and finishes the same records
//  3. the request is sent with the generation of now, 9, and the broker has no reason to refuse it
func (ps *partitions) plan(messages []*Message, who func() (string, int32)) ([]position, membership, error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var us membership
	us.member, us.generation = who()
	if err := us.check(); err != nil {
		return nil, us, err
	}
	var positions []position
	for p := range byPartition(messages) {
		if p.phase == fenced {
			return nil, us, errDrained
		}
		if p.member != us.member {
			return nil, us, errMemberChanged
		}
		pos, err := p.position()
		if err != nil {
			return nil, us, err // include has seen to it that this can't be
		}
		positions = append(positions, pos)
	}
	return positions, us, nil
}

// committed notes that the transaction with these messages went through: only now are they finished.
func (ps *partitions) committed(messages []*Message) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	now := time.Now()
	for p, some := range byPartition(messages) {
		p.tracker.commit()
		p.moved = now
		ps.rest(p, len(some))
	}
}

// aborted notes that it did not.
func (ps *partitions) aborted(messages []*Message) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for p := range byPartition(messages) {
		p.tracker.abort()
	}
}

// throttle stops fetching the partitions that stopped or of which enough waits here, and goes on with those that have no reason left. (A
// broker that refuses a fetch does so at once: a partition that stopped and is still fetched keeps a processor busy.) It
// is the only owner of the client's pauses, which is why it holds the lock while it sets them; assign clears them, because they survive
// a rebalance by themselves. Whoever accepts records calls it before the next poll.
//
// Enough is a poll's worth of what waits to become due, so that less than two polls of it are here. Of what waits for room in offset maps it is as
// much only while more than spare records wait for that: the client throws away what it has fetched of a partition that is paused, and fetches it again,
// a whole batch at least, which may be thousands of records. And few records are never enough, because a partition that is
// resumed is fetched only when the client's fetch under way has ended.
func (ps *partitions) throttle(client *kgo.Client) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	spare := ps.spare
	for _, p := range ps.owned {
		if p.due == nil {
			spare -= len(p.waiting)
		}
	}
	for tp, p := range ps.owned {
		p.ahead = len(p.waiting) >= maxPoll && (p.due != nil || spare < 0) || p.ahead && len(p.waiting) >= maxPoll/2
		pause := p.stopped != nil || p.ahead
		switch {
		case pause && !p.paused:
			client.PauseFetchPartitions(map[string][]int32{tp.topic: {tp.number}})
		case !pause && p.paused:
			client.ResumeFetchPartitions(map[string][]int32{tp.topic: {tp.number}})
		}
		p.paused = pause
	}
}
