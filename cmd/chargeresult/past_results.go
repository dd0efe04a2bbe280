package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

// recentResults is how many of a partition's last records are searched for results of this group.
const recentResults = 1000

// refuseForgottenOffsets refuses to begin anew where the group has worked before: its offsets were deleted, or expired while it stood
// still, and from the beginning it would ask about everything again. It returns whether this is the group's first start: another instance may
// begin at the same time, and have committed by now.
func (c *cluster) refuseForgottenOffsets(ctx context.Context) (first bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, kafkaAnswerTimeout)
	defer cancel()
	found := c.readResults(ctx, recentResults, func(r *kgo.Record) error {
		return fmt.Errorf("%w: group %q has no committed offsets, but its results are in %s (one at partition %d, offset %d): "+
			"its offsets were deleted or have expired; set them with a Kafka tool, or run with --accept-offsets to read the input from its %s",
			errRefused, c.cfg.KafkaGroup, r.Topic, r.Partition, r.Offset, c.cfg.Start)
	})
	if found == nil {
		return true, nil
	}
	first, err = c.firstStart(ctx)
	if err != nil || first {
		return first, found
	}
	return false, nil
}

// settleBatch is how many results are settled in one round trip.
const settleBatch = 1000

// resettle settles the claims of all published results again. A crash can come between a commit and its settlement; that is harmless
// until somebody moves the group's offsets back, and then the record that owns the unsettled claim would be asked, and published, again.
func (c *cluster) resettle(ctx context.Context, claims processor.Claims, log *slog.Logger) error {
	began, settled := time.Now(), 0
	var batch []processor.Settlement
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := claims.Settle(ctx, batch); err != nil {
			return fmt.Errorf("settle what %s holds: %w", c.cfg.TopicResult, err)
		}
		settled, batch = settled+len(batch), batch[:0]
		if settled%(100*settleBatch) == 0 {
			log.Info("settling published results again", "so_far", settled)
		}
		return nil
	}
	err := c.readResults(ctx, 1<<62, func(r *kgo.Record) error {
		result, err := events.DecodeResult(r.Value)
		if err != nil || !result.Final || began.Sub(r.Timestamp) > c.cfg.DedupTTL {
			return nil // it settles nothing, or its claim has expired
		}
		batch = append(batch, processor.Settlement{
			Claim: processor.Claim{
				Operation: result.Operation, CorrelationID: result.CorrelationID, Fingerprint: result.SequenceID,
				Owner: processor.Owner{TopicID: c.topicIDs[result.Source.Topic], Partition: result.Source.Partition, Offset: result.Source.Offset},
			},
			State: processor.StateSettled, Result: result.Result,
		})
		if len(batch) < settleBatch {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		log.Info("settled published results again", "results", settled, "took", time.Since(began).Round(time.Millisecond))
	}
	return err
}

// readResults visits the results that this group published: of each partition the last so many records, up to where it ends now. It waits for
// transactions that are still open there, and ends with the first error of visit.
func (c *cluster) readResults(ctx context.Context, last int64, visit func(*kgo.Record) error) error {
	topic := c.cfg.TopicResult
	from, left, err := c.tails(ctx, topic, last)
	if err != nil || len(left) == 0 {
		return err
	}
	options, err := kafkaOptions(c.cfg)
	if err != nil {
		return err
	}
	// Control records are kept because the last record may be one, and the end is reached only by seeing it.
	reader, err := kgo.NewClient(append(options, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))...)
	if err != nil {
		return fmt.Errorf("read %s: %w", topic, err)
	}
	defer reader.Close()
	source := []byte(events.ResultSource(c.cfg.KafkaGroup))
	ours := func(h kgo.RecordHeader) bool { return h.Key == events.HeaderSource && bytes.Equal(h.Value, source) }
	for len(left) > 0 {
		fetches := reader.PollFetches(ctx)
		if err := errors.Join(ctx.Err(), fetches.Err()); err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
		for r := range fetches.RecordsAll() {
			if !r.Attrs.IsControl() && slices.ContainsFunc(r.Headers, ours) {
				if err := visit(r); err != nil {
					return err
				}
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		}
	}
	return nil
}

// tails returns, for every partition that holds anything, where its last so many records begin and where they end.
func (c *cluster) tails(ctx context.Context, topic string, last int64) (from map[int32]kgo.Offset, ends map[int32]int64, err error) {
	starts, err := c.admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return nil, nil, fmt.Errorf("read where %s starts: %w", topic, err)
	}
	listed, err := c.admin.ListEndOffsets(ctx, topic)
	if err == nil {
		err = errors.Join(starts.Error(), listed.Error())
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read where %s ends: %w", topic, err)
	}
	from, ends = map[int32]kgo.Offset{}, map[int32]int64{}
	listed.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(topic, end.Partition)
		if end.Offset > start.Offset {
			from[end.Partition] = kgo.NewOffset().At(max(start.Offset, end.Offset-last))
			ends[end.Partition] = end.Offset
		}
	})
	return from, ends, nil
}
