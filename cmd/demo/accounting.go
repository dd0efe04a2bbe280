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

// reconcile accounts for everything that was fed, as cmd/chargeresult reconcile does.
func reconcile(ctx context.Context, client []kgo.Opt) (replay.Account, error) {
	decoder, err := events.NewDecoder(events.Fields{})
	if err != nil {
		return replay.Account{}, err
	}
	return replay.Reconcile(ctx, replay.ReconcileConfig{
		Client: client, Group: group, Decoder: decoder,
		Inputs: map[string]events.Operation{topics.Requested: events.Charge, topics.Cancelled: events.Cancellation},
		Result: topics.Result, DeadLetter: topics.DeadLetter, Duplicates: topics.Duplicates, RetryPrefix: topics.RetryPrefix,
	})
}

// findings are what Reconcile can't know: how the topics compare with what was fed, and with what Konaplate was asked and said.
type findings struct {
	Final        map[string]int `json:"final"`       // by result
	Unknown      map[string]int `json:"unknown"`     // by reason
	Dead         map[string]int `json:"deadLetters"` // by reason
	Transactions transactions   `json:"transactions"`
	Faults       []string       `json:"faults"` // what does not add up; none: every event ended in exactly one place, and every result is true
}

// transactions compares what was fed with the results, by identity.
type transactions struct {
	Fed         int `json:"fed"`
	ExactlyOne  int `json:"exactlyOne"` // final result
	Missing     int `json:"missing"`
	Twice       int `json:"twice"`       // or more often
	Strange     int `json:"strange"`     // never fed, yet with a final result
	Interim     int `json:"interim"`     // have an interim result
	TwoInterims int `json:"twoInterims"` // have more than one
	Untrue      int `json:"untrue"`      // results, interim ones included, that are not what Konaplate said
	AskedAgain  int `json:"askedAgain"`  // asked about when their final result was decided
	Repeated    int `json:"repeated"`    // ended before Redis was flushed, and sent once more after that
}

// evidence is what a judgement rests on.
type evidence struct {
	account replay.Account
	book    *book
	fed     fed
	calls   []konasim.Call
	flushed time.Time // when Redis was; zero: never
	rebuilt time.Time // when the claims were back; zero: never
}

// judge compares everything with everything.
func (e evidence) judge() findings {
	f := findings{Final: map[string]int{}, Unknown: map[string]int{}, Dead: e.book.dead, Transactions: e.compare()}
	for _, results := range e.book.finals {
		for _, r := range results {
			f.Final[r.Result]++
			if r.Result == events.Unknown {
				f.Unknown[r.Reason]++
			}
		}
	}
	f.Faults = append(e.imbalances(), f.Transactions.faults()...)
	return f
}

func (e evidence) compare() transactions {
	t := transactions{Fed: len(e.fed.transactions), Interim: len(e.book.interims)}
	for id := range e.fed.transactions {
		switch len(e.book.finals[id]) {
		case 0:
			t.Missing++
		case 1:
			t.ExactlyOne++
		default:
			t.Twice++
		}
	}
	said := statements(e.calls)
	for id, results := range e.book.finals {
		if !e.fed.transactions[id] {
			t.Strange++
		}
		for _, r := range results {
			e.examine(r, said[question{r.SequenceID, r.CorrelationID}], &t)
		}
	}
	for id, interims := range e.book.interims {
		if len(interims) > 1 {
			t.TwoInterims++
		}
		if r := interims[0]; !e.fed.transactions[id] || !said[question{r.SequenceID, r.CorrelationID}].pending {
			t.Untrue++
		}
	}
	return t
}

// examine enters a final result.
func (e evidence) examine(r events.Result, said statement, t *transactions) {
	if !said.bears(r) {
		t.Untrue++
	}
	if said.asked.After(r.DecidedAt) {
		t.AskedAgain++
	}
	if again := e.fed.duplicates[r.Identity()]; !e.flushed.IsZero() && r.DecidedAt.Before(e.flushed) && again.After(e.flushed) {
		t.Repeated++
	}
}

// imbalances names what is wrong with the events.
func (e evidence) imbalances() []string {
	faults := []string{}
	a, total := e.account, e.account.Total
	if !a.Balanced || !a.Complete {
		faults = append(faults, fmt.Sprintf("not balanced: %d events missing, %d in two places, %d too old to tell, %d transactions with two final results, %d with two interim results",
			total.Missing, total.Twice, total.BeyondHorizon, a.TwoFinals, a.TwoInterims))
	}
	differs := func(found int64, fed int, what string) {
		if found != int64(fed) {
			faults = append(faults, fmt.Sprintf("%d %s, not %d", found, what, fed))
		}
	}
	differs(total.Accepted, e.fed.records, "events are accepted")
	differs(total.Waiting, 0, "events still wait")
	differs(total.Unfinished, 0, "events are not finished")
	differs(total.Duplicate, len(e.fed.duplicates), "duplicates are recorded")
	for _, reason := range []string{events.ReasonConflict, events.ReasonInvalidEvent, events.ReasonUndecodable} {
		differs(int64(e.book.dead[reason]), e.fed.dead[reason], reason+" dead letters")
	}
	differs(a.Strays, 0, "outcomes are of no event")
	differs(a.Unreadable, 0, "outcomes can't be read")
	if !e.flushed.IsZero() && e.rebuilt.IsZero() {
		faults = append(faults, "Redis was flushed, and the claims are not rebuilt")
	}
	return faults
}

func (t transactions) faults() (faults []string) {
	for _, of := range []struct {
		n    int
		what string
	}{
		{t.Missing, "transactions have no final result"},
		{t.Twice, "transactions have more than one final result"},
		{t.Strange, "final results are of transactions that were never fed"},
		{t.TwoInterims, "transactions have more than one interim result"},
		{t.Untrue, "results are not what Konaplate said"},
		{t.AskedAgain, "transactions were asked about when their final result was decided"},
	} {
		if of.n > 0 {
			faults = append(faults, fmt.Sprintf("%d %s", of.n, of.what))
		}
	}
	return faults
}
