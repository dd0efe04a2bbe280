package console

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// name is the partition as it is written in records: topic/partition.
func (p PartitionState) name() string { return fmt.Sprintf("%s/%d", p.Topic, p.Partition) }

// allPartitions are those the cluster tells of, and those that the engine knows to be stopped, even if the cluster can't be asked.
func allPartitions(p Page) []PartitionState {
	all := slices.Clone(p.Cluster.Partitions)
	at := make(map[string]int, len(all))
	for i, part := range all {
		at[part.name()] = i
	}
	for _, e := range p.Engine.Partitions {
		if e.Stopped == "" {
			continue
		}
		stopped := PartitionState{Topic: e.Topic, Partition: e.Partition, State: Stopped, Why: e.Stopped, Committed: e.LowWater, End: -1, InFlight: e.InFlight, MapBytes: e.Map}
		if i, known := at[stopped.name()]; !known {
			all = append(all, stopped)
		} else if all[i].State != Stopped { // the engine's word is newer
			all[i].State, all[i].Why, all[i].Since = Stopped, e.Stopped, time.Time{}
		}
	}
	return all
}

// urgency sorts states: what needs attention comes first.
func (s State) urgency() int {
	order := []State{Stopped, Stalled, Nobody, Full, Held, Moving, NotDue, Idle, Elsewhere}
	if i := slices.Index(order, s); i >= 0 {
		return i
	}
	return 0 // a state of a newer version: nobody knows, so it is shown
}

// Class is the state's name in the style sheet and among the icons.
func (s State) Class() string {
	switch s {
	case Moving, Idle, Held, Full, Stalled, Stopped, Elsewhere:
		return string(s)
	case NotDue:
		return "notdue"
	}
	return "nobody"
}

// quiet says that a partition needs no row of its own.
func (s State) quiet() bool { return s == Idle || s == NotDue || s == Elsewhere }

// rowsShown is how many rows a topic shows of those that are neither stopped, stalled nor quiet: if Konaplate is down, all are held.
const rowsShown = 5

// topicView is a topic's partitions.
type topicView struct {
	Topic   string
	ID      string // unique on the page
	Delay   time.Duration
	Count   int
	Lag     int64
	Age     time.Duration // of the oldest record
	Due     moment        // of the first that waits
	States  []stateCount
	Shown   []partitionView
	Folded  []partitionView
	FoldSum []stateCount // of Folded
	FoldLag int64
	Bars    []bar
	Worst   State
}

// stateCount is how many partitions are in a state.
type stateCount struct {
	State State
	Count int
}

// partitionView is a partition's row.
type partitionView struct {
	PartitionState
	ID    string // unique on the page
	Clock moment // since when
	Due   moment
	Map   string // how full the offset map is
}

// bar is a partition's lag among those of its topic, on a logarithmic scale.
type bar struct {
	X, Y, Height int
	State        State
	Label        string
}

// barRoom is the height of the tallest bar, barStep the width of one and the gap after it.
const barRoom, barStep = 22, 7

// mapRoom is how many bytes an offset map may have.
const mapRoom = 4096

// BarsWidth is that of all bars.
func (t topicView) BarsWidth() int { return max(1, len(t.Bars)*barStep) }

// byTopic groups partitions: topics whose partitions need attention first, inputs before retry topics, then by name.
func byTopic(all []PartitionState, now time.Time) []topicView {
	slices.SortStableFunc(all, func(a, b PartitionState) int {
		return cmp.Or(cmp.Compare(a.Delay, b.Delay), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	var topics []topicView
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Topic == all[0].Topic && all[n].Delay == all[0].Delay {
			n++
		}
		topics = append(topics, newTopic(all[:n], now))
		all = all[n:]
	}
	slices.SortStableFunc(topics, func(a, b topicView) int {
		return cmp.Or(cmp.Compare(min(a.Worst.urgency(), Moving.urgency()), min(b.Worst.urgency(), Moving.urgency())), cmp.Compare(a.Delay, b.Delay))
	})
	return topics
}

func newTopic(of []PartitionState, now time.Time) topicView {
	t := topicView{Topic: of[0].Topic, ID: topicID(of[0].Topic), Delay: of[0].Delay, Count: len(of), Bars: bars(of)}
	for _, p := range of {
		t.Lag += p.Lag
		t.Age = max(t.Age, p.Age)
	}
	t.Due = when(nextDue(of), now)
	sorted := slices.Clone(of)
	slices.SortStableFunc(sorted, func(a, b PartitionState) int {
		return cmp.Or(cmp.Compare(a.State.urgency(), b.State.urgency()), cmp.Compare(b.Age, a.Age), cmp.Compare(b.Lag, a.Lag), cmp.Compare(a.Partition, b.Partition))
	})
	t.Worst, t.States = sorted[0].State, counted(sorted)
	var folded []PartitionState
	for _, p := range sorted {
		row := partitionView{p, partitionID(p), when(p.Since, now), when(p.NextDue, now), percent(int64(p.MapBytes), mapRoom)}
		faulty := p.State.urgency() <= Stalled.urgency()
		if faulty || !p.State.quiet() && len(t.Shown) < rowsShown {
			t.Shown = append(t.Shown, row)
			continue
		}
		t.Folded = append(t.Folded, row)
		t.FoldLag += p.Lag
		folded = append(folded, p)
	}
	t.FoldSum = counted(folded)
	return t
}

// counted counts states of sorted partitions, in their order.
func counted(of []PartitionState) []stateCount {
	var counts []stateCount
	for _, p := range of {
		if last := len(counts) - 1; last >= 0 && counts[last].State == p.State {
			counts[last].Count++
		} else {
			counts = append(counts, stateCount{p.State, 1})
		}
	}
	return counts
}

func bars(of []PartitionState) []bar {
	most := int64(1)
	for _, p := range of {
		most = max(most, p.Lag)
	}
	all := make([]bar, len(of))
	for i, p := range of {
		height := 2 + int(math.Round((barRoom-2)*math.Log1p(float64(max(p.Lag, 0)))/math.Log1p(float64(most))))
		all[i] = bar{X: i * barStep, Y: barRoom - height, Height: height, State: p.State, Label: fmt.Sprintf("%s: %s, lag %s", p.name(), p.State, grouped(p.Lag))}
	}
	return all
}

// topicID and partitionID are IDs on the page.
func topicID(topic string) string { return "topic-" + slug(topic) }

func partitionID(p PartitionState) string { return fmt.Sprintf("%s-%d", topicID(p.Topic), p.Partition) }

// slug makes a topic's name fit for an ID: topics have letters, digits, dots, underscores and hyphens.
func slug(topic string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, topic)
}
