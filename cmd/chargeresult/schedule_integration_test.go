//go:build integration

package main

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// everybody is a site whose vendor gives every transaction the same answers, one for each ask; the last one repeats.
func everybody(t *testing.T, answers ...string) *site {
	t.Helper()
	return newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 4, konasim.Config{
		Script: func(_ string, ask int) string { return answers[min(ask, len(answers))-1] },
	})
}

// finalResults are the final results, in the order of their transactions' numbers.
func (s *site) finalResults() []events.Result {
	s.Helper()
	var finals []events.Result
	for _, r := range testbed.Dump(s, s.brokers, s.results()) {
		result, err := events.DecodeResult(r.Value)
		if err != nil {
			s.Fatal(err)
		}
		if result.Final {
			finals = append(finals, result)
		}
	}
	return finals
}

// few is how many transactions show what is so for each.
const few = 40

// TestScheduleChanged changes the schedule while transactions wait: without the topic of the new delay the process refuses to start, and says
// what makes it; then what waits in the old topic is asked about, waits in the new one, and is answered.
func TestScheduleChanged(t *testing.T) {
	t.Parallel()
	s := everybody(t, "PENDING", "PENDING", "COMPLETED")
	s.extra = []string{"CHARGERESULT_RETRY_SCHEDULE=3s"}
	var sent sending
	s.send(&sent, 0, few, 0)
	p := s.startAndAwait("")
	await(t, "all of them wait", soon, func() bool { return p.status().Counts.Interim == few })
	p.stops(soon)

	s.extra = []string{"CHARGERESULT_RETRY_SCHEDULE=1500ms"}
	added := events.RetryTopic(s.topics["TOPIC_RETRY_PREFIX"], 1500*time.Millisecond)
	s.refuses(exitRefused, "topic "+added+": found missing", "topics --execute")
	create := exec.CommandContext(t.Context(), binary, "topics", "--execute")
	create.Env = s.environment("")
	out, _ := create.CombinedOutput() // it fails because the topics of tests have a broker's default settings
	await(t, "the topic is there", soon, func() bool {
		details, err := s.admin.ListTopics(t.Context(), added)
		return err == nil && details.Has(added) && details[added].Err == nil
	})
	if !strings.Contains(string(out), "created") {
		t.Errorf("topics --execute:\n%s", out)
	}
	s.startAndAwait("")
	s.wellEnded(&sent)
	for _, r := range s.finalResults() {
		if r.Attempts != 3 || r.Result != events.Completed {
			t.Fatalf("%s: %s after %d attempts, want COMPLETED after 3", r.CorrelationID, r.Result, r.Attempts)
		}
	}
	old := events.RetryTopic(s.topics["TOPIC_RETRY_PREFIX"], 3*time.Second)
	if before, after := s.count(old), s.count(added); before != few || after != few {
		t.Errorf("%d waited in the old topic, %d in the new one; want %d in each", before, after, few)
	}
}

// TestFirstAskDelay: no transaction is asked about before its delay is over, and waiting for it is no attempt.
func TestFirstAskDelay(t *testing.T) {
	t.Parallel()
	s := everybody(t, "COMPLETED")
	s.extra = []string{"CHARGERESULT_FIRST_ASK_DELAY=1s"}
	var sent sending
	s.send(&sent, 0, few, 0)
	began := time.Now()
	s.startAndAwait("")
	s.wellEnded(&sent)
	for _, call := range s.vendor.Ledger() {
		if after := call.Time.Sub(began); after < time.Second {
			t.Fatalf("asked after %v", after)
		}
	}
	for _, r := range s.finalResults() {
		if r.Attempts != 1 {
			t.Fatalf("%s: %d attempts, want 1", r.CorrelationID, r.Attempts)
		}
	}
}

// TestNotFound: what the vendor does not know may only be too young, until the grace is over.
func TestNotFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers        []string
		grace          time.Duration
		result, reason string
	}{
		"for ever":    {[]string{"NOTFOUND"}, 2 * time.Second, events.Unknown, events.ReasonTransactionNotFound},
		"for a while": {[]string{"NOTFOUND", "NOTFOUND", "COMPLETED"}, time.Minute, events.Completed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := everybody(t, c.answers...)
			s.extra = []string{"CHARGERESULT_NOT_FOUND_GRACE=" + c.grace.String(), "CHARGERESULT_GUARD_REFUSALS=0", "CHARGERESULT_RETRY_SCHEDULE=1s"}
			var sent sending
			s.send(&sent, 0, few, 0)
			began := time.Now()
			p := s.startAndAwait("")
			s.wellEnded(&sent)
			for _, r := range s.finalResults() {
				after := r.DecidedAt.Sub(began)
				if r.Result != c.result || r.Reason != c.reason || r.Attempts < 3 || c.reason != "" && after < c.grace {
					t.Fatalf("%s: %s %s after %v and %d attempts, want %s %s", r.CorrelationID, r.Result, r.Reason, after, r.Attempts, c.result, c.reason)
				}
			}
			if counts := p.status().Counts; counts.Interim > 0 || counts.Waits[events.WaitNotFound] < 2*few {
				t.Errorf("%d interim results, waits %v; not found is not pending", counts.Interim, counts.Waits)
			}
		})
	}
}

// TestDeadline: what has waited for longer than the deadline is given up, but only after one more question. The deadline is a minute at
// least, so the transactions here come into the test as records that have waited for most of it. How a whole deadline passes is tested in
// virtual time, in package processor.
func TestDeadline(t *testing.T) {
	t.Parallel()
	s := everybody(t, "PENDING")
	s.extra = []string{"CHARGERESULT_RETRY_DEADLINE=1m", "CHARGERESULT_NOT_FOUND_GRACE=30s", "CHARGERESULT_GUARD_REFUSALS=0"}
	seen := time.Now().Add(-57 * time.Second)
	s.wait(0, few, time.Now(), seen)
	s.startAndAwait("")
	await(t, "all have ended", eventually, func() bool { s.alive(); return len(s.finalResults()) == few })
	for _, r := range s.finalResults() {
		if after := r.DecidedAt.Sub(seen); r.Result != events.Unknown || r.Reason != events.ReasonDeadlineExceeded || after < time.Minute {
			t.Fatalf("%s: %s %s after %v, want UNKNOWN %s after a minute", r.CorrelationID, r.Result, r.Reason, after, events.ReasonDeadlineExceeded)
		}
	}
	for _, call := range s.vendor.Ledger() {
		if !strings.HasPrefix(call.Answer, "PENDING") {
			t.Errorf("the vendor answered %s", call.Answer)
		}
	}
}
