package replay

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// cut is how far a group had come at one moment, by topic and partition.
type cut map[string]map[int32]stream.Position

// finished says whether the group had finished a record. Of a partition that was added since, it had finished nothing.
func (c cut) finished(record events.Source) bool {
	position, known := c[record.Topic][record.Partition]
	return known && position.Finished(record.Offset)
}

func readCut(ctx context.Context, client *kgo.Client, group string, topics []string) (cut, error) {
	if len(topics) == 0 {
		return cut{}, nil
	}
	positions, err := stream.CommittedPositions(ctx, client, group, topics...)
	if err != nil {
		return nil, err
	}
	c := cut{}
	for _, p := range positions {
		if c[p.Topic] == nil {
			c[p.Topic] = map[int32]stream.Position{}
		}
		c[p.Topic][p.Partition] = p
	}
	return c, nil
}

// readBefore reads C1.
func (r *reconciliation) readBefore(ctx context.Context) error {
	client, err := kgo.NewClient(r.cfg.Client...)
	if err != nil {
		return fmt.Errorf("connect to Kafka: %w", err)
	}
	defer client.Close()
	retries, _, err := retryTopics(ctx, kadm.NewClient(client), r.cfg.RetryPrefix)
	if err != nil {
		return err
	}
	r.account = Account{Group: r.cfg.Group, Cut: time.Now(), Horizon: r.cfg.Since, Faults: []Fault{}}
	r.before, err = readCut(ctx, client, r.cfg.Group, append(retries, r.inputTopics()...))
	return err
}

// readAfter reads C2. It comes after the output topics: what has a final result there has finished its retry records by then, because both
// are in one transaction.
func (r *reconciliation) readAfter(ctx context.Context, client *kgo.Client) (err error) {
	if r.after, err = readCut(ctx, client, r.cfg.Group, r.retries); err != nil {
		return err
	}
	for _, w := range r.waiting {
		if !r.after.finished(w.at) {
			w.ledger.enter(w.offset, inWaiting)
		}
	}
	r.waiting = nil
	return nil
}
