package stream

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// loadPoll is how often it is looked whether the client has stored what it knows of a topic.
const loadPoll = time.Millisecond

// topicsLoaded keeps a commit from becoming an abort that nobody hears of. franz-go 1.22.2 gets there like this:
//
//  1. a transaction's records are the first of their topics in this session: they wait until the client knows the partitions
//  2. its metadata arrives; the client hands the records to the partitions' buffers, and only then stores the partitions
//     (Client.storePartitionsUpdate: a deferred Store)
//  3. between the two its goroutine is preempted; the records are written, the flush ends, the offsets are committed
//  4. Client.EndTransaction looks for what was added to the transaction among the partitions that are stored, finds nothing, takes it that no
//     record was written, sends an abort in the place of the commit, and returns no error
//
// Whatever the transaction held would be lost: neither published nor, once a later one commits, read again. So before a commit every topic must be seen
// to be stored, by the same look that EndTransaction takes; once it is, it stays so.
type topicsLoaded struct {
	seen   map[string]bool // owned by the committer
	leader func(topic string, partition int32) (leader, epoch int32, err error)
}

func newTopicsLoaded(producer *kgo.Client) *topicsLoaded {
	return &topicsLoaded{seen: map[string]bool{}, leader: producer.PartitionLeader}
}

// await returns when the topics of all records, which are written, are stored; or ctx's error.
func (l *topicsLoaded) await(ctx context.Context, messages []*Message) error {
	for _, m := range messages {
		for _, r := range m.results {
			for !l.seen[r.Topic] {
				if leader, _, _ := l.leader(r.Topic, r.Partition); leader >= 0 {
					l.seen[r.Topic] = true
					break
				}
				select {
				case <-ctx.Done():
					return context.Cause(ctx)
				case <-time.After(loadPoll):
				}
			}
		}
	}
	return nil
}
