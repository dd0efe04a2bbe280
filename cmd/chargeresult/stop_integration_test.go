//go:build integration

package main

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// TestStopUnderLoad ends the process again and again while it works. It drains, commits and leaves the group, so that
// its successor has nothing to redo: no question that was answered is ever asked again.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 4, steady)
	var sent sending
	s.extra = []string{"CHARGERESULT_CONCURRENCY=16"} // slow enough to be at work at each stop
	const n, stops = 2500, 3
	s.send(&sent, 0, n, 0.05)
	for i := range stops {
		p := s.startAndAwait("")
		s.awaitFinished(&sent, n*(i+1)/(stops+2))
		before := p.status().Engine
		took := p.stops(soon)
		if before.InFlight == 0 {
			t.Error("nothing was in flight: the test shows nothing")
		}
		t.Logf("exit 0 after %v, %d of %d finished", took.Round(time.Millisecond), s.finished(&sent), sent.records)
		if members := s.members(); len(members) > 0 {
			t.Errorf("still in the group: %v", members)
		}
		if dup := s.answeredTwice(); len(dup) > 0 {
			t.Fatalf("%d questions were asked again after they were answered, such as %s", len(dup), dup[0])
		}
	}
	s.startAndAwait("")
	s.awaitDone(eventually)
	s.judged(&sent)
	if dup := s.answeredTwice(); len(dup) > 0 {
		t.Errorf("%d questions were asked again after they were answered, such as %s", len(dup), dup[0])
	}
}

// answeredTwice returns the sequence IDs that got COMPLETED or FAILED more than once.
func (s *site) answeredTwice() []string {
	answers := map[string]int{}
	for _, call := range s.vendor.Ledger() {
		if call.Answer == "COMPLETED" || call.Answer == "FAILED" {
			answers[call.SequenceID]++
		}
	}
	var twice []string
	for id, n := range answers {
		if n > 1 {
			twice = append(twice, id)
		}
	}
	slices.Sort(twice)
	return twice
}

// members are the group's member IDs.
func (s *site) members() []string {
	s.Helper()
	groups, err := s.admin.DescribeGroups(s.Context(), s.group)
	if err != nil {
		s.Fatal(err)
	}
	var ids []string
	for _, m := range groups[s.group].Members {
		ids = append(ids, m.MemberID)
	}
	return ids
}

// hang has the vendor answer nothing, and waits until the process has asked as much as it may: what it is answered meanwhile was
// under way before, and what it has been sent may all be answered, so it is sent more.
func (s *site) hang(sent *sending) {
	s.Helper()
	s.vendor.SetOutage(konasim.Hanging)
	s.send(sent, len(sent.transactions), 500, 0)
	time.Sleep(time.Second) // longer than any answer takes
	await(s, "every question hangs", soon, func() bool { return s.vendor.Stats().InFlight >= 64 })
}

// TestStopWhileVendorHangs ends the process while every question hangs: those under way may finish, but not for longer
// than the drain timeout. What was not answered is not lost.
func TestStopWhileVendorHangs(t *testing.T) {
	s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 4, steady)
	s.extra = []string{"CHARGERESULT_DRAIN_TIMEOUT=3s", "CHARGERESULT_INQUIRY_TIMEOUT=2900ms"}
	var sent sending
	p := s.underLoad(&sent, 2000, 0.05)
	s.hang(&sent)
	took := p.stops(3*time.Second + 2*time.Second)
	t.Logf("exit 0 after %v, drain timeout 3s", took.Round(time.Millisecond))
	s.vendor.SetOutage(konasim.Up)
	s.startAndAwait("")
	s.awaitDone(eventually)
	s.judged(&sent)
}

// TestStopWhileBreakerOpen ends the process while questions wait for the breaker: they give up at once.
func TestStopWhileBreakerOpen(t *testing.T) {
	s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 4, steady)
	s.extra = []string{"CHARGERESULT_INQUIRY_TIMEOUT=900ms", "CHARGERESULT_BREAKER_WINDOW=1s"}
	var sent sending
	p := s.underLoad(&sent, 2000, 0.05)
	s.vendor.SetOutage(konasim.Unavailable)
	s.send(&sent, 2000, 500, 0) // there is something to ask about, however fast it was
	await(t, "the breaker opens", soon, func() bool {
		b := p.status().Breaker
		return b.State == string(inquiry.Open) && b.Waiting > 0
	})
	took := p.stops(3 * time.Second)
	t.Logf("exit 0 after %v", took.Round(time.Millisecond))
	s.vendor.SetOutage(konasim.Up)
	s.startAndAwait("")
	s.awaitDone(eventually)
	s.judged(&sent)
}

// TestSecondSignal ends the process at once, although it has 25 s to drain. It is a crash like any other.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 4, steady)
	s.extra = []string{"CHARGERESULT_INQUIRY_TIMEOUT=9s"}
	var sent sending
	p := s.underLoad(&sent, 1500, 0.05)
	s.hang(&sent)
	p.asked = true
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	time.Sleep(time.Second) // it drains
	select {
	case <-p.ended:
		t.Fatal("it did not wait for the questions under way")
	default:
	}
	began := time.Now()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	code := p.wait(soon)
	if took := time.Since(began); code == 0 || took > time.Second {
		t.Errorf("second SIGTERM: exit code %d after %v, want another than 0 at once", code, took)
	}
	s.vendor.SetOutage(konasim.Up)
	s.startAndAwait("")
	s.awaitDone(eventually)
	s.judged(&sent)
}

// TestFenced starts a process under the instance ID of another one: the older is fenced, says so and exits; the younger goes on.
func TestFenced(t *testing.T) {
	t.Parallel()
	for name, finished := range map[string]float64{"under load": 0.2, "idle": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 4, steady)
			s.extra = []string{"CHARGERESULT_SESSION_TIMEOUT=6s", "CHARGERESULT_TRANSACTION_TIMEOUT=6s"}
			var sent sending
			s.send(&sent, 0, 3000, 0.05)
			older := s.startAndAwait("twin")
			s.awaitFinished(&sent, int(finished*float64(sent.records)))
			older.asked = true
			younger := s.startAndAwait("twin")
			began := time.Now()
			code := older.wait(eventually)
			t.Logf("the older one exited %v after the younger one had started", time.Since(began).Round(time.Millisecond))
			if code != exitFailed || !strings.Contains(older.log.String(), "fenced by another process with the same instance ID") {
				t.Errorf("the older one: exit code %d, want %d and the reason in its log", code, exitFailed)
			}
			s.send(&sent, 3000, 200, 0.05)
			s.awaitDone(eventually)
			s.judged(&sent)
			if sessions := younger.status().Engine.Sessions; sessions != 1 {
				t.Logf("the younger one needed %d sessions", sessions)
			}
			younger.stops(soon)
		})
	}
}
