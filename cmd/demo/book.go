package main

import (
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
)

// book is what the records of all topics say.
type book struct {
	inputs     map[events.Source]bool
	ended      map[events.Source][places]int // where, and how often
	finals     map[events.Identity]int       // final results
	results    map[string]int                // final results by result
	reasons    map[string]int                // dead letters by reason
	unreadable []string
}

func newBook() *book {
	return &book{
		inputs: map[events.Source]bool{}, ended: map[events.Source][places]int{},
		finals: map[events.Identity]int{}, results: map[string]int{}, reasons: map[string]int{},
	}
}

func (b *book) enter(r *kgo.Record) {
	var err error
	switch r.Topic {
	case topics.Result:
		err = b.enterResult(r.Value)
	case topics.DeadLetter:
		err = b.enterDeadLetter(r.Headers)
	case topics.Duplicates:
		err = b.enterDuplicate(r.Value)
	default:
		b.inputs[events.Source{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}] = true
	}
	if err != nil {
		b.unreadable = append(b.unreadable, fmt.Sprintf("%s/%d/%d: %v", r.Topic, r.Partition, r.Offset, err))
	}
}

func (b *book) end(source events.Source, where place) {
	ended := b.ended[source]
	ended[where]++
	b.ended[source] = ended
}

func (b *book) enterResult(value []byte) error {
	r, err := events.DecodeResult(value)
	if err != nil || !r.Final {
		return err
	}
	b.end(r.Source, final)
	b.finals[r.Identity()]++
	b.results[r.Result]++
	return nil
}

func (b *book) enterDuplicate(value []byte) error {
	d, err := events.DecodeDuplicate(value)
	if err == nil && d.Verdict == events.VerdictDuplicate { // what was redelivered ended elsewhere, before
		b.end(d.Source, duplicate)
	}
	return err
}

func (b *book) enterDeadLetter(headers []kgo.RecordHeader) error {
	last := map[string]string{} // an original that was a dead letter of something else has the same headers, before these
	for _, h := range headers {
		last[h.Key] = string(h.Value)
	}
	number, err := strconv.ParseInt(last[events.HeaderErrorPartition], 10, 32)
	if err != nil {
		return fmt.Errorf("header %s: %w", events.HeaderErrorPartition, err)
	}
	offset, err := strconv.ParseInt(last[events.HeaderErrorOffset], 10, 64)
	if err != nil {
		return fmt.Errorf("header %s: %w", events.HeaderErrorOffset, err)
	}
	b.end(events.Source{Topic: last[events.HeaderErrorTopic], Partition: int32(number), Offset: offset}, dead)
	b.reasons[last[events.HeaderReason]]++
	return nil
}

// misplaced returns the events that ended more than once, and those that ended without being in the input topics.
func (b *book) misplaced() (twice, strange []events.Source) {
	for source, ended := range b.ended {
		if ended[final]+ended[dead]+ended[duplicate] > 1 {
			twice = append(twice, source)
		}
		if !b.inputs[source] {
			strange = append(strange, source)
		}
	}
	return twice, strange
}

// compare compares the final results with the transactions that were fed.
func (b *book) compare(fed fed) transactions {
	t := transactions{Fed: len(fed.transactions)}
	for id := range fed.transactions {
		switch b.finals[id] {
		case 0:
			t.Missing++
		case 1:
			t.ExactlyOne++
		default:
			t.Twice++
		}
	}
	for id := range b.finals {
		if !fed.transactions[id] {
			t.Unknown++
		}
	}
	return t
}
