//go:build integration

package main

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// number reads a size from the environment: CI runs this test small, make kill-test in full.
func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// TestKill kills one of two processes at random moments, time and again, while they work: every transaction has exactly one final result
// all the same. One of the two is a static member, the other is not.
func TestKill(t *testing.T) {
	t.Parallel()
	total, kills := number("CHARGERESULT_KILL_EVENTS", 6000), number("CHARGERESULT_KILLS", 3)
	s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 8, konasim.Config{
		Shares: konasim.Shares{Completed: 80, Failed: 18, Unavailable: 2}, Latency: konasim.Latency{P50: 20 * time.Millisecond, P99: 200 * time.Millisecond},
	})
	s.extra = []string{"CHARGERESULT_CONCURRENCY=128", "CHARGERESULT_SESSION_TIMEOUT=6s", "CHARGERESULT_TRANSACTION_TIMEOUT=6s"}
	var sent sending
	s.send(&sent, 0, total, 0.05)
	instances := []string{"static-0", ""}
	processes := []*program{s.start(instances[0]), s.start(instances[1])}
	began := time.Now()
	for k := range kills {
		// Kills are spread over the work: the k-th comes when about that part of it is done, at a moment of its own.
		for s.finished(&sent) < int64(sent.records*(k+1)/(kills+2)) {
			if time.Since(began) > 10*time.Minute {
				t.Fatalf("only %d of %d records are done", s.finished(&sent), sent.records)
			}
			s.alive()
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(rand.N(300 * time.Millisecond))
		victim := rand.IntN(2)
		processes[victim].kill()
		processes[victim] = s.start(instances[victim])
	}
	s.awaitDone(5 * time.Minute)
	t.Logf("%d records, %d transactions, %d kills, %v", sent.records, len(sent.transactions), kills, time.Since(began).Round(time.Millisecond))
	if v := s.judge(&sent).String(); v != "" {
		t.Error(v)
	}
	for _, p := range processes {
		if code, took := p.terminate(); code != 0 {
			t.Errorf("exit code %d after %v", code, took)
		}
	}
	s.reconciled(&sent)
}
