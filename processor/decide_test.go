package processor

import (
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/events"
)

func TestDecide(t *testing.T) {
	tests := []struct {
		name    string
		answer  Answer
		attempt int
		want    decision
	}{
		{"completed", Answer{Class: Answered, Result: events.Completed, Code: "000_000"}, 1, decision{final: true, result: events.Completed, code: "000_000", attempts: 1}},
		{"failed, at the third ask", Answer{Class: Answered, Result: events.Failed}, 3, decision{final: true, result: events.Failed, attempts: 3}},
		{"pending", Answer{Class: NotYet, Result: events.Pending}, 1, decision{askAgainIn: time.Second}},
		{"pending, later", Answer{Class: NotYet, Result: events.Pending}, 4, decision{askAgainIn: 8 * time.Second}},
		{"pending for long", Answer{Class: NotYet, Result: events.Pending}, 1000, decision{askAgainIn: askAgainMax}},
		{"not found", Answer{Class: NotFound, Code: "007_009"}, 2, decision{askAgainIn: 2 * time.Second}},
		{"refused", Answer{Class: Refused, Code: "007_004", Reason: events.ReasonRejected}, 1, decision{askAgainIn: time.Second}},
		{"unclear", Answer{Class: Unclear, Code: "000_999"}, 1, decision{askAgainIn: time.Second}},
		{"our fault", Answer{Class: OurFault}, 1, decision{askAgainIn: time.Second}},
		{"vendor down", Answer{Class: VendorDown}, 1, decision{askAgainIn: time.Second}},
		{"not an answer", Answer{Class: NotAnAnswer, Result: events.Completed}, 1, decision{askAgainIn: time.Second}},
		{"slow down, for as long as it says", Answer{Class: SlowDown, RetryAfter: time.Minute}, 1, decision{askAgainIn: time.Minute}},
		{"slow down, but not for ever", Answer{Class: SlowDown, RetryAfter: 24 * time.Hour}, 1, decision{askAgainIn: retryAfterMax}},
		{"slow down, it does not say how long", Answer{Class: SlowDown}, 3, decision{askAgainIn: 4 * time.Second}},
		{"no class at all is no answer", Answer{Result: events.Completed}, 1, decision{askAgainIn: time.Second}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := decide(tt.answer, tt.attempt); got != tt.want {
				t.Errorf("decide = %+v, want %+v", got, tt.want)
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	b.ReportAllocs()
	answer := Answer{Class: Answered, Result: events.Completed, Code: "000_000"}
	for b.Loop() {
		decide(answer, 1)
	}
}
