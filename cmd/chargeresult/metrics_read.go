package main

import (
	"cmp"
	"strconv"
	"time"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/console"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/stream"
	"github.com/chargeresult/chargeresult/processor/telemetry"
)

// read tells every observed metric.
func (s sources) read(r reading) {
	r.outcomes(s.counts())
	r.working(s.engine(), s.oldest(), s.started)
	r.asking(s.breaker(), s.pace(), s.tries())
	r.behind(s.cluster(), s.started)
	spans := s.spans()
	r.count(telemetry.Spans, spans.Exported, "exported")
	r.count(telemetry.Spans, spans.Failed, "failed")
	r.count(telemetry.Spans, spans.Dropped, "dropped")
}

// outcomes tells what became of messages.
func (r reading) outcomes(c processor.Counts) {
	for _, p := range c.Partitions {
		topic, partition := p.Topic, numbered(p.Partition)
		for _, place := range []struct {
			word string
			n    int64
		}{
			{"accepted", p.Accepted},
			{"final", p.Final},
			{"dead", p.Dead},
			{"duplicate", p.Duplicate},
			{"parked", p.Parked},
			{"resumed", p.Resumed},
		} {
			r.count(telemetry.Records, place.n, topic, partition, place.word)
		}
	}
	r.tally(telemetry.Results, finals, c.Final)
	r.count(telemetry.Results, c.Interim, interim)
	r.tally(telemetry.DeadLetters, deadReasons, c.Dead)
	r.tally(telemetry.Waits, waitReasons, c.Waits)
}

// tally tells a counter by word. Each known word has a series, counted or not; those that are not known share one, so that there
// are never more series than words in the code.
func (r reading) tally(name string, known []string, counted map[string]int64) {
	unknown := int64(0)
	for _, n := range counted {
		unknown += n
	}
	for _, word := range known {
		r.count(name, counted[word], word)
		unknown -= counted[word]
	}
	if unknown > 0 {
		r.count(name, unknown, other)
	}
}

// choice tells a gauge that is 1 for the words that hold now, and 0 for the others.
func (r reading) choice(name string, known []string, now map[string]bool) {
	held := 0
	for _, word := range known {
		r.gauge(name, one(now[word]), word)
		if now[word] {
			held++
		}
	}
	if held < len(now) {
		r.gauge(name, 1, other)
	}
}

// working tells what the engine is doing.
func (r reading) working(s stream.Status, oldest, started time.Time) {
	for _, p := range s.Partitions {
		topic, partition := p.Topic, numbered(p.Partition)
		r.gauge(telemetry.PartitionStopped, one(p.Stopped != ""), topic, partition)
		r.gauge(telemetry.OffsetMapSize, float64(p.Map), topic, partition)
		r.gauge(telemetry.OffsetMapFill, p.MapFill, topic, partition)
	}
	held := map[string]bool{}
	for _, h := range s.Holds {
		held[h.Reason] = true
	}
	r.choice(telemetry.IntakeHeld, holds, held)
	r.gauge(telemetry.InFlight, float64(s.InFlight))
	r.gauge(telemetry.OldestInFlight, r.since(oldest))
	r.count(telemetry.Sessions, int64(s.Sessions))
	r.gauge(telemetry.CommitAge, r.since(cmp.Or(s.LastCommit, started)))
}

// asking tells how Konaplate may be asked, and what came back.
func (r reading) asking(b inquiry.BreakerStatus, p inquiry.PaceStatus, tries map[processor.Class]int64) {
	for _, class := range processor.Classes() {
		r.count(telemetry.Inquiries, tries[class], class.String())
	}
	r.choice(telemetry.BreakerState, breakerStates, map[string]bool{string(b.State): true})
	r.count(telemetry.SlowDowns, int64(p.SlowDowns))
}

// behind tells how far this process's partitions are behind. While the cluster has not been asked nothing is known of that but its age.
func (r reading) behind(c console.Cluster, started time.Time) {
	type retry struct {
		records int64
		overdue time.Duration
	}
	waiting := map[time.Duration]retry{} // of all delays there are, whoever has their partitions
	for _, p := range c.Partitions {
		w := waiting[p.Delay]
		if p.State != console.Elsewhere && p.State != console.Nobody {
			r.partition(p)
			w = retry{w.records + p.Lag, max(w.overdue, p.Age)}
		}
		waiting[p.Delay] = w
	}
	delete(waiting, 0) // the inputs
	for delay, w := range waiting {
		r.gauge(telemetry.Waiting, float64(w.records), short(delay))
		r.gauge(telemetry.WaitingOverdue, w.overdue.Seconds(), short(delay))
	}
	r.gauge(telemetry.ClusterAge, r.since(cmp.Or(c.AsOf, started)))
}

func (r reading) partition(p console.PartitionState) {
	topic, partition := p.Topic, numbered(p.Partition)
	stalled := 0.0
	if p.State == console.Stalled {
		stalled = r.since(p.Since)
	}
	r.gauge(telemetry.Lag, float64(p.Lag), topic, partition)
	r.gauge(telemetry.LagAge, p.Age.Seconds(), topic, partition)
	r.gauge(telemetry.PartitionStalled, stalled, topic, partition)
}

func numbered(partition int32) string { return strconv.Itoa(int(partition)) }
