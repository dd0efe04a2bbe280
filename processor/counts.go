package processor

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/chargeresult/chargeresult/events"
)

// Counts is what became of messages since the processor started; all of it is committed. Of all processes of a group together, and of each
// partition, accepted = final + dead + duplicate + parked - resumed, where what is parked and not resumed is waiting.
type Counts struct {
	Final        map[string]int64  `json:"final"`        // final results, by result
	Interim      int64             `json:"interim"`      // interim results
	Dead         map[string]int64  `json:"dead"`         // dead letters, by reason
	Acknowledged map[string]int64  `json:"acknowledged"` // by verdict: duplicate or redelivered
	Waits        map[string]int64  `json:"waits"`        // retry records, by reason
	Partitions   []PartitionCounts `json:"partitions"`   // by input topic and partition
}

// PartitionCounts is the accounting of one input partition.
type PartitionCounts struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Tally
}

// Tally counts input records, by where they went.
type Tally struct {
	Accepted  int64 `json:"accepted"`  // their first outcome is committed
	Final     int64 `json:"final"`     // have a final result
	Dead      int64 `json:"dead"`      // are dead letters
	Duplicate int64 `json:"duplicate"` // are duplicates
	Parked    int64 `json:"parked"`    // had to wait in a retry topic
	Resumed   int64 `json:"resumed"`   // have waited, and ended
}

type input struct {
	topic     string
	partition int32
}

type counts struct {
	mu         sync.Mutex
	now        Counts // all but Partitions
	partitions map[input]*Tally
}

func (c *counts) add(w *work) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.partitions == nil {
		c.now = Counts{Final: map[string]int64{}, Dead: map[string]int64{}, Acknowledged: map[string]int64{}, Waits: map[string]int64{}}
		c.partitions = map[input]*Tally{}
	}
	at := input{w.origin.Topic, w.origin.Partition}
	tally := c.partitions[at]
	if tally == nil {
		tally = &Tally{}
		c.partitions[at] = tally
	}
	tally.add(w.outcome, w.history.hop)
	switch o := w.outcome; {
	case o.result != "":
		c.now.Final[o.result]++
	case o.dead != "":
		c.now.Dead[o.dead]++
	case o.verdict != "":
		c.now.Acknowledged[o.verdict]++
	case o.wait != "":
		c.now.Waits[o.wait]++
	}
	if w.outcome.interim {
		c.now.Interim++
	}
}

// add counts an outcome of a transaction that had so many retry records before.
func (t *Tally) add(o outcome, hop int) {
	if o.verdict == events.VerdictRedelivered {
		return // it was counted when it was first delivered
	}
	if hop == 0 {
		t.Accepted++
	}
	switch {
	case o.wait != "" && hop == 0:
		t.Parked++
	case o.wait != "":
		return
	case o.result != "":
		t.Final++
	case o.dead != "":
		t.Dead++
	default:
		t.Duplicate++
	}
	if o.wait == "" && hop > 0 {
		t.Resumed++
	}
}

// Counts returns what the processor has done so far.
func (p *Processor) Counts() Counts {
	c := &p.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now
	now.Final, now.Dead, now.Acknowledged, now.Waits = maps.Clone(now.Final), maps.Clone(now.Dead), maps.Clone(now.Acknowledged), maps.Clone(now.Waits)
	now.Partitions = make([]PartitionCounts, 0, len(c.partitions))
	for at, tally := range c.partitions {
		now.Partitions = append(now.Partitions, PartitionCounts{at.topic, at.partition, *tally})
	}
	slices.SortFunc(now.Partitions, func(a, b PartitionCounts) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return now
}
