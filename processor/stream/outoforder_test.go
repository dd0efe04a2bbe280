package stream

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The head of a partition is slow; everything behind it is published meanwhile and survives a crash: the next process reads the offset map
// back and does the head only.
func TestCrashBehindASlowHead(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		behind := numbered("b", 40)
		k.send(0, append([]string{"slow"}, behind...)...)
		p := k.start(newUpper())
		k.awaitPublished(behind...)
		k.await("the map is committed", func() bool {
			at, metadata := k.committedAt(0)
			mark, err := parseMark(metadata)
			return at == 0 && err == nil && len(mark.runs) == 1 && mark.runs[0] == run{1, 40}
		})
		p.crash()

		u := newUpper()
		u.letGo()
		p = k.start(u)
		k.neverPublishedTwice(append(behind, "slow")...)
		k.awaitCommitted(0, 41)
		p.stop()
		if got := u.log(&u.processed); len(got) != 1 || got[0] != "slow" {
			t.Errorf("the second process did %v, want the head only", got)
		}
	})
}

// The offset map has many pieces on every partition, and the partitions change hands twice.
func TestOffsetMapsChangeHands(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		var fast, slow []string
		for number := range int32(4) {
			for i := range 30 {
				if value := fmt.Sprintf("p%d-%d", number, i); i%3 == 0 {
					slow = append(slow, "slow-"+value)
					k.send(number, slow[len(slow)-1])
				} else {
					fast = append(fast, value)
					k.send(number, value)
				}
			}
		}
		roomy := func(c *Config) { c.Concurrency = 64 }
		u := newUpper()
		first := k.start(u, as("a"), roomy)
		k.awaitPublished(fast...)
		u2 := newUpper()
		second := k.start(u2, as("b"), roomy)
		k.await("the partitions are shared", func() bool {
			return len(first.engine.Status().Partitions) == 2 && len(second.engine.Status().Partitions) == 2
		})
		first.crash()
		k.await("the second has all partitions", func() bool { return len(second.engine.Status().Partitions) == 4 })
		u2.letGo()
		k.neverPublishedTwice(append(fast, slow...)...)
		for number := range int32(4) {
			k.awaitCommitted(number, 30)
		}
		second.stop()
		for _, value := range u2.log(&u2.processed) {
			if !strings.Contains(value, "slow") {
				t.Errorf("the second process did %q again", value)
			}
		}
	})
}

// A head that takes its time and a map of many pieces: the partition is not fetched until the map has room again; the others go on.
func TestFullMapHoldsUpItsPartitionOnly(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		const n = 3000
		var values []string
		for i := range n {
			name := "fast"
			if i%4 == 0 && i < 2400 {
				name = "slow"
			}
			values = append(values, fmt.Sprintf("%s-%d", name, i))
		}
		k.send(0, values...)
		u := newUpper()
		p := k.start(u, func(c *Config) { c.Concurrency = 1000 })
		k.await("the map is full", func() bool { return p.partition(0).Full })
		others := numbered("other", 5)
		k.send(1, others...)
		k.awaitCommitted(1, 5)
		now := p.partition(0)
		if now.Fetched < mapFull || now.Fetched > 2*mapFull { // of four records, one is slow, and three are a run sooner or later
			t.Errorf("taken up to %d while the map is full", now.Fetched)
		}
		if now.Map < 1000 || now.MapFill < 1 {
			t.Errorf("the map has %d bytes and is %v full: this test wants it long", now.Map, now.MapFill)
		}
		u.letGo()
		k.awaitPublished(append(values, others...)...)
		k.awaitCommitted(0, n)
		if now := p.partition(0); now.Full || now.MapFill != 0 {
			t.Errorf("still full: %+v", now)
		}
		p.stop()
	})
}

// fetchedRecords counts what a client fetches.
type fetchedRecords struct{ atomic.Int64 }

func (f *fetchedRecords) OnFetchRecordBuffered(*kgo.Record) { f.Add(1) }

// What has no room in the offset map waits here: the client would throw it away with the rest of its batch, and fetch it again and again.
func TestWhatWaitsForRoomIsFetchedOnce(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		values := numbered("tick", 4000)
		k.send(0, values...)
		var fetched fetchedRecords
		p := k.start(newUpper(), func(c *Config) { c.Concurrency, c.Client = 100, append(c.Client, kgo.WithHooks(&fetched)) })
		k.awaitPublished(values...)
		k.awaitCommitted(0, 4000)
		if n := fetched.Load(); n > 4500 {
			t.Errorf("%d records fetched for %d", n, len(values))
		}
		p.stop()
	})
}

// A pause does not survive an assignment: the client would keep it for the next one, and nobody would lift it.
func TestPauseEndsWithItsAssignment(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		values := make([]string, 4000)
		for i := range values {
			values[i] = fmt.Sprintf("stubborn-%d", i)
		}
		k.send(0, values...)
		u := newUpper()
		p := k.start(u, as("a"), func(c *Config) { c.Concurrency, c.LookAhead, c.DrainTimeout = 2000, 2000, time.Second })
		k.await("the partition is paused", func() bool { return p.partition(0).Waiting > 2000 })
		// Expelled: the session times out while the network is down; the process itself goes on.
		k.expel(p)
		u.letGo()
		k.awaitPublished(values...)
		k.awaitCommitted(0, int64(len(values)))
		p.stop()
	})
}

// A restored map of more pieces than a full one's half must not keep its partition from being fetched: only fetching makes it shorter.
func TestRestoredMapIsNoReasonToPause(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		mark := k.mark(0)
		var values, todo []string
		for i := range 1600 {
			value := fmt.Sprintf("v%d", i)
			values = append(values, value)
			if i%2 == 0 {
				todo = append(todo, value)
			} else {
				mark.runs = append(mark.runs, run{int64(i), int64(i)})
			}
		}
		k.send(0, values...)
		k.move(0, 0, mark.encode())
		p := k.start(newUpper())
		k.awaitPublished(todo...)
		k.awaitCommitted(0, 1600)
		p.stop()
	})
}
