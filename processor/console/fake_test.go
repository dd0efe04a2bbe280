package console

import (
	"fmt"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/replay"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// at is when the fake pages are from.
var at = time.Date(2026, 11, 23, 10, 33, 18, 240e6, time.UTC)

func ago(d time.Duration) time.Time { return at.Add(-d) }

// fleet are partitions as a busy group of three processes has them: six tenths inputs, the rest of three retry topics.
func fleet(n int) []PartitionState {
	topics := []struct {
		name  string
		delay time.Duration
		share int // of 100
	}{
		{"charge-requested", 0, 48},
		{"charge-cancelled", 0, 16},
		{"charge-result.retry.10s", 10 * time.Second, 12},
		{"charge-result.retry.1m", time.Minute, 12},
		{"charge-result.retry.5m", 5 * time.Minute, 12},
	}
	var all []PartitionState
	for _, topic := range topics {
		for i := range n * topic.share / 100 {
			mix := (i*7919 + len(topic.name)*104729) % 97 // spread, and the same in every run
			p := PartitionState{
				Topic: topic.name, Partition: int32(i), Delay: topic.delay, State: Moving, Since: ago(time.Duration(mix) * 37 * time.Second),
				Committed: 4_182_000 + int64(mix)*7311, Lag: int64(mix) * int64(mix) / 90, Age: time.Duration(mix)*31*time.Millisecond + 90*time.Millisecond,
				InFlight: 1 + mix/24, MapBytes: mix / 3, Member: "chargeresult-1 (10.4.17.21)",
			}
			switch {
			case topic.delay > 0 && mix%3 == 0:
				p.State, p.NextDue, p.Age, p.InFlight, p.Lag = NotDue, at.Add(topic.delay*time.Duration(mix+2)/100), 0, 0, p.Lag/4+1
			case topic.delay > 0 || mix%4 == 3:
				p.State, p.Lag, p.Age, p.InFlight, p.MapBytes = Idle, 0, 0, 0, 0
			case mix%5 == 4:
				p.State, p.InFlight, p.MapBytes, p.Member = Elsewhere, 0, 0, "chargeresult-2 (10.4.17.38)"
			}
			p.End = p.Committed + p.Lag
			all = append(all, p)
		}
	}
	return all
}

// healthy is the page of a process where all is well.
func healthy(partitions int) Page {
	page := Page{
		At: at, Started: ago(52*time.Hour + 11*time.Minute), Group: "charge-result", Instance: "chargeresult-1", LogLevel: "info",
		Version: Version{Version: "v0.6.0", Revision: "3f9c1d20a7b64e58", Go: "go1.26.0"},
		Settings: []Setting{
			{"kafka-brokers", "kafka-1.internal:9092,kafka-2.internal:9092,kafka-3.internal:9092", "environment"},
			{"kafka-group", "charge-result", "default"},
			{"redis-url", "rediss://charge-result:********@redis.internal:6380/0", "environment"},
			{"inquiry-url", "https://api.konaplate.example", "file"},
			{"inquiry-access-key", "********", "environment"},
			{"retry-schedule", "10s,1m,5m", "default"},
			{"concurrency", "64", "default"},
		},
		Counts: processor.Counts{
			Final:        map[string]int64{events.Completed: 1_846_021, events.Failed: 71_377, events.Unknown: 214},
			Interim:      40_815,
			Dead:         map[string]int64{events.ReasonInvalidEvent: 31, events.ReasonConflict: 9, events.ReasonUndecodable: 2},
			Acknowledged: map[string]int64{events.VerdictDuplicate: 2_980, events.VerdictRedelivered: 412},
			Waits:        map[string]int64{events.WaitPending: 118_402, events.WaitNotFound: 7_310, events.WaitUnavailable: 1_204, events.WaitSlowDown: 96},
		},
		Engine:  stream.Status{Joined: true, InFlight: 58, Committed: 2_040_611, LastCommit: ago(320 * time.Millisecond), Sessions: 1},
		Breaker: Breaker{State: "closed", Since: ago(26*time.Hour + 4*time.Minute), InFlight: 58, Limit: 64},
		Pace:    Pace{Rate: 400, SlowDowns: 96},
		Inquiries: Inquiries{
			Span: 57 * time.Second, Tries: 21_374, P50: 12 * time.Millisecond, P99: 186 * time.Millisecond, Slowest: 1840 * time.Millisecond,
			ByClass: map[string]int64{"answered": 20_101, "not yet": 1_042, "not found": 118, "vendor down": 96, "refused": 11, "slow down": 6},
		},
		Cluster: Cluster{AsOf: ago(3 * time.Second), ID: "5L6g3nShT-eMCtK--X86sw", Partitions: fleet(partitions), DeadLetters: 1_087},
	}
	for i := range 14 {
		operation, topic := events.Charge, "charge-requested"
		if i%5 == 3 {
			operation, topic = events.Cancellation, "charge-cancelled"
		}
		page.InFlight = append(page.InFlight, InFlight{
			CorrelationID: fmt.Sprintf("261123%02d%02d%02d-%07X", 10, 33-i/3, (i*17)%60, (i+3)*7_350_113%0xFFFFFFF), Operation: string(operation), Topic: topic,
			Partition: int32(i * 11 % 48), Offset: 4_190_337 + int64(i)*4_177, Attempt: 1 + (19-i)/11, Since: ago(1840*time.Millisecond/time.Duration(i+1) + 9*time.Millisecond),
			Trace: fmt.Sprintf("%032x", 0x4bf92f3577b34da6+i*0x1000193),
		})
	}
	page.Cluster.Transactions = []OpenTransaction{
		{"charge-result/chargeresult-1", 4011, ago(12 * time.Millisecond), []string{"charge-result/3", "charge-result/7", "charge-result.retry.10s/1"}, true},
	}
	return page
}

// troubled is the page of a process with one fault of each weight, while most of it works.
func troubled(partitions int) Page {
	page := healthy(partitions)
	for i, p := range page.Cluster.Partitions {
		switch p.name() {
		case "charge-requested/11":
			p.State, p.Since, p.Lag, p.Age = Stopped, ago(22*time.Minute+41*time.Second), 18_204, 22*time.Minute+44*time.Second
			p.Why = "produce of the result of charge-requested/11/4190337: MESSAGE_TOO_LARGE: charge-result allows 1,048,588 bytes"
		case "charge-requested/13":
			p.State, p.Since, p.Lag, p.Age, p.InFlight = Stalled, ago(2*time.Minute+13*time.Second), 911, 2*time.Minute+20*time.Second, 1
			p.Why = "charge-requested/13/4409112 has been worked on for 2 m 13 s"
		case "charge-cancelled/3":
			p.State, p.Since, p.Lag, p.Age, p.MapBytes = Full, ago(38*time.Second), 2_406, 51*time.Second, 4096
			p.Why = "its oldest record, charge-cancelled/3/4402760, is not finished"
		}
		page.Cluster.Partitions[i] = p
	}
	page.Pace.PausedUntil, page.Pace.Waiting = at.Add(11*time.Second), 43
	page.InFlight[0].Since, page.InFlight[0].Topic, page.InFlight[0].Partition, page.InFlight[0].Offset = ago(2*time.Minute+13*time.Second), "charge-requested", 13, 4_409_112
	page.Inquiries.ByClass["slow down"], page.Inquiries.Tries = 1_406, 22_774
	page.Cluster.Transactions = append(page.Cluster.Transactions, OpenTransaction{"", 3977, ago(48 * time.Second), []string{"charge-result/0", "charge-result/5"}, false})
	return page
}

// down is the page of a process whose vendor is down: all is held.
func down(partitions int) Page {
	page := healthy(partitions)
	page.Breaker = Breaker{State: "open", Since: ago(3*time.Minute + 13*time.Second), Cause: "POST /v1/inquiry: 503 Service Unavailable", NextProbe: at.Add(8200 * time.Millisecond), Limit: 1, Waiting: 57}
	page.Engine.Holds = []stream.Hold{{Reason: "breaker", Cause: "Konaplate is down, the breaker is open", Since: ago(3*time.Minute + 13*time.Second)}}
	page.Engine.LastCommit = ago(3 * time.Minute)
	for i, p := range page.Cluster.Partitions {
		if p.State == Moving {
			page.Cluster.Partitions[i].State, page.Cluster.Partitions[i].Why = Held, "breaker"
		}
	}
	return page
}

const (
	fakeID    = "261123095702-0A3F9C1"
	fakeTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
)

// told is a timeline of a charge that had to wait, and of its cancellation, which is a dead letter.
func told() replay.Timeline {
	start := time.Date(2026, 11, 23, 9, 57, 2, 118e6, time.UTC)
	step := func(kind replay.StepKind, after time.Duration, topic string, offset int64, text string) replay.Step {
		return replay.Step{Kind: kind, At: start.Add(after), Record: events.Source{Topic: topic, Partition: 7, Offset: offset}, Text: text, Trace: fakeTrace}
	}
	event := step(replay.StepEvent, 0, "charge-requested", 4_188_021, "CHARGE CHG-20261123-000481, requested at 2026-11-23T09:57:02Z")
	interim := step(replay.StepInterim, 41*time.Millisecond, "charge-result", 9_214_770, "PENDING 000_000, after 1 ask")
	interim.Result, interim.Code, interim.Attempt = events.Pending, "000_000", 1
	wait := step(replay.StepWait, 41*time.Millisecond, "charge-result.retry.10s", 118_402, "PENDING, 1 ask; next ask at 2026-11-23T09:57:12Z")
	wait.Reason, wait.Attempt, wait.Due = events.WaitPending, 1, start.Add(10041*time.Millisecond)
	again := step(replay.StepWait, 10100*time.Millisecond, "charge-result.retry.1m", 60_113, "PENDING, 2 asks; next ask at 2026-11-23T09:58:12Z")
	again.Reason, again.Attempt, again.Due = events.WaitPending, 2, start.Add(70100*time.Millisecond)
	final := step(replay.StepFinal, 70155*time.Millisecond, "charge-result", 9_220_518, "COMPLETED 000_000, after 3 asks")
	final.Result, final.Code, final.Attempt = events.Completed, "000_000", 3
	twin := step(replay.StepDuplicate, 25*time.Minute, "charge-result.duplicates", 2_980, "charge-requested/7/4188944 is a duplicate of charge-requested/7/4188021")
	dead := step(replay.StepDead, 26*time.Minute+4*time.Second, "charge-result.dlq", 1_086, "INVALID_EVENT: sequenceId has 34 characters, 1 to 30 are allowed")
	dead.Reason, dead.Trace = events.ReasonInvalidEvent, ""
	cancelled := step(replay.StepEvent, 26*time.Minute+4*time.Second-20*time.Millisecond, "charge-cancelled", 880_210, "CANCELLATION, requested at 2026-11-23T10:23:06Z")
	return replay.Timeline{
		CorrelationID: fakeID, Complete: true, From: start.Add(-24 * time.Hour), Until: start.Add(24 * time.Hour), Scanned: 4_812, Took: 840 * time.Millisecond,
		Transactions: []replay.Transaction{
			{
				Operation: events.Charge, SequenceID: "CHG-20261123-000481", State: replay.IsFinal, Summary: "COMPLETED 000_000 after 3 asks, 1 m 10 s after the event",
				Claim: &replay.Claim{State: "settled", Hop: 2, Result: events.Completed, Owner: "charge-requested/7/4188021"},
				Steps: []replay.Step{event, interim, wait, again, final, twin},
			},
			{
				Operation: events.Cancellation, State: replay.IsDead, Summary: "dead letter: INVALID_EVENT: sequenceId has 34 characters, 1 to 30 are allowed",
				Steps: []replay.Step{cancelled, dead},
			},
		},
	}
}
