package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
	"github.com/chargeresult/chargeresult/processor/replay"
)

// book is what subscribers were told.
type book struct {
	finals   map[events.Identity][]events.Result
	interims map[events.Identity][]events.Result
	dead     map[string]int // dead letters by reason
}

func newBook() *book {
	return &book{finals: map[events.Identity][]events.Result{}, interims: map[events.Identity][]events.Result{}, dead: map[string]int{}}
}

// readBook reads what is committed.
func readBook(ctx context.Context, client []kgo.Opt) (*book, error) {
	b := newBook()
	err := replay.Read(ctx, replay.Reading{Client: client, Topics: []string{topics.Result, topics.DeadLetter}}, b.enter)
	if err != nil {
		return nil, fmt.Errorf("read what was published: %w", err)
	}
	return b, nil
}

func (b *book) enter(r *kgo.Record) error {
	if r.Topic == topics.DeadLetter {
		b.dead[reasonOf(r)]++
		return nil
	}
	result, err := events.DecodeResult(r.Value)
	if err != nil {
		return fmt.Errorf("%s/%d/%d: %w", r.Topic, r.Partition, r.Offset, err)
	}
	into := b.interims
	if result.Final {
		into = b.finals
	}
	into[result.Identity()] = append(into[result.Identity()], result)
	return nil
}

// reasonOf is why a dead letter is one. The last header says it: an original that was a dead letter of something else has its own before.
func reasonOf(r *kgo.Record) (reason string) {
	for _, h := range r.Headers {
		if h.Key == events.HeaderReason {
			reason = string(h.Value)
		}
	}
	return reason
}

// question is what Konaplate tells transactions apart by.
type question struct{ sequenceID, correlationID string }

// statement is what Konaplate said of a transaction, by its own ledger.
type statement struct {
	asked   time.Time // last
	answer  string    // the name of the answer to that
	pending bool      // whether it ever said so
}

// statements sums up the calls, which may be in any order.
func statements(calls []konasim.Call) map[question]statement {
	said := map[question]statement{}
	for _, call := range calls {
		q := question{call.SequenceID, call.CorrelationID}
		s := said[q]
		s.pending = s.pending || call.Answer == "PENDING"
		if !call.Time.Before(s.asked) {
			s.asked, s.answer = call.Time, call.Answer
		}
		said[q] = s
	}
	return said
}

// bears says whether a final result follows from the last that was said.
func (s statement) bears(r events.Result) bool {
	switch s.answer {
	case "": // never asked
		return false
	case events.Completed, events.Failed:
		return r.Result == s.answer
	case "REJECTED":
		return r.Result == events.Unknown && r.Reason == events.ReasonRejected
	case "NOTFOUND":
		if r.Reason == events.ReasonTransactionNotFound {
			return r.Result == events.Unknown
		}
	}
	return r.Result == events.Unknown && r.Reason == events.ReasonDeadlineExceeded
}
