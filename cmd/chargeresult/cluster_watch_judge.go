package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/console"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// stalledAfter is for how long a partition must not have moved, at least, before it counts as stalled.
const stalledAfter = 30 * time.Second

// settledAfter is for how long a log that has not grown, and of which nothing was read, counts as unread. After it, what lies beyond the last record
// that was read are markers of transactions: they have offsets, and nobody is given them.
const settledAfter = 10 * time.Second

// Why it is not known how far a partition reaches, beside what its leader says.
var (
	errNotAsked = errors.New("the cluster has not been asked yet")
	errNoLeader = errors.New("its leader gave no answer")
)

// judgeRules is what it depends on in what state a partition is.
type judgeRules struct {
	retryPrefix string
	stalled     time.Duration // no move for longer than this
}

// rulesOf lets a partition take its time for as long as one question may be tried.
func rulesOf(c config) judgeRules {
	return judgeRules{retryPrefix: c.TopicRetryPrefix, stalled: max(stalledAfter, c.InquiryTimeout*time.Duration(c.InquiryTries))}
}

// standing is all that is known of a partition at a moment.
type standing struct {
	id        partitionID
	delay     time.Duration // of a retry topic
	log       logFacts
	committed int64 // -1: nothing
	member    string
	own       *stream.PartitionStatus // nil: it is not ours
	engine    *stream.Status
	seen      sighting
}

// sighting is how a partition of ours was found, and since when it has looked like that.
type sighting struct {
	end, fetched int64
	held         bool // intake
	session      int
	settled      time.Time // none of these has changed since
	unread       time.Time // the log has reached further than was fetched since, and no more was fetched
}

// partitions returns the state of every partition, those of inputs first, and how they were sighted, for the next time.
func (r judgeRules) partitions(now time.Time, facts clusterFacts, engine stream.Status, before map[partitionID]sighting) ([]console.PartitionState, map[partitionID]sighting) {
	all := map[partitionID]*standing{}
	of := func(id partitionID) *standing {
		if all[id] == nil {
			delay, _ := events.RetryDelay(r.retryPrefix, id.topic)
			all[id] = &standing{id: id, delay: delay, log: logFacts{err: errNoLeader}, committed: -1, engine: &engine, member: facts.members[id]}
			if facts.asOf.IsZero() {
				all[id].log.err = errNotAsked
			}
			if at, ok := facts.committed[id]; ok {
				all[id].committed = at
			}
		}
		return all[id]
	}
	for i, p := range engine.Partitions {
		of(partitionID{p.Topic, p.Partition}).own = &engine.Partitions[i]
	}
	for id := range facts.members {
		of(id)
	}
	for id, log := range facts.logs {
		of(id).log = log
	}
	states, sightings := make([]console.PartitionState, 0, len(all)), map[partitionID]sighting{}
	for id, s := range all {
		if s.own != nil {
			s.seen = s.sight(now, before[id])
			sightings[id] = s.seen
		}
		states = append(states, r.describe(now, s))
	}
	slices.SortFunc(states, func(a, b console.PartitionState) int {
		return cmp.Or(cmp.Compare(a.Delay, b.Delay), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return states, sightings
}

// sight compares how the partition is found now with how it was found before.
func (s *standing) sight(now time.Time, before sighting) sighting {
	found := sighting{end: s.end(), fetched: s.own.Fetched, held: len(s.engine.Holds) > 0, session: s.engine.Sessions, settled: now}
	if same := before; same.end == found.end && same.fetched == found.fetched && same.held == found.held && same.session == found.session && !same.settled.IsZero() {
		found.settled = before.settled
	}
	switch {
	case s.log.err == nil && found.end <= found.fetched:
	case before.unread.IsZero() || before.fetched != found.fetched:
		found.unread = now
	default:
		found.unread = before.unread
	}
	return found
}

// end is the last stable offset; -1 if it is not known.
func (s *standing) end() int64 {
	if s.log.err != nil {
		return -1
	}
	return s.log.end
}

// unread says whether the log holds records that nobody has fetched, as far as can be told from outside: see settledAfter. An engine whose workers are
// all busy does not read, however long, which does not make its records markers.
func (s *standing) unread(now time.Time) bool {
	if s.end() <= s.own.Fetched {
		return false
	}
	reading := s.engine.Joined && (s.engine.InFlight == 0 || now.Sub(s.engine.LastCommit) < settledAfter)
	return s.own.Stopped != "" || s.own.Waiting > 0 || s.seen.held || !reading || now.Sub(s.seen.settled) < settledAfter
}

// due says whether the partition has records to finish now.
func (s *standing) due(now time.Time) bool {
	if s.own.InFlight > 0 {
		return true
	}
	if s.own.Waiting > 0 {
		return !s.own.NextDue.After(now)
	}
	return s.unread(now)
}

// lag is how many records are not finished: those in flight, and what was not taken up, where markers of transactions count. Of what another process has
// the committed offset alone is known, and not what is finished above it.
func (s *standing) lag(now time.Time) int64 {
	switch end := s.end(); {
	case s.own != nil && s.unread(now):
		return int64(s.own.InFlight) + end - s.own.Fetched
	case s.own != nil:
		return int64(s.own.InFlight)
	case end < 0:
		return 0
	default:
		return max(end-max(s.committed, s.log.start), 0)
	}
}

// age is how old the oldest unfinished record is; in a retry topic, for how long it has been due. 0 if there is none, or it is not known.
func (s *standing) age(now time.Time) time.Duration {
	var from time.Time
	switch own := s.own; {
	case own == nil:
	case s.delay > 0 && own.InFlight == 0:
		from = own.NextDue
	case !own.Oldest.IsZero():
		from = own.Oldest.Add(s.delay) // that is when it became due, but for the time it took to commit it
	}
	if from.IsZero() {
		return 0
	}
	return max(now.Sub(from), 0)
}

func (r judgeRules) describe(now time.Time, s *standing) console.PartitionState {
	p := console.PartitionState{
		Topic: s.id.topic, Partition: s.id.number, Delay: s.delay, Committed: s.committed, End: s.end(), Member: s.member,
		Lag: s.lag(now), Age: s.age(now),
	}
	if s.own != nil {
		p.InFlight, p.MapBytes = s.own.InFlight, s.own.Map
		if s.delay > 0 {
			p.NextDue = s.own.NextDue.UTC()
		}
	}
	p.State, p.Since, p.Why = r.judge(now, s)
	p.Since = p.Since.UTC()
	return p
}

// judge says in what state a partition is, since when, where that is known, and why.
func (r judgeRules) judge(now time.Time, s *standing) (state console.State, since time.Time, why string) {
	own := s.own
	switch {
	case own == nil && s.member == "":
		return console.Nobody, time.Time{}, ""
	case own == nil:
		return console.Elsewhere, time.Time{}, ""
	case own.Stopped != "":
		return console.Stopped, time.Time{}, own.Stopped
	case s.log.err != nil && !errors.Is(s.log.err, errNotAsked):
		return console.Stalled, s.seen.unread, "how far it reaches is not known: " + s.log.err.Error()
	}
	due := s.due(now)
	since = s.workSince()
	switch {
	case due && len(s.engine.Holds) > 0:
		return console.Held, s.engine.Holds[0].Since, holdsText(s.engine.Holds)
	case own.Full:
		return console.Full, own.Moved, fmt.Sprintf("its offset map has no room: it waits for the record at offset %d", own.LowWater)
	case !due && own.Waiting > 0:
		return console.NotDue, time.Time{}, ""
	case due && now.Sub(since) > r.stalled:
		return console.Stalled, since, s.stalledBy()
	case due:
		return console.Moving, time.Time{}, ""
	}
	return console.Idle, time.Time{}, ""
}

// workSince is since when the partition has had something to do without a move.
func (s *standing) workSince() time.Time {
	since := s.own.Moved
	for _, t := range []time.Time{s.seen.unread, s.own.NextDue} {
		if s.own.InFlight == 0 && t.After(since) {
			since = t
		}
	}
	return since
}

func (s *standing) stalledBy() string {
	switch {
	case s.engine.Commit != "":
		return "no transaction commits: " + s.engine.Commit
	case s.own.InFlight > 0:
		return fmt.Sprintf("the record at offset %d is not finished", s.own.LowWater)
	}
	return fmt.Sprintf("the records from offset %d on are not taken up", s.own.Fetched)
}

func holdsText(holds []stream.Hold) string {
	texts := make([]string, len(holds))
	for i, h := range holds {
		texts[i] = h.Reason + ": " + h.Cause
	}
	return strings.Join(texts, "; ")
}
