package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"

	"github.com/chargeresult/chargeresult/events"
)

const (
	sweepBytes  = 4 << 20 // fetched at once
	sweepLanes  = 4       // stretches that are swept at once: while one is looked through, others are fetched
	pieceLength = 1 << 18 // offsets of a piece: so that a topic of one partition keeps all lanes busy
	lookAgain   = 20 * time.Millisecond
	markerWait  = 300 * time.Millisecond // for an open transaction to end: those of the processor take some 20 ms
)

// piece is a range of one partition's offsets.
type piece struct {
	topic     string
	partition int32
	span
	before, behind int // how many other pieces of the partition there are
}

// cut divides a range into pieces of at most pieceLength, in order.
func (p piece) cut() (pieces []piece) {
	for p.from < p.to {
		next := p
		next.to = min(p.from+pieceLength, p.to)
		next.before = len(pieces)
		pieces = append(pieces, next)
		p.from = next.to
	}
	for i := range pieces {
		pieces[i].behind = len(pieces) - 1 - i
	}
	return pieces
}

// gap is what was not read, and why.
type gap struct {
	piece
	why string
}

func (g gap) String() string {
	return fmt.Sprintf("%s[%d] from offset %d to %d: %s", g.topic, g.partition, g.from, g.to, g.why)
}

// sweeper looks for a correlation ID in committed records. It fetches by itself, beside whatever the client consumes: a consumer decodes each
// record, which takes ten times as long as to look through its bytes.
type sweeper struct {
	client       *kgo.Client
	topics       kadm.TopicDetails
	needle       needle
	decompressor kgo.Decompressor
}

// swept is what a sweep came to.
type swept struct {
	found   []*kgo.Record
	gaps    []gap
	scanned int64 // records
}

// sweep looks through pieces, in their order, several at a time. It goes on after a fault, and ends with ctx: what is unread then is a gap.
func (s *sweeper) sweep(ctx context.Context, pieces []piece) (all swept) {
	var mu sync.Mutex // of all
	var lanes errgroup.Group
	lanes.SetLimit(sweepLanes)
	for _, p := range pieces {
		lanes.Go(func() error {
			one := s.sweepPiece(ctx, p)
			mu.Lock()
			defer mu.Unlock()
			all.found, all.gaps, all.scanned = append(all.found, one.found...), append(all.gaps, one.gaps...), all.scanned+one.scanned
			return nil
		})
	}
	_ = lanes.Wait() // faults are gaps
	return all
}

func (s *sweeper) sweepPiece(ctx context.Context, p piece) (one swept) {
	patience, unpack := markerWait, newUnpacker()
	for p.from < p.to {
		fetched, err := s.fetch(ctx, p, sweepBytes)
		var rest sifted
		if err == nil {
			rest = s.needle.sift(fetched.RecordBatches, p.to, unpack)
			one.scanned += rest.records
			err = one.take(s.decode(p, fetched, rest), s.needle)
		}
		switch {
		case err != nil:
			one.gaps = append(one.gaps, gap{p, because(ctx, err)})
			return one
		case rest.next > p.from:
			p.from = rest.next
		case patience <= 0: // below the high watermark of before, and not committed
			one.gaps = append(one.gaps, gap{p, "held back by an open transaction"})
			return one
		default:
			patience -= lookAgain
			pause(ctx, lookAgain)
		}
	}
	return one
}

// take keeps the records that hold the ID.
func (o *swept) take(decoded kgo.FetchPartition, n needle) error {
	for _, r := range decoded.Records {
		if n.inRecord(r) {
			o.found = append(o.found, r)
		}
	}
	return decoded.Err
}

// decode decodes what is left of a fetched stretch, without what is outside of the piece or was aborted.
func (s *sweeper) decode(p piece, fetched *kmsg.FetchResponseTopicPartition, left sifted) kgo.FetchPartition {
	if !left.hit {
		return kgo.FetchPartition{}
	}
	fetched.RecordBatches = left.batches
	decoded, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
		Topic: p.topic, Partition: p.partition, Offset: p.from, IsolationLevel: kgo.ReadCommitted(),
	}, fetched, s.decompressor, nil)
	decoded.Records = slices.DeleteFunc(decoded.Records, func(r *kgo.Record) bool { return r.Offset >= p.to })
	return decoded
}

// record returns one record, and nil where there is none at its offset any more.
func (s *sweeper) record(ctx context.Context, at events.Source) (*kgo.Record, error) {
	p := piece{topic: at.Topic, partition: at.Partition, span: span{at.Offset, at.Offset + 1}}
	if _, exists := s.topics[at.Topic].Partitions[at.Partition]; !exists {
		return nil, nil
	}
	fetched, err := s.fetch(ctx, p, 1) // a broker sends a whole batch at least
	switch {
	case errors.Is(err, kerr.OffsetOutOfRange):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", at, err)
	}
	decoded := s.decode(p, fetched, sifted{batches: fetched.RecordBatches, hit: true})
	if len(decoded.Records) == 0 {
		return nil, decoded.Err
	}
	return decoded.Records[0], nil
}

// fetch asks the leader of a piece's partition for what is committed there from the piece's beginning on.
func (s *sweeper) fetch(ctx context.Context, p piece, limit int32) (*kmsg.FetchResponseTopicPartition, error) {
	topic := s.topics[p.topic]
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes, req.IsolationLevel = limit, 1 // read_committed
	t, part := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	t.Topic, t.TopicID = p.topic, topic.ID
	part.Partition, part.FetchOffset, part.PartitionMaxBytes = p.partition, p.from, limit
	t.Partitions = append(t.Partitions, part)
	req.Topics = append(req.Topics, t)
	answer, err := s.client.Broker(int(topic.Partitions[p.partition].Leader)).RetriableRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	resp := answer.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return nil, errors.New("the broker did not answer for it")
	}
	fetched := &resp.Topics[0].Partitions[0]
	return fetched, kerr.ErrorForCode(fetched.ErrorCode)
}

// because is for people: why something is not read.
func because(ctx context.Context, err error) string {
	switch {
	case ctx.Err() != nil:
		return "no time left"
	case errors.Is(err, kerr.OffsetOutOfRange):
		return "removed by retention meanwhile"
	}
	return err.Error()
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
