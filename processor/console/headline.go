package console

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// level is how much something needs a person.
type level int

// The levels.
const (
	well  level = iota // nobody
	watch              // it passes by itself, if all goes as it should
	act                // it does not
)

// String is the level's name in style sheets and icons.
func (l level) String() string { return [...]string{"well", "watch", "act"}[l] }

// Mark starts the title of a browser's tab.
func (l level) Mark() string { return [...]string{"✓", "▲", "■"}[l] }

const (
	patience      = 5 * time.Minute  // for what passes by itself; then somebody should look at it
	commitSilence = time.Minute      // that events are worked on, and nothing commits
	clusterStale  = time.Minute      // that the cluster has not answered
	transactLong  = 30 * time.Second // that a transaction of others is open
	namesShown    = 3                // partitions in a title
)

// finding is something that is not as it should be.
type finding struct {
	Level level
	Title string
	Since time.Time // zero: not known
	Cause string    // what was found; may hold anything
	Do    string
	See   place // what tells more
	Clock moment
}

// place is a part of the page.
type place struct{ ID, Name string }

// The sections that findings name.
var (
	seePartitions   = place{"partitions", "partitions"}
	seeSlowest      = place{"slowest", "the slowest in flight"}
	seeKonaplate    = place{"konaplate", "Konaplate"}
	seeTransactions = place{"transactions", "open transactions"}
)

// headline is the page in one sentence.
type headline struct {
	Level  level
	Title  string    // of the browser's tab
	First  *finding  // what needs attention most; nil if all is well
	Others []finding // in the same order
}

func newHeadline(p Page) headline {
	found := findings(p)
	if len(found) == 0 {
		return headline{Level: well, Title: "All is well"}
	}
	for i := range found {
		found[i].Clock = when(found[i].Since, p.At)
	}
	h := headline{Level: found[0].Level, Title: found[0].Title, First: &found[0], Others: found[1:]}
	if more := len(h.Others); more > 0 {
		h.Title += fmt.Sprintf(" (and %d more)", more)
	}
	return h
}

// findings are sorted by level; within one, causes come before what they lead to.
func findings(p Page) []finding {
	var all []finding
	all = append(all, ofCommits(p)...)
	all = append(all, ofHolds(p)...)
	all = append(all, ofPartitions(p)...)
	all = append(all, ofKonaplate(p)...)
	all = append(all, ofTransactions(p)...)
	all = append(all, ofCluster(p)...)
	slices.SortStableFunc(all, func(a, b finding) int { return cmp.Compare(b.Level, a.Level) })
	return all
}

// passing is the level of what should be over by itself.
func passing(since, now time.Time) level {
	if !since.IsZero() && now.Sub(since) >= patience {
		return act
	}
	return watch
}

func ofCommits(p Page) []finding {
	e := p.Engine
	if e.Commit != "" {
		return []finding{{
			Level: act, Title: "Nothing commits", Since: e.LastCommit, Cause: e.Commit, See: seePartitions,
			Do: "Nothing is lost or published twice, and it is tried again and again. Do what the message says; where it names a broker, look at that broker.",
		}}
	}
	last := e.LastCommit
	if last.IsZero() {
		last = p.Started
	}
	if e.InFlight == 0 || len(e.Holds) > 0 || p.Breaker.State != breakerClosed || p.At.Sub(last) < commitSilence {
		return nil
	}
	return []finding{{
		Level: act, Title: "Nothing has committed for a while, though events are in flight", Since: last, See: seeSlowest,
		Do: "See what the slowest events wait for. If it is Konaplate, nothing has to be done here.",
	}}
}

// The states of the breaker and the holds that mean the same as another part of the page.
const (
	breakerClosed = "closed"
	breakerOpen   = "open"
	holdBreaker   = "breaker"
	holdRate      = "rate"
)

func ofHolds(p Page) []finding {
	var all []finding
	for _, h := range p.Engine.Holds {
		if h.Reason == holdRate || h.Reason == holdBreaker && p.Breaker.State != breakerClosed {
			continue // ofKonaplate knows more
		}
		f := finding{Level: act, Title: "Intake is held: " + h.Reason, Since: h.Since, Cause: h.Cause, See: seePartitions}
		if known, ok := holds[h.Reason]; ok {
			f.Title, f.Do = "Intake is held: "+known.title, known.do
			if known.passes {
				f.Level = passing(h.Since, p.At)
			}
		}
		all = append(all, f)
	}
	return all
}

func ofKonaplate(p Page) []finding {
	var all []finding
	if b := p.Breaker; b.State != breakerClosed && b.State != "" {
		f := finding{Level: passing(b.Since, p.At), Title: "Konaplate is down, so intake is held: the breaker is " + b.State, Since: b.Since, Cause: b.Cause, See: seeKonaplate}
		probe := "it is being probed now"
		if wait := b.NextProbe.Sub(p.At); b.State == breakerOpen && wait > 0 {
			probe = "the next probe is in " + until(wait)
		}
		f.Do = "Nothing to do here: " + probe + ", and intake goes on by itself once one is answered. If Konaplate says that it is up, look at the way there."
		all = append(all, f)
	}
	if wait := p.Pace.PausedUntil.Sub(p.At); wait > 0 {
		all = append(all, finding{
			Level: watch, Title: "Konaplate wants fewer questions, so none is sent for a while", See: seeKonaplate,
			Do: fmt.Sprintf("Nothing to do here: it goes on in %s. If it happens often, lower CHARGERESULT_INQUIRY_RATE, or ask Konaplate for more.", until(wait)),
		})
	}
	return all
}

func ofPartitions(p Page) []finding {
	byState := map[State][]PartitionState{}
	for _, part := range allPartitions(p) {
		byState[part.State] = append(byState[part.State], part)
	}
	var all []finding
	for _, kind := range partitionFaults {
		of := byState[kind.state]
		if len(of) == 0 {
			continue
		}
		slices.SortStableFunc(of, func(a, b PartitionState) int { return a.Since.Compare(b.Since) })
		first := of[0] // those since nobody knows when come first
		f := finding{Level: act, Title: named(of) + " " + kind.verb(len(of)), Since: first.Since, Cause: first.Why, Do: kind.do, See: place{partitionID(first), first.name()}}
		if kind.passes {
			f.Level = passing(first.Since, p.At)
		}
		all = append(all, f)
	}
	return all
}

// named names partitions, some of many.
func named(of []PartitionState) string {
	names := make([]string, 0, namesShown)
	for _, p := range of[:min(len(of), namesShown)] {
		names = append(names, p.name())
	}
	list := strings.Join(names, ", ")
	if more := len(of) - namesShown; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

func ofTransactions(p Page) []finding {
	var oldest OpenTransaction
	for _, t := range p.Cluster.Transactions {
		if !t.Ours && p.At.Sub(t.Since) >= transactLong && (oldest.Since.IsZero() || t.Since.Before(oldest.Since)) {
			oldest = t
		}
	}
	if oldest.Since.IsZero() {
		return nil
	}
	whose := oldest.TransactionalID
	if whose == "" {
		whose = fmt.Sprintf("producer %d", oldest.ProducerID)
	}
	if len(oldest.Partitions) > 0 {
		whose += " on " + strings.Join(oldest.Partitions, ", ")
	}
	return []finding{{
		Level: passing(oldest.Since, p.At), Title: "Another process's open transaction holds up the readers of results", Since: oldest.Since, Cause: whose, See: seeTransactions,
		Do: "Brokers end it at its time-out. If they do not, find whose it is; kafka-transactions.sh abort ends it.",
	}}
}

func ofCluster(p Page) []finding {
	c := p.Cluster
	switch {
	case c.Error != "":
		return []finding{{
			Level: passing(c.AsOf, p.At), Title: "The cluster could not be asked: lag and partitions are not as of now", Since: c.AsOf, Cause: c.Error, See: seePartitions,
			Do: "Look at the brokers that the message names. What the processor itself says on this page is right.",
		}}
	case !c.AsOf.IsZero() && p.At.Sub(c.AsOf) >= clusterStale:
		return []finding{{
			Level: watch, Title: "The cluster has not answered for a while: lag and partitions are not as of now", Since: c.AsOf, See: seePartitions,
			Do: "Look at the brokers. What the processor itself says on this page is right.",
		}}
	}
	return nil
}
