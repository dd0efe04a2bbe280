package stream

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// inKeyOrder reports results of one key that are not in offset order; values are "key:number".
func inKeyOrder(t *testing.T, published []string) {
	t.Helper()
	last := map[string]int{}
	for _, value := range published {
		key, _, _ := strings.Cut(value, ":")
		var n int
		if _, err := fmt.Sscanf(value[strings.LastIndex(value, "-")+1:], "%d", &n); err != nil {
			t.Fatalf("value %q: %v", value, err)
		}
		if before, seen := last[key]; seen && n <= before {
			t.Errorf("key %s: %d is published after %d", key, n, before)
		}
		last[key] = n
	}
}

// keyed returns n values of each of the keys k0, k1, ..., interleaved.
func keyed(keys, n int) (values []string) {
	for i := range n {
		for key := range keys {
			values = append(values, fmt.Sprintf("k%d:tick-%d", key, i))
		}
	}
	return values
}

func TestOneKeyOneAfterTheOther(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		values := keyed(5, 20)
		k.send(0, values...)
		u := newUpper()
		began := time.Now()
		p := k.start(u)
		inKeyOrder(t, k.awaitPublished(values...))
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("took %v: keys wait for each other", took)
		}
		for _, fault := range u.log(&u.faults) {
			t.Error(fault)
		}
		p.stop()
	})
}

// An aborted transaction puts its messages into the next one, before what finished meanwhile.
func TestKeyOrderSurvivesAborts(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		aborts := k.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.TransactionAbortable, Count: 5, Group: "g"})
		values := keyed(4, 25)
		k.send(0, values...)
		u := newUpper()
		p := k.start(u)
		inKeyOrder(t, k.awaitPublished(values...))
		if aborts.Hits() != 5 {
			t.Errorf("%d aborts, want 5", aborts.Hits())
		}
		for _, value := range values {
			if n := u.times(value); n != 1 {
				t.Errorf("%s was processed %d times: an abort is no reason to do it again", value, n)
			}
		}
		p.stop()
	})
}

// A message that fails for good ends Run; the next one of its key must not overtake it on the way out.
func TestKeyOrderSurvivesAFault(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		k.send(0, "k:bad-0", "k:1", "k:2")
		u := newUpper()
		p := k.start(u)
		if err := p.ended(time.Minute); err == nil || !strings.Contains(err.Error(), `in[0]@0: value "k:bad-0"`) {
			t.Errorf("Run = %v, want the handler's fault and where", err)
		}
		if begun := u.log(&u.begun); len(begun) != 1 {
			t.Errorf("began %v, though the first one failed", begun)
		}
		if got := k.published(); len(got) > 0 {
			t.Errorf("published %v, ahead of what failed", got)
		}
	})
}

func TestWhoWaitsForWhom(t *testing.T) {
	tests := []struct {
		name     string
		ordering Ordering
		values   []string
		free     []string // what is published while the first value is held up
	}{
		{"a key waits for itself", OrderKey, []string{"k:slow", "k:1"}, nil},
		{"not for others", OrderKey, []string{"k:slow", "l:1", "k:2"}, []string{"l:1"}},
		{"no key, no waiting", OrderKey, []string{"slow", "1", "2"}, []string{"1", "2"}},
		{"ordering none", OrderNone, []string{"k:slow", "k:1", "k:2"}, []string{"k:1", "k:2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kafka) {
				k.send(0, tt.values...)
				u := newUpper()
				p := k.start(u, func(c *Config) { c.Ordering = tt.ordering })
				k.awaitPublished(tt.free...)
				time.Sleep(3 * time.Second)
				k.same(k.published(), upperCase(tt.free))
				u.letGo()
				k.awaitPublished(tt.values...)
				p.stop()
			})
		})
	}
}

// The chain of a key is unlinked message by message and leaves nothing behind.
func TestOrderHandsOverChains(t *testing.T) {
	o := newOrder(OrderKey, 8)
	ms := make([]*Message, 4)
	for i, key := range []string{"a", "b", "a", "a"} {
		ms[i] = &Message{Record: &kgo.Record{Key: []byte(key), Offset: int64(i)}}
	}
	o.dispatch(ms)
	if len(o.ready) != 2 {
		t.Fatalf("%d messages ready, want the first of each key", len(o.ready))
	}
	var got []int64
	for m := <-o.ready; m != nil; m = o.after(m) {
		got = append(got, m.Record.Offset)
	}
	if !slices.Equal(got, []int64{0, 2, 3}) {
		t.Errorf("key a ran %v, want 0 2 3", got)
	}
	if next := o.after(<-o.ready); next != nil || len(o.tails) != 0 {
		t.Errorf("left behind: %v, %d tails", next, len(o.tails))
	}
}

func BenchmarkOrder(b *testing.B) {
	const batch, keys = 512, 64
	for _, ordering := range []Ordering{OrderKey, OrderNone} {
		b.Run(string(ordering), func(b *testing.B) {
			o := newOrder(ordering, batch)
			ms := make([]*Message, batch)
			for i := range ms {
				ms[i] = &Message{Record: &kgo.Record{Key: fmt.Appendf(nil, "key-%d", i%keys)}}
			}
			b.ReportAllocs()
			for b.Loop() {
				o.dispatch(ms)
				for done := 0; done < batch; {
					for m := <-o.ready; m != nil; m = o.after(m) {
						done++
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/message")
		})
	}
}

// Messages without a result ride with the next transaction; alone they make none, because Kafka would not commit it.
func TestMessagesWithoutResultsWait(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		commits := k.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit, kmsg.EndTxn}, Observe: true, Count: -1})
		k.send(0, "silent-0", "silent-1")
		u := newUpper()
		p := k.start(u)
		k.await("both are processed", func() bool { return len(u.log(&u.processed)) == 2 })
		time.Sleep(20 * time.Second)
		if n := commits.Hits(); n != 0 {
			t.Errorf("%d offset commits and ends of transactions with nothing to publish", n)
		}
		k.send(1, "loud")
		k.awaitPublished("loud")
		k.awaitCommitted(0, 2)
		if got := u.log(&u.settled); len(got) != 3 {
			t.Errorf("settled %v, want all three", got)
		}
		p.stop()
	})
}
