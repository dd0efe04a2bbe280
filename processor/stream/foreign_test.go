package stream

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// Offsets that are not the engine's own stop their partition, with a name and advice, and no other; AcceptOffsets overrules that.
func TestForeignCommits(t *testing.T) {
	tests := []struct {
		name   string
		move   func(k *kafka)
		want   error
		redone int // how many of partition 0's ten records are done again with AcceptOffsets
	}{
		{"moved back by hand", func(k *kafka) { k.move(0, 4, "") }, ErrForeignCommit, 6},
		{"moved forward by hand", func(k *kafka) { k.move(0, 10, "by hand") }, ErrForeignCommit, 0},
		{"metadata copied with another offset", func(k *kafka) { _, m := k.committedAt(0); k.move(0, 7, m) }, ErrForeignCommit, 3},
		{"a newer version's", func(k *kafka) { _, m := k.committedAt(0); k.move(0, 10, "om2"+m[3:]) }, ErrForeignCommit, 0},
		{"another topic's", func(k *kafka) {
			m := k.mark(10)
			m.topicID[0]++
			k.move(0, 10, m.encode())
		}, ErrRecreatedTopic, 10},
		{"another cluster's", func(k *kafka) {
			m := k.mark(10)
			m.cluster = "mirror"
			k.move(0, 10, m.encode())
		}, ErrRecreatedTopic, 10},
		{"out of range", func(k *kafka) { k.move(0, 99, k.mark(99).encode()) }, ErrOffsetOutOfRange, 10},
		{"truncated away", func(k *kafka) {
			k.move(0, 4, k.mark(4).encode())
			k.truncate(0, 8)
		}, ErrOffsetOutOfRange, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kafka) {
				k.send(0, numbered("a", 10)...)
				k.send(1, numbered("b", 10)...)
				p := k.start(newUpper())
				k.awaitCommitted(0, 10)
				k.awaitCommitted(1, 10)
				p.stop()
				tt.move(k)
				atBefore, metadataBefore := k.committedAt(0)

				u := newUpper()
				p = k.start(u)
				k.await("stopped with a reason", func() bool {
					why := p.stopped(0)
					return contains(why, tt.want.Error()) && contains(why, "accept-offsets")
				})
				k.send(0, "new")
				k.send(1, "c")
				k.awaitCommitted(1, 11)
				time.Sleep(5 * time.Second)
				if got := u.log(&u.processed); len(got) != 1 {
					t.Errorf("processed %v, want only the other partition's", got)
				}
				if at, metadata := k.committedAt(0); at != atBefore || metadata != metadataBefore {
					t.Errorf("the stopped partition's commit is %d %q, was %d %q", at, metadata, atBefore, metadataBefore)
				}
				p.stop()

				u = newUpper()
				p = k.start(u, func(c *Config) { c.AcceptOffsets = true })
				k.awaitCommitted(0, 11)
				if got := u.log(&u.processed); len(got) != tt.redone+1 {
					t.Errorf("with AcceptOffsets processed %v, want %d and the new one", got, tt.redone)
				}
				p.stop()
			})
		})
	}
}

func (k *kafka) truncate(partition int32, to int64) {
	k.t.Helper()
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: "in", Partition: partition, At: to})
	resp, err := k.admin.DeleteRecords(k.t.Context(), offsets)
	if err == nil {
		err = resp.Error()
	}
	if err != nil {
		k.t.Fatal(err)
	}
}

// The log's start passes what is not fetched yet, while the engine runs. Its partition is full, and so it is not fetched.
func TestTruncatedWhileRunning(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		values := numbered("stubborn", 6000)
		k.send(0, values...)
		u := newUpper()
		p := k.start(u, func(c *Config) { c.LookAhead = 4000 })
		k.await("the partition is paused", func() bool { return p.partition(0).Waiting > 4000 })
		time.Sleep(time.Second)
		k.truncate(0, 5990)
		u.letGo()
		k.await("stopped with a reason", func() bool { return contains(p.stopped(0), ErrOffsetOutOfRange.Error()) })
		k.send(1, "b")
		k.awaitCommitted(1, 1)
		p.stop()
	})
}

func TestRecreatedWhileRunning(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		if _, err := k.admin.CreateTopic(t.Context(), 1, 1, nil, "other"); err != nil {
			t.Fatal(err)
		}
		values := numbered("a", 10)
		k.send(0, values...)
		u := newUpper()
		p := k.start(u, func(c *Config) { c.Topics = []string{"in", "other"} })
		k.awaitCommitted(0, 10)
		if _, err := k.admin.DeleteTopics(t.Context(), "in"); err != nil {
			t.Fatal(err)
		}
		if _, err := k.admin.CreateTopic(t.Context(), 4, 1, nil, "in"); err != nil {
			t.Fatal(err)
		}
		k.connect()
		time.Sleep(10 * time.Second)
		k.send(0, numbered("new", 20)...)
		k.await("stopped with a reason", func() bool { return contains(p.stopped(0), ErrRecreatedTopic.Error()) })
		for _, value := range u.log(&u.processed) {
			if contains(value, "new") {
				t.Fatalf("%s was taken for a record of the old topic", value)
			}
		}
		p.stop()
	})
}

func TestNewPartitionsStartAtTheirBeginning(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		k.send(0, "a")
		p := k.start(newUpper())
		k.awaitCommitted(0, 1)
		if _, err := k.admin.CreatePartitions(t.Context(), 2, "in"); err != nil {
			t.Fatal(err)
		}
		k.connect()
		time.Sleep(10 * time.Second)
		k.send(5, "early")
		time.Sleep(6 * time.Minute) // the consumer's metadata may be five minutes old
		k.awaitPublished("a", "early")
		p.stop()
	})
}

// A group that begins at the end begins there once and for all: what comes between its first start and its first commit is its own.
func TestFromEnd(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		k.operator.Store(true) // the engine writes down where the end was, before it joins the group
		fromEnd := func(c *Config) { c.FromEnd = true }
		k.send(0, numbered("old", 10)...)
		p := k.start(newUpper(), fromEnd)
		k.await("it is a member", func() bool { return len(p.engine.Status().Partitions) == 4 })
		k.operator.Store(false)
		p.stop()
		k.send(0, "a")
		k.send(1, "b")
		p = k.start(newUpper(), fromEnd)
		k.neverPublishedTwice("a", "b")
		p.stop()
	})
}
