package stream

import (
	"slices"
	"testing"
	"time"
)

func TestShutdownUnderLoad(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		values := numbered("tick", 400)
		k.send(0, values[:200]...)
		k.send(1, values[200:]...)
		u := newUpper()
		p := k.start(u)
		k.await("it is busy", func() bool { return len(u.log(&u.processed)) > 50 })
		began := time.Now()
		p.stop()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("took %v, longer than it may drain", took)
		}
		if n := k.members(); n != 0 {
			t.Errorf("%d members in the group after it left", n)
		}
		done := u.log(&u.processed)
		if len(done) == len(values) {
			t.Fatal("everything was done: this test wants a shutdown in the middle")
		}
		k.same(k.published(), upperCase(done))

		u2 := newUpper()
		p = k.start(u2)
		k.neverPublishedTwice(values...)
		for _, value := range u2.log(&u2.begun) {
			if slices.Contains(done, value) {
				t.Errorf("%s was done again", value)
			}
		}
		p.stop()
	})
}

func TestShutdownWithMessagesThatWait(t *testing.T) {
	tests := []struct {
		kind  string
		least time.Duration
		most  time.Duration
	}{
		{"slow", 0, time.Second},                          // gives up at once, when asked to
		{"stubborn", 5 * time.Second, 6 * time.Second},    // gives up when its context ends
		{"tick-silent", 5 * time.Second, 6 * time.Second}, // done, but with nothing to commit it with
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kafka) {
				k.send(0, tt.kind)
				u := newUpper()
				p := k.start(u)
				k.await("the message is begun", func() bool { return len(u.log(&u.begun)) == 1 })
				time.Sleep(time.Second)
				began := time.Now()
				p.stop()
				if took := time.Since(began); took < tt.least || took > tt.most {
					t.Errorf("took %v, want %v to %v", took, tt.least, tt.most)
				}
				u = newUpper()
				u.letGo()
				p = k.start(u)
				k.await("the next process does it", func() bool { return len(u.log(&u.processed)) == 1 })
				p.stop()
			})
		})
	}
}

// Without a cluster there is nothing to do but wait, at the start, in between and at the end.
func TestClusterIsAway(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		values := numbered("a", 10)
		k.send(0, values[:5]...)
		u := newUpper()
		down := newLink(&k.net)
		down.cut()
		p := k.start(u, func(c *Config) { c.Client = k.opts(down.dial) })
		time.Sleep(2 * time.Minute)
		down.heal()
		k.awaitPublished(values[:5]...)
		down.cut()
		k.send(0, values[5:]...)
		time.Sleep(2 * time.Minute)
		down.heal()
		k.neverPublishedTwice(values...)
		down.cut()
		began := time.Now()
		p.stop()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("took %v to stop", took)
		}
	})
}
