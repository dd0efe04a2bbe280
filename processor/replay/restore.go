package replay

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

// restoreBatch is how many claims are restored in one round trip.
const restoreBatch = 1000

// restoring turns the records of the output topics into the claims they stand for, in batches. The order does not matter: restoring
// merges by rank (claimed, waiting, settled), and among those that wait by hop.
//
// Dead letters restore nothing. A record that is no event never claimed; one in conflict does not own the claim it is in conflict with.
type restoring struct {
	lease      processor.Rebuild
	cfg        RebuildConfig
	source     []byte // of our group's results
	batch      []processor.Settlement
	renewed    time.Time // when the lease was last heard of
	count      int
	unreadable int
}

// renewal is how often the lease is renewed while there is nothing to restore, as where a transaction is waited for. It is held for some 15 s.
const renewal = 3 * time.Second

func (s *restoring) visit(ctx context.Context, r *kgo.Record) error {
	state, ok, err := s.settlement(r)
	if err != nil {
		if s.unreadable++; s.unreadable == 1 {
			s.cfg.Logger.Warn("a record that restores no claim, because it can't be read; others like it are only counted",
				"topic", r.Topic, "partition", r.Partition, "offset", r.Offset, "error", err)
		}
		return nil
	}
	if !ok {
		return nil
	}
	if s.batch = append(s.batch, state); len(s.batch) < restoreBatch {
		return nil
	}
	return s.flush(ctx)
}

// renew keeps the lease: restoring does, be it nothing.
func (s *restoring) renew(ctx context.Context) error {
	if time.Since(s.renewed) < renewal {
		return nil
	}
	return s.flush(ctx)
}

func (s *restoring) flush(ctx context.Context) error {
	if err := s.lease.Restore(ctx, s.batch); err != nil {
		return fmt.Errorf("restore claims: %w", err)
	}
	s.count += len(s.batch)
	s.batch, s.renewed = s.batch[:0], time.Now()
	return nil
}

// settlement is what a record says of a claim; false: nothing.
func (s *restoring) settlement(r *kgo.Record) (processor.Settlement, bool, error) {
	switch r.Topic {
	case s.cfg.Result:
		if !publishedBy(r, s.source) {
			return processor.Settlement{}, false, nil
		}
		result, err := events.DecodeResult(r.Value)
		return s.settled(result), err == nil && result.Final, err
	case s.cfg.Duplicates:
		duplicate, err := events.DecodeDuplicate(r.Value)
		if err != nil || duplicate.Verdict != events.VerdictDuplicate {
			return processor.Settlement{}, false, err
		}
		state, err := claimed(duplicate)
		return state, err == nil, err
	default:
		state, err := s.waiting(r)
		return state, err == nil, err
	}
}

func (s *restoring) settled(r events.Result) processor.Settlement {
	return processor.Settlement{
		Claim: processor.Claim{
			Operation: r.Operation, CorrelationID: r.CorrelationID, Fingerprint: r.SequenceID,
			Owner: processor.Owner{TopicID: s.cfg.TopicIDs[r.Source.Topic], Partition: r.Source.Partition, Offset: r.Source.Offset},
		},
		State: processor.StateSettled, Result: r.Result,
	}
}

// claimed is what a duplicate says of its owner, which may have committed nothing yet. Restored, it keeps the claim that the duplicate was
// acknowledged for: else the owner, read again, could find the transaction claimed by a later duplicate.
func claimed(d events.Duplicate) (processor.Settlement, error) {
	owner, err := processor.ParseOwner(d.Owner)
	return processor.Settlement{
		Claim: processor.Claim{Operation: d.Operation, CorrelationID: d.CorrelationID, Fingerprint: d.SequenceID, Owner: owner},
		State: processor.StateClaimed,
	}, err
}

func (s *restoring) waiting(r *kgo.Record) (processor.Settlement, error) {
	retry, original, err := events.DecodeRetry(eventHeaders(r.Headers))
	if err != nil {
		return processor.Settlement{}, err
	}
	event, err := s.cfg.Decoder.Decode(retry.Operation, events.Message{Value: r.Value, Headers: original, Timestamp: retry.OriginTime})
	if err != nil {
		return processor.Settlement{}, err
	}
	return processor.Settlement{
		Claim: processor.Claim{
			Operation: event.Operation, CorrelationID: event.CorrelationID, Fingerprint: event.SequenceID,
			Owner: processor.Owner{TopicID: retry.OriginTopicID, Partition: retry.Origin.Partition, Offset: retry.Origin.Offset},
		},
		State: processor.StateWaiting, Hop: retry.Hop,
	}, nil
}

// publishedBy says whether a result is of a source, that is of a consumer group: several may publish to one topic.
func publishedBy(r *kgo.Record, source []byte) bool {
	return slices.ContainsFunc(r.Headers, func(h kgo.RecordHeader) bool {
		return h.Key == events.HeaderSource && bytes.Equal(h.Value, source)
	})
}

func eventHeaders(headers []kgo.RecordHeader) []events.Header {
	converted := make([]events.Header, len(headers))
	for i, h := range headers {
		converted[i] = events.Header(h)
	}
	return converted
}
