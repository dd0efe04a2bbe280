package console

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// outline is topics in a few words.
func outline(topics []topicView) []string {
	var all []string
	rows := func(of []partitionView) string {
		var names []string
		for _, p := range of {
			names = append(names, fmt.Sprintf("%d %s", p.Partition, p.State))
		}
		return strings.Join(names, ", ")
	}
	for _, topic := range topics {
		all = append(all, fmt.Sprintf("%s: %s | %s", topic.Topic, rows(topic.Shown), rows(topic.Folded)))
	}
	return all
}

func TestWhatNeedsAttentionComesFirst(t *testing.T) {
	of := func(topic string, delay time.Duration, states ...State) []PartitionState {
		var all []PartitionState
		for i, s := range states {
			all = append(all, PartitionState{Topic: topic, Partition: int32(i), Delay: delay, State: s, Lag: int64(i)})
		}
		return all
	}
	all := slices.Concat(
		of("retry.1m", time.Minute, NotDue, Idle),
		of("retry.10s", 10*time.Second, NotDue, Stalled),
		of("requested", 0, Idle, Moving, Elsewhere, Moving, Held),
		of("cancelled", 0, Moving, Moving, Moving, Moving, Moving, Moving, Moving),
		of("other", 0, Full, Idle, Stopped, Nobody, State("new")),
	)
	want := []string{
		"other: 4 new, 2 stopped, 3 nobody's, 0 full | 1 idle", // a state that nobody knows is seen
		"retry.10s: 1 stalled | 0 not due",
		"requested: 4 held, 3 moving, 1 moving | 0 idle, 2 elsewhere",
		"cancelled: 6 moving, 5 moving, 4 moving, 3 moving, 2 moving | 1 moving, 0 moving",
		"retry.1m:  | 0 not due, 1 idle",
	}
	if got := outline(byTopic(all, at)); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestAllStoppedAreSeen: folding is for what many have in common, not for faults.
func TestAllStoppedAreSeen(t *testing.T) {
	var all []PartitionState
	for i := range 40 {
		all = append(all, PartitionState{Topic: "t", Partition: int32(i), State: []State{Stopped, Held}[i%2]})
	}
	topics := byTopic(all, at)
	if shown, folded := len(topics[0].Shown), topics[0].FoldSum; shown != 20 || len(folded) != 1 || folded[0] != (stateCount{Held, 20}) {
		t.Errorf("%d rows are seen and %v folded, want the 20 that are stopped seen", shown, folded)
	}
}

func TestSums(t *testing.T) {
	page := with(func(p *Page) {
		p.Cluster.Partitions = []PartitionState{
			{Topic: "a", State: Moving, Lag: 5, Age: time.Second},
			{Topic: "b", State: Elsewhere, Lag: 7, Age: time.Minute},
			{Topic: "r10", Delay: 10 * time.Second, State: NotDue, Lag: 2, NextDue: at.Add(5 * time.Second)},
			{Topic: "r10", Partition: 1, Delay: 10 * time.Second, State: Moving, Lag: 1, NextDue: at.Add(3 * time.Second), Age: 4 * time.Second},
			{Topic: "r60", Delay: time.Minute, State: Idle},
		}
	})
	v := newOverview(page, Config{}, true)
	if v.Totals.Lag != 12 || v.Totals.Age != time.Minute || v.Totals.Waiting != 3 || v.Totals.NextDue.Ago != "in 3 s" {
		t.Errorf("totals %+v", v.Totals)
	}
	if v.Totals.Final != 1_846_021+71_377+214 || v.Totals.Dead != 42 || v.Totals.Failures != 102 {
		t.Errorf("totals %+v", v.Totals)
	}
	want := []delay{
		{Delay: 10 * time.Second, Waiting: 3, NextDue: when(at.Add(3*time.Second), at), Overdue: 4 * time.Second},
		{Delay: time.Minute},
	}
	if !slices.Equal(v.Delays, want) {
		t.Errorf("delays %+v, want %+v", v.Delays, want)
	}
}

func TestShares(t *testing.T) {
	got := shares(map[string]int64{"answered": 990, "vendor down": 9, "not yet": 1, "refused": 0})
	want := []share{
		{"answered", 990, 1000, 99, false}, {"vendor down", 9, 1000, 1, true}, {"not yet", 1, 1000, 1, false}, {"refused", 0, 1000, 0, false},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestBars(t *testing.T) {
	got := bars([]PartitionState{{Lag: 0}, {Lag: 9}, {Lag: 99_999}})
	if got[0].Height != 2 || got[1].Height != 6 || got[2].Height != barRoom || got[2].X != 2*barStep || got[2].Y != 0 {
		t.Errorf("got %+v", got)
	}
}
