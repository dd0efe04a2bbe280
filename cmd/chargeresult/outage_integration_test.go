//go:build integration

package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// outage is how long the outages last: CI runs them shorter.
func outage() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("CHARGERESULT_OUTAGE")); err == nil {
		return d
	}
	return 8 * time.Second
}

// steady answers slowly enough for an outage to begin and end while there is work left.
var steady = konasim.Config{
	Shares: konasim.Shares{Completed: 80, Failed: 20}, Latency: konasim.Latency{P50: 40 * time.Millisecond, P99: 120 * time.Millisecond},
}

// beyondLookAhead is how many events keep the intake at work: a process claims its look-ahead of 4,096 in advance.
const beyondLookAhead = 6000

// underLoad starts a process on n events and waits until it is in the middle of them.
func (s *site) underLoad(sent *sending, n int, duplicates float64) *program {
	s.Helper()
	s.extra = append(s.extra, "CHARGERESULT_SESSION_TIMEOUT=6s", "CHARGERESULT_TRANSACTION_TIMEOUT=3s")
	s.send(sent, 0, n, duplicates)
	p := s.startAndAwait("")
	s.awaitFinished(sent, n/5)
	return p
}

// recovers waits until the process works again after an outage, and until everything is done; and judges it.
func (p *program) recovers(sent *sending, before int64) {
	p.Helper()
	took := await(p, "the process goes on by itself", eventually, func() bool { p.alive(); return p.status().Engine.Committed > before })
	p.awaitDone(eventually)
	p.judged(sent)
	status := p.status()
	if reason := p.reason(); reason != "" {
		p.Errorf("it still says why it waited: %s", reason)
	}
	p.Logf("went on %v after the outage's end; stopped in %v; %d sessions", took.Round(time.Millisecond), p.stops(soon).Round(time.Millisecond), status.Engine.Sessions)
}

// reason is why the process takes nothing in, or commits nothing, as the status says; empty if it works.
func (p *program) reason() string {
	return p.held() + p.status().Engine.Commit
}

// TestRedisFrozen freezes Redis under load: intake waits, with the reason, and goes on by itself.
func TestRedisFrozen(t *testing.T) {
	t.Parallel()
	redis := testbed.StartRedis(t)
	s := newSite(t, testbed.SharedKafka(t), redis.URL, 4, steady)
	var sent sending
	p := s.underLoad(&sent, beyondLookAhead, 0.05)
	redis.Freeze()
	began := time.Now()
	waits := await(t, "the status says why it waits", soon, func() bool { return strings.Contains(p.reason(), processor.ErrClaimsUnavailable.Error()) })
	t.Logf("said so %v after Redis froze: %s", waits.Round(time.Millisecond), p.reason())
	before := p.status().Engine.Committed
	time.Sleep(outage() - time.Since(began))
	if after := p.status().Engine.Committed; after != before || p.reason() == "" {
		t.Errorf("%d messages committed without claims; reason: %q", after-before, p.reason())
	}
	redis.Thaw()
	p.recovers(&sent, before)
}

// TestBrokerKilled kills the broker under load and starts it again: the same process goes on.
func TestBrokerKilled(t *testing.T) {
	t.Parallel()
	kafka := testbed.StartKafka(t)
	s := newSite(t, kafka.Addr, testbed.SharedRedis(t), 4, steady)
	var sent sending
	p := s.underLoad(&sent, 3000, 0.05)
	kafka.Kill()
	began := time.Now()
	waits := await(t, "the status says why it waits", soon, func() bool { return p.reason() != "" })
	t.Logf("said so %v after the kill: %s", waits.Round(time.Millisecond), p.reason())
	time.Sleep(outage() - time.Since(began)) // longer than a transaction may take, and its abort
	kafka.Restart()
	t.Logf("the broker was down for %v", time.Since(began).Round(time.Millisecond))
	p.recovers(&sent, p.status().Engine.Committed)
}
