package stream

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// More than an hour of waiting, some for records that are there from the start, some for records that arrive while others wait; and nothing but
// that in the log.
func TestDueTimesAreKept(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		rng, said := rand.New(rand.NewPCG(1, 2)), &logs{}
		var values []string
		due := [2]time.Time{time.Now(), time.Now()}
		for i := range 80 {
			number, value := int32(i%2), fmt.Sprintf("early-%d", i)
			due[number] = due[number].Add(time.Duration(rng.Int64N(int64(3 * time.Minute))))
			k.park(number, due[number], value)
			values = append(values, value)
		}
		u := newPunctual(t)
		p := k.start(u, parked, func(c *Config) { c.Logger = said.logger() })
		k.await("it joins", func() bool { return len(p.engine.Status().Partitions) == 6 })
		u.mu.Lock()
		u.late = 0 // what was due before it joined
		u.mu.Unlock()
		time.Sleep(max(time.Until(due[0]), time.Until(due[1])))
		for i := range 100 {
			value := fmt.Sprintf("on the fly-%d", i)
			k.park(int32(i%2), time.Now().Add(10*time.Second), value)
			values = append(values, value)
			time.Sleep(time.Duration(rng.Int64N(int64(10 * time.Second))))
		}
		k.awaitPublished(values...)
		u.within(5 * time.Millisecond)
		if now := p.engine.Status(); now.Sessions != 1 {
			t.Errorf("%d sessions", now.Sessions)
		}
		if said.count("level=WARN") > 0 {
			t.Errorf("waiting is no fault:\n%s", said)
		}
		p.stop()
	})
}

func TestHeadThatIsNotDueHoldsItsPartitionOnly(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		due := time.Now().Add(10 * time.Minute)
		k.park(0, time.Now(), "first")
		k.park(0, due, "slow head")
		k.park(0, time.Now(), "slow behind")
		k.park(1, time.Now(), "elsewhere")
		k.send(0, "in")
		u := newPunctual(t)
		p := k.start(u, parked)
		k.awaitPublished("first", "elsewhere", "in")
		k.park(1, time.Now(), "elsewhere, later")
		k.awaitPublished("first", "elsewhere", "in", "elsewhere, later")
		now := p.partitionOf("later", 0)
		if now.Waiting != 2 || !now.NextDue.Equal(due) || now.Fetched != 1 || now.LowWater != 1 || now.InFlight != 0 || now.Full {
			t.Errorf("%+v; want two waiting behind the first", now)
		}
		if at, metadata := k.committedOf("later", 0); at != 1 || len(mustMark(t, metadata).runs) != 0 {
			t.Errorf("committed at %d with %q, want 1 and nothing above it", at, metadata)
		}
		time.Sleep(time.Until(due) - time.Second)
		if got := u.log(&u.begun); len(got) != 4 {
			t.Errorf("begun: %v", got)
		}
		time.Sleep(time.Second + 10*time.Millisecond)
		if now := p.partitionOf("later", 0); !now.Moved.Equal(due) || now.Waiting != 0 || !now.NextDue.IsZero() || now.InFlight != 2 {
			t.Errorf("%+v; want both in flight, and it to have had work since %v", now, due)
		}
		u.letGo()
		k.awaitPublished("first", "elsewhere", "in", "elsewhere, later", "slow head", "slow behind")
		p.stop()
	})
}

func mustMark(t *testing.T, metadata string) commitMark {
	t.Helper()
	mark, err := parseMark(metadata)
	if err != nil {
		t.Fatal(err)
	}
	return mark
}

// A backlog stays in the log, but for one poll of it; and when it becomes due, all of it is on time.
func TestBacklogIsNotLoaded(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		const n = 20_000
		const wait = 15 * time.Minute
		first := time.Now().Add(wait)
		for i := 0; i < n; i += 100 {
			due := first.Add(time.Duration(max(0, i-2000)) * 10 * time.Millisecond) // the first 2,000 at once
			k.park(0, due, numberedFrom("v", i, i+100)...)
		}
		u := newPunctual(t)
		p := k.start(u, parked, func(c *Config) { c.Concurrency = 64 })
		k.await("the head waits", func() bool { return p.partitionOf("later", 0).Waiting > 0 })
		var fetched atomic.Int64
		k.cluster.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
			k.cluster.KeepControl()
			fetched.Add(1)
			return nil, nil, false
		})
		for time.Now().Before(first) {
			if now := p.partitionOf("later", 0); now.Waiting >= 2*maxPoll || now.InFlight > 0 {
				t.Fatalf("%d waiting here, %d in flight; want less than %d and none", now.Waiting, now.InFlight, 2*maxPoll)
			}
			time.Sleep(10 * time.Second)
		}
		if perSecond := float64(fetched.Load()) / wait.Seconds(); perSecond > 3 {
			t.Errorf("%.0f fetches a second while nothing is due", perSecond)
		}
		k.await("all are done", func() bool { at, _ := k.committedOf("later", 0); return at == n })
		if got := k.published(); len(got) != n {
			t.Errorf("published %d, want %d", len(got), n)
		}
		u.within(550 * time.Millisecond)
		p.stop()
	})
}

// Whatever happens while records wait, each is published once, and on time unless nobody was there.
func TestWaitingRecordsSurvive(t *testing.T) {
	tests := map[string]func(k *kafka, p *process) *process{
		"a crash": func(k *kafka, p *process) *process {
			p.crash()
			return k.start(newPunctual(k.t), parked)
		},
		"a restart": func(k *kafka, p *process) *process {
			p.stop()
			return k.start(newPunctual(k.t), parked)
		},
		"a rebalance": func(k *kafka, p *process) *process {
			second := k.start(newPunctual(k.t), parked, as("second"))
			k.await("they share", func() bool { return len(second.engine.Status().Partitions) == 3 })
			return second
		},
		"a member that leaves": func(k *kafka, p *process) *process {
			second := k.start(newPunctual(k.t), parked, as("second"))
			k.await("they share", func() bool { return len(second.engine.Status().Partitions) == 3 })
			p.stop()
			return second
		},
		"being expelled": func(k *kafka, p *process) *process { k.expel(p); return p },
		"aborts": func(k *kafka, p *process) *process {
			k.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Group: "g", Err: kerr.TransactionAbortable, Count: 5})
			return p
		},
	}
	for name, disturb := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kafka) {
				due := time.Now().Add(2 * time.Minute)
				var values []string
				for number := range int32(2) {
					now, later := numbered(fmt.Sprintf("now%d-", number), 20), numbered(fmt.Sprintf("later%d-", number), 20)
					k.park(number, time.Now(), now...)
					k.park(number, due, later...)
					values = append(append(values, now...), later...)
				}
				p := k.start(newPunctual(t), parked)
				k.await("they wait", func() bool {
					return p.partitionOf("later", 0).Waiting == 20 && p.partitionOf("later", 1).Waiting == 20
				})
				k.send(0, numbered("in", 5)...)
				values = append(values, numbered("in", 5)...)
				last := disturb(k, p)
				for number := range int32(2) {
					if at, _ := k.committedOf("later", number); at > 20 && time.Now().Before(due) {
						t.Errorf("later[%d] is committed at %d, past what waits", number, at)
					}
				}
				k.neverPublishedTwice(k.awaitAll(values)...)
				for number := range int32(2) {
					k.await("committed", func() bool { at, _ := k.committedOf("later", number); return at == 40 })
				}
				last.stop()
			})
		})
	}
}

// awaitAll waits for as many results as there are values, for a few minutes.
func (k *kafka) awaitAll(values []string) []string {
	k.t.Helper()
	k.await("all are published", func() bool { return len(k.published()) >= len(values) })
	return values
}

// A full map and a head that is not due are two reasons for records to wait: they go on when both are gone.
func TestFullAndWaiting(t *testing.T) {
	for _, dueFirst := range []bool{true, false} {
		t.Run(fmt.Sprintf("due first: %v", dueFirst), func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kafka) {
				due := time.Now().Add(10 * time.Minute)
				now, later := numberedFrom("slow", 0, mapFull+20), numberedFrom("v", 0, 700)
				k.park(0, time.Now(), now...)
				k.park(0, due, later...)
				u := newPunctual(t)
				p := k.start(u, parked, func(c *Config) { c.Concurrency = 2000 })
				status := func() PartitionStatus { return p.partitionOf("later", 0) }
				k.await("the map is full, and more than the rest of what is due waits", func() bool { return status().Full && status().Waiting > 20 })
				held := status().Waiting
				if dueFirst {
					time.Sleep(time.Until(due) + time.Second)
					if now := status(); now.Waiting < held || now.Waiting >= 2*maxPoll || now.Fetched != mapFull || !now.Full {
						t.Errorf("%+v; want nothing more taken up, and no more than two polls fetched", now)
					}
					u.letGo()
				} else {
					u.letGo()
					time.Sleep(time.Minute)
					if now := status(); now.Waiting < held-20 || now.Waiting >= 2*maxPoll || now.Fetched != mapFull+20 || now.Full {
						t.Errorf("%+v; want the head to wait, and no more than two polls fetched", now)
					}
				}
				time.Sleep(time.Until(due))
				k.await("all are done", func() bool { at, _ := k.committedOf("later", 0); return at == mapFull+720 })
				k.neverPublishedTwice(slices.Concat(now, later)...)
				p.stop()
			})
		})
	}
}

// However many become due at once, what is in flight keeps to the look-ahead; and to one while intake is held.
func TestDueRecordsKeepToTheLookAhead(t *testing.T) {
	for _, tt := range []struct {
		name     string
		inFlight []string // before
		hold     bool
		want     int
	}{
		{"half of it is in use", numbered("slow in", 30), false, 60},
		{"intake is held", nil, true, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kafka) {
				values := numbered("slow", 100)
				for number := range int32(2) {
					k.park(number, time.Now().Add(time.Minute), values[number*50:][:50]...)
				}
				u := newPunctual(t)
				intake, held := holding(t)
				p := k.start(u, parked, held, func(c *Config) { c.LookAhead = 60 })
				k.await("both wait", func() bool { return p.partitionOf("later", 0).Waiting > 0 && p.partitionOf("later", 1).Waiting > 0 })
				k.send(0, tt.inFlight...)
				if tt.hold {
					intake.Hold("breaker", "open")
				}
				time.Sleep(2 * time.Minute)
				if n := p.engine.Status().InFlight; n != tt.want {
					t.Errorf("%d in flight, want %d", n, tt.want)
				}
				intake.Release("breaker")
				u.letGo()
				k.awaitPublished(append(values, tt.inFlight...)...)
				p.stop()
			})
		})
	}
}
