package processor

import (
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/events"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

var testPolicy = Policy{
	Schedule: []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute},
	Deadline: 24 * time.Hour, NotFoundGrace: 2 * time.Minute,
}

// TestDecide has a case for every row of the reply table, and for every edge of its times.
func TestDecide(t *testing.T) {
	const code = "007_004"
	young := history{attempts: 1, requestedAt: noon, firstSeen: noon, firstAsked: noon}
	with := func(h history, change func(*history)) history { change(&h); return h }
	overdue := noon.Add(24 * time.Hour)
	wait := func(why string, delay time.Duration) decision { return decision{wait: why, delay: delay} }
	tests := []struct {
		name   string
		answer Answer
		h      history
		now    time.Time
		want   decision
	}{
		{"completed", Answer{Class: Answered, Result: events.Completed, Code: "000_000"}, young, noon, decision{result: events.Completed, code: "000_000"}},
		{"failed", Answer{Class: Answered, Result: events.Failed}, young, noon, decision{result: events.Failed}},
		{"answered past the deadline", Answer{Class: Answered, Result: events.Failed}, young, overdue, decision{result: events.Failed}},

		{"pending, first", Answer{Class: NotYet, Code: "000_000"}, young, noon, decision{wait: events.WaitPending, delay: 10 * time.Second, interim: true, code: "000_000"}},
		{"pending, again", Answer{Class: NotYet}, with(young, func(h *history) { h.attempts, h.interim = 2, true }), noon, wait(events.WaitPending, time.Minute)},
		{"pending, for long", Answer{Class: NotYet}, with(young, func(h *history) { h.attempts, h.interim = 200, true }), overdue.Add(-1), wait(events.WaitPending, 5*time.Minute)},
		{"pending, past the deadline", Answer{Class: NotYet}, young, overdue, unknown(events.ReasonDeadlineExceeded, "")},

		{"not found yet", Answer{Class: NotFound, Code: "007_009"}, young, noon.Add(2*time.Minute - 1), wait(events.WaitNotFound, 10*time.Second)},
		{"not found", Answer{Class: NotFound, Code: "007_009"}, young, noon.Add(2 * time.Minute), unknown(events.ReasonTransactionNotFound, "007_009")},
		{
			"not found, an event from tomorrow",
			Answer{Class: NotFound},
			with(young, func(h *history) { h.requestedAt = noon.Add(time.Hour) }), noon.Add(time.Hour + 2*time.Minute - 1), wait(events.WaitNotFound, 10*time.Second),
		},
		{
			"not found, an event from yesterday",
			Answer{Class: NotFound},
			with(young, func(h *history) { h.requestedAt = noon.Add(-24 * time.Hour) }), noon.Add(time.Minute), wait(events.WaitNotFound, 10*time.Second),
		},
		{
			"not found within the grace, past the deadline",
			Answer{Class: NotFound},
			with(young, func(h *history) { h.requestedAt = overdue }), overdue, unknown(events.ReasonDeadlineExceeded, ""),
		},

		{"refused", Answer{Class: Refused, Code: code, Reason: events.ReasonRejected}, young, noon, unknown(events.ReasonRejected, code)},
		{"refused for its sequence ID", Answer{Class: Refused, Code: "000_002", Reason: events.ReasonInvalidSequenceID}, young, noon, unknown(events.ReasonInvalidSequenceID, "000_002")},
		{"unclear", Answer{Class: Unclear, Code: "003_001"}, young, noon, wait(events.WaitUnclear, 10*time.Second)},
		{"unclear past the deadline", Answer{Class: Unclear, Code: "003_001"}, young, overdue, unknown(events.ReasonRejected, "003_001")},

		{"our fault", Answer{Class: OurFault}, young, noon, wait(events.WaitCredentials, 10*time.Second)},
		{"our fault, past the deadline", Answer{Class: OurFault}, young, overdue, wait(events.WaitCredentials, 10*time.Second)},
		{"slow down", Answer{Class: SlowDown, RetryAfter: time.Hour}, young, noon, wait(events.WaitSlowDown, 10*time.Second)},
		{"slow down, past the deadline", Answer{Class: SlowDown}, young, overdue, wait(events.WaitSlowDown, 10*time.Second)},

		{"vendor down", Answer{Class: VendorDown}, young, noon, wait(events.WaitUnavailable, 10*time.Second)},
		{"vendor down, past the deadline", Answer{Class: VendorDown}, young, overdue, unknown(events.ReasonDeadlineExceeded, "")},
		{"not an answer", Answer{Class: NotAnAnswer, Result: events.Completed}, young, noon, wait(events.WaitUnavailable, 10*time.Second)},
		{"not an answer, past the deadline", Answer{Class: NotAnAnswer, Result: events.Completed}, young, overdue, unknown(events.ReasonDeadlineExceeded, "")},
		{"no class at all is no answer", Answer{Result: events.Completed}, young, noon, wait(events.WaitUnavailable, 10*time.Second)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := decide(testPolicy, tt.h, tt.answer, tt.now); got != tt.want {
				t.Errorf("decide = %+v, want %+v", got, tt.want)
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	b.ReportAllocs()
	h := history{attempts: 1, requestedAt: noon, firstSeen: noon, firstAsked: noon}
	answer := Answer{Class: Answered, Result: events.Completed, Code: "000_000"}
	for b.Loop() {
		decide(testPolicy, h, answer, noon)
	}
}
