package stream

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// holding gives the process an intake that the test holds.
func holding(t *testing.T, reasons ...string) (*Intake, func(*Config)) {
	i := NewIntake(testLogger(t))
	for _, reason := range reasons {
		i.Hold(reason, "a test")
	}
	return i, func(c *Config) { c.Intake = i }
}

// Somebody has to find out whether the reason is gone: one message at a time, and the next when that one is committed.
func TestHeldIntakeLetsInOneAtATime(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		_, held := holding(t, "breaker")
		values := numbered("tick", 20)
		for i, value := range values {
			k.send(int32(i%4), value)
		}
		k.park(0, time.Now(), numbered("due", 5)...)
		k.park(1, time.Now().Add(time.Minute), numbered("later", 5)...)
		u := newPunctual(t)
		p := k.start(u, parked, held)
		all := slices.Concat(values, numbered("due", 5), numbered("later", 5))
		done := func() bool { return len(u.log(&u.settled)) == len(all) }
		for end := time.Now().Add(3 * time.Minute); !done() && time.Now().Before(end); time.Sleep(time.Millisecond) {
			if n := p.engine.Status().InFlight; n > 1 {
				t.Fatalf("%d messages in flight while intake is held", n)
			}
		}
		if !slices.Equal(u.log(&u.settled), u.log(&u.begun)) || u.most > 1 {
			t.Errorf("up to %d at once, want each when the one before is through", u.most)
		}
		k.awaitPublished(all...)
		p.stop()
	})
}

// One message is stuck, and intake held: nothing more is begun until the last reason is gone, and then at once. The group notices nothing.
func TestLastReleaseOpensIntakeAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		intake, held := holding(t, "breaker")
		values := numbered("stubborn", 100)
		k.send(0, values...)
		u := newUpper()
		p := k.start(u, held)
		k.await("one is let in", func() bool { return len(u.log(&u.begun)) == 1 })
		intake.Hold("credentials", "refused")
		time.Sleep(10 * time.Minute)
		intake.Release("breaker")
		time.Sleep(time.Minute)
		if n, members := len(u.log(&u.begun)), k.members(); n != 1 || members != 1 {
			t.Errorf("%d begun by %d members, want one by one", n, members)
		}
		if now := p.engine.Status(); len(now.Holds) != 1 || now.Holds[0].Reason != "credentials" || now.Sessions != 1 || len(now.Partitions) != 4 {
			t.Errorf("%+v; want it held for credentials, and still a member", now)
		}
		intake.Release("credentials")
		time.Sleep(10 * time.Millisecond)
		if n := len(u.log(&u.begun)); n != 8 {
			t.Errorf("%d begun when nothing holds intake any more, want 8", n)
		}
		u.letGo()
		k.awaitPublished(values...)
		p.stop()
	})
}

// A poll that waits for records was asked for many: a hold ends it.
func TestHoldStopsAPoll(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		intake, held := holding(t)
		u := newUpper()
		p := k.start(u, held)
		k.send(0, "first")
		k.awaitPublished("first")
		intake.Hold("breaker", "open")
		time.Sleep(time.Second)
		values := numbered("stubborn", 10)
		k.send(0, values...)
		k.await("one is let in", func() bool { return len(u.log(&u.begun)) == 2 })
		time.Sleep(time.Minute)
		if n := p.engine.Status().InFlight; n != 1 {
			t.Errorf("%d in flight, want 1", n)
		}
		intake.Release("breaker")
		u.letGo()
		k.awaitPublished(append(values, "first")...)
		p.stop()
	})
}

// slowToAdmit takes its time to admit, when there is something to wait for.
type slowToAdmit struct {
	*upper
	until chan struct{}
}

func (s slowToAdmit) Admit(ctx context.Context, member Member, ms []*Message) error {
	<-s.until
	return s.upper.Admit(ctx, member, ms)
}

// The client reports that the group threw us out when it is next polled, which may be long after we are back: that must hold nothing.
func TestGroupErrorThatIsReadLate(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		u := slowToAdmit{newUpper(), make(chan struct{})}
		p := k.start(u)
		k.send(0, "a")
		time.Sleep(time.Second) // it is being admitted, and nothing is polled
		p.link.cut()
		k.await("it says that it is apart", func() bool { return p.held(HeldByGroup) != "" })
		p.link.heal()
		k.await("it is back", func() bool { return p.held(HeldByGroup) == "" })
		close(u.until)
		k.neverPublishedTwice("a")
		if holds := p.engine.Status().Holds; len(holds) > 0 {
			t.Errorf("held: %v", holds)
		}
		p.stop()
	})
}

// What could not be admitted was taken away: nothing is left to be refused.
func TestAdmissionOfLostMessagesHoldsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		u := newUpper()
		u.setAdmit(func(int32, []*Message) error { return errRedisDown })
		k.send(0, "a")
		p := k.start(u)
		k.await("admission is refused", func() bool { return p.held(HeldByAdmission) != "" })
		p.link.cut()
		k.await("it is apart", func() bool { return p.held(HeldByGroup) != "" })
		k.await("only that holds", func() bool { return p.held(HeldByAdmission) == "" })
		if n := p.engine.Status().Sessions; n != 1 {
			t.Errorf("%d sessions, want the first", n)
		}
		p.stop()
	})
}

// What the engine holds goes with it; what others hold stays.
func TestHoldsOfAnEngineThatEnded(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		intake, held := holding(t, "breaker")
		u := newUpper()
		u.setAdmit(func(int32, []*Message) error { return errRedisDown })
		k.send(0, "a")
		p := k.start(u, held)
		k.await("admission is refused", func() bool { return p.held(HeldByAdmission) != "" })
		p.link.cut()
		k.await("it is apart", func() bool { return p.held(HeldByGroup) != "" })
		p.stop()
		if holds := intake.Holds(); len(holds) != 1 || holds[0].Reason != "breaker" {
			t.Errorf("held: %v, want the breaker's only", holds)
		}
	})
}

func TestHoldsAreListedLongestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, _ := holding(t)
		if i.Holds() == nil {
			t.Error("no holds must be an empty list")
		}
		for _, reason := range []string{"c", "a", "b"} {
			i.Hold(reason, "at first")
			time.Sleep(time.Second)
		}
		i.Hold("c", "now")
		i.Release("unknown")
		var got []string
		for _, h := range i.Holds() {
			got = append(got, h.Reason+" "+h.Cause)
		}
		if want := []string{"c now", "a at first", "b at first"}; !slices.Equal(got, want) {
			t.Errorf("holds %q, want %q", got, want)
		}
		if since := time.Since(i.Holds()[0].Since); since != 3*time.Second {
			t.Errorf("held since %v ago, want 3 s: another cause is the same hold", since)
		}
	})
}

func onAndOff(interval, limit time.Duration) func(i *Intake) {
	return func(i *Intake) {
		for began := time.Now(); time.Since(began) < limit; time.Sleep(interval / 2) {
			i.Hold("a", "x")
			time.Sleep(interval / 2)
			i.Release("a")
		}
	}
}

func TestHoldsAreLogged(t *testing.T) {
	tests := []struct {
		name           string
		act            func(i *Intake)
		held, released int
	}{
		{name: "news, at once", act: func(i *Intake) { i.Hold("a", "x") }, held: 1},
		{name: "two reasons", act: func(i *Intake) { i.Hold("a", "x"); i.Hold("b", "x") }, held: 2},
		{name: "its end", act: func(i *Intake) { i.Hold("a", "x"); i.Release("a") }, held: 1, released: 1},
		{name: "the end of nothing", act: func(i *Intake) { i.Release("a") }},
		{name: "on and off for a minute", act: onAndOff(time.Second, time.Minute), held: 6, released: 6},
		{name: "a minute of it", act: every(100*time.Millisecond, time.Minute, "x"), held: 6},
		{name: "a minute of two causes", act: every(100*time.Millisecond, time.Minute, "x", "y"), held: 55},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var said logs
				tt.act(NewIntake(said.logger()))
				if held, released := said.count("intake held"), said.count("intake released"); held != tt.held || released != tt.released {
					t.Errorf("logged %d and %d lines, want %d and %d:\n%s", held, released, tt.held, tt.released, &said)
				}
			})
		})
	}
}

// every holds for the causes in turn.
func every(interval, limit time.Duration, causes ...string) func(*Intake) {
	return func(i *Intake) {
		for n := range int(limit / interval) {
			i.Hold("a", causes[n%len(causes)])
			time.Sleep(interval)
		}
	}
}
