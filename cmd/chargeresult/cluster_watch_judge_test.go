package main

import (
	"errors"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/processor/console"
	"github.com/chargeresult/chargeresult/processor/stream"
)

var testRules = judgeRules{retryPrefix: "retry", stalled: 30 * time.Second}

// TestPartitionStates judges partitions that were first seen a minute ago, unless a case says otherwise. A partition of ours has fetched up to 10.
func TestPartitionStates(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	hold := stream.Hold{Reason: "breaker", Cause: "Konaplate is down", Since: ago(5 * time.Minute)}
	type seen struct{ settled, unread time.Duration } // ago
	settled := &seen{time.Minute, time.Minute}
	for name, test := range map[string]struct {
		end       int64
		err       error
		committed int64
		member    string
		own       *stream.PartitionStatus
		topic     string
		seen      *seen
		engine    stream.Status

		state console.State
		since time.Time
		why   string
		lag   int64
		age   time.Duration
	}{
		"nobody's":                   {end: 10, committed: 4, state: console.Nobody, lag: 6},
		"nobody's, never committed":  {end: 10, committed: -1, state: console.Nobody, lag: 8},
		"nobody's, records are gone": {end: 10, committed: 1, state: console.Nobody, lag: 8},
		"elsewhere":                  {end: 10, committed: 4, member: "other", state: console.Elsewhere, lag: 6},
		"elsewhere, far ahead":       {end: 10, committed: 11, member: "other", state: console.Elsewhere},
		"elsewhere, end unknown":     {err: errors.New("no leader"), committed: 4, member: "other", state: console.Elsewhere},
		"nothing to do":              {end: 10, own: &stream.PartitionStatus{Moved: ago(time.Hour)}, state: console.Idle},
		"just written": {
			end: 12, own: &stream.PartitionStatus{Moved: ago(time.Hour)}, seen: &seen{0, 0},
			state: console.Moving, lag: 2,
		},
		"markers at the end": {end: 12, own: &stream.PartitionStatus{Moved: ago(time.Hour)}, state: console.Idle},
		"unread, and others keep all workers busy": {
			end: 12, own: &stream.PartitionStatus{Moved: ago(time.Hour)}, engine: stream.Status{InFlight: 64, LastCommit: ago(20 * time.Second)},
			state: console.Stalled, since: ago(time.Minute), why: "the records from offset 10 on are not taken up", lag: 2,
		},
		"markers at the end, and others move": {
			end: 12, own: &stream.PartitionStatus{Moved: ago(time.Hour)}, engine: stream.Status{InFlight: 64, LastCommit: ago(time.Second)}, state: console.Idle,
		},
		"written to, and not read": {
			end: 12, own: &stream.PartitionStatus{Moved: ago(time.Hour)}, seen: &seen{0, 31 * time.Second},
			state: console.Stalled, since: ago(31 * time.Second), why: "the records from offset 10 on are not taken up", lag: 2,
		},
		"in flight": {
			end: 12, own: &stream.PartitionStatus{InFlight: 3, Oldest: ago(7 * time.Second), Moved: ago(time.Second)},
			seen: &seen{0, 0}, state: console.Moving, lag: 5, age: 7 * time.Second,
		},
		"in flight, from the future": {
			end: 10, own: &stream.PartitionStatus{InFlight: 1, Oldest: ago(-time.Hour), Moved: ago(time.Second)},
			state: console.Moving, lag: 1,
		},
		"in flight for long": {
			end: 10, own: &stream.PartitionStatus{InFlight: 1, LowWater: 9, Oldest: ago(time.Hour), Moved: ago(31 * time.Second)},
			state: console.Stalled, since: ago(31 * time.Second), why: "the record at offset 9 is not finished", lag: 1, age: time.Hour,
		},
		"in flight for long, and more has come": {
			end: 12, own: &stream.PartitionStatus{InFlight: 1, LowWater: 9, Moved: ago(31 * time.Second)}, seen: &seen{0, time.Second},
			state: console.Stalled, since: ago(31 * time.Second), why: "the record at offset 9 is not finished", lag: 3,
		},
		"nothing commits": {
			end: 10, own: &stream.PartitionStatus{InFlight: 1, Moved: ago(31 * time.Second)}, engine: stream.Status{Commit: "Redis is down"},
			state: console.Stalled, since: ago(31 * time.Second), why: "no transaction commits: Redis is down", lag: 1,
		},
		"no leader": {
			err: errors.New("no leader"), own: &stream.PartitionStatus{Moved: ago(time.Hour)},
			state: console.Stalled, since: ago(time.Minute), why: "how far it reaches is not known: no leader",
		},
		"full": {
			end: 12, own: &stream.PartitionStatus{InFlight: 1, Waiting: 2, LowWater: 3, Full: true, Moved: ago(time.Second)},
			state: console.Full, since: ago(time.Second), why: "its offset map has no room: it waits for the record at offset 3", lag: 3,
		},
		"held": {
			end: 12, own: &stream.PartitionStatus{InFlight: 1, Waiting: 2, Full: true, Moved: ago(time.Hour)}, engine: stream.Status{Holds: []stream.Hold{hold}},
			state: console.Held, since: hold.Since, why: "breaker: Konaplate is down", lag: 3,
		},
		"held, and nothing to do": {end: 10, own: &stream.PartitionStatus{}, engine: stream.Status{Holds: []stream.Hold{hold}}, state: console.Idle},
		"held, and not due": {
			topic: "retry.1m", end: 12, own: &stream.PartitionStatus{Waiting: 2, NextDue: ago(-time.Second)}, engine: stream.Status{Holds: []stream.Hold{hold}},
			state: console.NotDue, lag: 2,
		},
		"stopped": {
			end: 12, own: &stream.PartitionStatus{InFlight: 1, Stopped: "a foreign commit", Full: true}, engine: stream.Status{Holds: []stream.Hold{hold}},
			state: console.Stopped, why: "a foreign commit", lag: 3,
		},
		"stopped, and nothing in flight": {end: 12, own: &stream.PartitionStatus{Stopped: "a foreign commit"}, state: console.Stopped, why: "a foreign commit", lag: 2},
		"not due": {
			topic: "retry.1m", end: 1000, own: &stream.PartitionStatus{Waiting: 500, Oldest: ago(50 * time.Second), NextDue: ago(-10 * time.Second)},
			state: console.NotDue, lag: 990,
		},
		"due for a moment": {
			topic: "retry.1m", end: 12, own: &stream.PartitionStatus{Waiting: 2, NextDue: ago(10 * time.Second), Moved: ago(time.Hour)}, seen: &seen{0, time.Hour},
			state: console.Moving, lag: 2, age: 10 * time.Second,
		},
		"due for long": {
			topic: "retry.1m", end: 12, own: &stream.PartitionStatus{Waiting: 2, NextDue: ago(40 * time.Second), Moved: ago(time.Hour)}, seen: &seen{0, time.Hour},
			state: console.Stalled, since: ago(40 * time.Second), why: "the records from offset 10 on are not taken up", lag: 2, age: 40 * time.Second,
		},
		"a retry in flight": {
			topic: "retry.1m", end: 12, own: &stream.PartitionStatus{InFlight: 1, Waiting: 2, Oldest: ago(65 * time.Second), NextDue: ago(-10 * time.Second), Moved: ago(time.Second)},
			state: console.Moving, lag: 3, age: 5 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			engine := test.engine
			engine.Joined = true
			s := &standing{
				id: partitionID{test.topic, 0}, log: logFacts{start: 2, end: test.end, err: test.err}, committed: test.committed, member: test.member, own: test.own, engine: &engine,
			}
			if test.topic != "" {
				s.delay = time.Minute
			}
			if s.own != nil {
				s.own.Fetched = 10
				at := settled
				if test.seen != nil {
					at = test.seen
				}
				s.seen = sighting{held: len(engine.Holds) > 0, settled: ago(at.settled), unread: ago(at.unread)}
			}
			got := testRules.describe(now, s)
			if got.State != test.state || !got.Since.Equal(test.since) || got.Why != test.why || got.Lag != test.lag || got.Age != test.age {
				t.Errorf("%+v", got)
			}
		})
	}
}

// What is seen of a partition is dated by the first time it looked so.
func TestSightings(t *testing.T) {
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	var seen map[partitionID]sighting
	id := partitionID{"in", 0}
	for _, step := range []struct {
		when            int
		end, fetched    int64
		held            bool
		session         int
		settled, unread int // when; 0: never
	}{
		{when: 1, end: 10, fetched: 10, settled: 1},
		{when: 2, end: 10, fetched: 10, settled: 1},
		{when: 3, end: 12, fetched: 10, settled: 3, unread: 3},
		{when: 4, end: 12, fetched: 10, settled: 3, unread: 3},
		{when: 5, end: 14, fetched: 10, settled: 5, unread: 3},
		{when: 6, end: 14, fetched: 11, settled: 6, unread: 6},
		{when: 7, end: 14, fetched: 11, held: true, settled: 7, unread: 6},
		{when: 8, end: 14, fetched: 11, settled: 8, unread: 6},
		{when: 9, end: 14, fetched: 11, session: 1, settled: 9, unread: 6},
		{when: 10, end: 14, fetched: 14, session: 1, settled: 10},
		{when: 11, end: -1, fetched: 14, session: 1, settled: 11, unread: 11},
		{when: 12, end: -1, fetched: 14, session: 1, settled: 11, unread: 11},
	} {
		facts := clusterFacts{logs: map[partitionID]logFacts{id: {end: step.end}}}
		if step.end < 0 {
			facts.logs[id] = logFacts{err: errors.New("no leader")}
		}
		engine := stream.Status{Sessions: step.session, Partitions: []stream.PartitionStatus{{Topic: "in", Fetched: step.fetched}}}
		if step.held {
			engine.Holds = []stream.Hold{{}}
		}
		_, seen = testRules.partitions(at(step.when), facts, engine, seen)
		wantUnread := time.Time{}
		if step.unread > 0 {
			wantUnread = at(step.unread)
		}
		if got := seen[id]; !got.settled.Equal(at(step.settled)) || !got.unread.Equal(wantUnread) {
			t.Errorf("at %d: %+v", step.when, got)
		}
	}
	if _, seen = testRules.partitions(at(20), clusterFacts{}, stream.Status{}, seen); len(seen) != 0 {
		t.Errorf("a partition that is not ours any more: %v", seen)
	}
}

// Inputs come first, then retry topics by delay; what the engine has is there before the cluster was asked.
func TestPartitionsInOrder(t *testing.T) {
	facts := clusterFacts{logs: map[partitionID]logFacts{{"retry.10m", 0}: {}, {"retry.5s", 1}: {}, {"retry.5s", 0}: {}, {"b", 0}: {}}}
	engine := stream.Status{Partitions: []stream.PartitionStatus{{Topic: "a", Partition: 1, InFlight: 2, Moved: time.Now()}}}
	states, _ := testRules.partitions(time.Now(), facts, engine, nil)
	want := []partitionID{{"a", 1}, {"b", 0}, {"retry.5s", 0}, {"retry.5s", 1}, {"retry.10m", 0}}
	if len(states) != len(want) {
		t.Fatalf("%+v", states)
	}
	for i, s := range states {
		if (partitionID{s.Topic, s.Partition}) != want[i] {
			t.Errorf("%d: %+v, want %v", i, s, want[i])
		}
	}
	if states[0].End != -1 || states[0].Lag != 2 || states[0].Committed != -1 {
		t.Errorf("before the cluster was asked: %+v", states[0])
	}
	if states[0].State != console.Moving {
		t.Errorf("before the cluster was asked: %+v", states[0])
	}
	facts.asOf = time.Now()
	facts.members = map[partitionID]string{{"c", 0}: "another"}
	states, _ = testRules.partitions(time.Now(), facts, engine, nil)
	if states[0].State != console.Stalled || states[2].Topic != "c" || states[2].State != console.Elsewhere || states[2].End != -1 {
		t.Errorf("partitions that the cluster says nothing of: %+v, %+v", states[0], states[2])
	}
	if states[3].Delay != 5*time.Second {
		t.Errorf("the delay of a retry topic: %+v", states[3])
	}
}
