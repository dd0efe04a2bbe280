package main

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// TestGeneratorKeepsItsOwnAccount decodes what the generator makes, and finds in it what the generator says is in it.
func TestGeneratorKeepsItsOwnAccount(t *testing.T) {
	decoder, err := events.NewDecoder(events.Fields{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	const lasting = 3000
	g, twin := newGenerator(7, now, lasting), newGenerator(7, now, lasting)
	found := fed{transactions: map[events.Identity]bool{}, duplicates: map[events.Identity]time.Time{}, dead: map[string]int{}}
	asksFor := map[string]int{} // answers
	sequences := map[events.Identity]string{}
	shared := 0
	for range 5000 {
		r := g.next(now)
		if !reflect.DeepEqual(r, twin.next(now)) {
			t.Fatal("the same seed makes another record")
		}
		found.records++
		operation := events.Charge
		if r.Topic == topics.Cancelled {
			operation = events.Cancellation
		}
		e, err := decoder.Decode(operation, events.Message{Value: r.Value, Timestamp: now})
		if err != nil {
			found.dead[err.(*events.DecodeError).Reason]++
			continue
		}
		id := e.Identity()
		switch sequence, known := sequences[id]; {
		case !known:
			sequences[id], found.transactions[id] = e.SequenceID, true
			name := e.SequenceID[:max(0, strings.LastIndex(e.SequenceID, "-"))]
			asksFor[name]++
			if found.records > lasting && (name == "PENDING" || name == "NOTFOUND") {
				t.Errorf("%s is fed as number %d", e.SequenceID, found.records)
			}
			if found.transactions[events.Identity{Operation: events.Charge, CorrelationID: id.CorrelationID}] && operation == events.Cancellation {
				shared++
			}
		case sequence == e.SequenceID:
			found.duplicates[id] = now
		default:
			found.dead[events.ReasonConflict]++
		}
	}
	if !reflect.DeepEqual(found, g.fed) {
		t.Errorf("found %d, %d, %d, %v; fed %d, %d, %d, %v", found.records, len(found.duplicates), len(found.transactions), found.dead,
			g.fed.records, len(g.fed.duplicates), len(g.fed.transactions), g.fed.dead)
	}
	if shared == 0 || len(found.duplicates) < 200 || len(found.dead) != 3 || len(asksFor) != len(fates)+1 {
		t.Errorf("something is never made: %d shared IDs, %d duplicates, dead %v, fates %v", shared, len(found.duplicates), found.dead, asksFor)
	}
	if unknown := asksFor["PENDING"] + asksFor["NOTFOUND"] + asksFor["REJECTED"]; unknown > found.records/20 {
		t.Errorf("%d transactions end as UNKNOWN: too many for the guard", unknown)
	}
}

func TestJudgeBreaker(t *testing.T) {
	begin := time.Unix(0, 0)
	after := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	changes := []change{
		{inquiry.Open, after(1000)},
		{inquiry.HalfOpen, after(5000)},
		{inquiry.Open, after(5010)},
		{inquiry.HalfOpen, after(9000)},
		{inquiry.Closed, after(9010)},
	}
	var calls []konasim.Call
	for _, ms := range []int{0, 999, 1000, 1250, 1251, 4999, 5000, 5020, 9005, 9010, 9500} {
		calls = append(calls, konasim.Call{Time: after(ms)})
	}
	want := breakerReport{Opened: 2, OpenSeconds: 4 + 3.99, CallsWhileOpen: 2, CallsUnderWay: 3, Probes: 2}
	if got := judgeBreaker(changes, calls, after(10_000)); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	want = breakerReport{Opened: 1, OpenSeconds: 9, CallsWhileOpen: 7, CallsUnderWay: 2}
	if got := judgeBreaker(changes[:1], calls, after(10_000)); got != want {
		t.Errorf("still open: %+v, want %+v", got, want)
	}
	if got := judgeBreaker(nil, calls, after(10_000)); got != (breakerReport{}) {
		t.Errorf("never open: %+v", got)
	}
}
