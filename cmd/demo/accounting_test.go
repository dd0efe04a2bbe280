package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
)

// scene is a charge (offset 0), its duplicate (1), something undecodable (2) and the charge's cancellation, and where they ended.
func scene(t *testing.T) ([]*kgo.Record, fed) {
	t.Helper()
	const id = "261122103000-00000a1"
	records := []*kgo.Record{
		{Topic: topics.Requested, Offset: 0},
		{Topic: topics.Requested, Offset: 1},
		{Topic: topics.Requested, Offset: 2},
		{Topic: topics.Cancelled, Partition: 1, Offset: 0},
		resultOf(t, events.Charge, id, events.Source{Topic: topics.Requested, Offset: 0}),
		duplicateOf(t, id, events.VerdictDuplicate, 1),
		deadLetterOf(events.ReasonUndecodable, 2),
		resultOf(t, events.Cancellation, strings.ToUpper(id), events.Source{Topic: topics.Cancelled, Partition: 1, Offset: 0}),
	}
	return records, fed{
		records: 4, duplicates: 1, dead: map[string]int{events.ReasonUndecodable: 1},
		transactions: map[events.Identity]bool{
			{Operation: events.Charge, CorrelationID: id}:       true,
			{Operation: events.Cancellation, CorrelationID: id}: true,
		},
	}
}

func resultOf(t *testing.T, op events.Operation, id string, source events.Source) *kgo.Record {
	t.Helper()
	value, _, err := events.Result{
		CorrelationID: id, SequenceID: "CHG1", Operation: op, Result: events.Completed, Final: true, Revision: 1, Attempts: 1,
		RequestedAt: time.Unix(1, 0), DecidedAt: time.Unix(2, 0), Source: source,
	}.Encode(group)
	if err != nil {
		t.Fatal(err)
	}
	return &kgo.Record{Topic: topics.Result, Value: value}
}

func duplicateOf(t *testing.T, id, verdict string, offset int64) *kgo.Record {
	t.Helper()
	_, value, err := events.Duplicate{
		CorrelationID: id, SequenceID: "CHG1", Operation: events.Charge, Verdict: verdict,
		Source: events.Source{Topic: topics.Requested, Offset: offset}, Owner: "00/0/0",
	}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return &kgo.Record{Topic: topics.Duplicates, Value: value}
}

func deadLetterOf(reason string, offset int64) *kgo.Record {
	r := &kgo.Record{Topic: topics.DeadLetter, Headers: []kgo.RecordHeader{{Key: events.HeaderErrorTopic, Value: []byte("another pipeline's")}}}
	letter := events.DeadLetter{Source: events.Source{Topic: topics.Requested, Offset: offset}, Reason: reason}
	for _, h := range letter.Headers(nil) {
		r.Headers = append(r.Headers, kgo.RecordHeader(h))
	}
	return r
}

// doctor changes the records of the scene.
type doctor func(t *testing.T, records []*kgo.Record) []*kgo.Record

func without(i int) doctor {
	return func(_ *testing.T, records []*kgo.Record) []*kgo.Record { return slices.Delete(records, i, i+1) }
}

func with(more func(*testing.T) *kgo.Record) doctor {
	return func(t *testing.T, records []*kgo.Record) []*kgo.Record { return append(records, more(t)) }
}

func again(i int) doctor {
	return func(_ *testing.T, records []*kgo.Record) []*kgo.Record { return append(records, records[i]) }
}

func TestAccount(t *testing.T) {
	sound := tally{Accepted: 4, Final: 2, Dead: 1, Duplicate: 1}
	for _, c := range []struct {
		name   string
		doctor doctor
		total  tally
		faults []string // what each begins with
	}{
		{"sound", nil, sound, nil},
		{"redelivered is no end", with(func(t *testing.T) *kgo.Record {
			return duplicateOf(t, "261122103000-00000a1", events.VerdictRedelivered, 0)
		}), sound, nil},
		{"result missing", without(4), tally{4, 1, 1, 1, 1}, []string{"1 events did not end", "1 transactions have no final"}},
		{"duplicate missing", without(5), tally{4, 2, 1, 0, 1}, []string{"1 events did not end", "0 duplicates found, 1 fed"}},
		{"dead letter missing", without(6), tally{4, 2, 0, 1, 1}, []string{"1 events did not end", "0 UNDECODABLE dead letters found, 1 fed"}},
		{"result twice", again(7), sound, []string{"1 events ended more than once, such as charge-cancelled/1/0", "1 transactions have more than one"}},
		{"two results of one transaction", with(func(t *testing.T) *kgo.Record {
			return resultOf(t, events.Charge, "261122103000-00000a1", events.Source{Topic: topics.Requested, Offset: 1})
		}), tally{4, 3, 1, 0, 0}, []string{"1 events ended more than once", "1 transactions have more than one", "0 duplicates found, 1 fed"}},
		{"dead and a duplicate", with(func(*testing.T) *kgo.Record { return deadLetterOf(events.ReasonConflict, 1) }), tally{4, 2, 2, 0, 0}, []string{
			"1 events ended more than once", "0 duplicates found", "1 CONFLICT dead letters found, 0 fed",
		}},
		{"result of nothing", with(func(t *testing.T) *kgo.Record {
			return resultOf(t, events.Charge, "261122103000-00000a2", events.Source{Topic: topics.Requested, Offset: 9})
		}), sound, []string{"1 outcomes are of events that are not in the input", "1 final results are of transactions that were never fed"}},
		{"event missing", without(2), tally{3, 2, 0, 1, 0}, []string{"1 outcomes are of events that are not in the input", "3 events found, 4 fed"}},
		{"unreadable", with(func(*testing.T) *kgo.Record { return &kgo.Record{Topic: topics.Result, Value: []byte("x")} }), sound, []string{
			"1 records in the output topics",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			records, fed := scene(t)
			if c.doctor != nil {
				records = c.doctor(t, records)
			}
			a := account(records, fed)
			if a.Total != c.total {
				t.Errorf("total %+v, want %+v", a.Total, c.total)
			}
			if !slices.EqualFunc(a.Faults, c.faults, strings.HasPrefix) {
				t.Errorf("faults %q, want %q", a.Faults, c.faults)
			}
			code := conclude(report{Drained: true, Accounting: a}, false, &bytes.Buffer{}, &bytes.Buffer{}, &warnings{})
			if (code == exitDone) != (c.faults == nil) || code > exitFailed {
				t.Errorf("exit %d", code)
			}
		})
	}
}

func TestAccountByPartition(t *testing.T) {
	records, fed := scene(t)
	slices.Reverse(records)
	want := []partition{{topics.Requested, 0, tally{3, 1, 1, 1, 0}}, {topics.Cancelled, 1, tally{1, 1, 0, 0, 0}}}
	if got := account(records, fed).Partitions; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestConclude(t *testing.T) {
	records, fed := scene(t)
	sound := account(records, fed)
	missing := account(slices.Delete(slices.Clone(records), 4, 5), fed)
	for _, c := range []struct {
		name   string
		report report
		code   int
		says   string
	}{
		{"sound", report{Drained: true, Accounting: sound}, exitDone, "every event ended in exactly one place"},
		{"missing", report{Drained: true, Accounting: missing}, exitFailed, "DOES NOT ADD UP after 0.0 s:\n  1 events did not end anywhere\n"},
		{"late", report{Accounting: missing}, exitFailed, "NOT DRAINED within 9s of the last event"},
		{"late, yet complete", report{Accounting: sound}, exitFailed, "NOT DRAINED"},
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

func TestReportFits(t *testing.T) {
	var out bytes.Buffer
	report{
		Drained: true, Seconds: 30.1,
		Accounting: accounting{
			Total: tally{99_999, 99_999, 9_999, 9_999, 0}, Final: map[string]int{events.Completed: 99_999, events.Failed: 9_999},
			Dead:         map[string]int{events.ReasonConflict: 999, events.ReasonInvalidEvent: 999, events.ReasonUndecodable: 999},
			Transactions: transactions{Fed: 99_999, ExactlyOne: 99_999},
		},
		Breaker: breakerReport{Opened: 9, OpenSeconds: 99.9, CallsUnderWay: 128, Probes: 9},
		before:  percentiles{999 * time.Millisecond, 99 * time.Second}, overall: percentiles{99 * time.Second, 99 * time.Second},
	}.print(&out)
	for line := range strings.Lines(out.String()) {
		if len(line) > 80 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
}
