package main

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
	"github.com/chargeresult/chargeresult/processor/replay"
)

const someID = "261122103000-00000a1"

// at is a moment of the scene.
func at(second int) time.Time {
	return time.Unix(1_800_000_000, 0).Add(time.Duration(second) * time.Second)
}

func charge() events.Identity {
	return events.Event{Operation: events.Charge, CorrelationID: someID}.Identity()
}

func cancellation() events.Identity {
	return events.Event{Operation: events.Cancellation, CorrelationID: someID}.Identity()
}

// scene is a charge that was PENDING, its cancellation that ended before Redis was flushed and was sent once more after that, and
// something undecodable, all as they should be.
func scene() evidence {
	result := func(op events.Operation, sequence, result string, decided int) events.Result {
		return events.Result{
			CorrelationID: someID, SequenceID: sequence, Operation: op, Result: result, Final: result != events.Pending,
			RequestedAt: at(0), DecidedAt: at(decided), Source: events.Source{Topic: topics.Requested},
		}
	}
	return evidence{
		account: replay.Account{Balanced: true, Complete: true, Total: replay.Tally{Accepted: 4, Final: 2, Dead: 1, Duplicate: 1}},
		book: &book{
			finals: map[events.Identity][]events.Result{
				charge():       {result(events.Charge, "CHG1", events.Completed, 9)},
				cancellation(): {result(events.Cancellation, "CAN1", events.Failed, 2)},
			},
			interims: map[events.Identity][]events.Result{charge(): {result(events.Charge, "CHG1", events.Pending, 1)}},
			dead:     map[string]int{events.ReasonUndecodable: 1},
		},
		fed: fed{
			records: 4, duplicates: map[events.Identity]time.Time{cancellation(): at(7)}, dead: map[string]int{events.ReasonUndecodable: 1},
			transactions: map[events.Identity]bool{charge(): true, cancellation(): true},
		},
		calls: []konasim.Call{
			{Time: at(1), SequenceID: "CHG1", CorrelationID: someID, Answer: "PENDING"},
			{Time: at(2), SequenceID: "CAN1", CorrelationID: someID, Answer: "FAILED"},
			{Time: at(8), SequenceID: "CHG1", CorrelationID: someID, Answer: "COMPLETED"},
		},
		flushed: at(5), rebuilt: at(6),
	}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name   string
		doctor func(e *evidence)
		faults []string
	}{
		{"sound", func(*evidence) {}, nil},
		{"never flushed", func(e *evidence) { e.flushed, e.rebuilt = time.Time{}, time.Time{} }, nil},
		{"never rebuilt", func(e *evidence) { e.rebuilt = time.Time{} }, []string{"Redis was flushed, and the claims are not rebuilt"}},
		{"imbalance", func(e *evidence) {
			e.account.Balanced, e.account.Total.Missing, e.account.Total.Twice = false, 1, 2
		}, []string{"not balanced: 1 events missing, 2 in two places, 0 too old"}},
		{"incomplete", func(e *evidence) { e.account.Complete, e.account.Total.BeyondHorizon = false, 3 }, []string{"not balanced: 0 events missing, 0 in two places, 3 too old"}},
		{"event missing", func(e *evidence) { e.account.Total.Accepted-- }, []string{"3 events are accepted, not 4"}},
		{"waiting", func(e *evidence) { e.account.Total.Waiting = 1 }, []string{"1 events still wait, not 0"}},
		{"unfinished", func(e *evidence) { e.account.Total.Unfinished = 1 }, []string{"1 events are not finished, not 0"}},
		{"duplicate missing", func(e *evidence) { e.account.Total.Duplicate = 0 }, []string{"0 duplicates are recorded, not 1"}},
		{"dead letter of another reason", func(e *evidence) { e.book.dead = map[string]int{events.ReasonConflict: 1} }, []string{
			"1 CONFLICT dead letters, not 0", "0 UNDECODABLE dead letters, not 1",
		}},
		{"stray", func(e *evidence) { e.account.Strays = 1 }, []string{"1 outcomes are of no event"}},
		{"unreadable", func(e *evidence) { e.account.Unreadable = 1 }, []string{"1 outcomes can't be read"}},
		{"result missing", func(e *evidence) { delete(e.book.finals, charge()) }, []string{"1 transactions have no final result"}},
		{"result twice", func(e *evidence) {
			e.book.finals[charge()] = slices.Repeat(e.book.finals[charge()], 2)
		}, []string{"1 transactions have more than one final"}},
		{"result of nothing", func(e *evidence) { delete(e.fed.transactions, cancellation()) }, []string{"1 final results are of transactions that were never fed"}},
		{"interim of nothing", func(e *evidence) {
			e.book.interims[cancellation()] = e.book.interims[charge()]
			delete(e.fed.transactions, cancellation())
		}, []string{"1 final results are of transactions", "1 results are not what"}},
		{"two interims", func(e *evidence) {
			e.book.interims[charge()] = slices.Repeat(e.book.interims[charge()], 2)
		}, []string{"1 transactions have more than one interim"}},
		{"never PENDING", func(e *evidence) { e.calls[0].Answer = "DOWN" }, []string{"1 results are not what Konaplate said"}},
		{"another result", func(e *evidence) { e.calls[1].Answer = "COMPLETED" }, []string{"1 results are not what Konaplate said"}},
		{"never asked", func(e *evidence) { e.calls = slices.Delete(e.calls, 1, 2) }, []string{"1 results are not what Konaplate said"}},
		{"asked again", func(e *evidence) {
			e.calls = append(e.calls, konasim.Call{Time: at(7), SequenceID: "CAN1", CorrelationID: someID, Answer: "FAILED"})
		}, []string{"1 transactions were asked about when"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := scene()
			c.doctor(&e)
			f := e.judge()
			if !slices.EqualFunc(f.Faults, c.faults, strings.HasPrefix) {
				t.Errorf("faults %q, want %q", f.Faults, c.faults)
			}
			code := conclude(report{Drained: true, Findings: f}, false, &bytes.Buffer{}, &bytes.Buffer{}, &warnings{})
			if (code == exitDone) != (c.faults == nil) || code > exitFailed {
				t.Errorf("exit %d", code)
			}
		})
	}
}

func TestFindings(t *testing.T) {
	e := scene()
	e.book.finals[charge()][0].Result, e.book.finals[charge()][0].Reason = events.Unknown, events.ReasonRejected
	e.calls[2].Answer = "REJECTED"
	f := e.judge()
	if want := (transactions{Fed: 2, ExactlyOne: 2, Interim: 1, Repeated: 1}); f.Transactions != want {
		t.Errorf("%+v, want %+v", f.Transactions, want)
	}
	if !maps.Equal(f.Final, map[string]int{events.Failed: 1, events.Unknown: 1}) || !maps.Equal(f.Unknown, map[string]int{events.ReasonRejected: 1}) {
		t.Errorf("final %v, unknown %v", f.Final, f.Unknown)
	}
	for name, doctor := range map[string]func(){
		"sent again before the flush": func() { e.fed.duplicates[cancellation()] = at(4) },
		"ended after it":              func() { e.fed.duplicates[cancellation()], e.flushed = at(7), at(1) },
	} {
		doctor()
		if n := e.judge().Transactions.Repeated; n != 0 {
			t.Errorf("%s: %d, want none", name, n)
		}
	}
}

func TestBears(t *testing.T) {
	unknown := func(reason string) events.Result { return events.Result{Result: events.Unknown, Reason: reason} }
	completed, failed := events.Result{Result: events.Completed}, events.Result{Result: events.Failed}
	notFound, rejected, late := unknown(events.ReasonTransactionNotFound), unknown(events.ReasonRejected), unknown(events.ReasonDeadlineExceeded)
	all := []events.Result{completed, failed, notFound, rejected, late, {Result: events.Failed, Reason: events.ReasonTransactionNotFound}}
	for answer, want := range map[string][]events.Result{
		"": nil, "COMPLETED": {completed}, "FAILED": {failed, all[5]}, "REJECTED": {rejected},
		"NOTFOUND": {notFound, late}, "PENDING": {late}, "DOWN": {late}, "ABANDONED": {late},
	} {
		for _, r := range all {
			if got := (statement{answer: answer}).bears(r); got != slices.Contains(want, r) {
				t.Errorf("after %q: %s %s: %v", answer, r.Result, r.Reason, got)
			}
		}
	}
}

// The ledger is in the order of the answers; what counts is the question that came last.
func TestStatements(t *testing.T) {
	said := statements([]konasim.Call{
		{Time: at(3), SequenceID: "CHG1", CorrelationID: someID, Answer: "COMPLETED"},
		{Time: at(2), SequenceID: "CHG1", CorrelationID: someID, Answer: "ABANDONED"},
		{Time: at(1), SequenceID: "CHG1", CorrelationID: someID, Answer: "PENDING"},
		{Time: at(4), SequenceID: "CAN1", CorrelationID: someID, Answer: "FAILED"},
	})
	want := map[question]statement{{"CHG1", someID}: {at(3), "COMPLETED", true}, {"CAN1", someID}: {at(4), "FAILED", false}}
	if !maps.Equal(said, want) {
		t.Errorf("%+v, want %+v", said, want)
	}
}

func TestBook(t *testing.T) {
	b := newBook()
	for _, final := range []bool{false, true, true} {
		r := events.Result{
			CorrelationID: strings.ToUpper(someID), SequenceID: "CHG1", Operation: events.Charge, Result: events.Pending, Attempts: 1,
			RequestedAt: at(0), DecidedAt: at(1), Source: events.Source{Topic: topics.Requested},
		}
		if final {
			r.Result, r.Final, r.Revision = events.Completed, true, 1
		}
		value, _, err := r.Encode(group)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.enter(&kgo.Record{Topic: topics.Result, Value: value}); err != nil {
			t.Error(err)
		}
	}
	headers := []kgo.RecordHeader{{Key: events.HeaderReason, Value: []byte("of another pipeline")}, {Key: events.HeaderReason, Value: []byte("X")}}
	if err := b.enter(&kgo.Record{Topic: topics.DeadLetter, Headers: headers}); err != nil {
		t.Error(err)
	}
	if len(b.finals[charge()]) != 2 || len(b.interims[charge()]) != 1 || !maps.Equal(b.dead, map[string]int{"X": 1}) {
		t.Errorf("%+v", b)
	}
	if err := b.enter(&kgo.Record{Topic: topics.Result, Partition: 3, Offset: 7, Value: []byte("x")}); err == nil || !strings.Contains(err.Error(), "charge-result/3/7") {
		t.Errorf("unreadable: %v", err)
	}
}
