package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/replay"
)

func TestConclude(t *testing.T) {
	sound, missing := findings{}, findings{Faults: []string{"1 transactions have no final result"}}
	for _, c := range []struct {
		name   string
		report report
		code   int
		says   string
	}{
		{"sound", report{Drained: true, Findings: sound}, exitDone, "every event ended in exactly one place"},
		{"missing", report{Drained: true, Findings: missing}, exitFailed, "DOES NOT ADD UP after 0.0 s:\n  1 transactions have no final result\n"},
		{"late", report{Findings: missing}, exitFailed, "NOT DRAINED within 20s of the last event"},
		{"late, yet complete", report{Findings: sound}, exitFailed, "NOT DRAINED"},
	} {
		for _, asJSON := range []bool{false, true} {
			var stdout, stderr bytes.Buffer
			var log warnings
			fmt.Fprintln(&log, "what happened")
			code := conclude(c.report, asJSON, &stdout, &stderr, &log)
			if code != c.code || !asJSON && !strings.Contains(stdout.String(), c.says) || (code != 0) != (stderr.String() == "what happened\n") {
				t.Errorf("%s, JSON %v: exit %d\n%s\n%s", c.name, asJSON, code, &stdout, &stderr)
			}
		}
	}
}

// The table has charge-requested first, and fits, as everything does.
func TestReportFits(t *testing.T) {
	var out bytes.Buffer
	tally := replay.Tally{Accepted: 99_999, Final: 99_999, Dead: 9_999, Duplicate: 9_999, Waiting: 99_999}
	report{
		Drained: true, Seconds: 30.1,
		Accounting: replay.Account{Total: tally, Partitions: []replay.Partition{
			{Topic: topics.Cancelled, Tally: tally}, {Topic: topics.Requested, Tally: tally}, {Topic: topics.Requested, Partition: 1, Tally: tally},
		}},
		Findings: findings{
			Final:        map[string]int{events.Completed: 99_999, events.Failed: 9_999, events.Unknown: 9_999},
			Unknown:      map[string]int{events.ReasonTransactionNotFound: 999, events.ReasonDeadlineExceeded: 999, events.ReasonRejected: 999},
			Dead:         map[string]int{events.ReasonConflict: 999, events.ReasonInvalidEvent: 999, events.ReasonUndecodable: 999},
			Transactions: transactions{Fed: 99_999, ExactlyOne: 99_999, Interim: 9_999, Repeated: 9_999},
		},
		Wipe:    wipeReport{Flushed: 466.7, Rebuilt: 566.6},
		Breaker: breakerReport{Opened: 9, OpenSeconds: 99.9, CallsUnderWay: 128, Probes: 9},
		before:  percentiles{999 * time.Millisecond, 99 * time.Second}, overall: percentiles{99 * time.Second, 99 * time.Second},
	}.print(&out)
	for line := range strings.Lines(out.String()) {
		if len(line) > 80 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	var rows []string
	for line := range strings.Lines(out.String()) {
		if name, rest, _ := strings.Cut(strings.TrimSpace(line), " "); strings.Contains(rest, " 99999 =  99999 + 9999 +      9999 +   99999") {
			rows = append(rows, name)
		}
	}
	if got, want := strings.Join(rows, " "), "charge-requested/0 charge-requested/1 charge-cancelled/0 all"; got != want {
		t.Errorf("rows %s, want %s in\n%s", got, want, &out)
	}
}

func TestWipeReport(t *testing.T) {
	for want, w := range map[string]wipeReport{
		"none": {}, "Redis flushed at 14.0 s, claims never rebuilt": {Flushed: 14},
		"Redis flushed at 14.0 s, claims rebuilt 0.70 s later": {14, 14.7},
	} {
		if got := w.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
