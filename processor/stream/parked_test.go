package stream

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// park produces values to a partition of "later" that are due all at the same time.
func (k *kafka) park(partition int32, due time.Time, values ...string) {
	k.t.Helper()
	records := make([]*kgo.Record, len(values))
	for i, v := range values {
		records[i] = parkedRecord(partition, due, v)
	}
	if err := k.client.ProduceSync(k.t.Context(), records...).FirstErr(); err != nil {
		k.t.Fatalf("produce: %v", err)
	}
}

func parkedRecord(partition int32, due time.Time, value string) *kgo.Record {
	r := inputRecord(partition, value)
	r.Topic = "later"
	r.Headers = []kgo.RecordHeader{{Key: "due", Value: due.AppendFormat(nil, time.RFC3339Nano)}}
	return r
}

func dueOf(r *kgo.Record) time.Time {
	due, err := time.Parse(time.RFC3339Nano, string(r.Headers[0].Value))
	if err != nil {
		panic(err)
	}
	return due
}

// parked makes the process read "later" too.
func parked(c *Config) { c.Parked, c.Due = []string{"later"}, dueOf }

// punctual is a handler that holds every record of "later" to its due time when it is admitted.
type punctual struct {
	*upper
	t *testing.T

	mu   sync.Mutex
	late time.Duration // the worst
}

func newPunctual(t *testing.T) *punctual { return &punctual{upper: newUpper(), t: t} }

func (p *punctual) Admit(ctx context.Context, member Member, ms []*Message) error {
	p.mu.Lock()
	for _, m := range ms {
		if m.Record.Topic != "later" {
			continue
		}
		late := time.Since(dueOf(m.Record))
		if late < 0 {
			p.t.Errorf("%s was admitted %v early", m.Record.Value, -late)
		}
		p.late = max(p.late, late)
	}
	p.mu.Unlock()
	return p.upper.Admit(ctx, member, ms)
}

func (p *punctual) within(limit time.Duration) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.late > limit {
		p.t.Errorf("a record was admitted %v late, want at most %v", p.late, limit)
	}
}

// logs keeps what an engine logs.
type logs struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logs) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), part)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logs) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// numberedFrom returns prefix-from, ... prefix-(to-1).
func numberedFrom(prefix string, from, to int) (values []string) {
	for i := from; i < to; i++ {
		values = append(values, fmt.Sprintf("%s-%d", prefix, i))
	}
	return values
}

// Parked topics begin at their beginning, whatever the others do: what is in them waits for us.
func TestParkedTopicsBeginAtTheirBeginning(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		k.operator.Store(true) // the engine writes down where the end was, before it joins the group
		k.send(0, "old")
		k.park(0, time.Now(), "parked")
		p := k.start(newPunctual(t), parked, func(c *Config) { c.FromEnd = true })
		k.awaitPublished("parked")
		k.operator.Store(false)
		k.send(0, "new")
		k.neverPublishedTwice("parked", "new")
		p.stop()
	})
}

// The oldest record that the engine knows of is one that was taken up, else the first that waits here; one without a timestamp tells nothing.
func TestOldestRecord(t *testing.T) {
	start := time.Now().UTC().Truncate(time.Millisecond)
	for name, test := range map[string]struct {
		taken, waiting []time.Time
		want           time.Time
	}{
		"none":                 {},
		"taken up":             {taken: []time.Time{start, start.Add(-time.Hour)}, waiting: []time.Time{start.Add(-2 * time.Hour)}, want: start},
		"waiting":              {waiting: []time.Time{start.Add(time.Second), start}, want: start.Add(time.Second)},
		"without a timestamp":  {taken: []time.Time{time.UnixMilli(-1)}, waiting: []time.Time{start}},
		"waiting, without one": {waiting: []time.Time{time.UnixMilli(-1)}},
	} {
		t.Run(name, func(t *testing.T) {
			ps, p := onePartition(0)
			for i, at := range test.taken {
				p.tracker.accept(int64(i), at.UnixMilli())
			}
			for _, at := range test.waiting {
				p.waiting = append(p.waiting, &kgo.Record{Timestamp: at})
			}
			if got := ps.snapshot()[0].Oldest; !got.Equal(test.want) {
				t.Errorf("oldest = %v, want %v", got, test.want)
			}
		})
	}
}

// What waits in a partition that comes to rest is not taken up any more; one that stopped keeps nothing.
func TestEndedPartitionsTakeNothingUp(t *testing.T) {
	for name, end := range map[string]func(ps *partitions, p *partition) (left int){
		"resting": func(ps *partitions, p *partition) int { ps.quiesce([]*partition{p}); return 1 },
		"stopped": func(ps *partitions, p *partition) int { ps.stop(p, &PartitionError{Err: ErrForeignCommit}); return 0 },
	} {
		t.Run(name, func(t *testing.T) {
			ps, p := onePartition(0)
			p.due = dueOf
			r := parkedRecord(0, time.Now().Add(time.Hour), "v")
			fetched := kgo.FetchTopic{Topic: p.topic, Partitions: []kgo.FetchPartition{{Records: []*kgo.Record{r}}}}
			got := ps.accept(kgo.Fetches{{Topics: []kgo.FetchTopic{fetched}}}, time.Now())
			if one := ps.snapshot()[0]; len(got) != 0 || one.Waiting != 1 || !one.NextDue.Equal(dueOf(r)) {
				t.Fatalf("%d messages, %+v; want one to wait", len(got), one)
			}
			left := end(ps, p)
			if one := ps.snapshot()[0]; one.Waiting != left {
				t.Errorf("%+v; want %d to wait", one, left)
			}
			if got, next := ps.due(time.Now().Add(2*time.Hour), 1); len(got) != 0 || !next.IsZero() {
				t.Errorf("due: %v, %v", got, next)
			}
		})
	}
}
