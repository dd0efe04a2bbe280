package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
)

// accounting says where the events of the input topics ended.
type accounting struct {
	Total        tally          `json:"total"`
	Partitions   []partition    `json:"partitions"` // of the input, by topic and number
	Final        map[string]int `json:"final"`      // by result
	Dead         map[string]int `json:"deadLetters"`
	Transactions transactions   `json:"transactions"`
	Faults       []string       `json:"faults"` // what does not add up; none: every event ended in exactly one place
}

// tally is the equation: accepted = final + dead + duplicate + waiting.
type tally struct {
	Accepted  int `json:"accepted"`
	Final     int `json:"final"`
	Dead      int `json:"dead"`
	Duplicate int `json:"duplicate"`
	Waiting   int `json:"waiting"` // has not ended; once the group has finished everything: is lost
}

type partition struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	tally
}

// transactions compares what was fed with the final results, by identity.
type transactions struct {
	Fed        int `json:"fed"`
	ExactlyOne int `json:"exactlyOne"` // final result
	Missing    int `json:"missing"`
	Twice      int `json:"twice"`   // or more often
	Unknown    int `json:"unknown"` // never fed, yet with a final result
}

// place is where an input record may end.
type place int

const (
	final place = iota
	dead
	duplicate
	places
)

// account works out the accounting of all records of all topics, in any order, and compares it with what was fed. It is pure.
func account(records []*kgo.Record, fed fed) accounting {
	b := newBook()
	for _, r := range records {
		b.enter(r)
	}
	a := accounting{Final: b.results, Dead: b.reasons, Transactions: b.compare(fed)}
	for source := range b.inputs {
		a.add(source, b.ended[source])
	}
	slices.SortFunc(a.Partitions, func(a, b partition) int {
		return cmp.Or(cmp.Compare(b.Topic, a.Topic), cmp.Compare(a.Partition, b.Partition)) // charge-requested first
	})
	a.Faults = a.faults(b, fed)
	return a
}

// add enters one input record. What ended more than once is a fault of its own, and counted where it ended first in the equation's order.
func (a *accounting) add(source events.Source, ended [places]int) {
	i := slices.IndexFunc(a.Partitions, func(p partition) bool { return p.Topic == source.Topic && p.Partition == source.Partition })
	if i < 0 {
		i = len(a.Partitions)
		a.Partitions = append(a.Partitions, partition{Topic: source.Topic, Partition: source.Partition})
	}
	for _, t := range []*tally{&a.Total, &a.Partitions[i].tally} {
		t.Accepted++
		switch {
		case ended[final] > 0:
			t.Final++
		case ended[dead] > 0:
			t.Dead++
		case ended[duplicate] > 0:
			t.Duplicate++
		default:
			t.Waiting++
		}
	}
}

// faults names everything that does not add up.
func (a *accounting) faults(b *book, fed fed) []string {
	faults := []string{}
	check := func(n int, format string, args ...any) {
		if n != 0 {
			faults = append(faults, fmt.Sprintf("%d ", n)+fmt.Sprintf(format, args...))
		}
	}
	check(len(b.unreadable), "records in the output topics can't be read, such as %s", first(b.unreadable))
	check(a.Total.Waiting, "events did not end anywhere")
	twice, strange := b.misplaced()
	check(len(twice), "events ended more than once, such as %s", first(twice))
	check(len(strange), "outcomes are of events that are not in the input topics, such as %s", first(strange))
	check(a.Transactions.Missing, "transactions have no final result")
	check(a.Transactions.Twice, "transactions have more than one final result")
	check(a.Transactions.Unknown, "final results are of transactions that were never fed")
	differs := func(what string, found, fed int) {
		if found != fed {
			faults = append(faults, fmt.Sprintf("%d %s found, %d fed", found, what, fed))
		}
	}
	differs("events", a.Total.Accepted, fed.records)
	differs("duplicates", a.Total.Duplicate, fed.duplicates)
	for _, reason := range []string{events.ReasonConflict, events.ReasonInvalidEvent, events.ReasonUndecodable} {
		differs(reason+" dead letters", a.Dead[reason], fed.dead[reason])
	}
	return faults
}

func first[T any](of []T) any {
	if len(of) == 0 {
		return nil
	}
	return of[0]
}
