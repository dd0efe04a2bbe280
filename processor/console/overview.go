package console

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// slowestShown is how many of the events in flight are seen without opening more.
const slowestShown = 8

// overview is what the page of a process shows. Its template reads Page for what needs no work.
type overview struct {
	frame
	Page
	Headline headline
	Totals   totals
	Topics   []topicView
	Delays   []delay
	Results  []share // final results by result
	Classes  []share // tries by class
	Dead     []deadLetters
	Acks     []share // acknowledged input records by verdict
	Waits    []share // retry records by reason

	Slowest, SlowestMore []inFlight
	Transactions         []openTransaction
	Changed              int  // settings that are not at their defaults
	Paused               bool // questions, because Konaplate wants fewer

	Refresh bool // by itself, where scripts are off
}

// totals are the sums that stand under the headline.
type totals struct {
	Lag         int64         // records of the input topics
	Age         time.Duration // of the oldest of them
	Waiting     int64         // records of the retry topics
	NextDue     moment
	Final, Dead int64
	Failures    int64 // tries that said nothing about a transaction
}

// delay is what waits in the retry topics of one delay.
type delay struct {
	Delay   time.Duration
	Waiting int64
	NextDue moment
	Overdue time.Duration
}

// share is a part of a whole.
type share struct {
	Name        string
	Part, Whole int64
	Width       int  // of the bar, of 100
	Failure     bool // it says that something is wrong
}

// inFlight is the row of an event that is being worked on.
type inFlight struct {
	InFlight
	ID   string // unique on the page: a row keeps its focus wherever it goes
	For  span
	Page string // the address of its timeline
	Link link
}

// openTransaction is the row of a transaction that has not ended.
type openTransaction struct {
	OpenTransaction
	Clock moment // since when
}

// deadLetters are those of one reason, and what to do with them.
type deadLetters struct {
	Reason   string
	ID       string // unique on the page
	Count    int64
	Commands []deadLetterCommand
}

func newOverview(p Page, cfg Config, refresh bool) overview {
	head := newHeadline(p)
	v := overview{
		frame: frame{
			Title: head.Level.Mark() + " " + head.Title + " · " + p.Group, Icon: head.Level.String(), JSON: "/statusz", now: p.At, traceURL: cfg.TraceURL,
			Who: who(p),
		},
		Page: p, Headline: head, Refresh: refresh, Paused: p.Pace.PausedUntil.After(p.At), Delays: byDelay(p),
		Topics:  byTopic(allPartitions(p), p.At),
		Results: shares(p.Counts.Final), Classes: shares(p.Inquiries.ByClass), Acks: shares(p.Counts.Acknowledged), Waits: shares(p.Counts.Waits),
	}
	for _, s := range shares(p.Counts.Dead) {
		v.Dead = append(v.Dead, deadLetters{s.Name, slug(s.Name), s.Part, deadLetterCommands(cfg, s.Name)})
	}
	for _, e := range p.InFlight {
		v.Slowest = append(v.Slowest, inFlight{e, fmt.Sprintf("event-%s-%d-%d", slug(e.Topic), e.Partition, e.Offset), v.For(e.Since), transactionPage(e.CorrelationID), v.Trace(e.Trace)})
	}
	if len(v.Slowest) > slowestShown {
		v.Slowest, v.SlowestMore = v.Slowest[:slowestShown], v.Slowest[slowestShown:]
	}
	for _, t := range p.Cluster.Transactions {
		v.Transactions = append(v.Transactions, openTransaction{t, v.When(t.Since)})
	}
	for _, s := range p.Settings {
		if s.From != "default" {
			v.Changed++
		}
	}
	v.Totals = sum(p, v.Results, v.Delays)
	return v
}

// who says which process a page is of.
func who(p Page) []fact {
	facts := []fact{{"group", p.Group}}
	if p.Instance != "" {
		facts = append(facts, fact{"instance", p.Instance})
	}
	return append(facts, fact{"version", p.Version.Version}, fact{"up", long(p.At.Sub(p.Started))})
}

func sum(p Page, results []share, delays []delay) totals {
	var t totals
	for _, part := range p.Cluster.Partitions {
		if part.Delay == 0 {
			t.Lag += part.Lag
			t.Age = max(t.Age, part.Age)
		}
	}
	for _, d := range delays {
		t.Waiting += d.Waiting
	}
	t.NextDue = when(nextDue(p.Cluster.Partitions), p.At)
	for _, s := range results {
		t.Final += s.Part
	}
	for _, n := range p.Counts.Dead {
		t.Dead += n
	}
	for class, n := range p.Inquiries.ByClass {
		if failure(class) {
			t.Failures += n
		}
	}
	return t
}

// byDelay sums up the retry topics.
func byDelay(p Page) []delay {
	waiting := map[time.Duration][]PartitionState{}
	for _, part := range p.Cluster.Partitions {
		if part.Delay > 0 {
			waiting[part.Delay] = append(waiting[part.Delay], part)
		}
	}
	var all []delay
	for _, length := range slices.Sorted(maps.Keys(waiting)) {
		d := delay{Delay: length, NextDue: when(nextDue(waiting[length]), p.At)}
		for _, part := range waiting[length] {
			d.Waiting += part.Lag
			d.Overdue = max(d.Overdue, part.Age)
		}
		all = append(all, d)
	}
	return all
}

// nextDue is when the first record of some retry partitions is due; zero if nobody knows.
func nextDue(of []PartitionState) time.Time {
	var next time.Time
	for _, part := range of {
		if !part.NextDue.IsZero() && (next.IsZero() || part.NextDue.Before(next)) {
			next = part.NextDue
		}
	}
	return next
}

// shares are the parts of a whole, the largest first.
func shares(parts map[string]int64) []share {
	var whole int64
	all := make([]share, 0, len(parts))
	for name, n := range parts {
		all = append(all, share{Name: name, Part: n})
		whole += n
	}
	for i := range all {
		all[i].Whole, all[i].Failure = whole, failure(all[i].Name)
		if all[i].Part > 0 {
			all[i].Width = max(1, int(100*all[i].Part/whole))
		}
	}
	slices.SortFunc(all, func(a, b share) int { return cmp.Or(cmp.Compare(b.Part, a.Part), cmp.Compare(a.Name, b.Name)) })
	return all
}
