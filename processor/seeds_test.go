package processor_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/dedup"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// The seeds of TestDays. All that is random about a transaction follows from its seed and number, so that a seed that failed among
// others fails alone, with CHARGERESULT_SEED, unless it needed their company: then the day it failed in does, which its first seed names.
const (
	seeds       = 500
	seedsADay   = 250
	perSeed     = 100
	arrivals    = 22        // moments of a day at which records arrive,
	apart       = time.Hour // many at once, because a day with fewer transactions is a shorter test
	dayDeadline = 30 * time.Minute
)

// TestDays lives through days of random answers: whatever Konaplate says of a transaction and in whatever order, each input record ends in
// exactly one place, and each result is the last that Konaplate said. Outages, restarts, and claims that are wiped or replaced are part of a day.
func TestDays(t *testing.T) {
	if seed, err := strconv.ParseUint(os.Getenv("CHARGERESULT_SEED"), 10, 32); err == nil {
		inDay(t, seed, 1)
		return
	}
	last := uint64(seeds)
	if underRace {
		last = 1 // a day of one seed: the others only repeat what it does
	}
	for first := uint64(0); first < last; first += seedsADay {
		t.Run(fmt.Sprint("seeds from ", first), func(t *testing.T) {
			t.Parallel()
			inDay(t, first, min(seedsADay, last-first))
		})
	}
}

func inDay(t *testing.T, first, n uint64) {
	day := newDay(first, n)
	sim := konasim.Config{Latency: konasim.Latency{P50: 20 * time.Millisecond}, Script: day.answer}
	inWorld(t, sim, func(w *world) { day.live(w) }, func(w *world) {
		w.policy.Deadline, w.fetchWait, w.direct = dayDeadline, 5*time.Minute, true
		w.guards.Refusals = 0 // what never gets an answer ends at one moment, too, and more than 20 of it in a row
		w.policy.Schedule = []time.Duration{10 * time.Second, time.Minute, 15 * time.Minute}
	})
}

// day is what happens in a day of some seeds.
type day struct {
	first, n uint64
	sent     []arrival
	scripts  map[string][]string // of answers, by sequence ID
}

type arrival struct {
	at     time.Duration
	record *kgo.Record
}

func newDay(first, n uint64) *day {
	d := &day{first: first, n: n, scripts: map[string][]string{}}
	for seed := first; seed < first+n; seed++ {
		for i := range uint64(perSeed) {
			d.plan(seed, i)
		}
	}
	slices.SortStableFunc(d.sent, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	return d
}

// Answers that don't end a transaction, and those that may be the last word on it. What comes often is likely; were more than half of a
// moment's answers none, the breaker would open and the day be over before its records are.
var (
	passing = append(slices.Repeat([]string{"PENDING", "PENDING", "PENDING", "NOTFOUND", "UNCLEAR"}, 6),
		"DOWN", "RESET", "HTTP429", "HTTP401", "HTTP403", "HTTP408", "HTML", "TRUNCATED", "FOREIGN", "NOECHO", "DUPKEY",
		"TRAILING", "MISTYPED", "ENCRYPTED", "ODD", "CONTRADICTION", "RESULT500", "REDIRECT", "HTTP404", "HTTP204")
	lasting = append(slices.Repeat([]string{"COMPLETED", "COMPLETED", "FAILED"}, 18),
		"PENDING", "PENDING", "NOTFOUND", "NOTFOUND", "REJECTED", "INVALID", "UNCLEAR", "HTML", "DOWN")
)

// plan makes up a transaction, and what is sent of it: now and then with a duplicate, a conflict, or a record that is no event.
func (d *day) plan(seed, i uint64) {
	r := rand.New(rand.NewPCG(seed, i))
	sequence := fmt.Sprintf("S%d.%d", seed, i)
	var script []string
	for range r.IntN(4) {
		script = append(script, passing[r.IntN(len(passing))])
	}
	d.scripts[sequence] = append(script, lasting[r.IntN(len(lasting))])
	topic := []string{topics.Requested, topics.Cancelled}[r.IntN(2)]
	send := func(key, value string) {
		at := time.Duration(r.IntN(arrivals)) * apart
		d.sent = append(d.sent, arrival{at, &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte(value)}})
	}
	number := int(seed*perSeed + i)
	send(fmt.Sprint("k", r.IntN(1000)), event(number, sequence))
	switch r.IntN(50) {
	case 0, 1, 2, 3, 4:
		send("again", event(number, sequence))
	case 5:
		send("conflict", event(number, "another")) // whichever comes first owns the transaction
	case 6:
		send("broken", event(number, sequence)[:20])
	}
}

func (d *day) answer(sequenceID string, ask int) string {
	script, ok := d.scripts[sequenceID]
	if !ok {
		return "COMPLETED"
	}
	return script[min(ask, len(script))-1]
}

// live sends the day's records at their times, with what goes wrong in a day between them, and judges what came of it.
func (d *day) live(w *world) {
	w.Helper()
	r := rand.New(rand.NewPCG(d.first, d.n))
	mishaps := []func(){
		func() { w.claims.Wipe() }, func() { w.claims.Replace() },
		func() { w.claims.FailClaims(dedup.Fails, dedup.FailsButTookEffect) },
		func() { w.claims.FailSettles(dedup.Fails, dedup.FailsButTookEffect) },
		func() { w.claims.FailIncarnations(dedup.Fails, dedup.Fails) },
		func() { w.halt(); w.start() },
		func() {
			w.vendor.SetOutage(konasim.Unavailable)
			time.Sleep(10 * time.Minute)
			w.vendor.SetOutage(konasim.Up)
		},
		func() { w.vendor.SetOutage(konasim.Hanging); time.Sleep(time.Minute); w.vendor.SetOutage(konasim.Up) },
	}
	began := time.Now()
	every := len(d.sent) / (2 * len(mishaps))
	for i, a := range d.sent {
		time.Sleep(time.Until(began.Add(a.at)))
		w.client.Produce(w.Context(), a.record, func(_ *kgo.Record, err error) { w.must(err) })
		if i%every == every-1 {
			mishaps[r.IntN(len(mishaps))]()
		}
	}
	time.Sleep(time.Until(began.Add(24 * time.Hour)))
	d.judge(w)
	if w.Failed() {
		w.Logf("go test ./processor -run 'TestDays/seeds_from_%d$' lives through this day again, CHARGERESULT_SEED=n with one of its seeds alone, %d to %d; engine: %+v",
			d.first, d.first, d.first+d.n-1, w.engine.Status())
	}
}

func (d *day) judge(w *world) {
	w.Helper()
	account := w.account()
	total := account.Total
	if !account.Balanced || total.Waiting != 0 || total.Unfinished != 0 || int(total.Accepted) != len(d.sent) {
		w.Errorf("%d records sent; %+v, faults %+v", len(d.sent), total, account.Faults)
	}
	last := map[string]string{}
	for _, call := range w.vendor.Ledger() {
		if call.Answer != "ABANDONED" {
			last[call.SequenceID] = call.Answer
		}
	}
	results := w.results()
	for _, r := range results {
		if want := expected(last[r.SequenceID]); !slices.Contains(want, r.Result+" "+r.Reason) {
			w.Errorf("%s: %s %s, want one of %q after %v", r.SequenceID, r.Result, r.Reason, want, d.scripts[r.SequenceID])
		}
	}
	for sequence, script := range d.scripts {
		var seed, i int
		if _, err := fmt.Sscanf(sequence, "S%d.%d", &seed, &i); err != nil {
			w.Fatal(err)
		}
		number := seed*perSeed + i
		_, charged := results[events.Identity{Operation: events.Charge, CorrelationID: correlationID(number)}]
		_, cancelled := results[events.Identity{Operation: events.Cancellation, CorrelationID: correlationID(number)}]
		if !charged && !cancelled {
			w.Errorf("seed %d: %s has no final result after %v", seed, sequence, script)
		}
	}
}

// expected are the results that may follow from the last answer: UNKNOWN comes with its reason.
func expected(last string) []string {
	const late = events.Unknown + " " + events.ReasonDeadlineExceeded
	switch last {
	case "COMPLETED", "FAILED":
		return []string{last + " "}
	case "REJECTED", "UNCLEAR":
		return []string{events.Unknown + " " + events.ReasonRejected}
	case "INVALID":
		return []string{events.Unknown + " " + events.ReasonInvalidSequenceID}
	case "NOTFOUND":
		return []string{events.Unknown + " " + events.ReasonTransactionNotFound, late}
	}
	return []string{late}
}
