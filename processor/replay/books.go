package replay

import (
	"cmp"
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
)

// enter takes down what a record of an output topic says.
func (r *reconciliation) enter(record *kgo.Record) error {
	r.horizon(record)
	o, ours, err := r.outcomeOf(record)
	switch {
	case err != nil:
		r.account.Unreadable++
		return nil
	case !ours:
		return nil
	case o.result.Result != "":
		r.results.add(o.result)
	}
	at := sourceOf(record)
	if o.place == 0 || o.place == waited && r.before.finished(at) {
		return nil
	}
	l := r.ledgers.of(o.source)
	if l == nil {
		r.account.Strays++
		return nil
	}
	l.enter(o.source.Offset, o.place)
	if o.place == waited {
		r.waiting = append(r.waiting, retryRecord{at, l, o.source.Offset})
	}
	return nil
}

func sourceOf(r *kgo.Record) events.Source {
	return events.Source{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}
}

// horizon notes the first record of an output partition whose beginning is removed. A partition of which nothing is left does not say
// how old its records were: better a record called missing than a loss called old.
func (r *reconciliation) horizon(record *kgo.Record) {
	if _, first := r.truncated[record.Topic][record.Partition]; !first {
		return
	}
	delete(r.truncated[record.Topic], record.Partition)
	if record.Timestamp.After(r.account.Horizon) {
		r.account.Horizon = record.Timestamp
	}
}

// judge counts an input record where it belongs.
func (r *reconciliation) judge(record *kgo.Record) error {
	source := sourceOf(record)
	l := r.ledgers.of(source)
	if !r.before.finished(source) {
		l.tally.Unfinished++
		return nil
	}
	kind := l.judge(record.Offset, record.Timestamp.Before(r.account.Horizon))
	if kind == "" {
		return nil
	}
	if len(r.account.Faults) == r.cfg.Limit {
		r.account.Unnamed++
		return nil
	}
	fault := Fault{Kind: kind, Operation: r.cfg.Inputs[record.Topic], Source: source, Places: []string{}}
	event, err := r.cfg.Decoder.Decode(fault.Operation, events.Message{
		Value: record.Value, Headers: eventHeaders(record.Headers), Timestamp: record.Timestamp,
	})
	if err == nil {
		fault.CorrelationID, fault.SequenceID = event.CorrelationID, event.SequenceID
	}
	r.account.Faults = append(r.account.Faults, fault)
	return nil
}

// close finds what was answered twice, names the places of what is at fault, and adds up.
func (r *reconciliation) close(ctx context.Context) error {
	a := &r.account
	repeated, finals := r.results.repeated()
	a.TwoFinals, a.TwoInterims = finals, int64(len(repeated))-finals
	if err := r.name(ctx, repeated); err != nil {
		return err
	}
	for topic, partitions := range r.ledgers {
		for partition, l := range partitions {
			a.Partitions = append(a.Partitions, Partition{topic, partition, l.tally})
			a.Total.add(l.tally)
		}
	}
	slices.SortFunc(a.Partitions, func(p, q Partition) int {
		return cmp.Or(cmp.Compare(p.Topic, q.Topic), cmp.Compare(p.Partition, q.Partition))
	})
	a.Balanced = a.Total.Missing+a.Total.Twice+a.TwoFinals+a.TwoInterims == 0
	a.Complete = a.Total.BeyondHorizon == 0
	return nil
}
