//go:build integration

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// undecided is steady, but for one transaction in ten, those of waitingSequence: they are PENDING until the test decides.
func undecided(decided *atomic.Bool) konasim.Config {
	cfg := steady
	cfg.Script = func(sequence string, _ int) string {
		if strings.HasPrefix(sequence, "WAIT") && !decided.Load() {
			return "PENDING"
		}
		return ""
	}
	return cfg
}

func waitingSequence(i int) string {
	if i%10 == 0 {
		return fmt.Sprintf("WAIT%010d", i)
	}
	return sequenceID(i)
}

// bereft starts a process, with a Redis that is to lose its memory, on so many events, one in five sent twice, and waits until it is
// in the middle of them.
func bereft(t *testing.T, brokers string, redis *testbed.Redis, events int) (s *site, p *program, sent *sending, decided *atomic.Bool) {
	t.Helper()
	decided, sent = &atomic.Bool{}, &sending{}
	s = newSite(t, brokers, redis.URL, 4, undecided(decided))
	s.extra = []string{"CHARGERESULT_SESSION_TIMEOUT=6s", "CHARGERESULT_TRANSACTION_TIMEOUT=3s", "CHARGERESULT_DRAIN_TIMEOUT=6s"}
	s.sendAs(sent, 0, events, 0.2, waitingSequence)
	p = s.startAndAwait("")
	s.awaitFinished(sent, events/5)
	return s, p, sent, decided
}

// rebuilt is what a process logs of a rebuild.
type rebuilt struct {
	Restored int
	Took     time.Duration
}

// rebuilds are those that the process has finished. A store that was never used is rebuilt, too.
func (p *program) rebuilds() (all []rebuilt) {
	for line := range strings.Lines(p.log.String()) {
		var entry struct {
			Msg, Took string
			Restored  int
		}
		if json.Unmarshal([]byte(line), &entry) != nil || entry.Msg != "claims rebuilt" {
			continue
		}
		took, err := time.ParseDuration(entry.Took)
		if err != nil {
			p.Fatalf("%s: %v", line, err)
		}
		all = append(all, rebuilt{entry.Restored, took})
	}
	return all
}

// awaitRebuild waits until the process has rebuilt the claims so many times, and returns the last of them.
func (p *program) awaitRebuild(times int) rebuilt {
	p.Helper()
	await(p, "the claims are rebuilt", eventually, func() bool { p.alive(); return len(p.rebuilds()) >= times })
	return p.rebuilds()[times-1]
}

// TestClaimsRebuilt takes Redis's memory away under load: the process rebuilds the claims from the topics and goes on by itself, and every
// transaction has exactly one final result. No duplicate of what is settled or waiting is asked about.
func TestClaimsRebuilt(t *testing.T) {
	t.Parallel()
	restart := func(r *testbed.Redis) { r.Kill(); r.Restart() }
	for name, loss := range map[string]struct {
		redis []string
		lose  func(*testbed.Redis)
	}{
		"wiped":                           {nil, (*testbed.Redis).FlushAll},
		"restarted empty":                 {nil, restart},
		"restarted from append-only file": {[]string{"--appendonly", "yes", "--appendfsync", "everysec"}, restart},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := testbed.StartRedis(t, loss.redis...)
			s, p, sent, decided := bereft(t, testbed.SharedKafka(t), redis, beyondLookAhead)
			loss.lose(redis)
			before := p.status().Engine.Committed
			last := p.awaitRebuild(2)
			took := await(t, "it goes on by itself", eventually, func() bool { p.alive(); return p.status().Engine.Committed > before+500 })
			t.Logf("%d claims restored in %v; 500 more messages committed %v later", last.Restored, last.Took.Round(time.Millisecond), took.Round(time.Millisecond))
			known := s.known()
			s.sendAgain(sent, known)
			await(t, "the duplicates are finished", eventually, func() bool { s.alive(); return s.finished(sent) == int64(sent.records) })
			decided.Store(true)
			s.awaitDone(eventually)
			s.judged(sent)
			s.notAskedFor(known)
			p.stops(soon)
			s.reconciled(sent)
		})
	}
}

// knowledge is what the topics say at one moment.
type knowledge struct {
	at               time.Time // not before
	settled, waiting []events.Identity
}

// known reads what is settled and what waits.
func (s *site) known() (k knowledge) {
	s.Helper()
	for id, c := range s.courses() {
		switch {
		case c.final.Final:
			k.settled = append(k.settled, id)
		case len(c.hops) > 0:
			k.waiting = append(k.waiting, id)
		}
	}
	k.at = time.Now()
	if len(k.settled) == 0 || len(k.waiting) == 0 {
		s.Fatalf("%d settled, %d waiting: the test shows nothing", len(k.settled), len(k.waiting))
	}
	return k
}

// sendAgain sends a duplicate of each transaction that is known, under a key of its own.
func (s *site) sendAgain(sent *sending, k knowledge) {
	s.Helper()
	for _, id := range slices.Concat(k.settled, k.waiting) {
		var i int
		if _, err := fmt.Sscanf(id.CorrelationID, "261122103000-%x", &i); err != nil {
			s.Fatal(err)
		}
		s.produce(s.requested(), "late"+id.CorrelationID, eventJSON(i, waitingSequence(i)))
		sent.transactions[id]++
		sent.records++
	}
	s.flush()
}

// notAskedFor compares the ledger with what was known: nothing that was settled was asked about after that, and what waited was asked about once
// between a retry record's due time and the next answer, and at no other time.
func (s *site) notAskedFor(k knowledge) {
	s.Helper()
	courses := s.courses()
	var again []string
	for _, id := range k.settled {
		if last := courses[id].asks[len(courses[id].asks)-1]; last.Time.After(k.at) {
			again = append(again, "settled: "+last.SequenceID)
		}
	}
	for _, id := range k.waiting {
		c := courses[id]
		asked := map[int]int{} // by hop, -1 for none
		for _, ask := range c.asks {
			if !ask.Time.After(k.at) {
				continue
			}
			of := slices.IndexFunc(c.hops, func(h hop) bool {
				return !ask.Time.Before(h.Due) && ask.Time.Before(c.answered(h.Hop-1))
			})
			asked[of]++
		}
		if asked[-1] > 0 || slices.ContainsFunc(slices.Collect(maps.Values(asked)), func(n int) bool { return n > 1 }) {
			again = append(again, "waiting: "+c.final.SequenceID)
		}
	}
	s.Logf("%d transactions were settled, %d waited", len(k.settled), len(k.waiting))
	if len(again) > 0 {
		s.Errorf("%d were asked about by another record than their own, such as %s", len(again), again[0])
	}
}
