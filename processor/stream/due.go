package stream

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// accept takes in what was polled and returns the messages of what is due. What is not stays with its partition, and what is behind it; the
// tracker does not know of it yet, so that no commit can pass it. Left out is what is not assigned, or not any more.
func (ps *partitions) accept(fetches kgo.Fetches, now time.Time) []*Message {
	limit := fetches.NumRecords()
	messages := make([]*Message, 0, limit)
	ps.mu.Lock()
	defer ps.mu.Unlock()
	fetches.EachPartition(func(ftp kgo.FetchTopicPartition) {
		p := ps.owned[topicPartition{ftp.Topic, ftp.Partition}]
		if p == nil || p.phase != live {
			return
		}
		p.waiting = append(p.waiting, ftp.Records...)
		messages = p.take(messages, now, limit)
	})
	return messages
}

// mapRecheck is how soon is looked again whether a full offset map has room for what waits.
const mapRecheck = 10 * time.Millisecond

// due returns up to limit messages of what waited and is due and has room in its offset map, or, if there are none, when to look again; zero
// if nothing waits.
func (ps *partitions) due(now time.Time, limit int) (messages []*Message, next time.Time) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.owned {
		if p.phase != live || len(p.waiting) == 0 {
			continue
		}
		messages = p.take(messages, now, limit)
		if len(p.waiting) == 0 {
			continue
		}
		again := p.next
		if p.full() {
			again = now.Add(mapRecheck)
		}
		if next.IsZero() || again.Before(next) {
			next = again
		}
	}
	return messages, next
}

// full says whether the offset map has no room for another record.
func (p *partition) full() bool { return p.tracker.pieces() >= mapFull }

// take turns what waits into messages, from the front, as far as it is due and has room in the offset map, and until there are limit of
// them. It leaves out what was fetched before, and what an earlier assignment finished. The caller holds the lock.
func (p *partition) take(messages []*Message, now time.Time, limit int) []*Message {
	n := 0
	for ; n < len(p.waiting) && len(messages) < limit && !p.full() && !p.dueAt(p.waiting[n]).After(now); n++ {
		r := p.waiting[n]
		idle := p.tracker.pending == 0
		if !p.tracker.accept(r.Offset, r.Timestamp.UnixMilli()) {
			continue
		}
		if idle {
			p.moved = now
		}
		messages = append(messages, &Message{Record: r, TopicID: p.topicID, partition: p})
	}
	if n == len(p.waiting) {
		p.waiting, p.next = nil, time.Time{}
		return messages
	}
	clear(p.waiting[:n]) // or they are kept as long as the last one
	p.waiting = p.waiting[n:]
	p.next = p.dueAt(p.waiting[0])
	return messages
}

func (p *partition) dueAt(r *kgo.Record) time.Time {
	if p.due == nil {
		return time.Time{}
	}
	return p.due(r)
}
