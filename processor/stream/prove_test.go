package stream

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// admittedBy makes the process admit one more message and returns as whom it did.
func (k *kafka) admittedBy(u *upper, value string) Member {
	k.t.Helper()
	before := len(u.log(&u.admitted))
	k.send(0, value)
	k.await("it is admitted", func() bool { return len(u.log(&u.admitted)) > before })
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.member
}

func TestMemberIsProven(t *testing.T) {
	for _, instance := range []string{"", "static"} {
		t.Run("instance "+instance, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kafka) {
				u := newUpper()
				p := k.start(u, func(c *Config) { c.InstanceID = instance })
				member := k.admittedBy(u, "a")
				for range 3 {
					if _, err := member.Prove(t.Context()); err != nil {
						t.Fatalf("a member is not proven: %v", err)
					}
					time.Sleep(20 * time.Second)
				}
				p.stop()
			})
		})
	}
}

// A member stays one through a rebalance: what is proven is its membership, and the generation it has come to.
func TestMemberIsProvenInItsLatestGeneration(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		u := newUpper()
		p := k.start(u, as("first"))
		member := k.admittedBy(u, "a")
		second := k.start(newUpper(), as("second"))
		k.await("they share", func() bool { return len(second.engine.Status().Partitions) == 2 })
		second.stop()
		k.await("the first has all of it again", func() bool { return k.members() == 1 })
		if _, err := member.Prove(t.Context()); err != nil && !errors.Is(err, ErrRebalancing) {
			t.Errorf("during the rebalance: %v, want that it rebalances", err)
		}
		time.Sleep(30 * time.Second)
		if now, err := member.Prove(t.Context()); err != nil || now <= member.Generation {
			t.Errorf("Prove = %d, %v; want a later generation than %d", now, err, member.Generation)
		}
		p.stop()
	})
}

// Of a member that the group has expelled nothing is proven: not at once, and not when the process is back.
func TestMemberThatIsNoneIsNotProven(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		u := newUpper()
		p := k.start(u, as("first"))
		member := k.admittedBy(u, "a")
		if now, err := member.Prove(t.Context()); err != nil || now != member.Generation {
			t.Fatalf("before: %d, %v; want %d", now, err, member.Generation)
		}
		groups, err := k.admin.DescribeGroups(t.Context(), "g")
		if err != nil {
			t.Fatal(err)
		}
		leave := kmsg.NewPtrLeaveGroupRequest()
		leave.Group = "g"
		leave.Members = append(leave.Members, kmsg.LeaveGroupRequestMember{MemberID: groups["g"].Members[0].MemberID})
		if _, err := leave.RequestWith(t.Context(), k.client); err != nil {
			t.Fatal(err)
		}
		if _, err := member.Prove(t.Context()); !errors.Is(err, kerr.UnknownMemberID) {
			t.Errorf("Prove = %v, want %v", err, kerr.UnknownMemberID)
		}
		time.Sleep(30 * time.Second)
		again := k.admittedBy(u, "b")
		if _, err := again.Prove(t.Context()); err != nil {
			t.Errorf("when it is back: %v", err)
		}
		if _, err := member.Prove(t.Context()); err == nil {
			t.Error("as whom it was before: proven")
		}
		p.stop()
	})
}

func TestNobodyIsNotProven(t *testing.T) {
	if _, err := (Member{}).Prove(t.Context()); !errors.Is(err, errNoMember) {
		t.Errorf("Prove = %v, want %v", err, errNoMember)
	}
	bubble(t, func(t *testing.T, k *kafka) {
		u := newUpper()
		p := k.start(u)
		member := k.admittedBy(u, "a")
		p.link.cut()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := member.Prove(ctx); err == nil {
			t.Error("proven without an answer")
		}
		p.link.heal()
		p.stop()
	})
}
