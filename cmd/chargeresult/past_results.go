package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/replay"
)

// recentResults is how many of a partition's last records are searched for results of this group.
const recentResults = 1000

// refuseForgottenOffsets refuses to begin anew where the group has worked before: its offsets were deleted, or expired while it stood
// still, and from the beginning it would ask about everything again.
func (c *cluster) refuseForgottenOffsets(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, kafkaAnswerTimeout)
	defer cancel()
	first, err := c.firstStart(ctx)
	if err != nil || !first {
		return err
	}
	found := c.recentResult(ctx)
	if found == nil {
		return nil
	}
	if first, err = c.firstStart(ctx); err != nil || first {
		return errors.Join(err, found)
	}
	return nil // another instance began at the same time, and has committed by now
}

// recentResult refuses if one of the last results is of this group.
func (c *cluster) recentResult(ctx context.Context) error {
	options, err := kafkaOptions(c.cfg)
	if err != nil {
		return err
	}
	source := []byte(events.ResultSource(c.cfg.KafkaGroup))
	ours := func(h kgo.RecordHeader) bool { return h.Key == events.HeaderSource && bytes.Equal(h.Value, source) }
	return replay.Read(ctx, replay.Reading{Client: options, Topics: []string{c.cfg.TopicResult}, Last: recentResults}, func(r *kgo.Record) error {
		if !slices.ContainsFunc(r.Headers, ours) {
			return nil
		}
		return fmt.Errorf("%w: group %q has no committed offsets, but its results are in %s (one at partition %d, offset %d): "+
			"its offsets were deleted or have expired; set them with a Kafka tool, or run with --accept-offsets to read the input from its %s",
			errRefused, c.cfg.KafkaGroup, r.Topic, r.Partition, r.Offset, c.cfg.Start)
	})
}
