package console

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/stream"
)

func hold(reason string, since time.Duration) stream.Hold {
	return stream.Hold{Reason: reason, Cause: "because of " + reason, Since: ago(since)}
}

func part(state State, since time.Duration, why string) PartitionState {
	return PartitionState{Topic: "charge-requested", Partition: 3, State: state, Since: ago(since), Why: why}
}

// with is a healthy page, changed.
func with(change func(*Page)) Page {
	p := healthy(0)
	change(&p)
	return p
}

func TestFindings(t *testing.T) {
	open := func(since time.Duration) func(*Page) {
		return func(p *Page) {
			p.Breaker = Breaker{State: "open", Since: ago(since), Cause: "503", NextProbe: at.Add(7200 * time.Millisecond)}
			p.Engine.Holds = []stream.Hold{hold("breaker", since)}
		}
	}
	for name, test := range map[string]struct {
		page  Page
		level level
		title string // begins with
		since time.Time
		cause string
		do    string // holds
	}{
		"a commit fails": {
			with(func(p *Page) { p.Engine.Commit, p.Engine.LastCommit = "no coordinator", ago(time.Minute) }),
			act, "Nothing commits", ago(time.Minute), "no coordinator", "broker",
		},
		"nothing commits": {
			with(func(p *Page) { p.Engine.LastCommit = ago(2 * time.Minute) }),
			act, "Nothing has committed for a while", ago(2 * time.Minute), "", "slowest",
		},
		"nothing ever committed": {
			with(func(p *Page) { p.Engine.LastCommit, p.Started = time.Time{}, ago(2*time.Minute) }),
			act, "Nothing has committed for a while", ago(2 * time.Minute), "", "slowest",
		},
		"breaker open":          {with(open(time.Minute)), watch, "Konaplate is down", ago(time.Minute), "503", "next probe is in 8 s"},
		"breaker open for long": {with(open(patience)), act, "Konaplate is down", ago(patience), "503", "next probe"},
		"breaker half-open":     {with(func(p *Page) { p.Breaker.State, p.Breaker.Since = "half-open", ago(time.Second) }), watch, "Konaplate is down", ago(time.Second), "", "probed now"},
		"breaker hold alone":    {with(func(p *Page) { p.Engine.Holds = []stream.Hold{hold("breaker", 1)} }), watch, "Intake is held: Konaplate is down", ago(1), "because of breaker", "probed"},
		"Konaplate wants fewer": {with(func(p *Page) { p.Pace.PausedUntil = at.Add(3 * time.Second) }), watch, "Konaplate wants fewer questions", time.Time{}, "", "in 3 s"},
		"credentials":           {with(func(p *Page) { p.Engine.Holds = []stream.Hold{hold(processor.HoldCredentials, 1)} }), act, "Intake is held: Konaplate refuses", ago(1), "because of credentials", "ACCESS_KEY"},
		"rebuild":               {with(func(p *Page) { p.Engine.Holds = []stream.Hold{hold(processor.HoldRebuild, 1)} }), watch, "Intake is held: claims", ago(1), "because of rebuild", "Redis"},
		"rebuild for long":      {with(func(p *Page) { p.Engine.Holds = []stream.Hold{hold(processor.HoldRebuild, time.Hour)} }), act, "Intake is held: claims", ago(time.Hour), "because of rebuild", "Redis"},
		"Redis":                 {with(func(p *Page) { p.Engine.Holds = []stream.Hold{hold(stream.HeldByAdmission, 1)} }), act, "Intake is held: Redis", ago(1), "because of admission", "Redis"},
		"a reason unknown here": {with(func(p *Page) { p.Engine.Holds = []stream.Hold{hold("moon", 1)} }), act, "Intake is held: moon", ago(1), "because of moon", ""},
		"stopped":               {with(func(p *Page) { p.Cluster.Partitions = []PartitionState{part(Stopped, 9, "too large")} }), act, "charge-requested/3 is stopped", ago(9), "too large", "restart"},
		"stalled":               {with(func(p *Page) { p.Cluster.Partitions = []PartitionState{part(Stalled, 9, "slow")} }), act, "charge-requested/3 has stalled", ago(9), "slow", "slowest"},
		"nobody's":              {with(func(p *Page) { p.Cluster.Partitions = []PartitionState{part(Nobody, 9, "")} }), watch, "charge-requested/3 is nobody's", ago(9), "", "Start a process"},
		"full":                  {with(func(p *Page) { p.Cluster.Partitions = []PartitionState{part(Full, 9, "old")} }), watch, "charge-requested/3 is full", ago(9), "old", "oldest"},
		"stopped, says engine": {with(func(p *Page) {
			p.Engine.Partitions = []stream.PartitionStatus{{Topic: "t", Partition: 1, Stopped: "gone"}}
		}), act, "t/1 is stopped", time.Time{}, "gone", "restart"},
		"transaction of others":   {with(func(p *Page) { p.Cluster.Transactions = []OpenTransaction{{ProducerID: 7, Since: ago(time.Minute)}} }), watch, "Another process's open transaction", ago(time.Minute), "producer 7", "abort"},
		"cluster does not answer": {with(func(p *Page) { p.Cluster.Error = "refused" }), watch, "The cluster could not be asked", ago(3 * time.Second), "refused", "brokers"},
		"cluster silent":          {with(func(p *Page) { p.Cluster.AsOf = ago(2 * time.Minute) }), watch, "The cluster has not answered", ago(2 * time.Minute), "", "brokers"},
	} {
		t.Run(name, func(t *testing.T) {
			found := findings(test.page)
			if len(found) != 1 {
				t.Fatalf("%d findings, want one: %+v", len(found), found)
			}
			f := found[0]
			if f.Level != test.level || !strings.HasPrefix(f.Title, test.title) || !f.Since.Equal(test.since) || f.Cause != test.cause || !strings.Contains(f.Do, test.do) {
				t.Errorf("got %+v, want level %v, title %q, since %v, cause %q, to do %q", f, test.level, test.title, test.since, test.cause, test.do)
			}
		})
	}
}

func TestNothingIsFoundWhereAllIsWell(t *testing.T) {
	for name, page := range map[string]Page{
		"busy":                     healthy(100),
		"just started":             with(func(p *Page) { p.Started, p.Engine.LastCommit, p.Cluster = at, time.Time{}, Cluster{} }),
		"nothing to do for days":   with(func(p *Page) { p.Engine.LastCommit, p.Engine.InFlight = ago(100*time.Hour), 0 }),
		"our own long transaction": with(func(p *Page) { p.Cluster.Transactions = []OpenTransaction{{Since: ago(time.Hour), Ours: true}} }),
		"another's, short":         with(func(p *Page) { p.Cluster.Transactions = []OpenTransaction{{Since: ago(time.Second)}} }),
		"a pause that is over":     with(func(p *Page) { p.Pace.PausedUntil = ago(time.Second) }),
	} {
		if got := newHeadline(page); got.Level != well || got.First != nil {
			t.Errorf("%s: %+v, want that all is well", name, *got.First)
		}
	}
}

// TestHeadlinePriorities: what somebody has to act on comes first, whatever else there is; among those, causes before what they lead to.
func TestHeadlinePriorities(t *testing.T) {
	everything := with(func(p *Page) {
		p.Engine.Commit = "no coordinator"
		p.Engine.Holds = []stream.Hold{hold(processor.HoldRebuild, 1), hold(stream.HeldByAdmission, 1), hold("breaker", 1), hold("rate", 1)}
		p.Breaker = Breaker{State: "open", Since: ago(time.Second)}
		p.Pace.PausedUntil = at.Add(time.Second)
		p.Cluster.Partitions = []PartitionState{part(Full, 1, ""), part(Nobody, 1, ""), part(Stalled, 1, ""), part(Stopped, 1, "")}
		p.Cluster.Transactions = []OpenTransaction{{Since: ago(time.Minute)}}
		p.Cluster.Error = "refused"
	})
	want := []string{
		"Nothing commits", "Intake is held: Redis", "charge-requested/3 is stopped", "charge-requested/3 has stalled",
		"Intake is held: claims", "charge-requested/3 is nobody's", "charge-requested/3 is full", "Konaplate is down", "Konaplate wants fewer", "Another process's", "The cluster could not",
	}
	got := findings(everything)
	if !slices.EqualFunc(got, want, func(f finding, begins string) bool { return strings.HasPrefix(f.Title, begins) }) {
		for _, f := range got {
			t.Errorf("found %v %s", f.Level, f.Title)
		}
		t.Fatalf("want %q", want)
	}
	head := newHeadline(everything)
	if head.Level != act || head.Title != "Nothing commits (and 10 more)" || head.First.Title != "Nothing commits" || len(head.Others) != 10 {
		t.Errorf("headline %+v", head)
	}
}

func TestManyPartitionsInOneFinding(t *testing.T) {
	page := with(func(p *Page) {
		for i := range 5 {
			p.Cluster.Partitions = append(p.Cluster.Partitions, PartitionState{Topic: "t", Partition: int32(i), State: Stopped, Since: ago(time.Duration(i) * time.Minute), Why: string(rune('a' + i))})
		}
	})
	f := findings(page)[0]
	if f.Title != "t/4, t/3, t/2 and 2 more are stopped" || f.Cause != "e" || !f.Since.Equal(ago(4*time.Minute)) || f.See.ID != "topic-t-4" {
		t.Errorf("got %+v, want those stopped longest first", f)
	}
}
