package stream

import (
	"errors"
	"slices"
	"testing"
	"time"
)

var errRedisDown = errors.New("redis is down")

func TestRefusedAdmissionHoldsIntake(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		u := newUpper()
		u.setAdmit(func(int32, []*Message) error { return errRedisDown })
		values := numbered("a", 10)
		k.send(0, values...)
		p := k.start(u)
		k.await("intake is held", func() bool { return p.held(HeldByAdmission) == errRedisDown.Error() })
		since := p.engine.Status().Holds[0].Since
		time.Sleep(20 * time.Second)
		if got := u.log(&u.begun); len(got) > 0 {
			t.Fatalf("processed without admission: %v", got)
		}
		if now := p.engine.Status(); len(now.Holds) != 1 || !now.Holds[0].Since.Equal(since) || now.Sessions != 1 {
			t.Errorf("held by %v in session %d, want since %v and the first", now.Holds, now.Sessions, since)
		}
		u.setAdmit(nil)
		k.awaitPublished(values...)
		if holds := p.engine.Status().Holds; len(holds) > 0 {
			t.Errorf("still held: %v", holds)
		}
		p.stop()
	})
}

// What another member takes over while admission is refused is not ours to admit any more.
func TestAdmissionOfRevokedMessages(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		u, u2 := newUpper(), newUpper()
		u.setAdmit(func(int32, []*Message) error { return errRedisDown })
		values := numbered("a", 4)
		for i, value := range values {
			k.send(int32(i), value)
		}
		first := k.start(u, as("a"))
		k.await("intake is held", func() bool { return first.held(HeldByAdmission) != "" })
		second := k.start(u2, as("b"))
		k.await("the second process does its share", func() bool { return len(u2.log(&u2.processed)) == 2 })
		time.Sleep(2 * time.Second)
		u.setAdmit(nil)
		k.neverPublishedTwice(values...)
		for _, value := range u.log(&u.admitted) {
			if slices.Contains(u2.log(&u2.processed), value) {
				t.Errorf("%s was admitted after it was taken away", value)
			}
		}
		first.stop()
		second.stop()
	})
}

func TestRefusedConfirmationAborts(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		u := newUpper()
		refusals := 0
		u.setConfirm(func([]*Message) error {
			if refusals++; refusals <= 3 {
				return errRedisDown
			}
			return nil
		})
		values := numbered("a", 10)
		k.send(0, values...)
		p := k.start(u)
		k.awaitPublished(values...)
		k.awaitCommitted(0, 10)
		if now := p.engine.Status(); now.Sessions != 1 || now.Commit != "" {
			t.Errorf("sessions %d, commit %q; want one and nothing", now.Sessions, now.Commit)
		}
		if refusals < 4 {
			t.Errorf("asked %d times: it did not try again", refusals)
		}
		if got := u.log(&u.admitted); len(got) != 10 {
			t.Errorf("admitted %v, want each once", got)
		}
		p.stop()
	})
}

func TestLostAdmissionIsAskedForAgain(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		u := newUpper()
		lost := false
		u.setConfirm(func([]*Message) error {
			if !lost {
				lost = true
				return ErrNotAdmitted
			}
			return nil
		})
		values := append(numbered("a", 10), "slow")
		k.send(0, values...)
		p := k.start(u)
		k.awaitPublished(values[:10]...)
		u.letGo()
		k.awaitPublished(values...)
		for _, value := range values {
			admitted := 0
			for _, v := range u.log(&u.admitted) {
				if v == value {
					admitted++
				}
			}
			if admitted != 2 {
				t.Errorf("%s was admitted %d times, want again after its admission was lost", value, admitted)
			}
		}
		p.stop()
	})
}

// The ledger hears of what committed, once and in the order it was published.
func TestSettlesInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		values := keyed(6, 30)
		k.send(0, values...)
		u := newUpper()
		p := k.start(u)
		published := k.awaitPublished(values...)
		p.stop()
		if settled := upperCase(u.log(&u.settled)); !slices.Equal(settled, published) {
			t.Errorf("settled %.200v, want the order of what is published: %.200v", settled, published)
		}
	})
}
